"""Whole sessions: courses, people who stay the same, files, statistics."""

import csv

import numpy as np
import pytest
import tifffile
from PIL import Image

from prismseg.base import ConfigError, OutputError
from prismseg.data import open_dataset
from prismseg.thermal.phantom import (
    DEFAULT_MINUTES,
    FootCourse,
    Record,
    calibrate,
    compare,
    draw_courses,
    draw_subject,
    table,
    tile_greys,
    write_sessions,
)
from prismseg.thermal.phantom.output.calibration import FACTS

SMALL = (96, 128)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_sessions(tmp_path_factory.mktemp("study") / "feet", sessions=3, seed=4, size=SMALL)


def test_course_by_hand():
    course = FootCourse(baseline=27.0, drift=-0.4, rise=4.0, onset=5.0, tau=3.0)
    assert course.temperature(0) == 27.0 and course.warming(5) == 0
    # Before the onset only the drift, by 1 - 1/e after its 1.5 minutes; after 3 time constants 95 % of the rise.
    assert course.temperature(1.5) == pytest.approx(27 - 0.4 * (1 - np.exp(-1)))
    assert course.warming(14) == pytest.approx(4 * (1 - np.exp(-3)))
    assert course.temperature(14) == pytest.approx(27 - 0.4 * (1 - np.exp(-14 / 1.5)) + 4 * (1 - np.exp(-3)))


def test_courses_have_the_statistics_of_labour_sessions():
    """30 sessions: their own standard errors are .4 °C (mean at 20 min), so these tolerances are well within."""
    rng = np.random.default_rng(0)
    feet = np.array(
        [
            [[course.temperature(minute) for course in courses] for minute in (0, 1, 5, 10, 15, 20)]
            for courses in (draw_courses(rng) for _ in range(3000))
        ]
    )
    means = feet.mean(axis=2)
    deltas = means[:, 1:] - means[:, :1]
    assert means[:, 0].mean() == pytest.approx(27.2, abs=0.15)
    assert means[:, 0].std() == pytest.approx(2.4, abs=0.1)
    np.testing.assert_allclose(deltas.mean(0), [-0.15, -0.27, 0.46, 1.06, 1.33], atol=0.2)
    np.testing.assert_allclose(deltas.std(0), [0.39, 0.71, 1.53, 1.95, 2.19], atol=0.2)
    apart = np.abs(feet[..., 0] - feet[..., 1])
    assert np.median(apart[:, 0]) == pytest.approx(0.43, abs=0.05)
    assert np.percentile(apart[:, 0], 90) == pytest.approx(1.1, abs=0.1)
    assert np.median(apart[:, 5]) == pytest.approx(0.75, abs=0.1)
    assert np.percentile(apart[:, 5], 90) == pytest.approx(3.9, abs=0.5)
    # A mixture: few feet are between those that do not warm and those that clearly do.
    rise = (feet[:, 5] - feet[:, 0]).ravel()
    assert 0.2 < np.mean(rise > 3) < 0.35 and np.mean(rise < 1) > 0.55
    assert np.percentile(rise, 99) < 8 and feet.max() <= 34.5 + 1e-9


def test_pictures_have_the_statistics_of_labour_sessions():
    lines = calibrate(160, seed=1)
    assert [line.name for line in lines] == list(FACTS)
    assert all(line.close for line in lines), table([line for line in lines if not line.close])


def test_statistics_by_hand():
    means = {(0, 0): (27.0, 28.0), (0, 20): (30.0, 29.0), (1, 0): (25.0, 25.0), (1, 20): (25.0, 25.5)}
    records = [
        Record(session, minute, left, right, coverage=20 + session, low=18, high=30)
        for (session, minute), (left, right) in means.items()
    ]
    found = {line.name: line.simulated for line in compare(records)}
    assert found["t0 mean, °C"] == 26.25 and found["t0 SD, °C"] == 1.25
    assert found["delta 20 min mean, °C"] == pytest.approx((2.0 + 0.25) / 2)
    assert found["abs(L-R) 20 min median, °C"] == 0.75 and found["coverage mean, %"] == 20.5
    assert "delta 5 min mean, °C" not in found


def test_feet_follow_their_courses():
    """Hidden parts aside, the mean of a foot is what its course says, at each minute."""
    for number in range(8):
        subject = draw_subject(11, number)
        for minute in (0, 10, 20):
            frame = subject.picture(minute, size=SMALL)
            for mean, course in zip((frame.left, frame.right), subject.courses, strict=True):
                assert mean == pytest.approx(course.temperature(minute), abs=0.5)


def test_a_person_stays_the_same_between_pictures_and_stirs():
    for number in range(4):
        subject = draw_subject(8, number)
        first, second = (subject.picture(minute, size=SMALL) for minute in (0, 1))
        overlap = (first.mask & second.mask).sum() / (first.mask | second.mask).sum()
        assert 0.5 < overlap < 0.995
        assert first.domain == second.domain and not np.array_equal(first.celsius, second.celsius)
        np.testing.assert_array_equal(first.celsius, subject.picture(0, size=SMALL).celsius)


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
        assert [row["statistic"] for row in csv.DictReader(file)] == list(FACTS)


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


def test_greys_in_tiles():
    frames = [draw_subject(0, number).picture(0, size=(48, 64)) for number in range(5)]
    sheet = tile_greys(frames, columns=3, outlines=False)
    assert sheet.shape == (96, 192, 3)
    np.testing.assert_array_equal(sheet[48:, :64, 0], frames[3].grey)
    assert not sheet[48:, 128:].any()
    assert (tile_greys(frames, columns=3) != sheet).any()


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
