from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prismseg.explain.measures.masks import SUMS, ClassMasks
from prismseg.explain.measures.relevance import (
    MEASURES,
    Relevance,
    border_lift,
    border_share,
    cam_dice,
    lift,
    mask_relevance,
    region_share,
    rho,
    rho_excess,
)
from prismseg.explain.tensors import resize_maps
from tests.explain.conftest import relevance_of

# Total 3, inside 1/4, mask of 2 of 4 pixels: Grad-CAM on the network of conftest.py.
HAND = Relevance(
    **{name: np.array(value) for name, value in zip(SUMS, (3, 0.25, 1, 1.5, 0, 1.75, 0, 0.5), strict=True)},
    area=np.array(2.0),
    band=np.array(1.0),
    region=np.array(2.0),
    hit=np.array(1.0),
    pixels=np.array(4.0),
)


def test_measures_by_hand():
    assert rho(HAND) == pytest.approx(1 / 12)
    assert lift(HAND) == pytest.approx(1 / 6)
    assert mask_relevance(HAND) == pytest.approx(1 / 8)
    assert cam_dice(HAND) == pytest.approx(0.5 / 5)
    assert border_share(HAND) == pytest.approx(1 / 3)
    assert region_share(HAND) == pytest.approx(1 / 2)
    assert rho_excess(HAND) == pytest.approx(1 / 12 - 1 / 2)  # the region as a map has half of itself inside
    assert border_lift(HAND) == pytest.approx(4 / 3)
    assert MEASURES["pointing_game"].compute(HAND) == 0 and MEASURES["rank_accuracy"].compute(HAND) == 0.5
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
    nothing = Relevance(**{name: np.array(0.0) for name in (*SUMS, "area", "band", "region", "hit", "pixels")})
    for measure in MEASURES.values():
        for kind in measure.normalizations:
            assert measure.compute(nothing.normalized(kind, np.array(0.0))) == 0


def relevance(maps, masks, width=2):
    prepared = ClassMasks.from_labels(masks, [1], width=width)
    [sums] = prepared.sums(maps[None], 0)
    return relevance_of(sums, prepared, 0)


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
    for name in ("rho", "lift", "border_share", "rank_accuracy", "pointing_game"):
        measure = MEASURES[name].compute
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


def measured_on_the_image(large, mask, counts, region):
    """Measures of one enlarged map by plain NumPy: what a reader computes from `Atlas.maps` and a mask."""
    values, inside, on_region = large[counts].astype(float), mask[counts], region[counts]
    precision = (on_region & inside).sum() / on_region.sum() if on_region.any() else 0
    if values.max() <= 0:
        names = ("rho", "cam_dice", "pointing_game", "rank_accuracy", "region_share")
        return {**dict.fromkeys(names, 0.0), "rho_excess": -precision}
    flat = np.ptp(values) <= 1e-6 * values.max()
    unit = 0 * values if flat else (values - values.min()) / np.ptp(values)
    order = np.argsort(-values, kind="stable")[: inside.sum()]
    rho = values[inside].sum() / values.sum()
    return {
        "rho": rho,
        "cam_dice": 2 * unit[inside].sum() / (unit.sum() + inside.sum()),
        "pointing_game": float(inside[values.argmax()]),
        "rank_accuracy": inside[order].mean(),
        "region_share": values[on_region].sum() / values.sum(),
        "rho_excess": rho - precision,
    }


@given(
    small=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    large=st.tuples(st.integers(6, 24), st.integers(6, 24)),
    seed=st.integers(0, 2**31),
)
def test_measures_are_those_of_the_enlarged_map(small, large, seed):
    """Every measure of a coarse map equals that of the map at the image's size, with ignored pixels too."""
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(
        rng.random((3, *small), dtype=np.float32) * (rng.random((3, *small)) < 0.7).astype("f4")
    )
    truth = torch.from_numpy(rng.choice([0, 1, 255], (3, *large), p=[0.5, 0.4, 0.1]))
    truth[:, 0, 0] = 1
    regions = torch.from_numpy(rng.random((3, 1, *large)) < 0.3)
    prepared = ClassMasks.from_labels(truth, [1], width=2, regions=regions)
    [sums] = prepared.sums(maps[None], 0)
    of_maps = relevance_of(sums, prepared, 0)
    for case, enlarged in enumerate(resize_maps(maps, large).numpy()):
        counts, mask = (truth[case] != 255).numpy(), (truth[case] == 1).numpy()
        values = np.sort(enlarged[counts])[::-1]
        expected = measured_on_the_image(enlarged, mask, counts, regions[case, 0].numpy())
        for name, value in expected.items():
            measure = MEASURES[name]
            if name == "pointing_game" and (values >= values[0] * (1 - 2e-6)).sum() > 1:
                continue  # several pixels are equal: the mean over them, tested by hand
            if (
                name == "rank_accuracy"
                and abs(values[mask.sum() - 1] - values[min(mask.sum(), values.size - 1)]) < 1e-5
            ):
                continue
            got = measure.compute(of_maps.normalized(measure.normalizations[0]))[case]
            assert got == pytest.approx(value, rel=1e-3, abs=1e-3), name


def test_cam_dice_of_a_coarse_map_by_hand():
    """Two cells of 1 and 0 at four pixels are 1, 3/4, 1/4, 0; of four cells at three pixels none has the maximum."""
    four = relevance(torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[1, 1, 0, 0]]])).normalized("map")
    assert cam_dice(four)[0] == pytest.approx(2 * 1.75 / (2 + 2))
    three = relevance(torch.tensor([[[4.0, 0.0, 4.0, 0.0]]]), torch.tensor([[[1, 0, 0]]])).normalized("map")
    large = resize_maps(torch.tensor([[[4.0, 0.0, 4.0, 0.0]]]), (1, 3)).flatten()
    unit = (large - large.min()) / (large.max() - large.min())
    assert float(large.max()) < 4
    assert cam_dice(three)[0] == pytest.approx(float(2 * unit[0] / (unit.sum() + 1)), rel=1e-5)


def test_an_enlarged_constant_map_is_constant():
    """Bilinear weights add up to 1 within rounding: the map stays without spread, and any pixel is as good."""
    mask = torch.zeros(1, 23, 37, dtype=torch.long)
    mask[:, :5] = 1
    flat = relevance(torch.full((1, 5, 7), 0.3), mask)
    assert cam_dice(flat.normalized("map"))[0] == 0
    assert flat.pointing[0] == pytest.approx(5 / 23) and flat.rank[0] == pytest.approx(5 / 23)


def test_the_region_as_a_map_has_no_excess():
    """Precision 2/3, and everything lies on the region."""
    truth, region = torch.tensor([[[1, 1, 0, 0]]]), torch.tensor([[[[1, 1, 1, 0]]]])
    prepared = ClassMasks.from_labels(truth, [1], width=1, regions=region)
    [sums] = prepared.sums(region.float()[:, 0][None], 0)
    of_maps = relevance_of(sums, prepared, 0)
    assert rho(of_maps)[0] == pytest.approx(2 / 3)
    assert rho_excess(of_maps)[0] == pytest.approx(0, abs=1e-7) and region_share(of_maps)[0] == pytest.approx(1)
