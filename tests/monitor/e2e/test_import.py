from __future__ import annotations

from datetime import timedelta

import numpy as np
import tifffile
from tests.monitor.web.routes.test_imports import TAKEN, frame_file

from .conftest import Served
from .pages import Screen
from .test_look import SIZES, assert_a_table, assert_narrow, resize, serious_faults


def test_files_are_checked_and_become_a_session(browser, served: Served, tmp_path) -> None:
    for minute in (0, 5, 10):
        served.simulator.start_dose(minute * 60)
        celsius, time = np.asarray(served.simulator.frame().celsius), TAKEN + timedelta(minutes=minute)
        (tmp_path / f"t{minute}.tiff").write_bytes(frame_file(celsius, time))
    (tmp_path / "t15.jpg").write_bytes(b"no picture at all")
    screen = Screen(browser, served)
    page = screen.page
    screen.go("/import")
    page.wait_for_selector("#send button:not(:disabled)")
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
    assert page.locator("#dosed").inner_text().endswith(", by the camera's clock"), "nobody stated it"
    screen.go("/")
    assert "imported" in page.locator(".session").inner_text()
    screen.close()


def test_minute_and_reason_are_in_sight_on_every_screen(browser, served: Served, tmp_path) -> None:
    tifffile.imwrite(tmp_path / "t0.tiff", np.asarray(served.simulator.frame().celsius))
    (tmp_path / "t5.jpg").write_bytes(b"no picture at all")
    screen = Screen(browser, served)
    screen.go("/import")
    screen.page.wait_for_selector("#send button:not(:disabled)")
    screen.page.set_input_files("#files", [str(tmp_path / name) for name in ("t0.tiff", "t5.jpg")])
    screen.page.click("#send button")
    screen.page.wait_for_selector("#read tr.bad")
    for name, size in SIZES.items():
        resize(screen, name)
        assert_narrow(screen, f"import at {name}")
        for element in ("#file-0 canvas", "#minute-0", "#file-1 [data-cell=remark]"):
            box = screen.page.locator(element).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= size[0], (name, element, box)
        assert_a_table(screen, "#read")
        assert serious_faults(screen, f"import at {name}") == []
        screen.shot(f"import-{name}", whole=True)
    screen.close()


def test_minutes_that_were_typed_outlive_a_lock_a_reload_and_a_restart(
    each_browser, served: Served, tmp_path
) -> None:
    names = ["first.tiff", "second.tiff"]
    for name in names:
        tifffile.imwrite(tmp_path / name, np.asarray(served.simulator.frame().celsius))
    screen = Screen(each_browser, served)
    page = screen.page

    def shown() -> list[str]:
        screen.until("document.querySelector('#read tbody tr') && document.querySelector('#notices .doubtful')")
        fields = ("#minute-0", "#minute-1", "#check #code", "#check [name=one_foot]")
        return [page.locator(name).input_value() for name in fields]

    def send() -> None:
        page.wait_for_selector("#send button:not(:disabled)")
        page.set_input_files("#files", [str(tmp_path / name) for name in names])
        page.click("#send button")
        page.wait_for_selector("#read tbody tr")

    def left(act) -> None:
        page.evaluate("window.before = true")
        act()
        screen.until("!window.before && document.querySelector('#send button:not(:disabled)') !== null")

    screen.go("/import")
    send()
    page.fill("#minute-1", "7")
    page.fill("#minute-0", "0")
    page.fill("#check #code", "E-TYPED")
    page.select_option("#check [name=one_foot]", "left")
    typed = ["0", "7", "E-TYPED", "left"]
    left(page.reload)
    assert shown() == typed
    # The page is locked while a minute is typed: it is left for the log-in by itself.
    page.click("#minute-1")
    page.keyboard.type("5")
    typed[1] = page.locator("#minute-1").input_value()
    assert typed[1] in ("57", "75")
    left(lambda: page.evaluate("import('/static/api.js').then(({ logIn }) => logIn())"))
    assert shown() == typed
    # The monitor is started anew: it knows neither browser nor files.
    served.services.pending_imports._pending.clear()
    page.context.clear_cookies()
    left(lambda: page.evaluate("import('/static/api.js').then(({ post }) => post('/api/touch').catch(() => {}))"))
    assert "Send them again" in page.locator("#notices .doubtful").inner_text()
    assert page.locator("#check").is_hidden()
    send()
    assert shown() == typed
    page.click("#check button.primary")
    page.wait_for_url("**/sessions/*")
    # The next patient gets an empty page.
    screen.go("/import")
    page.wait_for_selector("#send button:not(:disabled)")
    assert page.locator("#check").is_hidden()
    screen.errors.clear()  # the refused requests
    screen.close()
