from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.thermal import find_results, summarize_sessions
from prismseg.thermal.output.summary import differing_conditions


def write_results(
    folder: Path,
    left: dict[float, float],
    *,
    right: dict[float, float] | None = None,
    flags: list[dict[str, object]] | None = None,
    refused: int = 0,
    **facts: object,
) -> Path:
    """Files as a session leaves them: changes by minute, each ± 0.1; 27 °C at minute 0."""
    folder.mkdir(parents=True)
    rows = []
    for side, changes in (("left", left), ("right", right or {})):
        for minute, change in changes.items():
            width = 0.0 if minute == 0 else 0.1
            rows.append(
                (minute, "f", "measured", side, "whole sole", 27 + change, change, change - width, change + width)
            )
            rows.append((minute, "f", "measured", side, "toes", 25 + change, 2 * change, change, 3 * change))
    columns = ["minute", "source", "status", "side", "region", "mean", "delta", "delta_low", "delta_high"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "curves.csv", index=False)
    frames = [(minute, "measured", "a caution" if minute == 5 else None) for minute in left]
    frames += [(90 + number, "not two soles", None) for number in range(refused)]
    pd.DataFrame(frames, columns=["minute", "status", "cautions"]).to_csv(folder / "frames.csv", index=False)
    record = {"software": "prismseg 1", "settings": {"warming": 1.0}, "flags": flags or [], **facts}
    (folder / "session.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def ward(tmp_path: Path) -> Path:
    warm = [
        {"name": "warming", "level": "clear", "side": "left", "minutes": [10.0, 20.0]},
        {"name": "quality", "level": "notice", "side": None, "minutes": [5.0]},
        {"name": "no thermal sign yet", "level": "notice", "side": None, "minutes": [20.0]},
    ]
    write_results(
        tmp_path / "ward" / "S01",
        {0: 0.0, 5: 0.4, 9.5: 2.2, 20: 2.0},
        right={0: 0.0, 5: -0.5, 20: -0.2},
        flags=warm,
        refused=2,
    )
    write_results(tmp_path / "ward" / "S02", {0: 0.0, 5: 0.1})  # one foot
    (tmp_path / "ward" / "photos").mkdir()
    return tmp_path / "ward"


def test_sessions_in_one_table_by_hand(ward: Path) -> None:
    table = summarize_sessions(find_results([ward]), minutes=(5, 10, 15)).set_index("session")
    first = table.loc["S01"]
    assert (first.frames, first.measured, first.cautions, first.first_minute, first.last_minute) == (
        6,
        4,
        1,
        0,
        20,
    )
    assert (first.baseline_left, first.baseline_right) == (27.0, 27.0)
    assert (first.delta_left_5min, first.delta_left_10min, first.delta_left_10min_low) == (0.4, 2.2, 2.1)
    assert np.isnan(first.delta_left_15min)  # 20 min is not near it
    assert (first.largest_left, first.largest_left_minute, first.last_left) == (2.2, 9.5, 2.0)
    assert (first.largest_right, first.largest_right_minute) == (-0.2, 20)
    assert first["flags"] == "warming left (clear) from 10 min; no thermal sign yet from 20 min"
    other = table.loc["S02"]
    assert other.last_left == 0.1 and np.isnan(other.baseline_right) and np.isnan(other.largest_right)
    assert other["flags"] == ""


def test_the_toes_instead_of_the_whole_sole(ward: Path) -> None:
    table = summarize_sessions(find_results([ward]), region="toes")
    assert table.delta_left_5min.tolist() == [0.8, 0.2]
    with pytest.raises(ConfigError, match=r"No session has a region 'toe'; choose one of whole sole, toes"):
        summarize_sessions(find_results([ward]), region="toe")


def test_without_t0_there_are_no_changes(tmp_path: Path) -> None:
    folder = write_results(tmp_path / "S", {5: np.nan, 10: np.nan})
    row = summarize_sessions([folder]).iloc[0]
    assert (
        row.measured == 2 and row[["baseline_left", "largest_left", "last_left", "delta_left_5min"]].isna().all()
    )


def test_folders_of_one_name_are_told_apart_and_counted_once(tmp_path: Path) -> None:
    for day in ("mon", "tue"):
        write_results(tmp_path / day / "S01", {0: 0.0, 5: 0.4})
    found = find_results([tmp_path / "mon", tmp_path / "tue", tmp_path / "mon" / "S01"])
    assert summarize_sessions(found).session.tolist() == ["mon/S01", "tue/S01"]


def test_other_networks_and_thresholds_are_named(tmp_path: Path) -> None:
    write_results(tmp_path / "a", {0: 0.0}, network="one")
    write_results(tmp_path / "b", {0: 0.0}, network="two", settings={"warming": 1.5})
    table = summarize_sessions(find_results([tmp_path]))
    assert differing_conditions(table) == ["soles_by", "thresholds"]
    assert differing_conditions(table.iloc[:1]) == []


def test_what_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no measured session in .*absent"):
        find_results([tmp_path / "absent"])
    folder = write_results(tmp_path / "S", {0: 0.0})
    (folder / "curves.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"curves.csv is no table"):
        summarize_sessions([folder])
    (folder / "curves.csv").unlink()
    with pytest.raises(DataError, match=r"lacks curves.csv"):
        summarize_sessions([folder])
    folder = write_results(tmp_path / "T", {0: 0.0})
    (folder / "session.json").write_text("[]")
    with pytest.raises(DataError, match=r"session.json is no record"):
        summarize_sessions([folder])
