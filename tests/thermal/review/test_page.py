from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.thermal.feet import SIZE, frame_of, mask_of, pair
from tests.thermal.sessions.test_session import course

from prismseg.thermal import Session
from prismseg.thermal.review.cards import Card, Group, card_of_unread, review_session
from prismseg.thermal.review.page import write_review
from prismseg.thermal.sessions.timed_file import TimedFile

EVIL = "<img src=x onerror=alert(1)>\"'&.tiff"


def session_of(tmp_path: Path) -> Session:
    session = course((0, 27.0, 27.0), (5, 28.0, 27.0), session=Session(regions=[]))
    frame, _ = frame_of(28.0, 28.0, seed=9)
    session.add(frame, mask_of(*pair()) & False, minute=10, source=EVIL)
    session.add_failed(15, "It is a palette picture, not radiometric.", str(tmp_path / "palette.png"))
    return session


@pytest.fixture
def group(tmp_path: Path) -> Group:
    Image.new("RGB", (64, 48), (200, 30, 30)).save(tmp_path / "palette.png")
    return review_session(session_of(tmp_path), [TimedFile(tmp_path / "absent.jpg", None)])


def test_every_frame_has_a_card_with_its_reason(group: Group) -> None:
    first, second, evil, palette, absent = group.cards
    assert (first.kind, first.minute, first.reason) == ("clean", 0.0, "")
    assert len(first.outlines) == 2 and "Δ" not in "".join(first.numbers)
    assert any(re.match(r"left 28\.0 ± 0\.\d °C \(Δ \+1\.0 ±", line) for line in second.numbers)
    assert evil.kind == "refused" and "No foot is in the mask" in evil.reason and evil.picture is not None
    assert palette.kind == "refused" and palette.picture is not None and palette.size == (48, 64)
    assert absent.kind == "refused" and absent.picture is None and absent.minute is None


def test_outlines_lie_on_the_soles(group: Group) -> None:
    outlines = {outline.name: outline for outline in group.cards[0].outlines}
    for foot in pair():
        numbers = np.array(re.findall(r"-?[\d.]+", outlines[f"patient's {foot.side}"].path), float).reshape(-1, 2)
        rows, columns = np.nonzero(foot.mask())
        assert abs(numbers[:, 0].min() - columns.min()) <= 1 and abs(numbers[:, 0].max() - columns.max() - 1) <= 1
        assert abs(numbers[:, 1].min() - rows.min()) <= 1 and abs(numbers[:, 1].max() - rows.max() - 1) <= 1


def test_notes_are_told_beside_cautions(tmp_path: Path) -> None:
    from dataclasses import replace

    from prismseg.base import Message

    session = course((0, 27.0, 27.0), session=Session(regions=[]))
    noted = Session(regions=[])
    noted._keep(replace(session.entries[0], notes=(Message("A tenth of the left sole is outside."),)))
    group = review_session(noted)
    assert group.cards[0].kind == "clean" and group.cards[0].notes == ("A tenth of the left sole is outside.",)
    assert "A tenth of the left" in write_review(tmp_path / "review.html", [group]).read_text("utf-8")


def test_one_foot_has_its_own_colour(group: Group) -> None:
    from dataclasses import replace

    session = course((0, 27.0, 27.0), session=Session(regions=[]))
    (entry,) = session.entries
    assert entry.soles is not None
    one = Session(regions=[])
    one._keep(replace(entry, soles=replace(entry.soles, left=None), estimates={"right": entry.estimates["right"]}))
    (card,) = review_session(one).cards
    (outline,) = card.outlines
    assert outline.name == "patient's right" and outline.colour == group.cards[0].outlines[1].colour
    assert [line[:5] for line in card.numbers] == ["right"]


def test_the_page_loads_nothing_and_names_are_only_text(group: Group, tmp_path: Path) -> None:
    page = write_review(tmp_path / "review.html", [group]).read_text(encoding="utf-8")
    assert "<img src=x" not in page and "&lt;img src=x onerror=alert(1)&gt;" in page
    assert not re.search(r"<[^>]*\b(?:src|href)=[\"'](?!data:)", page) and "url(" not in page
    assert "default-src 'none'" in page.split("</head>")[0]
    assert re.search(r"5 frames: 3 refused, \d with cautions, \d without remarks", page)


def test_a_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    card = card_of_unread(TimedFile(Path("bad\udcff.jpg"), None))
    assert "bad?.jpg" in write_review(tmp_path / "a.html", [Group("folder\udcff", (card,))]).read_text("utf-8")


def test_200_frames_are_a_light_page(tmp_path: Path) -> None:
    """Frames of 640 x 480 pixels with noise, which compress worst."""
    rng = np.random.default_rng(0)
    session = Session(regions=[])
    frame, mask = frame_of(28.0, 28.0)
    large = np.kron(frame.celsius, np.ones((2, 2))) + rng.normal(0, 0.06, (2 * SIZE[0], 2 * SIZE[1]))
    session.add(large, np.kron(mask, np.ones((2, 2), bool)), minute=0)
    (card,) = review_session(session).cards
    page = write_review(tmp_path / "a.html", [Group("many", (card,) * 200)])
    assert page.stat().st_size < 12e6


def test_frames_are_filtered_stepped_through_judged_and_saved(browser: Any, tmp_path: Path) -> None:
    cards = (
        Card("a.jpg", 0.0, "clean", "measured"),
        Card("b.jpg", 5.0, "refused", "not two soles", "Only one sole.", concerns=("not two soles",)),
        Card("c.jpg", 10.0, "caution", "measured", cautions=("At the border.",), concerns=("mask at border",)),
        Card("=d.jpg", None, "refused", "unreadable frame", "Empty.", concerns=("unreadable frame",)),
    )
    path = write_review(tmp_path / "review.html", [Group("ward", cards)])
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(path.as_uri())

    def shown() -> list[str]:
        found: list[str] = page.eval_on_selector_all(
            "article:not([hidden])", "all => all.map(a => a.dataset.file)"
        )
        return found

    assert shown() == ["a.jpg", "b.jpg", "c.jpg", "=d.jpg"]
    page.keyboard.press("2")
    assert shown() == ["b.jpg", "=d.jpg"]
    page.keyboard.press("3")
    assert shown() == ["c.jpg"]
    page.keyboard.press("1")
    page.select_option("#concern", "mask at border")
    assert shown() == ["c.jpg"]
    page.select_option("#concern", "")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")  # to the first
    page.keyboard.press("Enter")
    assert page.locator("html.large article.current").get_attribute("data-file") == "a.jpg"
    page.keyboard.press("y")  # and on to the next
    page.keyboard.press("n")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    assert page.locator("html.large").count() == 0
    page.locator("article input").nth(1).fill('the blanket, "again"')
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("5")
    assert shown() == ["c.jpg"]

    page.reload()  # decisions are kept
    expected = [("a.jpg", "correct"), ("b.jpg", "wrong"), ("c.jpg", None), ("=d.jpg", "unsure")]
    with page.expect_download() as download:
        page.click("#json")
    saved = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert [(row["file"], row["decision"]) for row in saved["frames"]] == expected
    assert saved["frames"][1]["note"] == 'the blanket, "again"' and saved["frames"][3]["minute"] is None
    with page.expect_download() as download:
        page.click("#csv")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert [row["decision"] for row in rows] == ["correct", "wrong", "", "unsure"]
    assert rows[1]["note"] == 'the blanket, "again"' and rows[3]["file"] == "'=d.jpg" and rows[2]["minute"] == "10"
    assert not errors
