import csv
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from prismseg.base import ConfigError, OutputError
from prismseg.data import open_dataset
from prismseg.phantom import (
    DEFAULT_MINUTES,
    LEFT,
    RIGHT,
    Camera,
    FootCourse,
    draw_courses,
    draw_patient,
    simulate_frame,
    write_study,
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study") / "feet", patients=3, seed=4)


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


def frames(count, minute=0.0):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        patient = draw_patient(rng)
        yield patient, simulate_frame(rng, patient, minute)


@pytest.mark.parametrize("minute", [0.0, 20.0])
def test_truth_is_exact(minute):
    for patient, frame in frames(12, minute):
        assert set(np.unique(frame.soles)) <= {0, LEFT, RIGHT}
        np.testing.assert_array_equal(frame.mask, frame.soles > 0)
        assert frame.left == patient.left.course.temperature(minute)
        for label, mean in ((LEFT, frame.left), (RIGHT, frame.right)):
            # The true field has the course's mean on the sole, but for its edge pixels, shared with what is behind.
            assert frame.truth[frame.soles == label].mean() == pytest.approx(mean, abs=0.12)
            # Inside, the picture differs from the truth by optics, vignetting and noise alone.
            inside = ndimage.binary_erosion(frame.soles == label, iterations=5)
            assert np.abs(frame.celsius - frame.truth)[inside].mean() < 0.3


def test_each_sole_is_one_piece_with_toes_on_top():
    for patient, frame in frames(20):
        for label in (LEFT, RIGHT):
            pieces, count = ndimage.label(frame.soles == label, np.ones((3, 3)))
            sizes = np.bincount(pieces.ravel())[1:]
            assert count == 1 or sizes.max() > 0.97 * sizes.sum()
        rows = np.flatnonzero((frame.soles == LEFT).any(axis=1))
        assert np.ptp(rows) == pytest.approx(patient.pose.length * 240, rel=0.16)


def test_the_sheet_cuts_heels_and_hides_what_is_below():
    def heels(frame, share):
        rows = np.flatnonzero((frame.soles == LEFT).any(axis=1))
        return (frame.soles[rows[-1] - 2] == LEFT).sum() / (frame.soles[rows[-1] - 15] == LEFT).sum() > share

    patient = draw_patient(np.random.default_rng(1))
    cut, free = (
        replace(patient, surroundings=replace(patient.surroundings, cut=height, tilt=0.0))
        for height in (0.06, -0.1)
    )
    shown = [simulate_frame(np.random.default_rng(2), person, 0) for person in (cut, free)]
    assert heels(shown[0], 0.7) and not heels(shown[1], 0.7)
    assert shown[0].mask.sum() < shown[1].mask.sum()
    lowest = np.flatnonzero(shown[0].mask.any(axis=1))[-1]
    below = shown[0].truth[lowest + 3 :]
    np.testing.assert_allclose(below, cut.surroundings.sheet, atol=1e-4)


def test_a_patient_stays_the_same_person_between_pictures():
    rng = np.random.default_rng(8)
    patient = draw_patient(rng)
    first, second = (simulate_frame(rng, patient, 0) for _ in range(2))
    overlap = (first.mask & second.mask).sum() / (first.mask | second.mask).sum()
    assert 0.6 < overlap < 0.99
    assert np.abs(first.truth - second.truth).mean() < 1.6
    assert not np.array_equal(first.celsius, second.celsius)


def test_no_sole_is_colder_than_its_room_allows_and_some_toes_vanish():
    vanishing = 0
    for patient, frame in frames(40):
        inside = ndimage.binary_erosion(frame.mask, iterations=3)
        assert frame.truth[inside].min() > patient.surroundings.room - 0.6
        vanishing += frame.truth[inside].min() < patient.surroundings.room + 0.7
    assert 3 <= vanishing <= 30


def test_scene_spans_the_temperatures_of_real_pictures():
    spans = np.array([np.percentile(frame.celsius, (0.5, 99.5)) for _, frame in frames(60)])
    assert np.percentile(spans[:, 0], 5) > 17 and np.percentile(spans[:, 0], 95) < 24.5
    assert np.percentile(spans[:, 1], 5) > 27 and np.percentile(spans[:, 1], 95) < 36


def test_size_changes_sampling_only():
    patient = draw_patient(np.random.default_rng(6))
    small, large = (
        simulate_frame(np.random.default_rng(7), patient, 0, size=size) for size in ((120, 160), (480, 640))
    )
    assert small.celsius.shape == (120, 160) and large.soles.shape == (480, 640)
    assert small.mask.mean() == pytest.approx(large.mask.mean(), rel=0.03)


def test_the_patients_right_foot_is_on_the_left_and_big_toes_face_the_middle():
    for _, frame in frames(12):
        right = ndimage.center_of_mass(frame.soles == RIGHT)[1]
        left = ndimage.center_of_mass(frame.soles == LEFT)[1]
        assert right < left
    # Upright and without perspective, the longest toe is the big one, on the side of the other foot.
    patient = draw_patient(np.random.default_rng(0))
    upright = replace(patient.pose, lean_left=0.0, lean_right=0.0, shift=0.0, gap=0.7)
    shape = replace(patient.shape, big_toe=0.0, second_toe=-0.02)
    frame = simulate_frame(np.random.default_rng(1), replace(patient, pose=upright, shape=shape), 0)
    for label, side in ((LEFT, -1), (RIGHT, 1)):
        rows, columns = np.nonzero(frame.soles == label)
        tip = columns[rows < rows.min() + 4].mean()
        assert (tip - columns.mean()) * side > 5


def test_area_share_of_the_frame():
    shares = [frame.mask.mean() for _, frame in frames(100)]
    assert np.mean(shares) == pytest.approx(0.225, abs=0.02)
    assert min(shares) > 0.07 and max(shares) < 0.42


def test_camera_noise_and_blur():
    camera = Camera(blur=0.6, vignetting=0.0, stripes=0.0, noise=0.07)
    flat = camera.measure(np.random.default_rng(0), np.full((80, 80), 25.0))
    assert flat.dtype == np.float32 and flat.std() == pytest.approx(0.07, rel=0.05)
    corner = Camera(blur=0.6, vignetting=0.3, stripes=0.0, noise=0.0).measure(
        np.random.default_rng(0), np.full((81, 81), 25.0)
    )
    assert corner[40, 40] == pytest.approx(25.0) and corner[0, 0] == pytest.approx(24.7)


def test_a_study_is_read_as_a_data_set(study):
    dataset = open_dataset(study)
    assert len(dataset) == 3 * len(DEFAULT_MINUTES) and sorted(set(dataset.groups)) == ["P01", "P02", "P03"]
    assert dataset.channels == 1 and dataset[0].image.dtype == np.float32 and dataset[0].mask.max() == 1
    with (study / "dataset.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["minute"] for row in rows[:5]] == ["0", "5", "10", "15", "20"]
    assert 15 < float(rows[0]["left_celsius"]) < 36
    assert Image.open(study / "contact_sheet.png").size[0] > 500


def test_same_seed_same_bytes_and_patients_do_not_depend_on_their_number(study, tmp_path):
    again = write_study(tmp_path / "again", patients=2, seed=4)
    for path in sorted((again / "images").iterdir()):
        assert path.read_bytes() == (study / "images" / path.name).read_bytes()
    other = write_study(tmp_path / "other", patients=1, minutes=(0,), seed=5)
    first = tifffile.imread(study / "images" / "P01_t00.tiff")
    assert not np.array_equal(first, tifffile.imread(other / "images" / "P01_t00.tiff"))


def test_progress_and_refusal(tmp_path):
    seen = []
    write_study(
        tmp_path / "a", patients=2, minutes=(0, 5), progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(OutputError, match="not an empty folder"):
        write_study(tmp_path / "a")


def test_an_unfinished_study_has_no_table(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_study(tmp_path / "feet", patients=1, progress=stop)
    assert not (tmp_path / "feet" / "dataset.csv").exists()
    assert [path.name for path in (tmp_path / "feet" / "images").iterdir()] == ["P01_t00.tiff"]


@pytest.mark.parametrize(
    ("plan", "word"),
    [
        ({"patients": 0}, "at least one patient"),
        ({"minutes": ()}, "minutes"),
        ({"minutes": (0, 5, 5)}, "differ"),
        ({"minutes": (-5, 0)}, "0 or later"),
        ({"size": (240, 16)}, "too small"),
    ],
)
def test_impossible_plans_are_refused_before_anything_is_written(tmp_path, plan, word):
    with pytest.raises(ConfigError, match=word):
        write_study(tmp_path / "feet", **plan)
    assert not (tmp_path / "feet").exists()


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(OutputError, match="taken"):
            write_study(path)
