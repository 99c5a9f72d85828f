"""Any network, any region, any order: properties of the maps and of what an atlas collects."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.nets import BasicUNet
from torch import nn

from prismseg.base import ConfigError, DataError
from prismseg.explain import Atlas
from prismseg.explain.measures.sums import MapSums
from prismseg.nets import create_model, list_models
from tests.explain.conftest import IMAGE, MASK, Small, assert_equal_maps, scene

GRADIENT = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam")


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = create_model("unet", "crffg", multiplier=3, classes=3, width=0.5)
    model(torch.rand(4, 1, 32, 32))  # running statistics
    return model


@settings(max_examples=8)
@given(seed=st.integers(0, 1000), region=st.sampled_from(["truth", "prediction", "image"]))
def test_a_batch_is_as_many_single_runs(net, seed, region):
    """In double precision: rounded to floats, a pixel between two classes may be predicted as either."""
    images, masks = scene(3, classes=3, seed=seed)
    images, precise = images.double(), copy.deepcopy(net).double()
    atlas = Atlas(precise, ["encoder.0", "skips.2", "decoder.3", "head"], GRADIENT, region)
    together = atlas.maps(images, masks)
    for case in range(3):
        alone = atlas.maps(images[case : case + 1], masks[case : case + 1])
        for key in together:
            scale = float(alone[key].max()) + 1e-12
            torch.testing.assert_close(
                together[key][case : case + 1] / scale, alone[key] / scale, rtol=0, atol=1e-9
            )


@settings(max_examples=8)
@given(order=st.permutations(["encoder.0", "encoder.2", "skips.1", "bottleneck", "decoder.0", "head"]))
def test_layers_come_in_the_order_asked(net, order):
    images, masks = scene(1, classes=3)
    maps = Atlas(net, order, ["gradcam"], region="truth").maps(images, masks)
    assert [layer for _, layer, cls in maps if cls == 0] == order
    reference = Atlas(net, sorted(order), ["gradcam"], region="truth").maps(images, masks)
    for key in maps:
        torch.testing.assert_close(maps[key], reference[key])


class Shifted(nn.Module):
    def __init__(self, model, constant):
        super().__init__()
        self.model, self.constant = model, constant

    def forward(self, x):
        return self.model(x) + self.constant


@settings(max_examples=5)
@given(constant=st.floats(-100, 100))
def test_a_constant_added_to_the_logits_changes_nothing(net, constant):
    images, masks = scene(2, classes=3)
    plain = Atlas(net, ["encoder.1", "head"], GRADIENT, region="truth").maps(images, masks)
    shifted = Atlas(Shifted(net, constant), ["model.encoder.1", "model.head"], GRADIENT, region="truth").maps(
        images, masks
    )
    for (method, layer, cls), values in plain.items():
        torch.testing.assert_close(shifted[method, f"model.{layer}", cls], values)


def test_maps_are_those_of_layer_by_layer_calls(net):
    """One pass for all layers gives what one pass a layer and class gives."""
    images, masks = scene(2, classes=3)
    together = Atlas(net, "all", ["gradcam", "layercam"], region="truth").maps(images, masks)
    for (method, layer, cls), values in together.items():
        alone = Atlas(net, [layer], [method], classes=[cls], region="truth").maps(images, masks)
        torch.testing.assert_close(alone[method, layer, cls], values, rtol=1e-4, atol=1e-9)


def test_regions(small):
    """z1 = 3 I − 5 = −2 1 4 7: predicted is all but the first pixel; g1 = 2 over the region's size, inside it."""
    logits = Small()
    with torch.no_grad():
        logits.first.weight[1] = 0
        logits.first.bias.copy_(torch.tensor([0.0, 5.0]))
        logits.head.weight[1] = torch.tensor([3.0, -1.0]).view(2, 1, 1)
    hires = {
        region: Atlas(logits, ["first"], ["layercam"], region, classes=[1]).maps(IMAGE, MASK)[
            "layercam", "first", 1
        ]
        for region in ("truth", "prediction", "image")
    }
    torch.testing.assert_close(hires["truth"], torch.tensor([[[1.5, 3.0], [0, 0]]]))
    torch.testing.assert_close(hires["prediction"], torch.tensor([[[0, 2.0], [3.0, 4.0]]]))
    torch.testing.assert_close(hires["image"], torch.tensor([[[0.75, 1.5], [2.25, 3.0]]]))
    without = Atlas(logits, ["first"], ["layercam"], "prediction", classes=[1]).maps(IMAGE)
    torch.testing.assert_close(without["layercam", "first", 1], hires["prediction"])
    with pytest.raises(DataError, match="masks are needed"):
        Atlas(logits, region="truth").maps(IMAGE)


def test_ignored_pixels_are_in_no_region(small):
    mask = torch.tensor([[[1, 255], [0, 0]]])
    maps = Atlas(small, ["first"], ["layercam"], "image", classes=[1]).maps(IMAGE, mask)
    torch.testing.assert_close(maps["layercam", "first", 1], torch.tensor([[[2 / 3, 0], [2.0, 8 / 3]]]))


