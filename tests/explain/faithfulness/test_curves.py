import numpy as np
import pytest
import torch

from prismseg.base import ConfigError
from prismseg.explain.faithfulness import fills
from prismseg.explain.faithfulness.curves import PixelHiding, hiding_curves, pixel_order
from prismseg.explain.faithfulness.fills import NOISE, inpaint
from prismseg.explain.faithfulness.infidelity import hide_squares, infidelity, unexplained_share
from prismseg.explain.registries import FILLS


def test_curves_of_an_additive_score_are_sums_of_sorted_contributions():
    generator = torch.Generator().manual_seed(1)
    weights, image = torch.rand(6, 6, generator=generator), torch.rand(1, 1, 6, 6, generator=generator)
    share = (weights * image[0, 0]).flatten()
    curves = hiding_curves(
        image,
        (weights * image[0, 0])[None],
        lambda x: (x[:, 0] * weights).sum((1, 2)),
        fill="black",
        shares=[k / 36 for k in range(1, 36)],
    )
    high = share.sort(descending=True).values.double()
    expected = share.sum() - torch.cat([torch.zeros(1).double(), high.cumsum(0)])
    np.testing.assert_allclose(curves.most_first[0], expected, atol=1e-5)
    expected = share.sum() - torch.cat([torch.zeros(1).double(), high.flip(0).cumsum(0)])
    np.testing.assert_allclose(curves.least_first[0], expected, atol=1e-5)


def test_no_order_of_pixels_falls_faster_than_the_true_one():
    generator = torch.Generator().manual_seed(2)
    image = torch.rand(1, 1, 5, 5, generator=generator)
    best = hiding_curves(image, image[:, 0], lambda x: x.sum((1, 2, 3)), fill="black").gap
    for seed in range(100, 120):
        noise = torch.rand(1, 5, 5, generator=torch.Generator().manual_seed(seed))
        other = hiding_curves(image, noise, lambda x: x.sum((1, 2, 3)), fill="black").gap
        assert other < best
    worst = hiding_curves(image, -image[:, 0], lambda x: x.sum((1, 2, 3)), fill="black").gap
    np.testing.assert_allclose(worst, -best, atol=1e-6)


def test_equal_pixels_come_in_random_order():
    first, second = (pixel_order(torch.ones(1, 9, 9), torch.Generator().manual_seed(s))[0] for s in (0, 1))
    assert sorted(first.tolist()) == list(range(81)) and first.tolist() != second.tolist()
    order = pixel_order(torch.tensor([[[0.0, 2.0], [2.0, 1.0]]]), torch.Generator().manual_seed(0))[0].tolist()
    assert set(order[:2]) == {1, 2} and order[2:] == [3, 0]


@pytest.mark.parametrize("fill", FILLS)
def test_what_is_shown_stays_as_it_is(fill):
    generator = torch.Generator().manual_seed(3)
    images, hidden = torch.rand(2, 3, 8, 8, generator=generator), torch.rand(2, 8, 8, generator=generator) > 0.5
    filled = FILLS[fill](images, hidden, generator)
    shown = ~hidden[:, None].expand_as(images)
    assert torch.equal(filled[shown], images[shown])
    assert (filled[~shown] != images[~shown]).float().mean() > 0.9
    everything = FILLS[fill](images, torch.ones_like(hidden), generator)
    assert torch.isfinite(everything).all()
    nothing = FILLS[fill](images, torch.zeros_like(hidden), generator)
    assert torch.equal(nothing, images)


def test_inpainting_solves_for_the_mean_of_neighbours():
    """A plane is harmonic, so it goes on as it was; a closed form with no solver in it."""
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    plane = (2 * rows - columns)[None, None]
    hidden = torch.zeros(1, 9, 9, dtype=torch.bool)
    hidden[0, 3:7, 2:6] = True
    filled = inpaint(plane, hidden, torch.Generator().manual_seed(0))
    assert (filled - plane).abs().max() < 5 * NOISE * plane.std()
    assert (filled - plane).abs().max() > 0  # the noise


@pytest.mark.parametrize("size", [(23, 31), (1, 40), (20, 2)])
def test_the_order_of_elimination_changes_no_pixel(size):
    """Each hidden pixel is the weighted mean of its neighbours, solved here without any order."""
    height, width = size
    rng = np.random.default_rng(4)
    pixels, where = rng.random((height * width, 2)), rng.random(height * width) < 0.6
    equations = np.eye(height * width)
    for row, column in np.ndindex(size):
        near = [
            (row + down, column + right, 1 / 12 if down and right else 1 / 6)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if (down or right) and 0 <= row + down < height and 0 <= column + right < width
        ]
        for y, x, weight in near:
            equations[row * width + column, y * width + x] = -weight / sum(part for _, _, part in near)
    known = -equations[np.ix_(where, ~where)] @ pixels[~where]
    np.testing.assert_allclose(
        fills._interpolate(pixels, where, size), np.linalg.solve(equations[np.ix_(where, where)], known), rtol=1e-9
    )


def test_shares_must_rise():
    for shares in ([0.5, 0.2], [0.0, 0.5], [0.5, 1.0]):
        with pytest.raises(ConfigError, match="rise"):
            hiding_curves(torch.rand(1, 1, 4, 4), torch.rand(1, 4, 4), lambda x: x.sum((1, 2, 3)), shares=shares)


def test_infidelity_is_zero_for_the_contributions_of_an_additive_score_and_only_for_these():
    generator = torch.Generator().manual_seed(4)
    weights, images = torch.rand(16, 16, generator=generator), torch.rand(2, 1, 16, 16, generator=generator)
    squares = hide_squares(images, lambda x: (x[:, 0] * weights).sum((1, 2))[:, None], "black")
    true = images[:, 0] * weights
    np.testing.assert_allclose(infidelity(true, squares, 0), 0, atol=1e-9)
    np.testing.assert_allclose(unexplained_share(3 * true, squares, 0), 0, atol=1e-9)  # a map has no unit
    assert (infidelity(3 * true, squares, 0) > 0.1).all()
    elsewhere = torch.zeros_like(true)
    elsewhere[:, 0, 0] = 1
    assert (unexplained_share(elsewhere, squares, 0) > 0.5).all()
    np.testing.assert_allclose(unexplained_share(torch.zeros_like(true), squares, 0), 1)


@pytest.mark.parametrize("fill", FILLS)
def test_steps_and_squares_at_once_are_those_one_by_one(fill):
    generator = torch.Generator().manual_seed(5)
    images, maps = torch.rand(2, 1, 12, 12, generator=generator), torch.rand(2, 12, 12, generator=generator)
    weights = torch.rand(3, 12, 12, generator=generator)
    calls = []

    def scores(x):
        calls.append(len(x))
        return torch.einsum("bhw,khw->bk", x[:, 0], weights)

    alone, together = (PixelHiding(images, scores, fill=fill, at_once=n).scores(maps) for n in (1, 7))
    assert set(calls) == {2, 2 * 7, 2 * 4, 2 * 2}  # 2 ends, and 18 steps as 7, 7 and 4
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    squares = [hide_squares(images, scores, fill, 9, at_once=n) for n in (1, 4)]
    np.testing.assert_allclose(squares[0].lost, squares[1].lost, rtol=1e-4, atol=1e-4)
    curves = hiding_curves(images, maps, lambda x: scores(x)[:, 1], fill=fill)
    np.testing.assert_allclose(curves.most_first, alone[0][..., 1], rtol=1e-5)
