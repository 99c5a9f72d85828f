"""Sessions on disk."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.thermal.phantom.scenes import SMALL

from prismseg.base import ConfigError, OutputError
from prismseg.data import open_dataset
from prismseg.thermal.phantom import DEFAULT_MINUTES, write_sessions
from prismseg.thermal.phantom.output.calibration import REAL_SESSIONS


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_sessions(tmp_path_factory.mktemp("study") / "feet", sessions=3, seed=4, size=SMALL)


def test_a_study_is_read_as_a_data_set(study):
    dataset = open_dataset(study)
    assert len(dataset) == 3 * len(DEFAULT_MINUTES) and sorted(set(dataset.groups)) == ["S01", "S02", "S03"]
    assert dataset.channels == 1 and dataset[0].image.dtype == np.float32
    assert all(set(np.unique(case.mask)) == {0, 1} for case in dataset)
    with (study / "dataset.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["minute"] for row in rows[:6]] == ["0", "1", "5", "10", "15", "20"]
    for row in rows:
        name = row["image"].removeprefix("images/").removesuffix(".tiff")
        celsius = tifffile.imread(study / row["image"])
        mask, labels, territories, grey = (
            np.asarray(Image.open(study / part / f"{name}.png"))
            for part in ("masks", "labels", "territories", "grey")
        )
        np.testing.assert_array_equal(mask, labels > 0)
        np.testing.assert_array_equal(territories > 0, labels > 0)
        assert grey.dtype == np.uint8 and grey.shape == celsius.shape == SMALL
        # Optics and noise hardly move the mean of a foot.
        for label, key in ((1, "left_celsius"), (2, "right_celsius")):
            assert celsius[labels == label].mean() == pytest.approx(float(row[key]), abs=0.5)
    with Image.open(study / "contact_sheet.png") as sheet:
        assert sheet.size[0] > 1000 and len(np.unique(np.asarray(sheet.convert("L")))) > 100
    with (study / "calibration.csv").open() as file:
        assert [row["statistic"] for row in csv.DictReader(file)] == list(REAL_SESSIONS)


def test_sessions_do_not_depend_on_how_many_there_are(study, tmp_path):
    again = write_sessions(tmp_path / "again", sessions=2, seed=4, size=SMALL)
    parts = [path for path in sorted(again.rglob("S0*")) if path.is_file()]
    assert len(parts) == 2 * 6 * 5
    for path in parts:
        assert path.read_bytes() == (study / path.relative_to(again)).read_bytes()
    other = write_sessions(tmp_path / "other", sessions=1, minutes=(0,), seed=5, size=SMALL)
    first, second = (tifffile.imread(folder / "images" / "S01_t00min.tiff") for folder in (study, other))
    assert not np.array_equal(first, second)


def test_chosen_domains_framings_and_minutes(tmp_path):
    out = write_sessions(
        tmp_path / "legs",
        sessions=4,
        minutes=(0, 2.5),
        domains=("solid", "ellipse"),
        framings=("above",),
        size=(48, 64),
    )
    with (out / "dataset.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["domain"] for row in rows} == {"solid", "ellipse"} and {row["framing"] for row in rows} == {
        "above"
    }
    assert rows[1]["image"] == "images/S01_t2.5min.tiff" and (out / rows[1]["image"]).is_file()
    # Real sessions show soles: nothing to compare these with.
    assert not (out / "calibration.csv").exists()


def test_progress_and_folders_in_the_way(tmp_path):
    seen = []
    write_sessions(
        tmp_path / "a",
        sessions=2,
        minutes=(0, 5),
        size=(48, 64),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(OutputError, match="not an empty folder"):
        write_sessions(tmp_path / "a")
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(OutputError, match="taken"):
            write_sessions(path)


def test_an_unfinished_study_has_no_table(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sessions(tmp_path / "feet", sessions=1, size=(48, 64), progress=stop)
    assert not (tmp_path / "feet" / "dataset.csv").exists()
    assert [path.name for path in (tmp_path / "feet" / "images").iterdir()] == ["S01_t00min.tiff"]


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        ({"sessions": 0}, "at least one session"),
        ({"minutes": ()}, "minutes"),
        ({"minutes": (0, 5, 5)}, "differ"),
        ({"minutes": (1, 1.0000001)}, "differ"),
        ({"minutes": (-5, 0)}, "0 or later"),
        ({"minutes": (0, float("nan"))}, "0 or later"),
        ({"size": (240, 16)}, "too small"),
        ({"domains": ("clay",)}, "'clay'"),
        ({"framings": ("side",)}, "'side'"),
    ],
)
def test_impossible_plans_are_refused_before_anything_is_written(tmp_path, plan, word):
    with pytest.raises(ConfigError, match=word):
        write_sessions(tmp_path / "feet", **plan)
    assert not (tmp_path / "feet").exists()
