"""Networks of one seed begin alike wherever they can."""

from itertools import combinations

import pytest
import torch
from torch import nn

from prismseg.nets import create_classifier, create_model, enhance_skips, list_models
from prismseg.nets.initial import draw_weights


def modules(network: nn.Module) -> dict[str, dict[str, torch.Tensor]]:
    """Tensors of each module that has any, by the module's name."""
    owned = {}
    for name, module in network.named_modules():
        tensors = dict(module.named_parameters(recurse=False)) | dict(module.named_buffers(recurse=False))
        if tensors:
            owned[name] = {key: tensor.detach() for key, tensor in tensors.items()}
    return owned


def compare(first: nn.Module, second: nn.Module) -> tuple[int, list[str]]:
    """How many modules of the same name and form there are, and which of them differ."""
    one, two = modules(first), modules(second)
    shared = [
        name
        for name in one.keys() & two.keys()
        if {key: tensor.shape for key, tensor in one[name].items()}
        == {key: tensor.shape for key, tensor in two[name].items()}
    ]
    differing = [
        name for name in shared if any(not torch.equal(one[name][key], two[name][key]) for key in one[name])
    ]
    return len(shared), differing


@pytest.mark.parametrize("preset", ["default", "thesis"])
def test_fifteen_variants_share_all_that_they_can(preset):
    networks = {
        variant.name: create_model(
            variant.arch, variant.skip, multiplier=variant.multiplier, width=0.25, preset=preset, seed=5
        )
        for variant in list_models()
    }
    for first, second in combinations(networks, 2):
        shared, differing = compare(networks[first], networks[second])
        assert not differing, (first, second)
        if first.split("-")[0] == second.split("-")[0]:
            assert shared > 12, (first, second)


def test_tensors_of_the_default_networks_agree_by_name_and_shape_alone():
    states = [
        create_model(variant.arch, variant.skip, multiplier=variant.multiplier, width=0.25, seed=1).state_dict()
        for variant in list_models()
    ]
    for first, second in combinations(states, 2):
        for name in first.keys() & second.keys():
            assert first[name].shape != second[name].shape or torch.equal(first[name], second[name]), name


def test_another_seed_gives_other_weights_and_modules_do_not_repeat_each_other():
    first, second = (create_model("resunet", width=0.25, seed=seed) for seed in (1, 2))
    _, differing = compare(first, second)
    drawn = [name for name, tensors in modules(first).items() if tensors["weight"].ndim > 1]
    assert len(drawn) > 20 and set(drawn) <= set(differing)
    weights = [tensors["weight"] for name, tensors in modules(first).items() if name in drawn]
    for one, two in combinations(weights, 2):
        assert one.shape != two.shape or not torch.equal(one, two)


def test_what_follows_does_not_depend_on_the_variant():
    after = []
    for variant in list_models():
        torch.manual_seed(3)
        create_model(variant.arch, variant.skip, multiplier=variant.multiplier, width=0.25)
        after.append(torch.rand(4))
    for kind in ("cnn", "crffg", "cnn+rff"):
        torch.manual_seed(3)
        create_classifier(kind)
        after.append(torch.rand(4))
    assert all(torch.equal(after[0], numbers) for numbers in after)


def test_the_global_seed_still_counts_where_none_is_given():
    torch.manual_seed(0)
    first, second = create_model("unet", width=0.25), create_model("unet", width=0.25)
    torch.manual_seed(0)
    again = create_model("unet", width=0.25)
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, second.head.weight)


def test_a_given_seed_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    create_model("unet", "crffg", width=0.25, seed=1)
    create_classifier("crffg", seed=1)
    assert torch.equal(state, torch.get_rng_state())


def test_classifiers_share_their_layers():
    kinds = {kind: create_classifier(kind, seed=4) for kind in ("cnn", "crffg", "cnn+rff")}
    assert compare(kinds["cnn"], kinds["cnn+rff"]) == (4, [])  # conv1, conv2, conv3, head
    assert compare(kinds["cnn"], kinds["crffg"]) == (2, [])  # dense, head
    assert compare(kinds["crffg"], kinds["cnn+rff"]) == (1, [])  # head


def test_layers_put_on_foreign_skips_share_what_they_can():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = Encoder(), Decoder()

        def forward(self, x):
            return self.decoder(self.encoder(x))

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x):
            high = self.first(x)
            return [high, self.second(high)]

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Conv2d(8, 1, 1)

        def forward(self, features):
            return self.head(torch.cat(features, dim=1))

    net, example = Net(), torch.rand(1, 1, 8, 8)
    enhanced = [enhance_skips(net, example, kind=kind, multiplier=3, seed=2) for kind in ("conv", "crffg")]
    shared, differing = compare(*enhanced)
    assert shared == 4 and not differing  # three convolutions of the network, and the 1×1 after the layer
    other = enhance_skips(net, example, kind="conv", multiplier=3, seed=3)
    assert len(compare(enhanced[0], other)[1]) == 2


def test_thesis_weights_follow_the_law_of_torch():
    # Uniform between plus and minus 1 / sqrt(fan-in), torch's own rule.
    weight = create_model("unet", preset="thesis", seed=0).bottleneck.second[0].weight.detach()
    limit = (128 * 9) ** -0.5
    assert weight.abs().max() <= limit and weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.01)


def test_prefixes_make_other_streams():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    draw_weights(first, 0, prefix="a/")
    draw_weights(second, 0, prefix="b/")
    assert not torch.equal(first.weight, second.weight)