def test_a_class_without_a_region_has_maps_of_zeros(net):
    images, masks = scene(2, classes=2)  # class 2 is in none of the masks
    maps = Atlas(net, ["encoder.0", "head"], GRADIENT, region="truth").maps(images, masks)
    assert {cls for _, _, cls in maps} == {0, 1, 2}
    for (method, layer, cls), values in maps.items():
        for case, plane in enumerate(values):
            assert plane.any() == (cls != 2), (method, layer, cls, case)
    atlas = Atlas(net, ["encoder.0", "head"], ["gradcam"], region="truth")
    atlas.update(images, masks)
    table = atlas.summary()
    absent = table[table["class"] == "2"]
    assert (absent["n"] == 0).all() and (absent["n_absent"] == 2).all() and absent["mean"].isna().all()
    assert atlas.cases().query("`class` == '2'")[["rho", "cam_dice", "lift"]].eq(0).all().all()


def test_all_empty_masks(net):
    images, masks = scene(2, classes=1)
    atlas = Atlas(net, ["head"], ["gradcam"], region="truth")
    atlas.update(images, masks)
    present = atlas.summary().query("n > 0")
    assert set(present["class"]) == {"0"} and present["mean"].notna().all()


@pytest.mark.parametrize("variant", list_models(), ids=str)
def test_our_variants(variant):
    torch.manual_seed(0)
    model = create_model(variant.arch, variant.skip, multiplier=variant.multiplier, width=0.25)
    images, masks = scene(2, size=(33, 40))  # no multiple of the stride
    atlas = Atlas(model, "all", ["gradcam", "layercam"], region="truth")
    maps = atlas.maps(images, masks)
    assert all(values.shape == (2, 33, 40) and values.isfinite().all() for values in maps.values())
    atlas.update(images, masks)
    assert atlas.summary().query("measure != 'rho_excess'")["mean"].between(0, 1e6).all()


def test_nan_logits_name_the_case(small):
    images, masks = IMAGE.repeat(3, 1, 1, 1), MASK.repeat(3, 1, 1)
    images[1, 0, 0, 0] = math.nan
    with pytest.raises(DataError, match="NaN or infinite for b;"):
        Atlas(small, region="truth").update(images, masks, ids="abc")


def test_wrong_settings(small):
    with pytest.raises(ConfigError, match="no map method 'gradcan'"):
        Atlas(small, methods=["gradcan"], region="truth")
    with pytest.raises(ConfigError, match="at least one map method"):
        Atlas(small, methods=[], region="truth")
    with pytest.raises(ConfigError, match="region"):
        Atlas(small, region="foot")
    with pytest.raises(ConfigError, match="classes 0 to 1"):
        Atlas(small, classes=[2], region="truth").maps(IMAGE, MASK)
    with pytest.raises(ConfigError, match="3 class names"):
        Atlas(small, class_names="abc", region="truth").maps(IMAGE, MASK)
    with pytest.raises(ConfigError, match="memory"):
        Atlas(small, methods=["scorecam"], memory=0, region="truth").maps(IMAGE, MASK)
    with pytest.raises(ConfigError, match="temperature"):
        Atlas(small, methods=["scorecam"], temperature=0, region="truth").maps(IMAGE, MASK)
    with pytest.raises(ConfigError, match="contours"):
        Atlas(small, border=0, region="truth")
    with pytest.raises(ConfigError, match="first batch"):
        Atlas(small, region="truth").layers  # noqa: B018
    with pytest.raises(DataError, match="no case yet"):
        Atlas(small, region="truth").summary()
    with pytest.raises(DataError, match="1 images, 2 ids"):
        Atlas(small, region="truth").update(IMAGE, MASK, ids=["a", "b"])


def test_a_failed_batch_leaves_what_was_collected(small):
    atlas = Atlas(small, region="truth")
    atlas.update(IMAGE, MASK)
    before = atlas.summary()
    with pytest.raises(DataError):
        atlas.update(IMAGE, MASK + 7)
    assert atlas.summary().equals(before)


def test_streaming_is_the_same_for_any_batches(net):
    images, masks = scene(5, classes=3)
    groups = ["p", "p", "q", "q", "r"]
    whole, parts = (
        Atlas(net, ["encoder.1", "head"], ["layercam", "random", "eigencam"], region="truth") for _ in range(2)
    )
    whole.update(images, masks, groups=groups)
    parts.update(images[:2], masks[:2], groups=groups[:2], ids=["0", "1"])
    parts.update(images[2:], masks[2:], groups=groups[2:], ids=["2", "3", "4"])
    first, second = whole.cases(), parts.cases()
    assert first[["case", "group", "layer", "class"]].equals(second[["case", "group", "layer", "class"]])
    np.testing.assert_allclose(first["rho"], second["rho"], rtol=1e-3, atol=1e-5)
    noise = first["method"] == "random"
    np.testing.assert_allclose(first[noise]["rho"], second[noise]["rho"], rtol=1e-6)


