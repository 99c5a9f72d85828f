"""What is a map and what is not, told by the graph; and which tensor is shown of a convolution."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ConfigError, ModelError
from prismseg.explain import Atlas
from prismseg.explain.trace.graph import find_channel_layout
from prismseg.nets import create_model
from tests.explain.conftest import scene

CONV, NORM = nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6).eval()
LINEAR, LAYER_NORM = nn.Linear(6, 6), nn.LayerNorm(6)


def tokens(x):
    """(B, D, h, w) to (B, N, D)."""
    return CONV(x).flatten(2).mT


def windows(x):
    """(B, h, w, D) in windows of 4, stacked into the batch, and back."""
    b, h, w, d = x.shape
    parts = x.view(b, h // 4, 4, w // 4, 4, d).transpose(2, 3).reshape(-1, 16, d)
    parts = LINEAR(parts)
    return parts.view(b, h // 4, w // 4, 4, 4, d).transpose(2, 3).reshape(b, h, w, d)


class _Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient


LAYOUTS = {
    "convolution": (lambda x: CONV(x), "first"),
    "activation and norm": (lambda x: F.gelu(NORM(CONV(x))), "first"),
    "instance norm": (lambda x: F.instance_norm(CONV(x)), "first"),
    "instance norm and activation in place": (
        lambda x: F.leaky_relu(F.instance_norm(CONV(x)), inplace=True),
        "first",
    ),
    "group norm": (lambda x: F.group_norm(CONV(x), 2), "first"),
    "pooling": (lambda x: F.max_pool2d(x, 2), "first"),
    "enlarged": (lambda x: F.interpolate(CONV(x), scale_factor=2), "first"),
    "residual": (lambda x: CONV(x) + torch.tanh(CONV(x)) * 0.1, "first"),
    "gate": (lambda x: CONV(x) * torch.sigmoid(CONV(x).mean((2, 3), keepdim=True)), "first"),
    "concatenated": (lambda x: torch.cat([x, CONV(x)], 1), "first"),
    "arithmetic of the image": (lambda x: (x - 0.5) / 0.2, "first"),
    "layer norm, channels first": (lambda x: LAYER_NORM(CONV(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2), "first"),
    "folded and unfolded": (lambda x: tokens(x).mT.unflatten(2, (8, 16)), "first"),
    "random features": (lambda x: 1.4 * torch.cos(CONV(x) + 1), "first"),
    "own function": (lambda x: _Doubled.apply(CONV(x)), "first"),
    "softmax of classes": (lambda x: CONV(x).softmax(1) * CONV(x), "first"),
    "permuted": (lambda x: CONV(x).permute(0, 2, 3, 1), "last"),
    "layer norm": (lambda x: LAYER_NORM(CONV(x).permute(0, 2, 3, 1)), "last"),
    "linear": (lambda x: LINEAR(CONV(x).permute(0, 2, 3, 1)), "last"),
    "linear without bias": (lambda x: F.linear(CONV(x).permute(0, 2, 3, 1), LINEAR.weight), "last"),
    "tokens on a grid": (lambda x: LINEAR(tokens(x)).unflatten(1, (8, 16)), "last"),
    "Swin block": (lambda x: (y := CONV(x).permute(0, 2, 3, 1)) + windows(LAYER_NORM(y)), "last"),
    "shifted": (lambda x: torch.roll(CONV(x).permute(0, 2, 3, 1), (-2, -2), (1, 2)), "last"),
    "attention weights": (lambda x: (tokens(x) @ tokens(x).mT).softmax(-1).unsqueeze(1), "weights"),
    "attention logits": (lambda x: (tokens(x) @ tokens(x).mT).unflatten(0, (2, 1)) * 0.3, "weights"),
    "mean attention": (lambda x: (tokens(x) @ tokens(x).mT)[:, None].softmax(-1).mean(1, keepdim=True), "weights"),
    "rows and columns exchanged": (lambda x: CONV(x).permute(0, 2, 1, 3), "unknown"),
    "mixer of places": (
        lambda x: F.linear(CONV(x).permute(0, 1, 3, 2), nn.Parameter(torch.rand(8, 8))).permute(0, 3, 2, 1),
        "unknown",
    ),
    "operands disagree": (lambda x: CONV(x)[..., :6, :6] + CONV(x)[..., :6, :6].permute(0, 2, 3, 1), "unknown"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_where_the_channels_are(name):
    make, expected = LAYOUTS[name]
    image = torch.rand(2, 3, 8, 16, requires_grad=True)
    assert find_channel_layout(make(image), image) == expected


def test_the_image_itself():
    image = torch.rand(2, 3, 8, 16, requires_grad=True)
    assert find_channel_layout(image, image) == find_channel_layout(image.view_as(image), image) == "first"


class Mixed(nn.Module):
    """Channels first and last, weights, windows, a gate, an upsampling: every kind of output, all 8 x 8."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 4, 4), nn.BatchNorm2d(8), nn.ReLU())
        self.norm, self.linear = nn.LayerNorm(8), nn.Linear(8, 8)
        self.weights, self.dropout = nn.Softmax(-1), nn.Dropout(0.1)
        self.squeeze, self.excite = nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten(2)
        self.head = nn.Conv2d(8, 1, 1)
        self.up = nn.Upsample(scale_factor=4)

    def forward(self, x):
        x = self.stem(x)
        y = self.dropout(self.linear(self.norm(x.permute(0, 2, 3, 1))))
        t = self.flat(x).mT
        a = self.weights(t @ t.mT)[:, None].expand(-1, 8, -1, -1)
        x = x + y.permute(0, 3, 1, 2) + (a[:, :, 0] @ t).mean(2).view(-1, 8, 1, 1)
        x = x * torch.sigmoid(self.excite(F.relu(self.squeeze(self.pool(x)))))
        return self.up(self.head(x))


