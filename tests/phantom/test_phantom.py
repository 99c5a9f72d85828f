import csv

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from prismseg.base import OutputError
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
    assert course.temperature(0) == 27.0
    # Before the onset only the drift; after 3 time constants 95 % of the rise.
    assert course.temperature(4) == pytest.approx(27 - 0.4 * (1 - np.exp(-1)))
    assert course.temperature(14) == pytest.approx(27 - 0.4 * (1 - np.exp(-3.5)) + 4 * (1 - np.exp(-3)))


def test_courses_have_the_statistics_of_labour_sessions():
    rng = np.random.default_rng(0)
    feet = np.array(
        [
            [[course.temperature(minute) for course in courses] for minute in (0, 5, 10, 15, 20)]
            for courses in (draw_courses(rng) for _ in range(3000))
        ]
    )
    means = feet.mean(axis=2)
    deltas = means[:, 1:] - means[:, :1]
    assert means[:, 0].mean() == pytest.approx(27.2, abs=0.2)
    assert means[:, 0].std() == pytest.approx(2.4, abs=0.2)
    np.testing.assert_allclose(deltas.mean(0), [-0.27, 0.46, 1.06, 1.33], atol=0.25)
    np.testing.assert_allclose(deltas.std(0), [0.71, 1.53, 1.95, 2.19], atol=0.4)
    apart = np.abs(feet[..., 0] - feet[..., 1])
    assert np.median(apart[:, 0]) == pytest.approx(0.43, abs=0.06)
    assert np.percentile(apart[:, 0], 90) == pytest.approx(1.1, abs=0.15)
    assert np.median(apart[:, 4]) == pytest.approx(0.75, abs=0.2)
    assert np.percentile(apart[:, 4], 90) == pytest.approx(3.9, abs=1.2)


def frames(count, minute=0.0):
    for seed in range(count):
        rng = np.random.default_rng(seed)
        patient = draw_patient(rng)
        yield patient, simulate_frame(rng, patient, minute)


def test_truth_is_exact():
    for _, frame in frames(12):
        assert set(np.unique(frame.soles)) <= {0, LEFT, RIGHT}
        np.testing.assert_array_equal(frame.mask, frame.soles > 0)
        for label, mean in ((LEFT, frame.left), (RIGHT, frame.right)):
            sole = ndimage.binary_erosion(frame.soles == label, iterations=2)
            # Inside the sole the picture differs from the truth by optics, vignetting and noise alone.
            assert frame.celsius[sole].mean() == pytest.approx(mean, abs=0.45)


def test_the_patients_right_foot_is_on_the_left_and_big_toes_face_the_middle():
    for _, frame in frames(12):
        right = ndimage.center_of_mass(frame.soles == RIGHT)[1]
        left = ndimage.center_of_mass(frame.soles == LEFT)[1]
        assert right < left


def test_area_share_of_the_frame():
    shares = [frame.mask.mean() for _, frame in frames(40)]
    assert np.mean(shares) == pytest.approx(0.225, abs=0.04)
    assert min(shares) > 0.06 and max(shares) < 0.42


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
