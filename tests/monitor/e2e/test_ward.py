"""What a ward asks of the pages: nothing old looks new, nothing typed is lost, calls that stop."""

from __future__ import annotations

import re
import threading

import pytest

from prismseg.monitor.web.routes.live import LiveHeader

from .conftest import Served
from .pages import Screen


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory):
    made = Served(tmp_path_factory.mktemp("ward") / "ward")
    yield made
    made.stop()


def test_nothing_old_looks_new(each_browser, tmp_path, monkeypatch) -> None:
    served = Served(tmp_path / "ward")
    screen = Screen(each_browser, served)
    page = screen.page
    screen.begin("E-OLD")
    screen.live()
    page.wait_for_selector(".stage:not(.old) #beat:text-is('live')")
    thaw = threading.Event()
    camera, look = served.simulator, served.simulator.frame

    def stuck():
        thaw.wait(60)
        return look()

    monkeypatch.setattr(camera, "frame", stuck)
    page.wait_for_selector(".stage.old:has(#age:has-text('s old')) #beat:not(.silent)")
    grey = "getComputedStyle(document.querySelector('#lights li')).color"
    assert page.evaluate(f"{grey} !== 'rgb(26, 107, 60)'") and page.locator("#lights.old").count() == 1
    thaw.set()
    monkeypatch.setattr(camera, "frame", look)
    page.wait_for_selector(".stage:not(.old)")
    served.stop()
    page.wait_for_selector("#beat.silent")
    page.wait_for_selector(".stage.old #failure:has-text('does not answer')")
    page.wait_for_timeout(2500)  # it tries again each second, which makes nothing new
    assert page.locator(".stage.old").count() == 1 and page.locator("#lights.old").count() == 1
    screen.errors.clear()
    screen.close()


def test_a_skipped_capture_is_asked_for_no_more(browser, ward: Served) -> None:
    screen = Screen(browser, ward)
    page, path = screen.page, screen.begin("E-SKIP")
    screen.capture(1)
    screen.dose()
    ward.forward(6)
    screen.until("document.getElementById('next').textContent === 'Capture now: 5 min'")
    assert page.evaluate("document.documentElement.classList.contains('due')"), "seen from across the room"
    later = page.locator("#later").inner_text()
    assert re.fullmatch(r"Capture at 10 min, in [0-4]:\d\d", later), later
    page.click("#skip")
    page.click("#skip-dialog .confirm")
    assert page.locator("#skip-dialog[open]").count() == 1, "not without a reason"
    page.fill("#skip-reason", "in theatre")
    page.click("#skip-dialog .confirm")
    page.wait_for_selector("#skip", state="hidden")
    assert page.locator("#next").inner_text() == "" and page.locator("#later").inner_text().startswith(
        "Capture at 10"
    )
    row, _ = ward.services.sessions.measure(path.rsplit("/", 1)[1])
    assert [(skip["minute"], skip["reason"]) for skip in row.skipped] == [(5, "in theatre")]
    assert not page.evaluate("document.documentElement.classList.contains('due')")
    called = page.evaluate("Number(document.documentElement.dataset.called)")
    assert called >= 1, "it was heard, too"
    page.click("#sound-test")
    screen.until(f"document.documentElement.dataset.called === '{called + 1}'")
    page.locator("#volume").fill("0")
    page.click("#sound-test")
    assert page.evaluate("localStorage.getItem('volume')") == "0" and "off" in page.locator("#sound").inner_text()
    asked = page.evaluate(
        "async () => { const { findAsked } = await import('/static/schedule.js');"
        " return [29, 31, 39, 41].map((minute) => findAsked([0, 1, 20, 30], [1, 20], [], minute * 60).due); }"
    )
    assert asked == [None, 30, 30, None], "a session that nobody closed does not call for ever"
    screen.go("/board")
    screen.ready()
    bed = page.locator(f"[data-id='{path.rsplit('/', 1)[1]}']")
    assert "E-SKIP" in bed.inner_text() and "Capture at 10 min" in bed.inner_text()
    screen.close()


