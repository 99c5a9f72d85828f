from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.base import ConfigError
from prismseg.thermal.soles.sides import SideAssignment, Track, assign_sides, check_view, medial_direction

HERE = np.array([[0.5, 0.3], [0.5, 0.9]])


def test_the_right_foot_is_on_the_images_left_with_soles_to_the_camera() -> None:
    assert assign_sides(HERE, "soles-to-camera", None) == SideAssignment(left=1, right=0, swapped=False)
    assert assign_sides(HERE, "mirrored", None) == SideAssignment(left=0, right=1, swapped=False)


@given(st.integers(0, 179), st.sampled_from(["soles-to-camera", "mirrored"]))
def test_order_has_no_influence(turn: int, view: str) -> None:
    angle = np.deg2rad(turn)
    centres = 0.5 + 0.2 * np.array([[np.sin(angle), np.cos(angle)], [-np.sin(angle), -np.cos(angle)]])
    for previous in (None, Track((0.5, 0.9), (0.5, 0.3))):
        one, other = (assign_sides(order, check_view(view), previous) for order in (centres, centres[::-1]))
        if one is None or other is None:
            assert one is None and other is None
        else:
            assert (one.left, one.right, one.swapped) == (1 - other.left, 1 - other.right, other.swapped)


@given(st.floats(-75, 75), st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.floats(0.5, 2.0))
def test_a_track_keeps_names_over_turns_shifts_and_zooms(
    turn: float, down: float, across: float, zoom: float
) -> None:
    angle = np.deg2rad(turn)
    away = 0.3 * zoom * np.array([np.sin(angle), np.cos(angle)])
    centre = np.array([0.5 + down, 0.6 + across])
    naming = assign_sides(
        np.array([centre - away, centre + away]), "soles-to-camera", Track((0.5, 0.9), (0.5, 0.3))
    )
    assert naming is not None and (naming.left, naming.right) == (1, 0)


def test_a_turn_by_a_right_angle_is_unclear() -> None:
    track = Track((0.5, 0.9), (0.5, 0.3))
    assert assign_sides(np.array([[0.2, 0.6], [0.8, 0.6]]), "soles-to-camera", track) is None
    assert assign_sides(np.array([[0.2, 0.6], [0.8, 0.6]]), "soles-to-camera", None) is None
    assert assign_sides(np.array([[0.5, 0.6], [0.5, 0.6]]), "soles-to-camera", None) is None


def test_names_that_contradict_the_places_are_swapped() -> None:
    track = Track(left=(0.5, 0.3), right=(0.5, 0.9))  # as if the picture had been mirrored meanwhile
    assert assign_sides(HERE, "soles-to-camera", track) == SideAssignment(left=0, right=1, swapped=True)


def test_the_big_toe_looks_inwards_in_both_views() -> None:
    assert medial_direction("right", "soles-to-camera") == 1 == medial_direction("left", "mirrored")
    assert medial_direction("left", "soles-to-camera") == -1 == medial_direction("right", "mirrored")
    with pytest.raises(ConfigError, match="not 'upside down'"):
        check_view("upside down")
