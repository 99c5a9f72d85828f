"""Networks put together: what they must have in common, ensembles of ensembles, and what is recorded."""

import pytest
import torch

from prismseg.base import ConfigError, ModelError
from prismseg.data import Preprocess
from prismseg.nets import create_model
from prismseg.train.ensemble.combine import Member, combine
from prismseg.train.runs.seen import SeenCases


def network(seed=0, classes=("background", "nerve"), seen=None, **metadata):
    made = create_model("unet", width=0.125, classes=1 if len(classes) == 2 else len(classes), seed=seed).eval()
    made.metadata = {"classes": list(classes), "preprocess": Preprocess((16, 16), 1).to_dict(), **metadata}
    if seen is not None:
        made.metadata["seen"] = seen.to_metadata()
    return made


def test_other_classes_are_refused_with_both_named():
    pair = [Member(network(), "runs/a"), Member(network(classes=("background", "vessel")), "runs/b")]
    with pytest.raises(ModelError, match=r"classes.*runs/a has background, nerve; runs/b has background, vessel"):
        combine(pair)


def test_other_post_processing_is_refused_with_both_named():
    pair = [Member(network(), "a"), Member(network(postprocess="two_feet"), "b")]
    with pytest.raises(ModelError, match=r"post-processing.*a has none; b has two_feet"):
        combine(pair)


def test_a_network_that_does_not_say_how_it_is_fed():
    bare = network()
    del bare.metadata["preprocess"]
    with pytest.raises(ModelError, match="network b does not state its preprocess"):
        combine([Member(network(), "a"), Member(bare, "b")])


@pytest.mark.parametrize("weights", [(-1.0, 2.0), (float("nan"), 1.0), (float("inf"), 1.0), (0.0, 0.0)])
def test_impossible_weights(weights):
    with pytest.raises(ConfigError, match=r"[Ww]eight"):
        combine([Member(network(seed), str(seed), weight) for seed, weight in enumerate(weights)])


def test_a_member_without_weight_is_left_out():
    ensemble = combine([Member(network(0), "a", 1), Member(network(1), "b", 0)])
    assert ensemble.names == ("a",) and len(ensemble.members) == 1


def test_an_ensemble_of_ensembles_holds_networks():
    a, b, c = (network(seed) for seed in range(3))
    inner = combine([Member(a, "a", 1), Member(b, "b", 3)])
    outer = combine([Member(inner, "inner", 1), Member(c, "c", 1)])
    assert outer.names == ("inner/a", "inner/b", "c") and outer.weights == (0.125, 0.375, 0.5)
    assert all(member.settings.arch == "unet" for member in outer.members)
    flat = combine([Member(a, "a", 1), Member(b, "b", 3), Member(c, "c", 4)])
    x = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(outer(x), flat(x), rtol=0, atol=0)


def test_members_are_copies():
    first = network()
    ensemble = combine([Member(first, "a")])
    with torch.no_grad():
        first.head.weight.zero_()
    assert ensemble.members[0].head.weight.any()


def test_it_has_seen_what_one_of_them_has():
    ours = SeenCases({"1": "g1"}, {"2": "g2"}, frozenset({"3", "4"}))
    theirs = SeenCases({"2": "g2"}, {"3": "g3"}, frozenset({"1", "5"}))
    metadata = combine([Member(network(seen=ours), "a"), Member(network(seen=theirs), "b")]).metadata
    seen = SeenCases.from_metadata(metadata)
    assert seen == SeenCases({"1": "g1", "2": "g2"}, {"3": "g3"}, frozenset({"4", "5"}), complete=True)
    unknown = combine([Member(network(seen=ours), "a"), Member(network(), "b")])
    assert not SeenCases.from_metadata(unknown.metadata).complete


@pytest.mark.parametrize("key", ["mirror", "mirror_vertical"])
def test_it_is_for_mirrored_images_where_all_are(key):
    both = [Member(network(**{key: True}), "a"), Member(network(**{key: True}), "b")]
    assert combine(both).metadata[key] and not combine(both).metadata["test_mirror"]
    assert not combine([*both, Member(network(), "c")]).metadata[key]


def test_it_averages_over_mirrors_where_one_asks_for_it_and_all_know_them():
    asks, knows, neither = network(mirror=True, test_mirror=True), network(mirror=True), network()
    assert combine([Member(asks, "a"), Member(knows, "b")]).metadata["test_mirror"]
    assert not combine([Member(asks, "a"), Member(neither, "b")]).metadata["test_mirror"]


def test_it_records_how_its_members_were_trained():
    ensemble = combine([Member(network(training={"seed": 7}), "a", 1), Member(network(), "b", 3)])
    assert ensemble.metadata["training"]["members"] == [
        {"name": "a", "weight": 0.25, "training": {"seed": 7}},
        {"name": "b", "weight": 0.75, "training": {}},
    ]
    nested = combine([Member(ensemble, "e")])
    assert nested.metadata["training"]["members"][0] == {"name": "e/a", "weight": 0.25, "training": {"seed": 7}}
