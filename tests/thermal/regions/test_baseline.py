from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.thermal.feet import frame_of, mask_of, pair

from prismseg.base import ConfigError, Message
from prismseg.thermal import Session
from prismseg.thermal.regions.baseline import describe_drawn, read_drawn_on_baseline
from prismseg.thermal.sessions.timed_file import TimedFile
from prismseg.thermal.sessions.timing import SessionPlan


def plan_of(*minutes: float, unread: float | None = None) -> SessionPlan:
    files = []
    for number, minute in enumerate(minutes):
        frame, _ = frame_of(28.0, 28.0, seed=number)
        files.append(TimedFile(Path(f"t{minute:g}.png"), None if minute == unread else frame, minute=minute))
    return SessionPlan(tuple(files), (), Message("stated"))


def drawing(path: Path, *shapes: tuple[str, list[list[int]]], **more: str) -> Path:
    listed = [{"label": name, "points": points} for name, points in shapes]
    path.write_text(json.dumps({"shapes": listed, **more}))
    return path


ON_RIGHT = [[95, 110], [115, 110], [115, 130], [95, 130]]
HALF_ON_RIGHT = [[0, 110], [105, 110], [105, 130], [0, 130]]
NOWHERE = [[0, 0], [9, 0], [9, 9]]


def test_t0_is_the_last_frame_that_could_be_read_at_or_before_the_dose(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.json", ("wound", ON_RIGHT))
    assert read_drawn_on_baseline(path, plan_of(-5, -1, 5)).source == "t-1.png"
    assert read_drawn_on_baseline(path, plan_of(-5, 0, 5, unread=0)).source == "t-5.png"
    with pytest.raises(ConfigError, match="no frame at or before 0 min"):
        read_drawn_on_baseline(path, plan_of(5, 10))


def test_a_drawing_of_another_frame_is_refused_and_an_exported_picture_is_not(tmp_path: Path) -> None:
    for name in ("t0.jpg", "..\\pictures\\t0.png", "exported.png"):
        path = drawing(tmp_path / "a.json", ("wound", ON_RIGHT), imagePath=name)
        assert read_drawn_on_baseline(path, plan_of(0, 5)).names == ("wound",)
    path = drawing(tmp_path / "a.json", ("wound", ON_RIGHT), imagePath="t5.jpg")
    with pytest.raises(ConfigError, match=r"drawn on t5.jpg, and t0 is t0.png"):
        read_drawn_on_baseline(path, plan_of(0, 5))


def measured(path: Path, *, without_t0: bool = False, minutes: tuple[float, ...] = (0, 5)) -> Session:
    plan = plan_of(*minutes)
    session = Session(drawn=read_drawn_on_baseline(path, plan))
    for file in plan.files:
        one_foot = without_t0 and file.minute == 0
        mask = mask_of(*pair()) & False if one_foot else mask_of(*pair())
        session.add(file.frame, mask, minute=file.minute, source=str(file.path))
    return session


def test_everything_that_is_left_out_is_said(tmp_path: Path) -> None:
    path = drawing(tmp_path / "a.json", ("wound", ON_RIGHT), ("edge", HALF_ON_RIGHT), ("off", NOWHERE))
    one, other = describe_drawn(measured(path))
    assert "'edge'" in one and "lies beside the soles of t0.png" in one
    assert "'off' was not measured: it lies on no sole" in other
    assert "no numbers before t0.png (frames: 1)" in describe_drawn(measured(path, minutes=(-5, 0)))[-1]
    (sentence,) = describe_drawn(measured(path, without_t0=True))
    assert sentence == "The drawn regions (wound, edge, off) were not measured: t0.png has no numbers."
    assert describe_drawn(Session()) == []


def test_a_region_within_a_sole_needs_no_word(tmp_path: Path) -> None:
    session = measured(drawing(tmp_path / "a.json", ("wound", ON_RIGHT)))
    assert describe_drawn(session) == []
    assert session.delta(session.entries[1], "right", "wound").value == pytest.approx(0.0, abs=0.05)
