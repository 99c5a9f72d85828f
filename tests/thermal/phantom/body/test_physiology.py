"""Courses of temperature: by hand, and their statistics."""

import numpy as np
import pytest

from prismseg.thermal.phantom import FootCourse, draw_courses


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
