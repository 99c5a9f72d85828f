"""Every method on the network of conftest.py, with numbers worked out by hand."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from prismseg.base import ConfigError
from prismseg.explain import METHODS, Atlas
from prismseg.explain.maps import gradient as gradient_module
from prismseg.explain.maps.activation import eigen_cam, random_map
from prismseg.explain.maps.gradient import grad_cam_plus_plus, gradient_maps, x_grad_cam
from prismseg.explain.maps.method import GradientMethod, LayerGradients
from prismseg.explain.maps.score import blur_images
from tests.explain.conftest import IMAGE, MASK

# I/6 + 0: alpha = 1 / (2 + 1 * 10), two pixels; the second channel has no positive gradient.
PLUS_PLUS = [[1 / 6, 2 / 6], [3 / 6, 4 / 6]]
# w = softmax(y(I H1) − y(I), y(I H2) − y(I)) with H1 = (I − 1) / 3, H2 = (4 − I) / 3:
# I H1 = 0 2/3 above, z1 = −5 −3, y = −4; I H2 = 1 4/3 above, z1 = −2 −1, y = −3/2; y(I) = (−2 + 1) / 2.
FIRST = 1 / (1 + math.exp(-1 + 3.5))
SCORE = [[FIRST * i + (1 - FIRST) * (5 - i) for i in row] for row in ((1, 2), (3, 4))]

HAND = {
    "gradcam": [[0, 0.25], [1, 1.75]],  # 0.5 I − 0.25 (5 − I), mean gradients 1/2 and −1/4
    "gradcam++": PLUS_PLUS,
    "layercam": [[1, 2], [0, 0]],  # g1 A1; g2 is negative
    "hirescam": [[0, 0.5], [0, 0]],  # 1 − 2 and 2 − 1.5
    "xgradcam": [[0, 0], [0.2, 0.85]],  # 3/10 I − 3.5/10 (5 − I)
    "scorecam": SCORE,
}


@pytest.mark.parametrize("method", HAND)
def test_hidden_layer_by_hand(small, method):
    maps = Atlas(small, ["first"], [method], classes=[1], region="truth").maps(IMAGE, MASK)
    torch.testing.assert_close(
        maps[method, "first", 1], torch.tensor([HAND[method]], dtype=torch.float32), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("method", HAND)
def test_a_single_logit_has_the_same_maps(small, method):
    """The foreground of one logit z is class 1 of the logits (0, z)."""
    one = nn.Sequential(small.first, nn.Conv2d(2, 1, 1, bias=False))
    with torch.no_grad():
        one[1].weight.copy_(small.head.weight[1:])
    maps = Atlas(one, ["0"], [method], classes=[1], region="truth").maps(IMAGE, MASK)
    torch.testing.assert_close(
        maps[method, "0", 1], torch.tensor([HAND[method]], dtype=torch.float32), rtol=1e-5, atol=1e-6
    )


def test_background_of_a_single_logit():
    """Of one logit z = −I the background's score is the mean of −z over the lower row."""
    net = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(net.weight, -1.0)
    maps = Atlas(nn.Sequential(net), ["0"], ["gradcam", "hirescam"], classes=[0], region="truth").maps(IMAGE, MASK)
    # g = dy0/dz = −1/2 below, in the mean −1/4; ReLU(−1/4 * −I) = I/4.
    torch.testing.assert_close(maps["gradcam", "0", 0], IMAGE[0] / 4)
    torch.testing.assert_close(maps["hirescam", "0", 0], torch.tensor([[[0, 0], [1.5, 2.0]]]))


def scorecam(small, **options):
    return Atlas(small, ["first"], ["scorecam"], classes=[1], region="truth", **options).maps(IMAGE, MASK)[
        "scorecam", "first", 1
    ]


def test_scorecam_linear(small):
    """Weights are differences to a black image, y = −5, as in the paper: 1 and 3.5, so 17.5 − 2.5 I.

    Upper row seen through A1, 0 1/3: x = 0 2/3, y = −4; through A2, 1 2/3: x = 1 4/3, y = −1.5.
    """
    torch.testing.assert_close(scorecam(small, linear=True), 17.5 - 2.5 * IMAGE[0])


def test_scorecam_against_a_blurred_image(small):
    """Where the blurred upper row is x = (b1 b2), y = 3 mean(b) − 5 in place of −5."""
    blurry = blur_images(IMAGE)
    assert blurry.amin() > 1 and blurry.amax() < 4  # some blur even at two pixels
    start = 3 * blurry[0, 0, 0].mean() - 5
    expected = ((-4 - start) * IMAGE[0] + (-1.5 - start) * (5 - IMAGE[0])).clamp_min(0)
    torch.testing.assert_close(scorecam(small, linear=True, baseline="blur"), expected)


def test_blurred_images():
    torch.testing.assert_close(blur_images(torch.full((2, 3, 20, 30), 0.7)), torch.full((2, 3, 20, 30), 0.7))
    images = torch.randn(1, 2, 66, 44, dtype=torch.float64)
    expected = [ndimage.gaussian_filter(plane, 3, mode="nearest", truncate=3) for plane in images[0].numpy()]
    torch.testing.assert_close(blur_images(images)[0], torch.from_numpy(np.stack(expected)))


def test_scorecam_weights_by_softmax(small):
    """The softmax of 1 and 3.5 does not depend on the baseline; a high temperature makes the weights equal."""
    weights = torch.softmax(torch.tensor([1.0, 3.5]), 0)
    expected = weights[0] * IMAGE[0] + weights[1] * (5 - IMAGE[0])
    for baseline in ("black", "blur"):
        torch.testing.assert_close(scorecam(small, baseline=baseline), expected)
    torch.testing.assert_close(scorecam(small, temperature=1e9), torch.full((1, 2, 2), 2.5))  # (I + 5 − I) / 2


