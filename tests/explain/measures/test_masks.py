import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from prismseg.explain.measures.masks import (
    SUMS,
    ClassMasks,
    _top_threshold,
    apply_enlargement_adjoint,
)

# The Grad-CAM map of conftest.py against its mask.
MAP = torch.tensor([[[0, 0.25], [1, 1.75]]])
MASK = torch.tensor([[[1, 1], [0, 0]]])


def sums_of(maps, masks, cls=1, width=1):
    [values] = ClassMasks.from_labels(masks, [cls], width=width).sums(maps[None], 0)
    return [dict(zip(SUMS, row, strict=True)) for row in values]


def test_sums_by_hand():
    [sums] = sums_of(MAP, MASK)
    assert sums == {
        "total": 3.0,
        "inside": 0.25,
        "border": 3.0,  # with one pixel each way the band is the whole image
        "on_region": 0.25,  # by default the class's own pixels
        "lowest": 0.0,
        "highest": 1.75,
        "pointing": 0.0,  # the largest value is below
        "rank": 0.0,  # so are the two largest
    }


def test_border_band_by_hand():
    """The class fills columns 3 to 7 of 8: within one pixel of its contour lie columns 2 and 3, not the edge."""
    mask = torch.zeros(1, 4, 8, dtype=torch.long)
    mask[..., 3:] = 1
    masks = ClassMasks.from_labels(mask, [1], width=1)
    assert masks.planes[0, 1].sum(0).tolist() == [0, 0, 4, 4, 0, 0, 0, 0]
    assert masks.band.tolist() == [[8]]
    [sums] = sums_of(torch.arange(8.0).expand(1, 4, 8), mask)
    assert sums["border"] == 4 * (2 + 3)


def test_rank_accuracy_by_hand():
    """Mask of 3 pixels; the map's order 5 4 3 3 2 …: two of the three best are surely taken, one of two equal ones."""
    maps = torch.tensor([[[5.0, 4.0, 3.0], [3.0, 2.0, 1.0]]])
    mask = torch.tensor([[[1, 0, 1], [0, 1, 0]]])
    [sums] = sums_of(maps, mask)
    assert sums["rank"] == pytest.approx((1 + 0.5) / 3)
    assert sums["pointing"] == 1
    [equal] = sums_of(torch.ones(1, 2, 3), mask)
    assert equal["rank"] == equal["pointing"] == pytest.approx(0.5)  # any choice is as good: the mask's share


def test_ignored_pixels_count_nowhere():
    mask = torch.tensor([[[1, 255], [0, 255]]])
    [sums] = sums_of(torch.tensor([[[1.0, 100.0], [3.0, 50.0]]]), mask)
    assert (sums["total"], sums["inside"], sums["highest"], sums["lowest"]) == (4, 1, 3, 1)
    masks = ClassMasks.from_labels(mask, [0, 1], width=1)
    assert masks.pixels.tolist() == [2] and masks.area.tolist() == [[1, 1]]


def test_empty_map_and_empty_mask_are_zero():
    assert not any(sums_of(torch.zeros(1, 2, 2), MASK)[0].values())
    [absent] = sums_of(MAP, torch.zeros_like(MASK))
    assert (absent["inside"], absent["rank"], absent["pointing"], absent["total"]) == (0, 0, 0, 3)
    everything_ignored = sums_of(MAP, torch.full_like(MASK, 255))
    assert not any(everything_ignored[0].values())


@given(
    small=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    large=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    seed=st.integers(0, 2**31),
)
def test_sums_on_the_maps_grid_are_those_of_the_enlarged_map(small, large, seed):
    """Σ up(S) M = Σ S up'(M), for any sizes, with and without ignored pixels."""
    rng = np.random.default_rng(seed)
    maps = torch.from_numpy(rng.random((2, *small), dtype=np.float32))
    masks = torch.from_numpy(rng.choice([0, 1, 255], (2, *large), p=[0.5, 0.4, 0.1]))
    large_maps = F.interpolate(maps[:, None], size=large, mode="bilinear", align_corners=False)[:, 0]
    for case, sums in enumerate(sums_of(maps, masks)):
        counts = masks[case] != 255
        if not large_maps[case][counts].any():
            continue
        assert sums["total"] == pytest.approx(float(large_maps[case][counts].sum()), rel=1e-4, abs=1e-5)
        inside = large_maps[case][masks[case] == 1].sum()
        assert sums["inside"] == pytest.approx(float(inside), rel=1e-4, abs=1e-5)


def test_enlargement_adjoint_keeps_the_number_of_pixels():
    planes = torch.ones(1, 1, 30, 20)
    assert float(apply_enlargement_adjoint(planes, (7, 5)).sum()) == pytest.approx(600, rel=1e-5)


@given(seed=st.integers(0, 2**31), ties=st.booleans())
def test_rank_accuracy_is_that_of_a_plain_sort(seed, ties):
    """At full size: take the m largest, and average over all orders of equal ones by counting."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 4, (6, 7)).astype(np.float32) if ties else rng.random((6, 7), dtype=np.float32)
    mask = (rng.random((6, 7)) < 0.3).astype(np.int64)
    mask[0, 0], values[0, 0] = 1, 3
    [sums] = sums_of(torch.from_numpy(values)[None], torch.from_numpy(mask)[None])
    flat, inside, count = values.ravel(), mask.ravel(), int(mask.sum())
    expected = 0.0
    left = count
    for value in sorted(set(flat.tolist()), reverse=True):
        here = flat == value
        taken = min(left, int(here.sum()))
        expected += taken * inside[here].mean()
        left -= taken
    assert sums["rank"] == pytest.approx(expected / count, rel=1e-5)


@given(seed=st.integers(0, 2**31), size=st.integers(1, 2000), share=st.floats(0, 1), zeros=st.floats(0, 1))
def test_the_last_value_taken_is_that_of_a_sort(seed, size, share, zeros):
    rng = np.random.default_rng(seed)
    values = (rng.random(size) * (rng.random(size) >= zeros)).astype(np.float32)
    count = max(1, int(share * size))
    assert _top_threshold(values, count) == np.sort(values)[size - count]


def test_the_last_value_taken_where_the_sample_misleads():
    """Every 61st value is small, all others large."""
    values = np.ones(6100, np.float32)
    values[::61] = 0
    assert _top_threshold(values, 100) == 1 and _top_threshold(values, 6001) == 0
    values[1::61] = 2
    assert _top_threshold(values, 100) == 2 and _top_threshold(values, 101) == 1
