"""Persons in several frames."""

import numpy as np
import pytest
from tests.thermal.phantom.scenes import SMALL

from prismseg.thermal.phantom import draw_subject


def test_feet_follow_their_courses():
    """Hidden parts aside, the mean of a foot is what its course says, at each minute."""
    for number in range(8):
        subject = draw_subject(11, number)
        for minute in (0, 10, 20):
            frame = subject.frame_at(minute, size=SMALL)
            for mean, course in zip((frame.left, frame.right), subject.courses, strict=True):
                assert mean == pytest.approx(course.temperature(minute), abs=0.5)


def test_a_person_stays_the_same_between_frames_and_stirs():
    for number in range(4):
        subject = draw_subject(8, number)
        first, second = (subject.frame_at(minute, size=SMALL) for minute in (0, 1))
        overlap = (first.mask & second.mask).sum() / (first.mask | second.mask).sum()
        assert 0.5 < overlap < 0.995
        assert first.domain == second.domain and not np.array_equal(first.celsius, second.celsius)
        np.testing.assert_array_equal(first.celsius, subject.frame_at(0, size=SMALL).celsius)
