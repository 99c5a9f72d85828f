from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from tests.thermal.feet import frame_of

from prismseg.base import ConfigError, DataError
from prismseg.thermal import Frame, Session, read_frame
from prismseg.thermal.network.segmenter import Segmentation
from prismseg.thermal.review.cards import Group
from prismseg.thermal.review.folders import find_folders, review_folder


def write_frames(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        np.save(folder / name, frame_of(28.0, 28.0, seed=number)[0].celsius)
    return folder


def reviewed(folder: Path, *, separate: bool = False) -> Group:
    (found,) = find_folders([folder])
    _, mask = frame_of(28.0, 28.0)
    return review_folder(
        found, read_frame, lambda path, frame: Segmentation(mask), lambda: Session(regions=[]), separate=separate
    )


def test_a_folder_of_sessions(tmp_path: Path) -> None:
    write_frames(tmp_path / "ward" / "S02", "t0min.npy", "t5min.npy")
    write_frames(tmp_path / "ward" / "S10", "t0min.npy")
    write_frames(tmp_path / "ward", "single.npy")
    (tmp_path / "ward" / "empty").mkdir()
    results = write_frames(tmp_path / "ward" / "measured", "a.npy")
    (results / "session.json").write_text("{}")
    found = find_folders([tmp_path / "ward"])
    assert [(folder.title, len(folder.files)) for folder in found] == [
        ("ward", 1),
        ("ward/S02", 2),
        ("ward/S10", 1),
    ]
    with pytest.raises(ConfigError, match=r"results of a measurement; its page is .*review.html"):
        find_folders([results])


def test_nothing_to_review(tmp_path: Path) -> None:
    (tmp_path / "empty" / "deeper").mkdir(parents=True)
    for source in (tmp_path / "absent", tmp_path / "empty" / "deeper", tmp_path / "empty"):
        with pytest.raises(DataError):
            find_folders([source])


def test_frames_with_minutes_are_one_session(tmp_path: Path) -> None:
    group = reviewed(write_frames(tmp_path / "S", "t0min.npy", "t5min.npy"))
    assert [card.minute for card in group.cards] == [0, 5] and group.remark.startswith("Minutes by")


def test_frames_without_minutes_are_judged_each_by_itself(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "S", "b.npy", "a.npy")
    (folder / "c.npy").write_bytes(b"no array")
    group = reviewed(folder)
    assert [(card.file, card.minute, card.kind) for card in group.cards] == [
        ("a.npy", None, "clean"), ("b.npy", None, "clean"), ("c.npy", None, "refused"),
    ]  # fmt: skip
    assert group.remark.startswith("Each frame was judged by itself.")


def test_equal_pictures_of_two_patients_are_no_duplicates_when_judged_apart(tmp_path: Path) -> None:
    folder = tmp_path / "S"
    folder.mkdir()
    for minute in (0, 5):
        np.save(folder / f"t{minute}min.npy", frame_of(28.0, 28.0)[0].celsius)
    assert [card.kind for card in reviewed(folder).cards] == ["clean", "refused"]
    assert [card.kind for card in reviewed(folder, separate=True).cards] == ["clean", "clean"]


def test_pictures_of_many_days_are_no_session(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "S", "a.npy", "b.npy")
    for day, name in ((1, "a"), (3, "b")):
        (folder / f"{name}.json").write_text(json.dumps({"time": f"2026-11-0{day}T08:00:00"}))
    group = reviewed(folder)
    assert "over 48 hours" in group.remark and [card.minute for card in group.cards] == [None, None]
    frame = read_frame(folder / "a.npy")
    assert isinstance(frame, Frame) and frame.time == datetime(2026, 11, 1, 8)
