from __future__ import annotations

import numpy as np
import tifffile

from .conftest import Served
from .pages import Screen


def test_files_are_checked_and_become_a_session(browser, served: Served, tmp_path) -> None:
    for minute in (0, 5, 10):
        served.simulator.start_dose(minute * 60)
        tifffile.imwrite(tmp_path / f"t{minute}.tiff", np.asarray(served.simulator.frame().celsius))
    (tmp_path / "t15.jpg").write_bytes(b"no picture at all")
    screen = Screen(browser, served)
    page = screen.page
    screen.go("/import")
    page.set_input_files("#files", [str(path) for path in sorted(tmp_path.iterdir()) if path.is_file()])
    assert page.locator("#chosen").inner_text().split(", ")[:2] == ["t0.tiff", "t10.tiff"]
    page.click("#send button")
    page.wait_for_selector("#check:not([hidden])")
    rows = page.locator("#read tbody tr")
    assert rows.count() == 4 and page.locator("#read tbody tr.bad").count() == 1
    assert "Left out" in page.locator("#read tbody tr.bad").inner_text()
    assert [page.locator(f"#minute-{k}").input_value() for k in range(3)] == ["0", "5", "10"]
    screen.shot("import")
    page.fill("#check #code", "E-0")
    assert screen.scan("E-IMPORT\n", "#check button.primary") == "stopped" and "/import" in page.url
    assert page.locator("#check #code").input_value() == "E-IMPORT"
    page.click("#check button")
    page.wait_for_url("**/sessions/*")
    screen.ready()
    assert page.locator("#captures li[data-number]").count() == 3
    assert page.locator("#last-minute").inner_text() == "10.0 min"
    screen.go("/")
    assert "imported" in page.locator(".session").inner_text()
    screen.close()
