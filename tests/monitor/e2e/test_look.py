from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Served
from .pages import Screen

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SIZES = {"desk": (1280, 800), "tablet": (1280, 900), "tablet-upright": (800, 1280)}
OVERLAPS = """
() => [...document.querySelectorAll('a, button, input, select, textarea, summary')]
  .filter((each) => each.offsetParent !== null && !each.classList.contains('skip'))
  .map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
  .filter(([, box]) => box.height < 43.5 || box.width < 43.5)
  .map(([html, box]) => `${Math.round(box.width)} x ${Math.round(box.height)} ${html}`)
"""


def paths(screen: Screen) -> dict[str, str]:
    screen.go("/")
    links = screen.page.locator(".session")
    found = {
        links.nth(k).locator("strong").inner_text(): links.nth(k).get_attribute("href")
        for k in range(links.count())
    }
    return {
        "sessions": "/",
        "new": "/new",
        "import": "/import",
        "about": "/about",
        "running": found["DEMO-3"],
        "finished": found["DEMO-1"],
        "capture": f"{found['DEMO-1']}/captures/4",
    }


def settle(screen: Screen, name: str) -> None:
    if name in ("running", "finished", "capture"):
        screen.ready()
    if name == "running":
        screen.live()
    screen.page.wait_for_timeout(300)


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_fault(browser, demonstration: Served, dark: bool) -> None:
    screen = Screen(browser, demonstration, dark=dark)
    for name, path in paths(screen).items():
        screen.go(path)
        settle(screen, name)
        # The page's own policy forbids inline scripts; the driver adds the checker from outside.
        screen.page.evaluate(AXE)
        report = screen.page.evaluate("async () => axe.run()")
        serious = [
            f"{name}: {fault['id']}: {fault['nodes'][0]['html'][:120]} {fault['nodes'][0]['failureSummary'][:200]}"
            for fault in report["violations"]
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == []
    screen.close()


@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_the_screen_and_targets_the_hand(browser, demonstration: Served, size: str) -> None:
    screen = Screen(
        browser,
        demonstration,
        size=SIZES[size],
        dark=size != "desk",
        locale="es-ES" if size == "tablet" else "en-GB",
    )
    for name, path in paths(screen).items():
        screen.go(path)
        settle(screen, name)
        screen.shot(f"{name}-{size}", whole=True)
        wide = screen.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels too wide"
        small = screen.page.evaluate(OVERLAPS)
        assert small == [], f"{name}: {small}"
    screen.close()


def test_nothing_jumps_while_live(browser, demonstration: Served) -> None:
    screen = Screen(browser, demonstration)
    screen.go(paths(screen)["running"])
    screen.ready()
    screen.live()
    screen.page.evaluate(
        "() => { window.shift = 0; new PerformanceObserver((list) => { for (const each of list.getEntries()) "
        "window.shift += each.value; }).observe({ type: 'layout-shift', buffered: false }); }"
    )
    screen.page.wait_for_timeout(4000)
    assert screen.page.evaluate("window.shift") < 0.001
    screen.close()


def test_the_button_to_capture_is_in_sight_without_scrolling(browser, demonstration: Served) -> None:
    for size in SIZES.values():
        screen = Screen(browser, demonstration, size=size)
        screen.go(paths(screen)["running"])
        screen.ready()
        screen.live()
        for element in ("#capture", "#clock", "#picture"):
            box = screen.page.locator(element).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= size[1], (element, size, box)
        screen.close()
