from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.monitor.web.conftest import PASSWORD

from prismseg.base.constants import Z95

from .conftest import Served
from .pages import Screen

SAVED = "document.querySelector('#remarks [data-draft], #remarks [data-pending]') === null"


def numbers(page, number: int) -> dict[str, float]:
    """Mean of each whole sole of a capture, as the API says it."""
    values = values_of(page, number)
    return {side: values[side]["whole sole"]["mean"]["value"] for side in ("left", "right")}


def values_of(page, number: int) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """Values of a capture by side and region, as the API says them."""
    state = page.evaluate("async () => (await fetch('/api' + location.pathname)).json()")
    return next(each for each in state["captures"] if each["number"] == number)["values"]


def test_a_whole_session(each_browser, served: Served, tmp_path: Path) -> None:
    locale = "es-ES" if each_browser.browser_type.name == "firefox" else "en-GB"
    screen = Screen(each_browser, served, locale=locale)
    page, language = screen.page, locale[:2]
    screen.begin("E-TEST")
    screen.live()
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("#blocked").is_visible()
    assert page.locator("#lights li").count() == 5
    assert page.locator("#lights li").first.inner_text() == ("Two soles." if language == "en" else "Dos plantas.")
    page.fill("#d-weight", "70")
    page.fill("#d-height", "165")
    page.fill("#d-age", "30")
    page.locator("#d-drug").click()
    screen.until("document.getElementById('d-bmi').textContent !== '–'")
    assert page.locator("#d-bmi").inner_text() == ("25.7" if language == "en" else "25,7")
    screen.capture(1)
    assert not page.locator("#blocked").is_visible()
    screen.dose()
    served.forward(10)
    screen.capture(2)
    # Pain and cold test stand beside the temperatures, on the same page.
    page.fill("#r-pain", "7")
    page.select_option("#r-right", "less")
    page.locator("#r-note").click()
    screen.until(SAVED)
    served.forward(5)
    screen.capture(3)
    page.wait_for_selector("[data-flag=warming]")
    screen.shot(f"session-{language}", whole=True)
    warming = page.locator("[data-flag=warming]").first.inner_text()
    assert ("Stevens 2006" in warming) and "1.0 °C".replace(".", "." if language == "en" else ",") in warming
    for side in ("left", "right"):
        delta = values_of(page, 3)[side]["whole sole"]["delta"]
        shown = f"{delta['value']:+.1f} ± {Z95 * delta['error']:.1f} °C".replace("-", "−")
        assert page.locator(f"#last-{side}").inner_text() == (
            shown if language == "en" else shown.replace(".", ",")
        )
    truth = {side: served.simulator.labels == label for side, label in (("left", 1), ("right", 2))}
    celsius = served.simulator.frame().celsius
    for side, mean in numbers(page, 3).items():
        assert mean == pytest.approx(float(np.mean(celsius[truth[side]])), abs=0.4)
    # Pain and cold test of a capture on its own page, its outline, and why the network saw it there.
    page.click("#captures li[data-number='3'] a")
    screen.ready()
    page.fill("#r-pain", "3")
    page.select_option("#r-left", "not felt")
    page.locator("#r-note").click()
    screen.until("document.getElementById('saved').textContent !== ''")
    for kind in ("evidence", "doubt"):
        page.click(f"#{kind}")
        screen.until("document.getElementById('explained').textContent.length > 20")
        screen.shot(f"capture-{kind}-{language}")
    page.go_back()
    screen.ready()
    stated = page.evaluate("async () => (await fetch('/api' + location.pathname)).json()")["captures"]
    remarks = [each["remarks"] for each in stated]
    assert [(each["pain"], each["cold_left"], each["cold_right"]) for each in remarks] == [
        (None, None, None),
        (7, None, "less"),
        (3, "not felt", None),
    ]
    files = {"report.pdf": b"%PDF", "table.csv": b"\xef\xbb\xbfcode", "table.xlsx": b"PK", "dicom.zip": b"PK"}
    for name, start in files.items():
        with page.expect_download() as waiting:
            page.click(f"a[href$='/{name}']")
        saved = tmp_path / name
        waiting.value.save_as(saved)
        assert saved.read_bytes().startswith(start)
        assert waiting.value.suggested_filename.startswith("E-TEST")
    page.click("#close")
    page.click("#close-dialog .confirm")
    screen.until("document.getElementById('capture').disabled")
    page.reload()
    screen.ready()
    assert page.locator("#captures li[data-number]").count() == 3
    assert page.locator("#d-age").input_value() == "30"
    screen.go("/")
    assert page.locator(".session").count() == 1
    screen.shot(f"sessions-{language}")
    screen.close()


def swipe(page, box) -> None:
    """Draw a finger over the picture, as one does to scroll."""
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.6 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.3 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_timeout(200)


