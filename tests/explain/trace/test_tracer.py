"""The network is not changed, whatever happens, and the right activations are kept."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.explain import Atlas, tokens_to_map
from prismseg.explain.trace.tracer import Tracer
from prismseg.nets import create_model
from tests.explain.conftest import IMAGE, MASK, Small, scene


def state_of(model):
    """Everything an explanation must leave alone."""
    return {
        "modes": [module.training for module in model.modules()],
        "hooks": [
            len(hooks)
            for module in model.modules()
            for hooks in (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
        ],
        "grads": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "needs": [p.requires_grad for p in model.parameters()],
        "tensors": [tensor.clone() for tensor in model.state_dict().values()],
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state()[1].copy(),
        "python": random.getstate(),
    }


def assert_same(first, second):
    for key, value in first.items():
        for left, right in zip(value, second[key], strict=True):
            same = torch.equal(left, right) if isinstance(left, torch.Tensor) else np.array_equal(left, right)
            assert left is None and right is None if left is None or right is None else same, key


class Noisy(Small):
    """Draws random numbers in evaluation mode too."""

    def forward(self, x):
        return super().forward(x) + 0 * torch.rand(())


def test_nothing_is_left_behind():
    model = nn.Sequential(Noisy(), nn.BatchNorm2d(2))
    model.train()
    model[1].eval()
    model[0].head.bias.requires_grad_(False)
    model(torch.rand(2, 1, 4, 4)).sum().backward()
    images, masks = scene(2, size=(8, 8))
    images.requires_grad_()
    before = state_of(model)
    atlas = Atlas(model, methods=["gradcam", "scorecam", "random"], perturb=True, region="truth")
    atlas.maps(images, masks)
    atlas.update(images, masks)
    assert_same(before, state_of(model))
    assert images.grad is None


class Fails(Small):
    def forward(self, x):
        super().forward(x)
        raise RuntimeError("broken network")


def test_nothing_is_left_behind_by_an_exception():
    model = Fails().train()
    before = state_of(model)
    with pytest.raises(RuntimeError, match="broken network"):
        Atlas(model, region="truth").maps(IMAGE, MASK)
    assert_same(before, state_of(model))

    good = Small().train()
    before = state_of(good)

    def consume(*_):
        raise ValueError("in the middle of the backward pass")

    tracer = Tracer(good)
    with pytest.raises(ValueError, match="in the middle"), tracer.run(IMAGE) as trace:
        tracer.on_path(trace, trace.output)
        trace.backward(trace.output.sum(), consume, last=False)
    assert_same(before, state_of(good))


class Overwrites(nn.Module):
    """Every convolution's output is written over by what follows it."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.relu(self.first(x))
        y = self.second(x)
        y += x
        y.mul_(2)
        return self.head(F.relu(y, inplace=True))


class Keeps(Overwrites):
    def forward(self, x):
        x = F.relu(self.first(x))
        return self.head(F.relu((self.second(x) + x) * 2))


def test_operations_in_place_do_not_disturb_the_activations():
    torch.manual_seed(0)
    model, twin = Overwrites(), Keeps()
    twin.load_state_dict(model.state_dict())
    images, masks = scene(3, size=(8, 8))
    methods = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam", "eigencam")
    maps, expected = (Atlas(net, "all", methods, region="truth").maps(images, masks) for net in (model, twin))
    names = {"relu": "first:act", "second": "second", "head": "head"}
    assert [layer for _, layer, cls in maps if cls == 0] == list(names) * len(methods)
    for (method, layer, cls), values in maps.items():
        torch.testing.assert_close(values, expected[method, names[layer], cls], rtol=1e-5, atol=1e-7)


def test_a_relu_in_place_is_a_layer_of_its_own():
    torch.manual_seed(0)
    model = Overwrites()
    images, masks = scene(1, size=(8, 8))
    before, after = (
        Atlas(model, [name], ["eigencam"], region="truth").maps(images, masks) for name in ("first", "relu")
    )
    with torch.no_grad():
        expected = F.relu(model.first(images))
    assert not torch.equal(before["eigencam", "first", 0], after["eigencam", "relu", 0])
    tracer = Tracer(model, ["first", "relu"])
    with tracer.run(images) as trace:
        torch.testing.assert_close(trace.activations["relu"].detach(), expected)
        torch.testing.assert_close(trace.activations["first"].detach(), model.first(images).detach())


class Shared(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.Conv2d(2, 2, 1)

    def forward(self, x):
        return self.block(torch.relu(self.block(x)))


def test_a_module_that_runs_twice_is_two_layers():
    torch.manual_seed(1)
    model = Shared()
    images, masks = scene(2, 2, size=(8, 8))
    maps = Atlas(model, ["block"], ["gradcam"], region="truth").maps(images, masks)
    assert [layer for _, layer, cls in maps if cls == 0] == ["block[0]", "block[1]"]
    second, first = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
    second.load_state_dict(model.block.state_dict())
    first.load_state_dict(model.block.state_dict())
    plain = Atlas(nn.Sequential(first, nn.ReLU(), second), ["0", "2"], ["gradcam"], region="truth").maps(
        images, masks
    )
    for call, name in enumerate("02"):
        torch.testing.assert_close(maps["gradcam", f"block[{call}]", 1], plain["gradcam", name, 1])
    only = Atlas(model, ["block[1]"], ["gradcam"], region="truth").maps(images, masks)
    torch.testing.assert_close(only["gradcam", "block[1]", 1], maps["gradcam", "block[1]", 1])
    with pytest.raises(ConfigError, match=r"block\[2\].*ran 2 times"):
        Atlas(model, ["block[2]"], region="truth").maps(images, masks)


class Branches(nn.Module):
    """An identity on the skip: its gradient is that of the skip alone."""

    def __init__(self):
        super().__init__()
        self.first, self.skip, self.head = nn.Conv2d(1, 2, 1), nn.Identity(), nn.Conv2d(2, 2, 1)
        self.unused, self.beside = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)

    def forward(self, x):
        x = self.first(x)
        self.beside(x)
        return self.head(3 * x + self.skip(x))