def test_a_pattern_shows_maps_only_each_once_and_counts_the_rest():
    torch.manual_seed(0)
    atlas = Atlas(Mixed(), ["*"], ["gradcam"])
    images, _ = scene(2)
    atlas.maps(images)
    assert atlas.layers == ("stem", "stem.0", "stem.1")
    reasons = {
        "stem.2": "the same as 'stem'",
        "norm": r"(2, 8, 8, 8), no map (B, D, h, w); pass adapter=",
        "linear": "no map (B, D, h, w)",
        "dropout": "no map (B, D, h, w)",
        "weights": "attention weights",
        "flat": "(2, 8, 64), no map",
        "squeeze": "a single cell",
        "excite": "a single cell",
        "pool": "a single cell",
        "head": "the network's one logit",
        "up": "the network's one logit",
    }
    assert atlas.left_out.keys() == reasons.keys()
    for name, text in reasons.items():
        assert text in atlas.left_out[name], name


class Handing(nn.Module):
    """A dropout on the way, an identity on a skip connection and one on the way to it."""

    def __init__(self):
        super().__init__()
        self.stem, self.dropout, self.next = nn.Conv2d(1, 4, 3, padding=1), nn.Dropout(), nn.Identity()
        self.down, self.skip, self.head = nn.Conv2d(4, 4, 3, padding=1), nn.Identity(), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = self.next(self.dropout(self.stem(x)))
        return self.head(self.skip(x) + torch.tanh(self.down(x)))


def test_what_hands_its_input_through_is_shown_for_a_gradient_of_its_own_only():
    torch.manual_seed(0)
    atlas = Atlas(Handing(), ["*"], ["hirescam"], "image")
    maps = atlas.maps(scene(1)[0])
    assert atlas.layers == ("stem", "down", "skip", "head")
    assert atlas.left_out == dict.fromkeys(("dropout", "next"), "it shows the same as 'stem'")
    assert not torch.equal(maps["hirescam", "stem", 1], maps["hirescam", "skip", 1])


@pytest.mark.parametrize("name", ["norm", "linear", "weights", "squeeze", "pool"])
def test_what_is_no_map_is_refused_by_name(name):
    with pytest.raises(ModelError, match=f"'{name}' cannot be explained"):
        Atlas(Mixed(), [name]).maps(scene(2)[0])


def test_an_adapter_of_the_users_is_trusted():
    images, _ = scene(2)

    def received(output, size):
        return output[:, None].mean(2).unflatten(2, (8, 8))

    atlas = Atlas(Mixed(), ["weights"], ["layercam"], adapter=received)
    assert atlas.maps(images)["layercam", "weights", 1].shape == (2, 32, 32)
    with pytest.raises(ModelError, match=r"adapter gives \(2, 64, 64\)"):
        Atlas(Mixed(), ["weights"], adapter=lambda output, size: output).maps(images)


def test_the_one_logit_is_shown_if_asked_for_by_name():
    images, _ = scene(1)
    atlas = Atlas(create_model("unet", width=0.25), ["head"])
    assert atlas.maps(images) and atlas.layers == ("head",)
    assert "head" not in Atlas(create_model("unet", width=0.25)).left_out