@pytest.mark.parametrize("options", [{"baseline": "white"}, {"temperature": 0.0}, {"temperature": float("nan")}])
def test_scorecam_options_that_do_not_exist(small, options):
    with pytest.raises(ConfigError, match=r"Score-CAM|baseline image"):
        Atlas(small, ["first"], ["scorecam"], **options)


def test_scorecam_does_not_depend_on_the_memory(small):
    wide = Atlas(small, ["first"], ["scorecam"], memory=1000, region="truth").maps(IMAGE, MASK)
    narrow = Atlas(small, ["first"], ["scorecam"], memory=1e-6, region="truth").maps(IMAGE, MASK)
    for key, values in wide.items():
        torch.testing.assert_close(values, narrow[key])


def test_scorecam_gives_a_constant_channel_no_weight(small):
    with torch.no_grad():
        small.first.weight[1] = 0
    maps = Atlas(small, ["first"], ["scorecam"], classes=[1], region="truth").maps(IMAGE, MASK)
    torch.testing.assert_close(maps["scorecam", "first", 1], IMAGE[0])


def test_grad_cam_plus_plus_is_the_closed_form_for_tiny_gradients():
    """A mean over 10^5 pixels has gradients of 10^-5; an epsilon of 1e-6 in the denominator would halve alpha."""
    activation = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    gradient = 1e-5 * torch.randn(1, 3, 8, 8, dtype=torch.float64)
    total = activation.sum((2, 3), keepdim=True)
    alpha = gradient**2 / (2 * gradient**2 + gradient**3 * total)
    weights = (alpha * gradient.clamp_min(0)).sum((2, 3))
    actual = grad_cam_plus_plus(LayerGradients(activation, gradient))
    torch.testing.assert_close(actual, weights, rtol=1e-10, atol=0)
    swamped = gradient**2 / (2 * gradient**2 + gradient**3 * total + 1e-6)
    assert (swamped * gradient.clamp_min(0)).sum() < 1e-2 * weights.sum()  # what the fault would have cost


def test_grad_cam_plus_plus_leaves_out_what_is_singular():
    """g ΣA = −2 in the only pixel of the first channel: its alpha has no value and counts 0."""
    activation, gradient = torch.tensor([-2.0, 3.0]).view(1, 2, 1, 1), torch.tensor([1.0, 1.0]).view(1, 2, 1, 1)
    torch.testing.assert_close(
        grad_cam_plus_plus(LayerGradients(activation, gradient)), torch.tensor([[0, 1 / 5]])
    )


def test_x_grad_cam_without_activation():
    activation, gradient = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    assert x_grad_cam(LayerGradients(activation, gradient)).eq(0).all()


def test_eigen_cam_by_hand():
    """Channels (2, 1) and (2, 1) over two places: the first direction is (1, 1) / sqrt 2."""
    activation = torch.tensor([[[[2.0, 1.0]], [[2.0, 1.0]]]])
    expected = torch.tensor([[[2 * math.sqrt(2), math.sqrt(2)]]])
    torch.testing.assert_close(eigen_cam(activation), expected)
    torch.testing.assert_close(eigen_cam(-activation), expected)  # its sign is a choice, its sum positive
    assert eigen_cam(torch.zeros(1, 2, 3, 3)).eq(0).all()


def test_eigen_cam_is_the_first_term_of_the_svd():
    activation = torch.randn(2, 5, 4, 6)
    u, s, _ = torch.linalg.svd(activation.flatten(2).mT.double())
    expected = (u[..., 0] * s[..., :1]).unflatten(1, (4, 6))
    expected = expected * expected.sum((1, 2), keepdim=True).sign()
    torch.testing.assert_close(eigen_cam(activation).double(), expected.clamp_min(0), rtol=1e-4, atol=1e-5)


def test_random_map_depends_on_layer_case_and_seed_only():
    shape = torch.Size([5, 7])
    first = random_map(shape, layer="a", case=3, seed=1)
    assert torch.equal(first, random_map(shape, layer="a", case=3, seed=1))
    for other in ({"layer": "b"}, {"case": 4}, {"seed": 2}):
        assert not torch.equal(first, random_map(shape, **({"layer": "a", "case": 3, "seed": 1} | other)))
    assert first.min() >= 0 and first.max() < 1


def test_no_map_is_negative_and_all_methods_run(small):
    methods = [name for name, method in METHODS.items() if method.check is None]
    maps = Atlas(small, "all", methods, region="truth").maps(IMAGE, MASK)
    assert list(maps) == [(m, layer, c) for m in methods for layer in ("first", "head") for c in (0, 1)]
    assert all(values.min() >= 0 and values.isfinite().all() for values in maps.values())


def test_maps_do_not_depend_on_how_many_cases_are_taken_at_once(monkeypatch):
    activation, gradient = torch.randn(5, 3, 6, 7), torch.randn(5, 3, 6, 7)
    methods = {name: method for name, method in METHODS.items() if isinstance(method, GradientMethod)}
    assert len(methods) == 5
    whole = gradient_maps(activation, gradient, methods)
    monkeypatch.setattr(gradient_module, "_CHUNK", 2 * 3 * 6 * 7)
    for name, values in gradient_maps(activation, gradient, methods).items():
        torch.testing.assert_close(values, whole[name])
