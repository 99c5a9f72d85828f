"""Forms of Fourier features on skips: what they compute, what they train, and that networks carry them everywhere."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from prismseg.explain import Atlas
from prismseg.features import CRFFg2d, NystromFeatures2d
from prismseg.nets import SKIPS, count_parameters, create_model, enhance_skips, export_onnx, load_model
from prismseg.nets.blocks import UnitRMS, make_skip
from prismseg.nets.enhance import SkipLayer
from prismseg.nets.settings import CRFFG_FORMS, SkipSettings
from prismseg.nets.skips.fitting import fit_to_data
from prismseg.nets.skips.fourier import FEATURES, GAIN_UNIT, SCALES, FourierSkip, ResidualSkip, SideBySide

FORMS = tuple(CRFFG_FORMS)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def skip(kind: str, channels: int = 8, *, multiplier: int = 1, preset: str = "default") -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make_skip(SkipSettings(kind, multiplier, preset), channels)[0]


# Of a skip of C = 8 channels at multiplier M, 3×3: weights and phases, 1×1 convolution with bias, gains, amplitudes.
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize(
    ("kind", "trained", "frozen"),
    [
        ("crffg_slow", lambda width: 73 * width, 0),
        ("crffg_frozen", lambda width: FEATURES * width * width + width, lambda width: 72 * FEATURES * width // 2),
        ("crffg_residual", lambda width: 73 * width + 8 + (0 if width == 8 else 8 * width + 8), 0),
        (
            "crffg_frozen_residual",
            lambda width: FEATURES * width * 8 + 8 + 8,
            lambda width: 72 * FEATURES * width // 2,
        ),
        ("crffg_paired", lambda width: 73 * width // 2, 0),
        ("crffg_multiscale", lambda width: 73 * width, 0),
        ("crffg_whitened", lambda width: 73 * width, 0),
        (
            "nystrom",
            lambda width: FEATURES * width * width + width,
            lambda width: 72 * FEATURES * width + (FEATURES * width) ** 2,
        ),
    ],
)
def test_weights_are_as_many_as_they_should_be(kind, trained, frozen, multiplier):
    layer, width = skip(kind, multiplier=multiplier), 8 * multiplier
    counted = {True: 0, False: 0}
    for parameter in layer.parameters():
        counted[parameter.requires_grad] += parameter.numel()
    assert counted == {True: trained(width), False: frozen(width) if frozen else 0}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("preset", ["default", "thesis"])
@pytest.mark.parametrize("channels", [1, 5])
def test_channels_that_come_out_are_those_that_were_announced(kind, preset, channels):
    layer, width = make_skip(SkipSettings(kind, 3, preset), channels)
    assert layer(torch.randn(2, channels, 7, 6)).shape == (2, width, 7, 6)
    assert width == (channels if "residual" in kind else 3 * channels + (kind == "crffg_paired"))


@pytest.mark.parametrize("kind", ["crffg_residual", "crffg_frozen_residual"])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_a_network_with_residual_skips_begins_as_the_one_without_layers(kind, multiplier):
    plain = create_model("unet", width=0.5, seed=4).eval()
    residual = create_model("unet", kind, multiplier=multiplier, width=0.5, seed=4).eval()
    x = torch.rand(2, 1, 40, 40, generator=seeded())
    assert torch.equal(residual(x), plain(x))
    residual(x).square().sum().backward()
    gains = [layer.gain.grad.abs().sum().item() for layer in residual.skips]
    assert len(gains) == 4 and all(gain > 0 for gain in gains)


def test_a_residual_by_hand():
    layer = ResidualSkip(2, nn.Conv2d(2, 2, 1, bias=False), nn.Identity())
    with torch.no_grad():
        layer.layer.weight.copy_(torch.tensor([[0.0, 1.0], [1.0, 0.0]])[:, :, None, None])
        layer.gain.copy_(torch.tensor([0.5, -1.0]) / GAIN_UNIT)
    x = torch.tensor([[2.0, 4.0]])[:, :, None, None]
    assert layer(x).flatten().tolist() == [2.0 + 0.5 * 4.0, 4.0 - 2.0]
    layer.reset_parameters()
    assert torch.equal(layer(x), x)


def test_a_hundred_steps_of_adam_can_bring_a_gain_to_one():
    layer = ResidualSkip(1, nn.Identity(), nn.Identity())
    optimizer, x = torch.optim.Adam(layer.parameters(), lr=1e-3), torch.ones(1, 1, 2, 2)
    for _ in range(100):
        optimizer.zero_grad()
        (layer(x) - 10 * x).square().sum().backward()
        optimizer.step()
    assert layer(x).mean().item() == pytest.approx(1 + 1, abs=0.05)


def test_a_projection_by_hand():
    layer = skip("crffg_frozen")
    phi, convolution, last = layer
    assert isinstance(phi, CRFFg2d) and isinstance(last, UnitRMS) and phi.out_channels == FEATURES * 8
    x = torch.randn(2, 8, 6, 6, generator=seeded())
    projected = (
        torch.einsum("oq,bqhw->bohw", convolution.weight[:, :, 0, 0], phi(x)) + convolution.bias[:, None, None]
    )
    rms = projected.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    torch.testing.assert_close(layer(x), projected / rms)
    assert len(skip("crffg_frozen", preset="thesis")) == 2


@pytest.mark.parametrize("kind", ["crffg_frozen", "crffg_frozen_residual", "nystrom"])
def test_frozen_frequencies_get_no_gradient_and_stay_bit_equal(kind):
    layer = skip(kind)
    with torch.no_grad():
        for module in layer.modules():
            if isinstance(module, ResidualSkip):
                module.gain.fill_(0.5)
    (phi,) = [module for module in layer.modules() if isinstance(module, CRFFg2d | NystromFeatures2d)]
    before = {name: tensor.clone() for name, tensor in phi.state_dict().items()}
    others = [parameter.clone() for parameter in layer.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, weight_decay=0.1)
    for step in range(3):
        optimizer.zero_grad()
        layer(torch.randn(2, 8, 6, 6, generator=seeded(step))).pow(3).sum().backward()
        optimizer.step()
    assert all(parameter.grad is None for parameter in phi.parameters())
    assert all(torch.equal(tensor, before[name]) for name, tensor in phi.state_dict().items())
    after = [parameter for parameter in layer.parameters() if parameter.requires_grad]
    assert not any(torch.equal(now, old) for now, old in zip(after, others, strict=True))


def test_scales_stand_side_by_side():
    layer = skip("crffg_multiscale", 16)
    assert isinstance(layer, SideBySide) and [part.out_channels for part in layer] == [6, 5, 5]
    assert [part.settings.scale for part in layer] == list(SCALES)
    x = torch.randn(1, 16, 5, 5, generator=seeded())
    assert torch.equal(layer(x)[:, 6:11], layer[1](x))
    assert [part.out_channels for part in skip("crffg_multiscale", 2)] == [1, 1]


def test_default_skips_have_rms_one():
    sizes = {}
    for kind in FORMS:
        model = create_model("unet", kind, seed=0).eval()
        for number, layer in enumerate(model.skips):
            layer.register_forward_hook(partial(note_rms, sizes, (kind, number)))
        model(torch.rand(2, 1, 64, 64, generator=seeded()))
    torch.testing.assert_close(torch.stack(list(sizes.values())), torch.ones(len(sizes)), atol=0.35, rtol=0)


def note_rms(sizes, key, module, inputs, output):
    sizes[key] = output.square().mean().sqrt()


@pytest.mark.parametrize("kind", FORMS)
def test_networks_are_stored_and_explained(kind, tmp_path):
    model = create_model("unet", kind, width=0.25, classes=2, seed=0).eval()
    for layer in model.skips:
        if isinstance(layer, ResidualSkip):
            nn.init.constant_(layer.gain, 0.3)
    images = torch.rand(2, 1, 40, 35, generator=seeded())
    model.save_pretrained(tmp_path / "net")
    with torch.no_grad():
        torch.testing.assert_close(load_model(tmp_path / "net")(images), model(images))
    masks = torch.zeros(2, 40, 35, dtype=torch.long)
    masks[:, 10:20, 10:20] = 1
    atlas = Atlas(model, "all", ["layercam"], region="truth")
    maps = atlas.maps(images, masks)
    assert all(np.isfinite(np.asarray(values)).all() for values in maps.values())
    assert sum(name.startswith("skips.") for _, name, cls in maps if cls == 1) >= 4


@pytest.mark.parametrize("parts", [{"scales": (0.5, 2.0)}, {"landmarks": True}], ids=str)
def test_a_network_of_all_parts_is_exported(tmp_path, parts):
    changes = {"mapping": "paired", "trainable_amplitude": True, "fit": "frequencies"}
    with SKIPS.temporarily("all", FourierSkip(changes, **parts, features=2, project=True, residual=True)):
        model = create_model("fcn", "all", width=0.125, classes=2, seed=0).eval()
    fit_to_data(model, torch.rand(2, 1, 32, 32, generator=seeded()))
    for layer in model.skips:
        nn.init.constant_(layer.gain, 0.3)
    assert export_onnx(model, tmp_path / "net.onnx") < 1e-4


@pytest.mark.parametrize("kind", FORMS)
def test_networks_of_others_take_them(kind):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = Encoder(), Decoder(12, 1, 1)

        def forward(self, x):
            return self.decoder(self.encoder(x))

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)

        def forward(self, x):
            one = self.first(x).relu()
            return [one, self.second(one).relu()]

    class Decoder(nn.Conv2d):
        def forward(self, features):
            return super().forward(torch.cat(features, dim=1))

    net, x = Net(), torch.rand(2, 1, 12, 12, generator=seeded())
    enhanced = enhance_skips(net, x, kind=kind, multiplier=3, seed=1)
    (layer,) = [module for module in enhanced.modules() if isinstance(module, SkipLayer)]
    assert enhanced(x).shape == net(x).shape
    if "residual" in kind:
        # It keeps the number of channels, so nothing is put behind it, and the decoder sees the features at rms 1.
        assert isinstance(layer.project, nn.Identity)
        torch.testing.assert_close(layer(net.encoder(x)[0]), UnitRMS()(net.encoder(x)[0]))


def test_a_form_of_ones_own_is_an_entry_like_any_other():
    form = FourierSkip({"kernel": "matern32", "trainable_scale": True}, scales=(1.0, 4.0), project=True)
    with SKIPS.temporarily("mine", form):
        model = create_model("resunet", "mine", width=0.25, seed=0)
    layers = [module for module in model.modules() if isinstance(module, CRFFg2d)]
    assert len(layers) == 8 and {layer.settings.kernel for layer in layers} == {"matern32"}
    assert [float(layer.relative_scale.detach()) for layer in layers[:2]] == pytest.approx([1.0, 4.0])


def test_forms_leave_plain_crffg_as_it_was():
    plain = create_model("unet", "crffg", seed=7)
    same = [create_model("unet", kind, seed=7) for kind in ("crffg_slow", "crffg_whitened")]
    for other in same:
        assert other.state_dict().keys() == plain.state_dict().keys()
        assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in plain.state_dict().items())
        assert count_parameters(other) == count_parameters(plain)
