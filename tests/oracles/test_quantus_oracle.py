"""Measures of explanations beside Quantus: curves of hidden pixels, imputation, max-sensitivity, where relevance lies."""

import numpy as np
import pytest
import torch
from tests.oracles.conftest import import_peer
from torch import nn

from prismseg.explain import Atlas, CaseBatch, hiding_curves, max_sensitivity
from prismseg.explain.faithfulness import fills
from prismseg.explain.faithfulness.infidelity import HiddenSquares, infidelity
from prismseg.explain.faithfulness.stability import RADIUS

quantus = import_peer("quantus")
impute = import_peer("quantus.functions.perturb_func").noisy_linear_imputation

SIDE = 8


def network():
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1)).eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)
    return net


class Mean(nn.Module):
    """The mean logits of a segmentation network: a classifier, which Quantus takes."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, images):
        return self.net(images).mean((2, 3))


@pytest.fixture(scope="module")
def scene():
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(3, 1, SIDE, SIDE, generator=generator)
    maps = torch.rand(3, SIDE, SIDE, generator=generator)
    return images, maps, torch.tensor([0, 1, 1])


def test_deletion_is_pixel_flipping(scene):
    images, maps, classes = scene
    net = Mean(network()).eval()
    theirs = quantus.PixelFlipping(
        features_in_step=8, perturb_baseline=0.0, normalise=False, abs=False, disable_warnings=True
    )(
        model=net,
        x_batch=images.numpy(),
        y_batch=classes.numpy(),
        a_batch=maps[:, None].numpy(),
        device="cpu",
        softmax=False,
    )  # scores after 8, 16 … 64 pixels
    curves = hiding_curves(
        images,
        maps,
        lambda x: net(x).gather(1, classes[:, None])[:, 0],
        fill="black",
        shares=[step / 8 for step in range(1, 8)],
    )
    np.testing.assert_allclose(curves.most_first[:, 1:], theirs, atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_inpainting_is_the_imputation_of_road(scene, share, monkeypatch):
    monkeypatch.setattr(fills, "NOISE", 0.0)
    image = scene[0][0]
    hidden = torch.rand(SIDE, SIDE, generator=torch.Generator().manual_seed(2)) < share
    ours = fills.inpaint(image[None], hidden[None], torch.Generator())
    theirs = impute(image.numpy().copy(), np.flatnonzero(hidden.numpy()), noise=0.0)
    np.testing.assert_allclose(ours[0].numpy(), theirs, atol=1e-5)


def test_where_relevance_lies(scene):
    """Mass accuracy is rho; rank accuracy and pointing game have the same names."""
    images, _, _ = scene
    masks = torch.zeros(3, SIDE, SIDE, dtype=torch.long)
    masks[0, 1:4, 2:7] = masks[1, 4:, :3] = masks[2, :, 5] = 1
    atlas = Atlas(network(), ["2"], ["gradxinput"], region="image", classes=[1])
    maps = atlas.maps(images, masks)["gradxinput", "2", 1]
    atlas.update(images, masks)
    found = atlas.cases().set_index("case")
    given = {
        "model": Mean(network()).eval(),
        "x_batch": images.numpy(),
        "y_batch": np.ones(3, int),
        "a_batch": maps[:, None].numpy(),
        "s_batch": masks[:, None].numpy().astype(bool),
        "device": "cpu",
    }
    options = {"normalise": False, "abs": False, "disable_warnings": True}
    for ours, theirs in (
        ("rho", quantus.RelevanceMassAccuracy),
        ("rank", quantus.RelevanceRankAccuracy),
        ("pointing", quantus.PointingGame),
    ):
        expected = np.asarray(theirs(**options)(**given), float)
        column = next(name for name in found.columns if name.startswith(ours))
        np.testing.assert_allclose(found[column].to_numpy(), expected, atol=1e-5)


def test_max_sensitivity_of_the_same_noise(scene, monkeypatch):
    images, _, _ = scene
    net = network()
    atlas = Atlas(net, ["2"], ["gradxinput"], region="image", classes=[1])
    masks = torch.zeros(3, SIDE, SIDE, dtype=torch.long)
    batch = CaseBatch(images, masks, groups=["a", "b", "c"], ids=["a", "b", "c"])
    ours = max_sensitivity(atlas, [batch], samples=4, seed=3)["max_sensitivity"]
    generator = torch.Generator().manual_seed(3)
    noise = [
        (2 * torch.rand(images.shape, generator=generator) - 1)
        * RADIUS
        * images.flatten(1).std(1)[:, None, None, None]
        for _ in range(4)
    ]
    drawn = iter(noise)

    def explain(model, inputs, targets, **_):
        made = atlas.maps(torch.as_tensor(inputs), masks, regions=torch.ones(3, 1, SIDE, SIDE))
        return made["gradxinput", "2", 1][:, None].numpy()

    theirs = quantus.MaxSensitivity(
        nr_samples=4,
        perturb_func=lambda arr, indices, **_: arr + next(drawn).flatten(1).numpy(),
        normalise=False,
        abs=False,
        disable_warnings=True,
    )(
        model=Mean(net).eval(), x_batch=images.numpy(), y_batch=np.ones(3, int), a_batch=None, explain_func=explain,
        device="cpu",
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


def test_infidelity_of_one_square(scene):
    """Quantus goes on hiding blocks of one image; where a single block is hidden both are the same formula."""
    images, maps, classes = scene
    net = Mean(network()).eval()
    theirs = quantus.Infidelity(
        perturb_baseline=0.0, perturb_patch_sizes=[SIDE], n_perturb_samples=1, normalise=False, abs=False,
        disable_warnings=True,
    )(model=net, x_batch=images.numpy(), y_batch=classes.numpy(), a_batch=maps[:, None].numpy(), device="cpu",
        softmax=False,
    )  # fmt: skip
    with torch.no_grad():
        lost = (net(images) - net(torch.zeros_like(images))).double().numpy()
    squares = HiddenSquares(torch.ones(1, SIDE, SIDE, dtype=torch.bool), lost[None])
    # Their maps are of slopes and are multiplied by what is taken away; ours are of contributions.
    for index in (0, 1):
        mine = infidelity(maps * images[:, 0], squares, index)
        chosen = (classes == index).numpy()
        np.testing.assert_allclose(mine[chosen], np.asarray(theirs)[chosen], rtol=1e-5)
