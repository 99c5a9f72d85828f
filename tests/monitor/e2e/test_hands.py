"""What hands do besides what they mean: wheels, scanners that are set otherwise, files that miss their place."""

from __future__ import annotations

import pytest

from .conftest import Served
from .pages import Screen

SAVED = "document.querySelector('#details [data-draft], #details [data-pending]') === null"


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory):
    made = Served(tmp_path_factory.mktemp("hands") / "ward")
    yield made
    made.stop()


def test_a_wheel_changes_no_number_and_no_choice(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-WHEEL")
    for name, value in (("#d-weight", "70"), ("#d-asa", "2")):
        page.fill(name, value) if name == "#d-weight" else page.select_option(name, value)
        page.focus(name)
        page.hover(name)
        page.mouse.wheel(0, 300)
        page.wait_for_timeout(150)
        assert page.locator(name).input_value() == value
    page.click("#d-drug")
    screen.until(SAVED)
    row, _ = ward.services.sessions.measure(path.rsplit("/", 1)[1])
    assert (row.details["weight_kg"], row.details["asa"]) == (70, 2)
    screen.close()


def test_a_barcode_is_taken_whole_or_not_at_all_and_may_end_with_tab(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page = screen.page
    screen.go("/new")
    page.wait_for_selector("#new button:not(:disabled)")
    screen.scan("C-4711\t", "#code")
    assert page.locator("#code").input_value() == "C-4711"
    screen.scan("1234567890" * 4 + "-A\n")
    assert page.locator("#code").input_value() == "", "cut off it could be another patient's"
    assert "42 characters" in page.locator("#notices .bad").inner_text()
    screen.close()


def test_another_code_is_warned_of_as_a_new_one_is(browser, ward: Served) -> None:
    ward.services.sessions.begin("ana", {"code": "E-USED"}, camera="none", take_camera=True)
    screen = Screen(browser, ward)
    page = screen.page
    screen.begin("E-MINE")
    page.fill("#d-code", "E-MINE-2")
    page.press("#d-code", "Tab")
    page.fill("#d-code", "E-USED")
    page.press("#d-code", "Tab")
    page.wait_for_selector("#notices .doubtful")
    told = page.locator("#notices .doubtful").all_inner_texts()
    assert len(told) == 1 and "used before, on " in told[0]
    screen.close()


def test_another_language_keeps_what_was_typed(browser, ward: Served) -> None:
    screen = Screen(browser, ward)
    page = screen.page
    screen.go("/new")
    page.wait_for_selector("#new button:not(:disabled)")
    page.fill("#code", "E-TYPED")
    page.click("a[hreflang=es]")
    page.wait_for_selector("html[lang=es] #new button:not(:disabled)")
    assert page.locator("#code").input_value() == "E-TYPED"
    screen.close()


def test_a_file_that_misses_its_place_does_not_take_that_of_the_page(browser, ward: Served) -> None:
    screen = Screen(browser, ward)
    screen.go("/import")
    screen.page.wait_for_selector("#send button:not(:disabled)")
    taken = screen.page.evaluate(
        """() => ["h1", "#files"].map((name) => ["dragover", "drop"].map((kind) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File(["x"], "t0.jpg"));
          const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
          return document.querySelector(name).dispatchEvent(event);
        }))"""
    )
    assert taken == [[False, False], [True, True]], "only the field for files takes them"
    screen.close()


def test_a_barcode_is_compared_with_the_session_and_stands_in_no_field(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("PAT-0815")
    page.fill("#d-drug", "ropivacaine")
    # What a scanner types stands in the field before its Enter comes.
    for code, told in (("PAT-4711", ".bad"), ("PAT-0815", ".good")):
        page.evaluate(f"document.getElementById('d-drug').value += '{code}'")
        assert screen.scan(f"{code}\n", "#d-drug") == "stopped"
        assert page.locator("#d-drug").input_value() == "ropivacaine"
        page.wait_for_selector(f"#notices {told}")
    assert "PAT-4711" in page.locator("#notices .bad").inner_text()
    page.click("#d-dose")
    screen.until(SAVED)
    row, _ = ward.services.sessions.measure(path.rsplit("/", 1)[1])
    assert row.details["drug"] == "ropivacaine"
    screen.close()


def test_a_finger_that_scrolls_over_a_picture_draws_nothing(each_browser, ward: Served) -> None:
    screen = Screen(each_browser, ward)
    page, path = screen.page, screen.begin("E-SWIPE")
    screen.capture(1)
    screen.go(f"{path}/captures/1")
    screen.ready()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if request.method != "GET" else None)
    box = page.locator("#editor").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.7 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 0.3 * box["height"], steps=4)
    page.mouse.up()
    page.evaluate(
        """() => {
          const editor = document.getElementById('editor'), { left, top, width, height } = editor.getBoundingClientRect();
          for (const [kind, down] of [['pointerdown', .7], ['pointermove', .5], ['pointermove', .3], ['pointerup', .3]]) {
            editor.dispatchEvent(new PointerEvent(kind, { pointerType: 'touch', pointerId: 7, isPrimary: true, buttons: 1,
              clientX: left + width / 2, clientY: top + down * height, bubbles: true, cancelable: true }));
          }
        }"""
    )
    page.wait_for_timeout(300)
    assert asked == [] and "automatic" in page.locator("#origin").inner_text()
    _, measured = ward.services.sessions.measure(path.rsplit("/", 1)[1])
    assert [mask.origin for mask in measured.masks] == ["automatic"]
    screen.close()
