from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from prismseg.base import ConfigError
from prismseg.thermal import Frame, in_order, minute_in_name, minutes_of


@pytest.mark.parametrize(
    ("name", "minute"),
    [("t0.jpg", 0), ("S01_t05.tiff", 5), ("P1-T2.5.png", 2.5), ("x t20min.csv", 20), ("left5.png", None),
     ("cat5.png", None), ("t5_mask.png", None), ("2023t5.png", 5), ("IMG_0061.jpg", None)],
)  # fmt: skip
def test_minutes_in_names(name, minute):
    assert minute_in_name(Path(name)) == minute


def frame_at(seconds):
    time = None if seconds is None else datetime(2024, 5, 1, 12) + timedelta(seconds=seconds)
    return Frame(np.linspace(20, 30, 100, dtype=np.float32).reshape(10, 10), time=time)


def test_stated_minutes_come_before_names_and_names_before_clocks():
    paths, frames = [Path("t0.jpg"), Path("t5.jpg")], [frame_at(0), frame_at(90)]
    assert minutes_of(paths, frames, [0, 7]) == [0, 7]
    assert minutes_of(paths, frames) == [0, 5]
    assert minutes_of([Path("a.jpg"), Path("b.jpg")], frames) == [0, 1.5]
    assert minutes_of([Path("a.jpg")], [None]) == [0]


def test_unknown_times_are_refused_and_never_guessed():
    paths = [Path("a.jpg"), Path("b_t5.jpg")]
    with pytest.raises(ConfigError, match="--minutes"):
        minutes_of(paths, [frame_at(0), frame_at(None)])
    with pytest.raises(ConfigError, match="3 minutes are stated for 2"):
        minutes_of(paths, [frame_at(0), frame_at(60)], [0, 5, 10])


def test_files_are_ordered_by_number_and_not_by_letter():
    paths = [Path(name) for name in ("t10.png", "t5.png", "t0.png")]
    assert [path.name for path in in_order(paths)] == ["t0.png", "t5.png", "t10.png"]
    unnamed = [Path("b.png"), Path("a.png")]
    assert in_order(unnamed) == unnamed
