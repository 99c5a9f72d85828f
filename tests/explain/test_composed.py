"""Ensembles and corrections are explained as any network: the layers of their parts, by the logits of the whole."""

import pytest
import torch

from prismseg.data import Preprocess
from prismseg.explain import Atlas
from prismseg.nets import create_model, refine
from prismseg.train import Member, combine
from tests.explain.conftest import scene

LAYERS = ("encoder.0.first", "skips.1", "decoder.3.first", "head")


@pytest.fixture(scope="module")
def member():
    network = create_model("unet", "crffg", width=0.5, seed=0)
    network(torch.rand(4, 1, 32, 32))  # running statistics
    network.metadata = {"classes": ["background", "disc"], "preprocess": Preprocess((32, 32), 1).to_dict()}
    return network.eval()


def layer_maps(network, prefix):
    images, masks = scene(2, classes=2, seed=3)
    found = Atlas(network, [prefix + layer for layer in LAYERS], ["gradcam", "hirescam"], region="truth").maps(
        images, masks
    )
    return {(method, layer.removeprefix(prefix), cls): maps for (method, layer, cls), maps in found.items()}


def assert_alike(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, maps in theirs.items():
        torch.testing.assert_close(ours[key], maps, atol=1e-4 * float(maps.max()) + 1e-9, rtol=0)


def test_an_ensemble_of_one_has_the_maps_of_its_member(member):
    assert_alike(layer_maps(combine([Member(member, "a")]), "members.0."), layer_maps(member, ""))


def test_twins_have_the_maps_of_each_other(member):
    ensemble = combine([Member(member, "a", 0.5), Member(member, "b", 0.5)])
    first, second = layer_maps(ensemble, "members.0."), layer_maps(ensemble, "members.1.")
    assert_alike(first, second)
    # Each adds a half of the probability, hence of the slope.
    hires = {key: maps for key, maps in first.items() if key[0] == "hirescam"}
    alone = layer_maps(member, "")
    assert_alike(hires, {key: alone[key] / 2 for key in hires})


def test_a_correction_of_nothing_leaves_the_maps_of_the_base(member):
    correction = create_model("unet", width=0.25, seed=1)
    refined = refine(member, correction, Preprocess((32, 32), 1)).eval()
    assert_alike(layer_maps(refined, "base."), layer_maps(member, ""))
    images, masks = scene(1, classes=2)
    assert Atlas(refined, "all", ["gradcam"]).maps(images, masks)


def test_members_of_other_sizes_are_explained_too(member):
    other = create_model("fcn", width=0.25, seed=2).eval()
    other.metadata = member.metadata | {"preprocess": Preprocess((24, 40), 1).to_dict()}
    images, masks = scene(1, classes=2)
    maps = Atlas(combine([Member(member, "a"), Member(other, "b")]), "all", ["gradcam"]).maps(images, masks)
    assert {key[1].split(".")[1] for key in maps} == {"0", "1"} and all(
        value.isfinite().all() for value in maps.values()
    )