def test_a_mask_is_corrected_and_the_correction_undone_after_reopening(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    path = screen.begin("E-MASK")
    screen.live()
    screen.capture(1)
    before = numbers(page, 1)
    screen.go(f"{path}/captures/1")
    screen.ready()
    box = page.locator("#editor").bounding_box()
    spot = (served.simulator.labels == 2).nonzero()
    y, x = (float(np.mean(each)) + 0.5 for each in spot)
    height, width = served.simulator.labels.shape
    swipe(page, box)
    assert "automatic" in page.locator("#origin").inner_text(), "a finger that scrolls draws nothing"
    page.click("#edit")
    box = page.locator("#editor").bounding_box()
    page.click("#erase")
    page.locator("#size").fill("20")
    at = (box["x"] + box["width"] * x / width, box["y"] + box["height"] * y / height)
    page.mouse.move(at[0] - 40, at[1])
    page.mouse.down()
    page.mouse.move(at[0] + 40, at[1], steps=8)
    page.mouse.up()
    screen.until("!document.getElementById('undo').disabled")
    page.wait_for_selector("#origin.edited")
    screen.shot("mask-edited")
    page.reload()
    screen.ready()
    assert page.locator("#origin.edited").count() == 1 and "staff" in page.locator("#origin").inner_text()
    page.click("#edit")
    page.wait_for_timeout(300)
    page.keyboard.press("Control+z")
    screen.until("!document.getElementById('redo').disabled")
    assert page.locator("#origin.edited").count() == 0
    screen.go(path)
    screen.ready()
    assert numbers(page, 1) == before
    screen.go(f"{path}/captures/1")
    screen.ready()
    page.click("#edit")
    page.click("#redo")
    page.wait_for_selector("#origin.edited")
    # With the keyboard alone.
    page.locator("#editor").focus()
    for key in ("b", "ArrowRight", "ArrowRight", " "):
        page.keyboard.press(key)
        page.wait_for_timeout(300)  # a person's keys are not as fast as a scanner's
    screen.until("document.getElementById('redo').disabled && !document.getElementById('undo').disabled")
    screen.close()


def test_two_windows_see_the_same_session(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page, path = screen.page, screen.begin("E-TWO")
    screen.live()
    other = screen.window()
    other.goto(served.url + path)
    other.wait_for_selector("#picture[data-number]")
    screen.capture(1)
    other.wait_for_selector("#captures li[data-number='1']")
    shown = [each.locator("#captures .means").inner_text() for each in (page, other)]
    assert shown[0] == shown[1] and "°C" in shown[0]
    other.fill("#d-weight", "64")
    other.locator("#d-drug").click()
    screen.until("document.getElementById('d-weight').value === '64'")
    assert page.locator("#d-drug").input_value() == ""
    screen.close()


def test_a_lost_camera_is_said_and_comes_back(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    screen.begin("E-LOST")
    screen.live()
    served.simulator.unplug()
    page.wait_for_selector("#failure:not([hidden]):has-text('unplugged')")
    screen.shot("camera-lost")
    page.click("#capture")
    page.wait_for_selector("#notices .bad")
    assert page.locator("#captures li[data-number]").count() == 0
    served.simulator.plug_in()
    page.wait_for_selector("#failure", state="hidden")
    page.locator("#notices .bad").click()
    screen.capture(1)
    # The refused request is an error of the network in the browser's eyes, and the only one.
    assert [text for text in screen.errors if "503" not in text] == []
    screen.errors.clear()
    screen.close()


def test_what_goes_wrong_behind_the_page_is_said_on_it(browser, served: Served, monkeypatch) -> None:
    screen = Screen(browser, served)
    screen.begin("E-SAID")
    screen.live()
    trail = served.services.store.trail
    with monkeypatch.context() as patch:
        patch.setattr(trail, "path", trail.path.parent / "gone" / "audit.jsonl")
        screen.capture(1)
        screen.page.wait_for_selector("#notices .bad")
        assert "call IT" in screen.page.locator("#notices .bad").inner_text()
    served.jump = -3600.0
    screen.page.wait_for_selector("#notices .doubtful")
    assert "clock was set back by 60.0 min" in screen.page.locator("#notices .doubtful").inner_text()
    clock = screen.page.locator("#clock").inner_text()
    screen.capture(2)
    assert screen.page.locator("#clock").inner_text() == clock == "–:––"
    screen.close()


def test_a_reload_in_the_middle_of_a_capture_loses_nothing(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    screen.begin("E-LOAD")
    screen.live()
    page.click("#capture")
    page.reload()
    screen.ready()
    screen.live()
    page.wait_for_selector("#captures li[data-number='1']")
    screen.capture(2)
    assert page.locator("#captures li[data-number]").count() == 2
    screen.close()


def test_taking_out_the_baseline_blocks_changes(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    screen.begin("E-OUT")
    screen.live()
    screen.capture(1)
    screen.dose()
    screen.capture(2)
    screen.until("document.getElementById('last-left').textContent !== '–'")
    page.click("#captures li[data-number='1'] button")
    page.fill("#reason", "feet covered")
    page.click("#removal .confirm")
    page.wait_for_selector("#blocked:not([hidden])")
    assert page.locator("#last-left").inner_text() == "–"
    assert "feet covered" in page.locator("#captures").inner_text()
    screen.close()


def test_feet_keep_their_sides_with_a_mirrored_camera(browser, tmp_path) -> None:
    seen = {}
    for mirrored in (False, True):
        served = Served(tmp_path / str(mirrored), mirrored=mirrored)
        try:
            screen = Screen(browser, served)
            screen.go("/new")
            screen.page.fill("#code", "E-SIDE")
            screen.page.check(f"[name=view][value={'mirrored' if mirrored else 'soles-to-camera'}]")
            screen.page.click("#new button[type=submit]")
            screen.page.wait_for_url("**/sessions/*")
            screen.ready()
            screen.live()
            screen.capture(1)
            celsius, labels = served.simulator.frame().celsius, served.simulator.labels
            for side, mean in numbers(screen.page, 1).items():
                assert mean == pytest.approx(
                    float(celsius[labels == (1 if side == "left" else 2)].mean()), abs=0.4
                )
            seen[mirrored] = numbers(screen.page, 1)
            screen.close()
        finally:
            served.stop()
    # The simulated feet differ, so that a swap would show.
    assert abs(seen[False]["left"] - seen[False]["right"]) > 0.2
    assert seen[True] == pytest.approx(seen[False], abs=0.2)


def test_the_keyboard_alone_takes_a_capture(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    screen.begin("E-KEYS")
    screen.live()
    page.keyboard.press("c")
    page.wait_for_selector("#captures li[data-number='1']")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "dose":
            break
    assert page.evaluate("document.activeElement.id") == "dose"
    page.wait_for_timeout(200)  # a person's keys are not as fast as a scanner's
    page.keyboard.press("Enter")
    page.wait_for_selector("#dose-dialog[open]")
    page.keyboard.press("Escape")
    page.wait_for_selector("#dose-dialog", state="hidden")
    assert page.locator("#captures li[data-number]").count() == 1
    assert page.locator("#clock").inner_text() == "–:––"  # Escape gave no dose
    screen.close()


def test_a_reviewer_is_offered_nothing_that_would_be_refused(browser, served: Served) -> None:
    users = served.services.users
    for name, role in (("midwife", "staff"), ("rev", "reviewer")):
        users.add(name, PASSWORD, role=role)
    staff, reviewer = Screen(browser, served), Screen(browser, served)
    for screen, name in ((staff, "midwife"), (reviewer, "rev")):
        screen.go("/login")
        screen.page.fill("#name", name)
        screen.page.fill("#password", PASSWORD)
        screen.page.click("main button[type=submit]")
        screen.page.wait_for_selector("#logout")
    path = staff.begin("E-READ")
    staff.live()
    staff.capture(1)
    reviewer.go(path)
    reviewer.live()
    page = reviewer.page
    for name in ("capture", "dose", "skip", "close", "sign", "bring"):
        assert not page.locator(f"#{name}").is_visible(), name
        assert staff.page.locator(f"#{name}").is_visible() == (name in ("capture", "dose", "close")), name
    assert page.locator("#d-drug").is_disabled() and page.locator("#captures li button").is_disabled()
    page.click("#captures li[data-number='1'] a")
    reviewer.ready()
    assert page.locator("#edit").is_disabled() and page.locator("#r-pain").is_disabled()
    staff.close()
    reviewer.close()
    served.services.users.add("boss", PASSWORD, role="administrator")
    boss = Screen(browser, served)
    boss.go("/login?back=/users")
    boss.page.fill("#name", "boss")
    boss.page.fill("#password", PASSWORD)
    boss.page.click("main button[type=submit]")
    boss.page.wait_for_url("**/users")
    boss.page.wait_for_load_state()  # its buttons do something from then on
    for leave in ("Escape", "confirm"):
        boss.page.click("[data-name=midwife] .disable")
        boss.page.wait_for_selector("#disable-dialog[open]")
        assert "midwife" in boss.page.locator("#disable-dialog-title").inner_text()
        assert served.services.users.accounts()["midwife"].proof, "not before it is confirmed"
        boss.page.keyboard.press("Escape") if leave == "Escape" else boss.page.click("#disable-dialog .confirm")
        boss.page.wait_for_selector("#disable-dialog", state="hidden")
    boss.page.wait_for_selector("[data-name=midwife] .disable", state="detached")
    assert served.services.users.accounts()["midwife"].proof is None
    boss.close()
