from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thermal.feet import Foot, ragged

from prismseg.base import DataError
from prismseg.thermal import TERRITORIES, carry_territories, find_territories, template_hash
from prismseg.thermal.soles.registration import folds, register
from prismseg.thermal.soles.template import OUTLINE, TERRITORY_OUTLINES, territory_at

SIDES = st.sampled_from(["left", "right"])


def agreement(labels: np.ndarray, truth: np.ndarray) -> float:
    """Share of the pixels of both soles that have the same territory."""
    common = (labels > 0) & (truth > 0)
    return float((labels == truth)[common].mean())


@given(
    side=SIDES,
    turn=st.floats(-20, 20),
    length=st.floats(100, 190),
    width=st.floats(0.92, 1.08),
    noise=st.sampled_from([0.0, 3.0]),
    cut=st.sampled_from([0.0, 0.12]),
    mirrored=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_known_warps_are_found(
    side: str, turn: float, length: float, width: float, noise: float, cut: float, mirrored: bool, seed: int
) -> None:
    # Three pixels of noise are meant on the usual 640 x 480 picture, where a sole is about 250 pixels long.
    foot = Foot(side, (120.0, 160.0), length, turn, mirrored, width)
    mask = foot.mask()
    if cut:
        mask &= foot.sole_coordinates()[0] < 1 - cut
    if noise:
        mask = ragged(mask, noise * length / 250, seed)
    found = find_territories(mask, side, "mirrored" if mirrored else "soles-to-camera")
    # Of 350 ragged soles one in a hundred had less than 0.93, and the least 0.914.
    assert agreement(found.labels, foot.truth()) >= (0.90 if noise else 0.97)
    assert np.array_equal(found.labels > 0, mask)  # every pixel exactly one territory, no other pixel any
    assert not found.registration.folded and not found.doubtful
    assert not folds(found.registration, mask)
    assert sum(found.pixels.values()) == mask.sum() and all(found.pixels.values())


def test_ragged_soles_have_the_right_territories_on_the_whole() -> None:
    shares = []
    for seed in range(24):
        foot = Foot(("left", "right")[seed % 2], (120.0, 160.0), 100.0 + 4 * seed, turn=seed - 12.0)
        found = find_territories(ragged(foot.mask(), 3 * foot.length / 250, seed), foot.side)
        shares.append(agreement(found.labels, foot.truth()))
    assert np.median(shares) >= 0.96


@given(side=SIDES, turn=st.floats(-20, 20), noise=st.floats(0, 3), seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_no_outline_folds(side: str, turn: float, noise: float, seed: int) -> None:
    mask = ragged(Foot(side, (120.0, 160.0), 130.0, turn).mask(), noise, seed)
    registration = register(mask, 1)  # of one of both sides the wrong way round
    assert not folds(registration, mask)


def test_the_wrong_side_gives_other_territories() -> None:
    foot = Foot("left", (120.0, 160.0), 150.0)
    assert agreement(find_territories(foot.mask(), "right").labels, foot.truth()) < 0.8


def test_shares_of_the_template() -> None:
    truth = Foot("left", (120.0, 160.0), 200.0).truth()
    shares = {name: (truth == k).sum() / (truth > 0).sum() for k, name in enumerate(TERRITORIES, start=1)}
    assert 0.03 <= shares["saphenous"] <= 0.045
    assert shares["medial plantar"] > 3 * shares["lateral plantar"]
    assert set(TERRITORY_OUTLINES) == set(TERRITORIES) and len(OUTLINE) == 24
    assert len(template_hash()) == 64


def test_places_of_the_territories() -> None:
    u = np.array([0.1, 0.7, 0.8, 0.4, 0.4])
    v = np.array([0.0, 0.05, -0.15, 0.12, -0.16])
    names = [TERRITORIES[label - 1] for label in territory_at(u, v)]
    assert names == ["medial calcaneal", "medial plantar", "lateral plantar", "saphenous", "sural"]


@given(
    turn=st.floats(-20, 20), zoom=st.floats(0.85, 1.2), down=st.floats(-10, 10), lost=st.sampled_from([0.0, 0.05])
)
@settings(max_examples=15, deadline=None)
def test_carried_territories_stay_on_the_skin(turn: float, zoom: float, down: float, lost: float) -> None:
    first = Foot("right", (120.0, 160.0), 150.0)
    later = Foot("right", (120.0 + down, 160.0), 150.0 * zoom, turn)
    mask = later.mask()
    mask &= later.sole_coordinates()[0] < 1 - lost  # cold toes
    carried = carry_territories(find_territories(first.mask(), "right"), mask)
    assert carried is not None and carried.method == "carried"
    assert np.array_equal(carried.labels > 0, mask)
    assert agreement(carried.labels, later.truth()) >= 0.92


@pytest.mark.parametrize(
    "later",
    [
        Foot("right", (120.0, 160.0), 150.0, 40.0),
        Foot("right", (120.0, 160.0), 100.0),
        Foot("right", (120.0, 160.0), 150.0, width=0.7),
    ],
)
def test_another_pose_is_not_carried(later: Foot) -> None:
    first = find_territories(Foot("right", (120.0, 160.0), 150.0).mask(), "right")
    assert carry_territories(first, later.mask()) is None


def test_a_tiny_sole_has_no_territories() -> None:
    with pytest.raises(DataError, match="too small"):
        find_territories(Foot("left", (120.0, 160.0), 20.0).mask(), "left")
    with pytest.raises(DataError):
        find_territories(np.zeros((1, 1), bool), "left")


def test_the_grid_agrees_with_the_spline() -> None:
    mask = Foot("left", (120.0, 160.0), 150.0, 12.0).mask()
    registration = register(mask, -1)
    points = np.argwhere(mask)[::37]
    coarse = registration.over(slice(0, 240), slice(0, 320))[:, points[:, 0], points[:, 1]].T
    assert np.abs(coarse - registration.to_sole(points.astype(float))).max() < 0.001
