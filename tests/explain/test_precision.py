"""Half precision, autocast, and input of other types: right, or refused with the remedy."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from prismseg.base import DataError, ModelError
from prismseg.explain import METHODS, Atlas, randomize_layers
from prismseg.explain.checks.reach import layer_reach
from prismseg.explain.task import CaseBatch
from tests.explain.conftest import IMAGE, MASK, Small, scene

GRADIENT = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam")

ANY_NETWORK = [name for name, method in METHODS.items() if method.check is None]


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 2, 1)
    )


def assert_close(maps, expected, tolerance):
    assert list(maps) == list(expected)
    for key, values in expected.items():
        assert maps[key].dtype == torch.float32, key
        error = (maps[key] - values).abs().max() / values.abs().max().clamp_min(1e-12)
        assert error < tolerance, (key, float(error))


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_gives_the_maps_of_single_precision(dtype, tolerance):
    """A region of 300 x 300 pixels: more than half precision counts to, and a mean's gradient of 1e-5."""
    images, masks = scene(1, size=(300, 300), classes=1)
    expected = Atlas(network(), ["1", "2"], GRADIENT, "image", classes=[1]).maps(images, masks)
    half = Atlas(network().to(dtype), ["1", "2"], GRADIENT, "image", classes=[1])
    assert_close(half.maps(images.to(dtype), masks), expected, tolerance)
    half.update(images, masks)  # single precision is brought to the network's
    assert half.cases()[["rho", "cam_dice"]].notna().all().all()


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 0.02), (torch.bfloat16, 0.1)])
def test_half_precision_gives_the_relevance_of_pixels_too(dtype, tolerance):
    images, masks = scene(1, size=(300, 300), classes=1)
    methods = ["lrp", "gradxinput"]
    expected = Atlas(network(), ["1"], methods, "image", classes=[1]).maps(images, masks)
    found = Atlas(network().to(dtype), ["1"], methods, "image", classes=[1]).maps(images.to(dtype), masks)
    # Rounding turns single ReLUs on or off, and a plain gradient jumps there.
    plain, other = found.pop(("gradxinput", "1", 1)), expected.pop(("gradxinput", "1", 1))
    assert (plain - other).norm() / other.norm() < max(2 * tolerance, 0.1)
    assert_close(found, expected, tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_all_methods_and_measures_in_half_precision(dtype):
    images, masks = scene(2, size=(16, 16))
    model = network().to(dtype)
    atlas = Atlas(model, methods=ANY_NETWORK, perturb=True)
    atlas.update(images, masks)
    cases = atlas.cases()
    assert (
        np.isfinite(cases.select_dtypes(float).drop(columns=["drop", "increase", "gain", "residual"])).all().all()
    )
    assert cases.query("method == 'lrp' and not empty")["residual"].between(0, 2).all()
    assert layer_reach(atlas, images[:1])["3"] == 0
    table = randomize_layers(
        Atlas(model, methods=["layercam"], region="truth"), [CaseBatch(images, masks, "ab")], repeats=1
    )
    assert table["correlation"].iloc[0] == pytest.approx(1)


def test_autocast():
    images, masks = scene(2, size=(32, 32))
    model = network()
    methods = (*GRADIENT, "scorecam", "eigencam")
    expected = Atlas(model, ["1", "2"], methods, "truth").maps(images, masks)
    atlas = Atlas(model, ["1", "2"], methods, "truth", perturb=True)
    with torch.autocast("cpu", torch.bfloat16):
        maps = atlas.maps(images, masks)
        atlas.update(images, masks)
    assert_close(maps, expected, 0.15)
    assert atlas.sums().perturbed.shape[-1] == 3


class Steep(nn.Module):
    """Activations of 3e4 are added up beyond 65504 where nobody looks: only the layer itself overflows."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(1, 2, 1, bias=False), nn.Conv2d(2, 2, 1)
        nn.init.constant_(self.first.weight, 6e4)

    def forward(self, x):
        return self.head(self.first(x).clamp(-1, 1))


def test_overflow_is_an_error_that_names_the_layer():
    images = torch.full((2, 1, 4, 4), 0.5)
    images[1] = 3
    atlas = Atlas(Steep().half(), ["first"], ["eigencam", "layercam"], "image")
    with pytest.raises(ModelError, match=r"'first'.*NaN or infinite for 1: .*float32"):
        atlas.maps(images.half())
    Atlas(Steep(), ["first"], ["eigencam", "layercam"], "image").maps(images)
    steep = Steep()
    nn.init.constant_(steep.first.weight, 3e38)
    with pytest.raises(ModelError, match=r"'first'.*infinite for 1: "):
        Atlas(steep, ["first"], ["eigencam"], "image").maps(images)


def test_integer_images_are_refused_before_anything():
    with pytest.raises(DataError, match=r"torch.uint8; give floating-point numbers"):
        Atlas(Small()).maps((IMAGE * 50).to(torch.uint8), MASK)
    with pytest.raises(DataError, match=r"int64; give floating-point"):
        Atlas(Small()).update(IMAGE.long().numpy(), MASK)
    with pytest.raises(DataError, match="floating-point"):
        layer_reach(Atlas(Small()), IMAGE.to(torch.uint8))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int16, np.uint16, np.int32, np.float32])
def test_numpy_masks_and_images(dtype):
    expected = Atlas(Small(), methods=["hirescam"], region="truth").maps(IMAGE, MASK)
    atlas = Atlas(Small(), methods=["hirescam"], region="truth")
    maps = atlas.maps(IMAGE.numpy().astype(np.float64), MASK.numpy().astype(dtype))
    for key, values in expected.items():
        torch.testing.assert_close(maps[key], values)
    atlas.update(IMAGE.numpy(), MASK.numpy().astype(dtype))
    assert len(atlas.cases()) == 4


def test_inside_inference_mode():
    expected = Atlas(Small(), methods=["gradcam"]).maps(IMAGE)
    with torch.inference_mode():
        images, masks = IMAGE.clone(), MASK.clone()
        atlas = Atlas(SMALL, methods=ANY_NETWORK, perturb=True, region="truth")
        atlas.update(images, masks)
        maps = Atlas(SMALL, methods=["gradcam"]).maps(images)
        assert layer_reach(atlas, images)
        randomize_layers(Atlas(SMALL), [CaseBatch(images, masks, "a")], repeats=1)
    for key, values in expected.items():
        torch.testing.assert_close(maps[key], values)


SMALL = Small()


def test_networks_without_gradients_are_refused():
    with torch.inference_mode():
        model = Small()
        with pytest.raises(ModelError, match=r"inside torch.inference_mode.*deepcopy"):
            Atlas(model).maps(IMAGE)
    assert Atlas(copy.deepcopy(model), methods=["gradcam"]).maps(IMAGE)

    class Cut(Small):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    class Inferred(Small):
        @torch.inference_mode()
        def forward(self, x):
            return super().forward(x)

    for cut in (Cut(), Inferred()):
        with pytest.raises(ModelError, match="cuts off gradients"):
            Atlas(cut).maps(IMAGE)
