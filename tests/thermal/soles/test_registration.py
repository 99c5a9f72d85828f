from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.thermal.feet import Foot, ragged

from prismseg.base import DataError
from prismseg.thermal.soles.registration import folds, register
from prismseg.thermal.soles.rows import handedness, measure_profile, toes_up

FOOT = Foot("right", (120.0, 160.0), 150.0, 10.0)


@pytest.mark.parametrize("turn", [-20.0, 0.0, 20.0])
def test_pixels_get_the_coordinates_they_were_drawn_at(turn: float) -> None:
    foot = Foot("right", (120.0, 160.0), 150.0, turn)
    mask = foot.mask()
    found = register(mask, 1).over(slice(0, 240), slice(0, 320))
    for coordinate, drawn in zip(found, foot.sole_coordinates(), strict=True):
        assert np.abs(coordinate - drawn)[mask].max() < 0.04
        assert np.abs(coordinate - drawn)[mask].mean() < 0.01


@pytest.mark.parametrize("turn", [-20.0, 0.0, 20.0])
def test_toes_and_heels_that_are_cut_off_are_missed_and_the_rest_stays_in_place(turn: float) -> None:
    foot = Foot("right", (120.0, 160.0), 150.0, turn)
    u, _ = foot.sole_coordinates()
    for mask, toes, heel in ((foot.mask() & (u < 0.88), 0.12, 0.0), (foot.mask() & (u > 0.08), 0.0, 0.08)):
        registration = register(mask, 1)
        assert registration.fit.missing_toes == pytest.approx(toes, abs=0.05)
        assert registration.fit.missing_heel == pytest.approx(heel, abs=0.05)
        assert registration.fit.length == pytest.approx(150, rel=0.05)
        assert np.abs(registration.over(slice(0, 240), slice(0, 320))[0] - u)[mask].mean() < 0.025


def test_a_map_that_turns_inside_out_is_found_and_given_up() -> None:
    mask = FOOT.mask()
    good = register(mask, 1)
    assert not folds(good, mask)
    crossed = good.target.copy()
    crossed[crossed[:, 0] > 0.45, 1] *= -1  # the forefoot is twisted round
    bad = replace(good, target=crossed)
    assert folds(bad, mask)
    # The fit of the rows alone cannot fold, whatever the landmarks say.
    assert not folds(replace(bad, folded=True), mask)


def test_shape_tells_sides_and_ends_apart_also_when_ragged() -> None:
    for seed in range(5):
        profile = measure_profile(ragged(FOOT.mask(), 1.8, seed), 1)
        assert handedness(profile) > 0.3 and handedness(profile.mirrored()) < -0.3
        assert toes_up(profile) > 0.3 and toes_up(profile.reversed()) < -0.3


def test_too_few_pixels_are_refused() -> None:
    with pytest.raises(DataError, match="too small"):
        register(Foot("left", (120.0, 160.0), 20.0).mask(), 1)