def test_the_mean_over_layers_is_that_of_maps():
    """Squeeze-and-excitation layers would draw the mean towards the mask's share of the image."""
    torch.manual_seed(0)
    images, masks = scene(2)
    model = Mixed()
    whole, named = Atlas(model, methods=["random"]), Atlas(model, ["stem"], ["random"])
    for atlas in (whole, named):
        atlas.update(images, masks)
    assert set(whole.left_out) == {"squeeze:act", "excite", "head"}
    assert whole.cases().equals(named.cases())


class Everywhere(nn.Module):
    """Convolutions with their activation behind normalisation, called in all ways."""

    def __init__(self):
        super().__init__()
        self.root = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.unit = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.pairs = nn.Sequential(
            nn.Conv2d(4, 4, 1), nn.GELU(), nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4), nn.ELU(), nn.MaxPool2d(1)
        )
        self.residual, self.residual_norm = nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
        self.branch, self.relu = nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True)
        self.linear, self.last, self.head = nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = F.relu(self.norm(self.root(x)))
        x = self.pairs(self.unit(x))
        x = self.relu(self.residual_norm(self.residual(x)) + x)  # behind an addition: not its own
        y = self.branch(x)
        x = self.relu(self.last(y.relu() + y))  # the branch is used without its ReLU too
        return self.head(self.linear(x))


NAMES = ("root:act", "unit", "pairs.1", "pairs.4", "residual", "branch", "linear", "relu[1]", "head")


def test_a_convolution_is_shown_with_its_activation():
    torch.manual_seed(0)
    model = Everywhere().eval()
    images, masks = scene(2)
    atlas = Atlas(model, "all", ["layercam", "hirescam"], "truth")
    maps = atlas.maps(images, masks)
    assert atlas.layers == NAMES and atlas.left_out == {}
    again = Atlas(model, list(NAMES), ["layercam", "hirescam"], "truth").maps(images, masks)
    assert list(again) == list(maps)
    for key, values in maps.items():  # a name means the same wherever it comes from
        torch.testing.assert_close(again[key], values)


def test_the_activation_of_a_function_call_is_kept_and_has_its_gradient():
    torch.manual_seed(0)
    model = Everywhere().eval()
    images, _ = scene(1)
    with_module = nn.Sequential(model.root, model.norm, nn.ReLU(), model.unit, model.pairs)
    rest = nn.Sequential(with_module, nn.Conv2d(4, 2, 1))
    functional = _Functional(model, rest[1])
    one, other = (
        Atlas(net, [name], ["layercam", "gradcam"], "image").maps(images)
        for net, name in ((functional, "root:act"), (rest, "0.2"))
    )
    for method in ("layercam", "gradcam"):
        for cls in (0, 1):
            torch.testing.assert_close(one[method, "root:act", cls], other[method, "0.2", cls])


class _Functional(nn.Module):
    def __init__(self, model, head):
        super().__init__()
        self.root, self.norm, self.unit, self.pairs = model.root, model.norm, model.unit, model.pairs
        self.head = head

    def forward(self, x):
        return self.head(self.pairs(self.unit(F.relu(self.norm(self.root(x)), inplace=True))))


def test_root_sequences():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 2, 1))
    atlas = Atlas(model, methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("2", "3")


def test_a_convolution_without_an_activation_has_none():
    with pytest.raises(ConfigError, match=r"'linear:act'.*0 times"):
        Atlas(Everywhere(), ["linear:act"]).maps(scene(1)[0])
    with pytest.raises(ConfigError, match="no layer 'liner:act'"):
        Atlas(Everywhere(), ["liner:act"])


def test_a_block_that_runs_twice_with_and_without_activation():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Conv2d(1, 1, 3, padding=1)
            self.head = nn.Conv2d(1, 2, 1)

        def forward(self, x):
            return self.head(self.block(torch.relu(self.block(x))))

    atlas = Atlas(Twice(), methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("block:act", "block[1]", "head")


def test_our_networks_show_every_convolution_once():
    for arch, skip in (("unet", "conv"), ("resunet", "none"), ("fcn", "none")):
        model = create_model(arch, skip, multiplier=1, classes=2, width=0.25)
        atlas = Atlas(model, methods=["gradcam"])
        atlas.maps(scene(1, size=(64, 64))[0])
        count = sum(isinstance(module, nn.Conv2d | nn.ConvTranspose2d) for module in model.modules())
        assert len(atlas.layers) == count and atlas.left_out == {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_scripted_part_is_passed_over():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()))
    atlas = Atlas(nn.Sequential(nn.Conv2d(1, 4, 1), nn.ReLU(), scripted, nn.Conv2d(4, 2, 1)), methods=["gradcam"])
    atlas.maps(scene(1)[0])
    assert atlas.layers == ("1", "3")
