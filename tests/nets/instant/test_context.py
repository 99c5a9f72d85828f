"""The second fit of an instant segmenter: what it sees, and that both fits together are the network."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.feature import hessian_matrix_eigvals

from prismseg.base import ModelError
from prismseg.nets import InstantHead, InstantSegmenter, create_model, load_model
from prismseg.nets.instant.context import DETAILS, DIRECTIONS, ContextStage, blur, edges_and_ridges, look_around
from prismseg.nets.instant.heads import LinearHead
from prismseg.nets.segmentation import build_model


@pytest.fixture
def network() -> InstantSegmenter:
    """A network whose two heads are numbers at random, of three classes."""
    return make(3)


def make(classes: int, **options: object) -> InstantSegmenter:
    made = create_model(
        "instant", in_channels=1, classes=classes, skip="none", seed=0,
        options={"grid": 4, "context": 8, "context_scale": 2.0, **options},
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.1

    outputs = max(classes, 2)
    first, second = len(made.weights), len(made.context.weights)
    context = LinearHead(draw(second, outputs), draw(second, second), draw(outputs).abs(), draw(outputs), 2.0)
    head = InstantHead(draw(first, outputs), draw(first, first), draw(outputs).abs(), draw(outputs), 3.0, context)
    return made.with_head(head).eval()


def test_windows_are_those_of_scipy():
    maps = torch.rand(1, 2, 40, 31, generator=torch.Generator().manual_seed(0))
    for width in (1.0, 2.5):
        blurred = blur(maps, width)
        for channel in range(2):
            oracle = ndimage.gaussian_filter(
                maps[0, channel].numpy(), width, mode="nearest", radius=math.ceil(3 * width)
            )
            np.testing.assert_allclose(blurred[0, channel], oracle, atol=1e-5)


def test_a_window_may_be_larger_than_the_image():
    assert torch.allclose(blur(torch.full((1, 1, 4, 6), 0.3), 20.0), torch.tensor(0.3))


def test_ridges_are_the_curvatures_of_the_hessian():
    y, x = np.mgrid[:30, :30] / 5
    grey = np.sin(x) * np.cos(0.7 * y) + 0.1 * x * y
    _, slope, larger, smaller = (each[0, 0].numpy() for each in edges_and_ridges(torch.tensor(grey)[None, None]))
    down, right = np.gradient(grey)
    inside = (slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(slope[inside], np.hypot(down, right)[inside], atol=1e-9)
    elements = [np.gradient(right, axis=0), np.gradient(right, axis=1), np.gradient(down, axis=0)]
    exact = hessian_matrix_eigvals(
        [elements[2], elements[0], elements[1]]
    )  # smooth enough for one another's steps
    np.testing.assert_allclose(larger[inside], exact[0][inside], atol=5e-3)
    np.testing.assert_allclose(smaller[inside], exact[1][inside], atol=5e-3)


def test_every_direction_is_looked_at_once():
    maps = torch.zeros(1, 1, 9, 9)
    maps[..., 4, 4] = 1
    places = [tuple((each[0, 0] == 1).nonzero()[0].tolist()) for each in look_around(maps, 2)]
    # What stands in the middle is seen from the opposite side.
    assert places == [(4 - 2 * down, 4 - 2 * right) for down, right in DIRECTIONS]


def test_facts_about_a_cell_are_counted(network):
    stage = network.context
    assert stage.width == 2 * (1 + 5 + 4 * 8) + 4 * len(DETAILS)
    maps = stage.describe(torch.rand(2, 3, 32, 64), torch.rand(2, 1, 32, 64))
    assert maps.shape == (2, stage.width, 16, 32)
    assert stage.inputs(maps[0].flatten(1).T).shape == (16 * 32, len(stage.weights))


@pytest.mark.parametrize("classes", [1, 3])
def test_shares_of_all_parts_sum_to_the_logits(classes):
    network = make(classes)
    x = torch.rand(2, 1, 50, 70, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        logits, shares = network(x), network.attribute(x)
    assert "context" in shares and shares["context"].abs().max() > 1e-3
    torch.testing.assert_close(sum(shares.values()), logits, atol=1e-4, rtol=1e-4)


def test_a_first_head_alone_is_a_network_without_a_second_fit(network):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    numbers = {name: getattr(network, name) for name in ("weights", "factor", "noise", "offsets")}
    plain = create_model("instant", in_channels=1, classes=3, skip="none", seed=0, options={"grid": 4}).eval()
    alone = InstantHead(**numbers, temperature=3.0)
    with torch.no_grad():
        first = network.with_head(alone)
        torch.testing.assert_close(first(x), plain.with_head(alone)(x))
        assert not torch.allclose(first(x), network(x))
        assert "context" not in first.attribute(x) and "context" in network.attribute(x)
    assert build_model(first.settings).state_dict().keys() == first.state_dict().keys()
    with pytest.raises(ModelError, match="built without"):
        plain.with_head(InstantHead(**numbers, context=LinearHead(**numbers)))


def test_other_heads_leave_this_network_as_it_is(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    changed = network.with_context(
        LinearHead(*(getattr(network.context, name) + 1 for name in ("weights", "factor", "noise", "offsets")))
    )
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert changed.encoder is network.encoder and not torch.equal(changed.context.weights, network.context.weights)


def test_the_variance_is_that_of_both_posteriors(network):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    stage = network.context
    with torch.no_grad():
        variance = network.variance(x)
        first = network.with_context(
            LinearHead(stage.weights, stage.factor * 0, stage.noise, stage.offsets)
        ).variance(x)
        maps = network.context_maps(network.first_outputs(x), x)
        rows = stage.inputs(maps[0].flatten(1).T)
        leverage = (rows @ stage.factor @ stage.factor.T * rows).sum(1).reshape(1, 1, 32, 32)
    added = torch.nn.functional.interpolate(leverage, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(
        variance.epistemic - first.epistemic, added * stage.noise[:, None, None], rtol=1e-2, atol=1e-4
    )
    assert torch.equal(variance.aleatoric, stage.noise)


def test_blocks_of_cells_change_nothing(network, monkeypatch):
    maps = torch.rand(2, network.context.width, 10, 7)
    whole = network.context.outputs(maps)
    monkeypatch.setattr("prismseg.nets.instant.context.BLOCK", 13)
    torch.testing.assert_close(network.context.outputs(maps), whole)


def test_is_saved_loaded_and_exported(network, tmp_path):
    x = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    network.save_pretrained(tmp_path / "network")
    with torch.no_grad():
        torch.testing.assert_close(load_model(tmp_path / "network")(x), network(x), atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(
            torch.export.export(network, (x,)).module()(x), network(x), atol=1e-4, rtol=1e-3
        )


def test_a_stage_of_a_fine_grid_works_on_pixels():
    assert make(2, grid=2).context.grid == 1
    assert ContextStage(2, 4, grid=1, scale=2.0).unit == 2.0
