"""Only a press on the confirming button acts: not Escape, an old answer, Enter, the back button, a scanner."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from prismseg.monitor.web.rendering import zone_name

from .conftest import Served
from .pages import Screen


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory):
    made = Served(tmp_path_factory.mktemp("dialogs") / "ward")
    yield made
    made.stop()


def state(screen: Screen, path: str) -> tuple[object, ...]:
    """All that a dialog could have changed."""
    sessions = screen.served.services.sessions
    row, measured = sessions.measure(path.rsplit("/", 1)[1])
    return row.test_dose_at, row.view, row.revision, len(measured.session.entries)


def test_nothing_but_the_confirming_button_acts(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-ASK")
    screen.capture(1)
    screen.dose()
    # An answer was given before: what a dialog keeps of it must not count again.
    page.click("#captures li[data-number='1'] button")
    page.wait_for_selector("#removal[open]")
    page.click("#removal .cancel")
    before = state(screen, path)
    for opener, dialog, entry in (
        ("#dose", "#dose-dialog", ("#dose-time", "00:00:01")),
        ("#captures li[data-number='1'] button", "#removal", ("#reason", "feet covered")),
        ("[name=view]:not(:checked)", "#view-dialog", None),
        ("#close", "#close-dialog", None),
    ):
        for leave in ("scanner", "Escape", "cancel", "back"):
            page.locator(opener).dispatch_event("click")
            page.wait_for_selector(f"{dialog}[open]")
            if entry:
                page.fill(*entry)
                page.focus(entry[0])
            if leave == "scanner":
                for element in (entry[0] if entry else f"{dialog} .cancel", f"{dialog} .confirm"):
                    assert screen.scan("C-4711\n", element) == "stopped"
            if entry and leave == "Escape":
                page.keyboard.press("Enter")  # in a field; alone
            if leave == "back":
                page.evaluate("history.pushState(null, '', location.href)")
                page.go_back()
            if page.locator(f"{dialog}[open]").count():
                page.keyboard.press("Escape") if leave == "Escape" else page.click(f"{dialog} .cancel")
            page.wait_for_selector(dialog, state="hidden")
        assert state(screen, path) == before, dialog
    page.locator("[name=view]:not(:checked)").dispatch_event("click")
    page.click("#view-dialog .confirm")
    screen.until("document.querySelector('[name=view]:checked').value === 'mirrored'")
    page.click("#captures li[data-number='1'] button")
    page.fill("#reason", "feet covered")
    page.click("#removal .confirm")
    page.wait_for_selector("#captures li.failed")
    assert state(screen, path)[1] == "mirrored" and state(screen, path)[3] == 0
    screen.close()


def test_the_time_of_the_dose_is_a_wall_clock_time(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-DOSE")
    screen.capture(1)

    def opened() -> None:
        page.click("#dose")
        page.wait_for_selector("#dose-dialog[open]")

    opened()
    page.fill("#dose-time", "")
    assert page.locator("#dose-dialog .confirm").is_disabled(), "an emptied field changes nothing"
    page.keyboard.press("Escape")
    assert state(screen, path)[0] is None
    opened()
    given = ward.services.clock()
    page.click("#dose-dialog .confirm")
    screen.until("document.getElementById('clock').textContent.match(/^\\d+:/)")
    at = state(screen, path)[0]
    slack = timedelta(seconds=2)  # by which a page's idea of the monitor's clock may differ
    assert isinstance(at, datetime) and given - slack <= at <= ward.services.clock(), "when it was pressed"

    opened()
    assert page.evaluate("document.getElementById('dose-time').checkValidity()"), "its own value is valid"
    assert page.locator("#dose-dialog .confirm").is_disabled(), "the same time changes nothing"
    earlier = at.astimezone() - timedelta(minutes=7)
    page.fill("#dose-time", f"{earlier:%H:%M:%S}")
    told = page.locator("#dose-new").inner_text()
    assert f"{at.astimezone():%H:%M:%S}" in told and f"{earlier:%H:%M:%S}" in told, "old and new are shown"
    page.click("#dose-dialog .confirm")
    page.wait_for_selector("#dose-dialog", state="hidden")
    screen.until("parseInt(document.getElementById('clock').textContent) >= 6")
    assert abs((state(screen, path)[0] - earlier).total_seconds()) < 2
    # A time of day that is still to come was yesterday's, and the date is shown.
    opened()
    later = ward.services.clock().astimezone() + timedelta(minutes=5)
    page.fill("#dose-time", f"{later:%H:%M:%S}")
    yesterday = page.evaluate(
        "([day, timeZone]) => new Intl.DateTimeFormat('en', { weekday: 'short', timeZone }).format(new Date(day))",
        [(later - timedelta(days=1)).isoformat(), zone_name()],
    )
    assert (
        yesterday in page.locator("#dose-new").inner_text() or later.day != ward.services.clock().astimezone().day
    )
    page.click("#dose-dialog .cancel")
    # Somebody else corrects it while the question is open.
    opened()
    page.fill("#dose-time", f"{earlier - timedelta(minutes=1):%H:%M:%S}")
    ward.services.sessions.record_dose("eva", path.rsplit("/", 1)[1], seconds_ago=300)
    theirs = state(screen, path)[0]
    page.click("#dose-dialog .confirm")
    page.wait_for_selector("#notices .bad")
    assert "changed meanwhile" in page.locator("#notices .bad").inner_text() and state(screen, path)[0] == theirs
    screen.errors.clear()  # the refused request
    screen.close()


# In Madrid clocks go back on 25 October 2026 at 01:00 UTC, and forward on 29 March at 01:00 UTC.
CLOCKS = (
    ("2026-10-25T01:40:00Z", "02:30:00", "2026-10-25T01:30:00Z"),  # 02:40 for the second time
    ("2026-10-25T00:40:00Z", "02:30:00", "2026-10-25T00:30:00Z"),  # for the first time
    ("2026-10-25T01:10:00Z", "02:30:00", "2026-10-25T00:30:00Z"),  # 02:10 again; the second 02:30 is still to come
    ("2026-10-25T02:10:00Z", "01:55:00", "2026-10-24T23:55:00Z"),  # across the change
    ("2026-03-29T01:10:00Z", "01:55:00", "2026-03-29T00:55:00Z"),  # 03:10, a quarter of an hour later
    ("2026-03-29T01:10:00Z", "02:30:00", "2026-03-28T01:30:00Z"),  # was left out; the day before had it
    ("2026-07-01T22:03:00Z", "23:58:00", "2026-07-01T21:58:00Z"),  # across midnight
    ("2026-07-01T22:03:00Z", "00:01:30", "2026-07-01T22:01:30Z"),
)


def test_times_are_those_of_the_monitors_wall_clock_also_when_clocks_change(browser, ward: Served) -> None:
    screen = Screen(browser, ward)
    screen.go("/about")
    for now, typed, moment in CLOCKS:
        found, shown = screen.page.evaluate(
            """async ([now, typed]) => {
              document.querySelector('meta[name=zone]').content = 'Europe/Madrid';
              const time = await import(`/static/time.js?${now}`);
              time.hearTime(now, true);
              const moment = time.lastMoment(typed);
              return [moment.toISOString(), time.inputTime(moment)];
            }""",
            [now, typed],
        )
        assert (found, shown) == (moment.replace("Z", ".000Z"), typed), (now, typed)
    screen.close()


def test_a_barcode_becomes_the_code_and_begins_nothing(browser, ward: Served) -> None:
    screen = Screen(browser, ward)
    page = screen.page
    screen.go("/new")
    for text, element in (("E-4711", "body"), ("PAT 0815-Ñ", "#code"), ("1234", "#new button")):
        screen.scan(f"{text}\n", element)
        assert page.locator("#code").input_value() == text
        page.wait_for_timeout(100)
    for typed, delay in (("ABC", 0), ("ABCDEF", 80)):  # too short, and as a hand types
        page.locator("h1").click()
        page.keyboard.type(typed, delay=delay)
        page.wait_for_timeout(100)
        page.keyboard.press("Enter")
        assert page.locator("#code").input_value() == "1234"
    assert page.url.endswith("/new")
    screen.close()


def test_a_scanner_takes_no_capture(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-SCAN")
    held = page.evaluate(
        """() => {
          const told = { key: 'Enter', repeat: true, bubbles: true, cancelable: true };
          const places = ['#capture', '#d-note'].map((each) => document.querySelector(each));
          return places.map((each) => each.dispatchEvent(new KeyboardEvent('keydown', told)));
        }"""
    )
    assert held == [False, True], "a key that is held presses no button again, and breaks lines in a note"
    for text, element, fate in (
        ("ABC-C12C", "body", "acts"),
        ("C\n", "body", "acts"),
        ("PAT-0815\n", "#capture", "stopped"),  # the focus is there after a capture
        ("PAT 0815 ", "#capture", "stopped"),
        ("PAT 0815 ", "#d-note", "acts"),
        ("PAT-0815\n", "#d-drug", "stopped"),
        ("c", "#d-drug", "acts"),
    ):
        assert screen.scan(text, element) == fate, (text, element)
        page.wait_for_timeout(300)  # longer than the page waits for another key
    for step in (50, 85, 100):  # slower scanners
        assert screen.scan("PAT-0815\n", "#capture", step) == "stopped", step
        page.wait_for_timeout(20 * step)  # the keys' times are ahead of the page's
    assert page.locator("#capture[aria-busy]").count() == 0 and state(screen, path)[3] == 0
    page.locator("#code").click()
    screen.scan("c")
    page.wait_for_selector("#captures li[data-number='1']")
    screen.close()