def test_what_is_half_typed_outlives_a_restart(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-NOTE")
    page.click("#d-note")
    page.keyboard.type("shivers since")
    page.reload()
    screen.ready()
    assert page.locator("#d-note").input_value() == "shivers since"
    page.keyboard.type(" noon")
    # The monitor has been started anew: it knows no browser of before, and the field is being left.
    page.context.clear_cookies()
    page.evaluate("window.before = true")
    page.click("#d-age")
    screen.until("!window.before && document.querySelector('#d-note.unsaved') !== null")
    assert page.locator("#d-note").input_value() == "shivers since noon"
    page.click("#d-age")
    screen.until("document.querySelector('#d-note.unsaved') === null")
    row, _ = ward.services.sessions.measure(path.rsplit("/", 1)[1])
    assert row.details["note"] == "shivers since noon"
    assert page.evaluate("Object.keys(sessionStorage).filter((name) => name.startsWith('draft')).length") == 0
    # A code that was typed for a new session, too; but not for the next patient.
    screen.go("/new")
    page.fill("#code", "E-TYPED")
    page.context.clear_cookies()
    page.evaluate("window.before = true")
    page.click("#new button[type=submit]")
    screen.until("!window.before && document.querySelector('#new button:not(:disabled)') !== null")
    assert page.locator("#code").input_value() == "E-TYPED"
    for _ in range(2):
        screen.go("/new")
        page.wait_for_selector("#new button:not(:disabled)")
        assert page.locator("#code").input_value() not in ("", "E-TYPED")
    screen.errors.clear()  # the refused requests
    screen.close()


def test_pain_is_stated_beside_the_temperatures_and_stays_with_its_capture(each_browser, served: Served) -> None:
    screen = Screen(each_browser, served)
    page = screen.page
    screen.begin("E-PAIN")
    assert page.locator("#remarks").is_hidden(), "there is no capture yet that it could belong to"
    screen.capture(1)
    page.fill("#r-pain", "8")
    # While somebody types, the next capture is taken on another device.
    page.evaluate(
        "import('/static/api.js')"
        ".then(({ post }) => post(`/api${location.pathname}/captures`, { key: location.pathname }))"
    )
    page.wait_for_selector("#captures li[data-number='2']")
    assert page.locator("#remarks-title").inner_text().endswith("capture 1"), "what is typed keeps its capture"
    page.press("#r-pain", "Tab")
    screen.until("document.getElementById('remarks-title').textContent.endsWith('capture 2')")
    assert page.locator("#r-pain").input_value() == ""
    page.fill("#r-pain", "2")
    page.select_option("#r-left", "less")
    page.press("#r-left", "Tab")
    screen.until("document.querySelector('#remarks [data-draft], #remarks [data-pending]') === null")
    stated = page.evaluate("async () => (await fetch('/api' + location.pathname)).json()")["captures"]
    assert [(each["remarks"]["pain"], each["remarks"]["cold_left"]) for each in stated] == [(8, None), (2, "less")]
    for size in ((1280, 800), (800, 1280), (390, 844)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        box = page.locator("#r-pain").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= size[0] and box["height"] >= 43.5, size
    screen.close()


def test_a_monitor_that_hangs_is_said_and_comes_back(each_browser, tmp_path, monkeypatch) -> None:
    """Its connections stand, and nobody answers on them."""
    served = Served(tmp_path / "ward")
    screen = Screen(each_browser, served)
    page = screen.page
    screen.begin("E-HANG")
    screen.live()
    answers, say = threading.Event(), LiveHeader.__call__

    def hang(self, language):
        answers.wait(60)  # in the server's only loop
        return say(self, language)

    monkeypatch.setattr(LiveHeader, "__call__", hang)
    page.wait_for_selector("#beat.silent")
    page.wait_for_selector(".stage.old #failure:has-text('does not answer')")
    assert page.locator("#lights.old").count() == 1
    answers.set()
    page.wait_for_selector(".stage:not(.old):has(#failure[hidden]) #beat:text-is('live')")
    screen.close()
    served.stop()


def test_a_device_that_can_vibrates_once_somebody_has_touched_it(browser, served: Served) -> None:
    screen = Screen(browser, served)
    page = screen.page
    page.add_init_script(
        "window.felt = [];"
        "Object.defineProperty(navigator, 'vibrate', { value: (times) => { felt.push(times); return true; } });"
    )
    screen.begin("E-FELT")
    screen.capture(1)
    screen.dose()
    assert page.evaluate("felt") == []
    served.forward(2)
    screen.until("document.documentElement.classList.contains('due')")
    assert page.evaluate("felt") == [[300, 150, 300]]
    page.click("#sound-test")
    assert page.evaluate("felt.at(-1)") == 200
    screen.close()


@pytest.mark.parametrize(
    ("locale", "words"), [("en-GB", ["rising", "falling", "steady"]), ("es-ES", ["sube", "baja", "estable"])]
)
def test_a_trend_is_a_word_and_only_beyond_its_interval(
    browser, ward: Served, locale: str, words: list[str]
) -> None:
    screen = Screen(browser, ward, locale=locale)
    screen.go("/board")
    screen.ready()
    told = screen.page.evaluate(
        "async () => { const { trendOf } = await import('/static/changes.js');"
        " return [[0.3, 0.1], [-0.3, 0.1], [0.15, 0.1], [null, null]]"
        ".map(([value, error]) => trendOf({ value, error })?.word ?? null); }"
    )
    assert told == [*words, None]
    screen.close()


def test_the_camera_is_brought_by_one_press_and_missed_where_it_was(each_browser, served: Served) -> None:
    screen = Screen(each_browser, served)
    page, first = screen.page, screen.begin("E-FIRST")
    second = screen.begin("E-SECOND")
    screen.go(first)
    screen.ready()
    assert "E-SECOND" in page.locator("#camera-where").inner_text() and page.locator("#capture").is_disabled()
    page.click("#bring")
    page.wait_for_selector("#camera", state="hidden")
    screen.live()
    screen.capture(1)
    screen.go(second)
    page.wait_for_selector("#camera:not([hidden])")
    assert "E-FIRST" in page.locator("#camera-where").inner_text()
    screen.close()
