import csv
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from PIL import Image

from prismseg.base import ConfigError, DataError, OutputError
from prismseg.thermal import export_frames, find_frames, read_frame, summarize_frames, write_rjpeg


@pytest.fixture
def session(tmp_path, scene):
    folder = tmp_path / "session"
    folder.mkdir()
    time = datetime(2026, 5, 31, 14, 5, tzinfo=UTC)
    write_rjpeg(folder / "t0.jpg", scene, time=time, camera="Model X", serials={"camera": "SN-77"})
    np.save(folder / "t5.npy", scene + 2)
    Image.fromarray(np.zeros((20, 20, 3), np.uint8) + np.uint8([9, 90, 200])).save(folder / "palette.png")
    (folder / "notes.md").write_text("not a frame")
    (folder / ".hidden.csv").write_text("1")
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_in_numbers(session, scene, tmp_path):
    summaries = summarize_frames(find_frames([session]), read_frame)
    assert [summary.path.name for summary in summaries] == ["palette.png", "t0.jpg", "t5.npy"]
    table = rows(export_frames(summaries, tmp_path / "out", read_frame))
    refused, first, second = table
    assert "palette picture, not radiometric" in refused["refused"] and refused["mean_c"] == ""
    assert (first["kind"], first["height"], first["width"]) == ("radiometric", "48", "64")
    assert first["time"] == "2026-05-31T14:05:00+00:00" and first["camera"] == "Model X"
    assert (first["emissivity"], first["reflected_c"], first["distance_m"]) == ("0.98", "20", "1")
    for row, expected in ((first, scene), (second, scene + 2)):
        got = [float(row[name]) for name in ("min_c", "mean_c", "max_c")]
        assert got == pytest.approx([expected.min(), expected.mean(), expected.max()], abs=0.01)
        assert row["refused"] == ""
    assert second["emissivity"] == "" and second["time"] == ""


def test_celsius_that_are_written_can_be_read_and_hold_nothing_else(session, scene, tmp_path):
    summaries = summarize_frames(find_frames([session]), read_frame)
    export_frames(summaries, tmp_path / "out", read_frame)
    again = read_frame(tmp_path / "out" / "celsius" / "t0.jpg.tiff")
    assert np.abs(again.celsius - scene).max() <= 0.02
    assert tifffile.imread(tmp_path / "out" / "celsius" / "t5.npy.tiff").dtype == np.float32
    for path in (tmp_path / "out").rglob("*.*"):
        assert b"SN-77" not in path.read_bytes()
    assert sorted(path.name for path in (tmp_path / "out" / "pictures").iterdir()) == ["t0.jpg.png", "t5.npy.png"]


def test_a_file_a_folder_and_a_file_again(session):
    paths = find_frames([session / "t5.npy", session, session / "notes.md"])
    assert [path.name for path in paths] == ["t5.npy", "palette.png", "t0.jpg", "notes.md"]


def test_a_folder_is_read_in_the_order_of_numbers(tmp_path, scene):
    for name in ("t10", "t-5", "t2", "t0"):
        np.save(tmp_path / f"{name}.npy", scene)
    assert [path.stem for path in find_frames([tmp_path])] == ["t-5", "t0", "t2", "t10"]


def test_nothing_to_read(tmp_path):
    with pytest.raises(DataError, match="no file or folder"):
        find_frames([tmp_path / "absent"])
    with pytest.raises(DataError, match="no frame directly in"):
        find_frames([tmp_path])


def test_results_never_land_among_the_frames(session):
    summaries = summarize_frames(find_frames([session]), read_frame)
    with pytest.raises(OutputError, match="choose another --out"):
        export_frames(summaries, session, read_frame)


def test_two_frames_of_one_name(session, scene, tmp_path):
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "t5.npy", scene)
    summaries = summarize_frames(find_frames([session, tmp_path / "other"]), read_frame)
    with pytest.raises(ConfigError, match="share a name"):
        export_frames(summaries, tmp_path / "out", read_frame)
