from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.explain.masks import SUMS, ClassMasks
from prismseg.explain.measures import (
    MEASURES,
    Relevance,
    border_lift,
    border_share,
    cam_dice,
    lift,
    mask_relevance,
    pointing_game,
    rank_share,
    rho,
)

# Total 3, inside 1/4, mask of 2 of 4 pixels: Grad-CAM on the network of conftest.py.
HAND = Relevance(
    **{name: np.array(value) for name, value in zip(SUMS, (3, 0.25, 1, 0, 1.75, 0, 0.5), strict=True)},
    area=np.array(2.0),
    band=np.array(1.0),
    pixels=np.array(4.0),
)


def test_measures_by_hand():
    assert rho(HAND) == pytest.approx(1 / 12)
    assert lift(HAND) == pytest.approx(1 / 6)
    assert mask_relevance(HAND) == pytest.approx(1 / 8)
    assert cam_dice(HAND) == pytest.approx(0.5 / 5)
    assert border_share(HAND) == pytest.approx(1 / 3)
    assert border_lift(HAND) == pytest.approx(4 / 3)
    assert pointing_game(HAND) == 0 and rank_share(HAND) == 0.5
    unit = HAND.normalized("map")
    assert cam_dice(unit) == pytest.approx(1 / 13)  # 2/7 / (12/7 + 2)


def test_normalisations_by_hand():
    shifted = replace(
        HAND, lowest=np.array(0.5), total=np.array(5.0), inside=np.array(1.25), highest=np.array(2.25)
    )
    unit = shifted.normalized("map")
    # (S − 1/2) / (7/4): sums fall by 1/2 a pixel.
    assert (unit.total, unit.inside) == (pytest.approx((5 - 2) / 1.75), pytest.approx((1.25 - 1) / 1.75))
    assert (unit.lowest, unit.highest) == (0, 1)
    layer = HAND.normalized("layer", np.array(7.0))
    assert layer.total == pytest.approx(3 / 7) and layer.highest == pytest.approx(0.25)
    assert HAND.normalized("none") is HAND


def test_constant_map_has_no_spread():
    flat = replace(HAND, lowest=np.array(1.0), highest=np.array(1.0), total=np.array(4.0), inside=np.array(2.0))
    assert rho(flat) == 0.5 and cam_dice(flat.normalized("map")) == 0


def test_nothing_is_ever_nan():
    nothing = Relevance(**{name: np.array(0.0) for name in (*SUMS, "area", "band", "pixels")})
    for measure, kinds in MEASURES.values():
        for kind in kinds:
            assert measure(nothing.normalized(kind, np.array(0.0))) == 0


def relevance(maps, masks, width=2):
    prepared = ClassMasks.of(masks, [1], width=width)
    [sums] = prepared.sums(maps[None], 0)
    parts = {name: sums[:, place] for place, name in enumerate(SUMS)}
    return Relevance(**parts, area=prepared.area[:, 0], band=prepared.band[:, 0], pixels=prepared.pixels)


@given(seed=st.integers(0, 2**31), side=st.integers(2, 12))
def test_uniform_map_scores_the_area(seed, side):
    mask = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, (1, side, side)))
    mask[0, 0, 0] = 1
    sums = relevance(torch.full((1, side, side), 0.7), mask)
    area = float(mask.float().mean())
    assert rho(sums)[0] == pytest.approx(area, rel=1e-5)
    assert lift(sums)[0] == pytest.approx(1, rel=1e-5)
    assert border_lift(sums)[0] in (pytest.approx(1, rel=1e-5), 0)  # 0 where the class fills the image


@given(seed=st.integers(0, 2**31))
def test_cam_dice_is_the_harmonic_mean(seed):
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.random((2, 9, 8), dtype=np.float32))
    masks = torch.from_numpy(rng.integers(0, 2, (2, 9, 8)))
    masks[:, 0, 0] = 1
    for kind in ("none", "map", "layer"):
        sums = relevance(maps, masks).normalized(kind, np.array(1.0))
        first, second = rho(sums), mask_relevance(sums)
        np.testing.assert_allclose(cam_dice(sums), 2 * first * second / (first + second), rtol=1e-6)


@given(seed=st.integers(0, 2**31), factor=st.floats(1e-6, 1e6))
def test_shares_do_not_depend_on_the_maps_size(seed, factor):
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.random((1, 8, 8), dtype=np.float32))
    masks = torch.from_numpy(rng.integers(0, 2, (1, 8, 8)))
    masks[:, 0, 0] = 1
    first, second = relevance(maps, masks), relevance(maps * factor, masks)
    for measure in (rho, lift, border_share, rank_share, pointing_game):
        np.testing.assert_allclose(measure(first), measure(second), rtol=1e-4)


def test_relevance_mass_by_an_independent_formula():
    """Quantus' relevance mass: attributions inside the mask over all attributions, here with plain NumPy sets."""
    rng = np.random.default_rng(3)
    maps, masks = rng.random((4, 16, 16), dtype=np.float32), rng.integers(0, 2, (4, 16, 16))
    expected = [
        sum(row[mask == 1].tolist()) / sum(row.ravel().tolist()) for row, mask in zip(maps, masks, strict=True)
    ]
    np.testing.assert_allclose(
        rho(relevance(torch.from_numpy(maps), torch.from_numpy(masks))), expected, rtol=1e-5
    )
