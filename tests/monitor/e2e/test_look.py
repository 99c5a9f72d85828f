from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest

from .conftest import Served
from .pages import Screen

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
SIZES = {"desk": (1280, 800), "tablet": (800, 1280), "phone": (390, 844)}
# What staff need at any moment; a capture's button too.
ALWAYS = ("#code", "#clock", "#capture", "#next", "#change-left", "#change-right", "#flag-words")
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
        "board": "/board",
        "site": "/site",
        "audit": "/audit",
        "running": found["DEMO-3"],
        "finished": found["DEMO-1"],
        "capture": f"{found['DEMO-1']}/captures/4",
    }


def settle(screen: Screen, name: str) -> None:
    if name in ("running", "finished", "capture", "board"):
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
        assert serious_faults(screen, name) == []
    screen.close()


def serious_faults(screen: Screen, name: str) -> list[str]:
    screen.page.evaluate(AXE)
    report = screen.page.evaluate("async () => axe.run()")
    return [
        f"{name}: {fault['id']}: {fault['nodes'][0]['html'][:120]} {fault['nodes'][0]['failureSummary'][:200]}"
        for fault in report["violations"]
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("path", ["/users", "/audit"])
def test_rows_are_cards_on_a_phone_and_still_a_table(browser, served: Served, path: str) -> None:
    served.services.users.add("Lucía Fernández", "correct horse battery", ward="Paritorio Norte")
    served.services.users.add("boss", "correct horse battery", role="administrator")
    screen = Screen(browser, served, size=SIZES["phone"])
    screen.go("/login")
    screen.page.fill("#name", "boss")
    screen.page.fill("#password", "correct horse battery")
    screen.page.click("form button[type=submit]")
    screen.page.wait_for_url(f"{served.url}/")
    screen.go(path)
    assert_narrow(screen, path)
    for cell in screen.page.locator("table.cards td").all():
        box = cell.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= SIZES["phone"][0], cell.inner_text()
    assert_a_table(screen, "table.cards")
    assert serious_faults(screen, path) == []
    screen.close()


def assert_a_table(screen: Screen, table: str) -> None:
    """A style that makes blocks of rows takes their meaning from them in some browsers; roles that are stated stay."""
    stated = screen.page.evaluate(
        """(table) => Object.fromEntries(['table', 'thead', 'tbody', 'tr', 'th', 'td'].map((name) => [name,
          [...new Set([document.querySelector(table), ...document.querySelectorAll(`${table} ${name}`)]
            .filter((each) => each.localName === name).map((each) => each.getAttribute('role')))]]))""",
        table,
    )
    assert stated == {
        "table": ["table"],
        "thead": ["rowgroup"],
        "tbody": ["rowgroup"],
        "tr": ["row"],
        "th": ["columnheader"],
        "td": ["cell"],
    }


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
        assert_narrow(screen, name)
        small = screen.page.evaluate(OVERLAPS)
        assert small == [], f"{name}: {small}"
        narrow = "[...document.querySelectorAll('dd, td')].filter((each) => each.textContent.trim().length > 12)"
        narrow += ".map((each) => each.clientWidth).filter((width) => width > 0 && width < 80)"
        assert screen.page.evaluate(narrow) == [], f"{name}: words are broken into columns of letters"
        apart = "[...document.querySelectorAll('label.inline:not(:has([type=checkbox]))')]"
        apart += ".filter((each) => each.offsetParent !== null && each.getBoundingClientRect().height > 70)"
        apart += ".map((each) => each.textContent)"
        assert screen.page.evaluate(apart) == [], f"{name}: a field stands in another line than its name"
        lines = "[...document.querySelectorAll('#flag-words .whole')].map((each) => each.getClientRects().length)"
        assert set(screen.page.evaluate(lines)) <= {0, 1}, "a number and its interval stay together"
    screen.close()


def test_long_codes_without_a_break_fit_every_page(browser, served: Served) -> None:
    screen = Screen(browser, served)
    bar = screen.page.locator(".session-bar")
    usual = {}
    screen.begin("E-1")
    for size in SIZES:
        resize(screen, size)
        usual[size] = bar.bounding_box()["height"]
    session = screen.begin("W" * 40)
    for size in SIZES:
        resize(screen, size)
        assert_narrow(screen, f"session at {size}")
        assert bar.bounding_box()["height"] < usual[size] + 48, f"a line or two more at {size}"
        asked = screen.page.locator(".asked").bounding_box()
        assert asked["width"] > 150, "what is to be done next has room beside the code"
    screen.capture(1)
    for path, shown in {
        f"{session}/captures/1": ".capture-bar",
        "/": ".session",
        "/new": "#take",
        "/board": ".bed",
    }.items():
        screen.go(path)
        screen.page.wait_for_selector(shown)
        for size in SIZES:
            resize(screen, size)
            assert_narrow(screen, f"{path} at {size}")
    screen.close()


def resize(screen: Screen, size: str) -> None:
    width, height = SIZES[size]
    screen.page.set_viewport_size({"width": width, "height": height})
    screen.until(f"innerWidth === {width}")
    # What watches its size, such as a chart, is told in the frame after the layout.
    screen.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def assert_narrow(screen: Screen, name: str) -> None:
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    if screen.page.evaluate(wide) > 0:  # a chart or a notice may still be on its way
        screen.page.wait_for_timeout(1000)
    pixels = screen.page.evaluate(wide)
    assert pixels <= 0, f"{name} is {pixels} pixels too wide"


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_a_notice_of_long_words_stays_on_the_screen(browser, demonstration: Served, size: str) -> None:
    screen = Screen(browser, demonstration, size=SIZES[size])
    screen.go("/about")
    right = screen.page.evaluate(
        """async (words) => {
          const { say } = await import("/static/api.js");
          const range = document.createRange();
          range.selectNodeContents(say(words, "bad"));
          return range.getBoundingClientRect().right;
        }""",
        f"The stored file /var/lib/prismseg/files/aa/{'a' * 64} was changed.",
    )
    assert right <= SIZES[size][0]
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


def test_what_staff_need_is_in_sight_without_scrolling(browser, demonstration: Served) -> None:
    for size in SIZES.values():
        screen = Screen(browser, demonstration, size=size)
        found = paths(screen)
        for name in ("running", "finished"):
            screen.go(found[name])
            screen.ready()
            hidden = {"#capture", "#next"} if name == "finished" else set()
            for element in set(ALWAYS) - hidden:
                box = screen.page.locator(element).bounding_box()
                assert box and box["y"] >= 0 and box["y"] + box["height"] <= size[1], (name, element, size, box)
                assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], (name, element, size, box)
        assert screen.page.locator("#flag-words").inner_text().count("°C") == 2, "each flag with its value"
        bar = screen.page.locator(".session-bar").bounding_box()
        assert bar["height"] < size[1] / 5
        screen.go(found["capture"])
        screen.ready()
        table = screen.page.evaluate(
            "(() => { const t = document.getElementById('values'); return "
            "t.scrollWidth - t.parentElement.clientWidth; })()"
        )
        assert table <= 0, f"the right foot is {table} pixels out of sight at {size}"
        screen.close()