def test_padding_counts_nowhere(net):
    """An image that the network must continue to a multiple of 16 keeps its maps in place."""
    images, masks = scene(1, classes=3, size=(32, 32))
    inner = images[..., 5:27, 3:29], masks[..., 5:27, 3:29]
    atlas = Atlas(net, "all", ["layercam"], region="truth")
    atlas.update(*inner)
    assert atlas.sums().pixels.tolist() == [22 * 26]
    padded_image = F.pad(inner[0], (3, 3, 5, 5), mode="replicate")
    padded_mask = F.pad(inner[1], (3, 3, 5, 5), value=255)
    by_hand = Atlas(net, "all", ["layercam"], region="truth")
    by_hand.update(padded_image, padded_mask)
    np.testing.assert_allclose(atlas.sums().sums, by_hand.sums().sums, rtol=1e-4, atol=1e-7)
    assert_equal_maps(
        atlas.maps(*inner),
        {k: v[:, 5:27, 3:29] for k, v in by_hand.maps(padded_image, padded_mask).items()},
        rtol=1e-4,
        atol=1e-9,
    )


def test_random_maps_are_the_null(net):
    images, masks = scene(12, classes=3, size=(64, 64))
    atlas = Atlas(net, ["encoder.0", "encoder.1"], ["random"], region="truth")
    atlas.update(images, masks)
    table = atlas.summary().query("measure == 'lift'")
    np.testing.assert_allclose(table["mean"], 1, atol=0.05)


def test_what_is_collected_survives_the_disk(net, tmp_path):
    images, masks = scene(2, classes=3)
    atlas = Atlas(
        net, ["head"], ["gradcam"], perturb=True, class_names=["ground", "nerve", "vessel"], region="truth"
    )
    atlas.update(images, masks, groups=["ä", "b"])
    atlas.sums().write(tmp_path / "part.npz")
    again = MapSums.read(tmp_path / "part.npz")
    assert again.axes == atlas.sums().axes and again.groups == ("ä", "b")
    other = Atlas(net, ["head"], ["gradcam"], perturb=True, region="truth")
    other.add(again)
    assert other.summary().equals(atlas.summary())
    (tmp_path / "part.npz").write_bytes((tmp_path / "part.npz").read_bytes()[:100])
    with pytest.raises(DataError, match="damaged"):
        MapSums.read(tmp_path / "part.npz")
    with pytest.raises(DataError, match="differ"):
        MapSums.join([again, _other_axes(net)])


def _other_axes(net):
    atlas = Atlas(net, ["encoder.0"], ["gradcam"], region="truth")
    atlas.update(*scene(1, classes=3))
    return atlas.sums()


def test_all_layers_of_a_network_with_instance_norm_are_shown_whatever_their_shapes():
    """Of 16 x 16 cells with 16 channels nothing but the graph tells which axes are places; it is written to in place."""
    atlas = Atlas(BasicUNet(2, 1, 2, features=(8, 8, 16, 16, 32, 8)))
    atlas.maps(torch.rand(2, 1, 64, 64))
    assert len(atlas.layers) == 23 and not atlas.left_out


@pytest.mark.parametrize("variant", [("unet", "crffg"), ("resunet", "crffg"), ("unet", "conv")])
def test_all_layers_of_our_networks_are_shown_whatever_their_shapes(variant):
    """At 32 pixels, and at 128, a skip layer has as many channels as rows and columns; it was left out."""
    atlas = Atlas(create_model(*variant, classes=3).eval())
    atlas.maps(torch.rand(1, 1, 32, 32))
    assert not atlas.left_out


def test_options_that_would_mix_up_classes_are_refused():
    image, mask = torch.rand(1, 1, 8, 8), torch.randint(0, 3, (1, 8, 8))
    model = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1))
    for options in ({"classes": []}, {"class_names": ["a", "a", "b"]}, {"border": 1.5}):
        with pytest.raises(ConfigError):
            Atlas(model, **options)
    with pytest.raises(ConfigError, match="must be above 0"):
        Atlas(model, methods=["scorecam"], memory=math.nan).maps(image, mask)
    atlas = Atlas(model, classes=[1, 1])
    atlas.update(image, mask)
    assert len(atlas.cases().query("method == 'gradcam'")) == 1


def test_a_case_none_of_whose_pixels_counts_has_no_measures():
    atlas = Atlas(nn.Sequential(nn.Conv2d(1, 3, 3, padding=1)))
    atlas.update(torch.rand(1, 1, 8, 8), torch.full((1, 8, 8), 255))
    assert atlas.cases()["absent"].all() and atlas.cases()["area"].eq(0).all()


def test_old_names_of_methods_still_work(small):
    atlas = Atlas(small, region="truth")
    atlas.update(IMAGE, MASK)
    with pytest.warns(DeprecationWarning, match="Atlas: collected is called sums"):
        assert atlas.collected().ids == ("0",)
    with pytest.warns(DeprecationWarning, match="Atlas: of is called with_model"):
        assert atlas.of(Small()).settings is atlas.settings