def test_an_identity_shows_the_gradient_of_its_own_branch():
    torch.manual_seed(0)
    images, masks = scene(1, size=(8, 8))
    maps = Atlas(Branches(), ["first", "skip"], ["gradcam"], region="truth").maps(images, masks)
    torch.testing.assert_close(maps["gradcam", "first", 1], 4 * maps["gradcam", "skip", 1])


def test_layers_off_the_path():
    images, masks = scene(1, size=(8, 8))
    with pytest.raises(ConfigError, match=r"'beside'.*does not depend"):
        Atlas(Branches(), ["first", "beside"], region="truth").maps(images, masks)
    with pytest.raises(ConfigError, match=r"'unused'.*ran 0 times"):
        Atlas(Branches(), ["unused"], region="truth").maps(images, masks)
    atlas = Atlas(Branches(), "all", ["gradcam"], region="truth")
    atlas.maps(images, masks)
    assert atlas.layers == ("first", "head")
    assert set(atlas.left_out) == {"unused", "beside"}


def test_a_misspelt_layer_is_answered_with_near_ones():
    with pytest.raises(ConfigError, match=r"no layer 'encoder\.0\.frist'. Did you mean encoder\.0\.first"):
        Atlas(create_model("unet"), ["encoder.0.frist"], region="truth")
    with pytest.raises(ConfigError, match="Its layers are"):
        Atlas(Small(), ["zzzzzz"], region="truth")
    with pytest.raises(ConfigError, match="No layer"):
        Atlas(Small(), [], region="truth")
    with pytest.raises(ConfigError, match="true for no module"):
        Atlas(Small(), lambda name, module: False, region="truth")
    with pytest.raises(ConfigError, match="no convolution of images or volumes"):
        Atlas(nn.Sequential(nn.ReLU()), region="truth")


def test_names_patterns_and_predicates():
    model = create_model("unet", "crffg", multiplier=3)
    images, masks = scene(1, size=(32, 32))

    def layers(choice):
        atlas = Atlas(model, choice, ["gradcam"], region="truth")
        atlas.maps(images, masks)
        return atlas.layers

    assert len(layers("all")) == 22  # all but the head, which is the one logit itself
    assert layers("skips.*") == ("skips.0", "skips.1", "skips.2", "skips.3")
    assert layers(["decoder.1", "encoder.0"]) == ("decoder.1", "encoder.0")
    assert layers(lambda name, module: name.endswith("second")) == (
        *(f"encoder.{n}.second" for n in range(4)),
        "bottleneck.second",
        *(f"decoder.{n}.second" for n in range(4)),
    )


def test_compiled_and_wrapped_networks():
    torch.manual_seed(0)
    model = create_model("unet", width=0.5).eval()
    images, masks = scene(2, size=(16, 16))
    expected = Atlas(model, region="truth").maps(images, masks)
    compiled = torch.compile(model, backend="aot_eager")
    compiled(images)
    for wrapped in (compiled, nn.DataParallel(model)):
        maps = Atlas(wrapped, region="truth").maps(images, masks)
        assert list(maps) == list(expected)
        for key in expected:
            torch.testing.assert_close(maps[key], expected[key])
    model.compile(backend="aot_eager")
    model(images)
    for key, values in Atlas(model, region="truth").maps(images, masks).items():
        torch.testing.assert_close(values, expected[key])
    with pytest.raises(ModelError, match="TorchScript"):
        Atlas(torch.jit.trace(Small(), IMAGE), region="truth")


def test_frozen_networks_and_inference_mode():
    model = Small()
    expected = Atlas(model, methods=["hirescam"], region="truth").maps(IMAGE, MASK)
    model.requires_grad_(False)
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            images = IMAGE.clone()
            maps = Atlas(model, methods=["hirescam"], region="truth").maps(images, MASK)
        for key in expected:
            torch.testing.assert_close(maps[key], expected[key])


def test_tokens():
    tokens = torch.arange(2 * 7 * 3.0).view(2, 7, 3)
    adapted = tokens_to_map(prefix=1)(tokens, (20, 30))
    assert adapted.shape == (2, 3, 2, 3)
    assert torch.equal(adapted[0, :, 1, 2], tokens[0, 6])
    assert torch.equal(adapted[1, :, 0, 1], tokens[1, 2])
    assert tokens_to_map(grid=(1, 6), prefix=1)(tokens, (20, 30)).shape == (2, 3, 1, 6)
    last = torch.rand(1, 4, 5, 3)
    assert tokens_to_map(channels_last=True)(last, (8, 10)).shape == (1, 3, 4, 5)
    assert tokens_to_map()(last, (8, 10)) is last
    with pytest.raises(ModelError, match="no grid"):
        tokens_to_map()(tokens, (20, 30))
    with pytest.raises(ModelError, match="B, N, D"):
        tokens_to_map()(torch.rand(2, 3), (4, 4))


def test_a_layer_without_a_map_needs_an_adapter():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(2), nn.Unflatten(2, (2, 2)))
    with pytest.raises(ModelError, match=r"'1' cannot.* gives .*tokens_to_map"):
        Atlas(model, ["1"], region="truth").maps(IMAGE, MASK)


def test_images_must_be_a_batch():
    with pytest.raises(DataError, match="B, C, H, W"):
        Atlas(Small(), region="truth").maps(IMAGE[0], MASK)