def test_both_feet_stand_in_one_order(browser, demonstration: Served) -> None:
    screen = Screen(browser, demonstration)
    found = paths(screen)
    orders = {}
    for name in ("finished", "capture"):
        screen.go(found[name])
        screen.ready()
        orders[name] = screen.page.evaluate(
            "[...document.querySelectorAll('.strip, .captures .means, .curves .key, #values thead, #remarks')]"
            ".filter((each) => !each.querySelector('#last-difference'))"
            ".map((each) => each.textContent.toLowerCase()).filter((text) => /left|\\bl /.test(text))"
            ".map((text) => text.search(/left|\\bl /) < text.search(/right|r \\d/))"
        )
        assert orders[name] and all(orders[name]), orders
        on_paper(screen, "DEMO-1", "closed", "printed", "no patient")
        assert screen.page.locator("#code, #minute").first.is_visible(), "the screen is as it was"
    screen.go("/audit")
    screen.page.wait_for_load_state("networkidle")
    on_paper(screen, "Who did what", "printed")
    screen.close()


def on_paper(screen: Screen, *words: str) -> None:
    """Print a page: it says on every sheet what it is and how it stands, shows no navigation, and cuts nothing off."""
    sheets = pypdfium2.PdfDocument(screen.page.pdf(format="A4"))
    for sheet in sheets:
        text = sheet.get_textpage()
        said = "".join(text.get_text_range().split())  # letters may come one by one
        assert all(word.replace(" ", "") in said for word in (*words, "Research use only")), said
        assert not any(word in said for word in ("Wardboard", "Light/dark", "Logout", "Capturenow"))
        width = sheet.get_width()
        for k in range(text.count_rects()):
            left, _, right, _ = text.get_rect(k)
            assert left > 0 and right < width, (left, right, width)


@pytest.mark.parametrize("locale", ["en-GB", "es-ES"])
def test_the_head_is_low_also_where_much_is_offered(browser, served: Served, locale: str) -> None:
    served.services.users.add("ana", "correct horse battery", role="administrator")
    screen = Screen(browser, served, locale=locale)
    screen.go("/login")
    screen.page.fill("#name", "ana")
    screen.page.fill("#password", "correct horse battery")
    screen.page.click("main button[type=submit]")
    screen.page.wait_for_selector("#logout")
    heights = {name: screen.page.locator(name).bounding_box()["height"] for name in (".top", ".settings")}
    assert max(heights.values()) <= 110, heights
    screen.close()


def test_a_chart_of_a_wider_page_does_not_widen_this_one(browser, served: Served) -> None:
    # After a device is turned, a chart keeps its former width until its observer has been called.
    screen = Screen(browser, served, size=SIZES["phone"])
    screen.begin("E-1")
    screen.page.wait_for_selector("#plot .uplot")
    wide = screen.page.evaluate(
        """() => {
          document.querySelectorAll(".plot .uplot").forEach((chart) => (chart.style.width = "900px"));
          return document.documentElement.scrollWidth - document.documentElement.clientWidth;
        }"""
    )
    assert wide <= 0
    screen.close()
