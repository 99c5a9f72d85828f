"""Decoders that are chosen: their widths, where they end, and that networks without one stay what they were."""

import hashlib

import pytest
import torch

from prismseg.base import ConfigError
from prismseg.nets import DECODERS, DecoderSettings, create_model, load_model


def widths(model):
    """Channels that each level of the decoder gives, from the coarsest."""
    kinds = {
        "unet": lambda level: level.second[0].out_channels,
        "resunet": lambda level: level[1].residual[3].out_channels,
    }
    return [kinds[model.settings.arch](level) for level in model.decoder]


@pytest.mark.parametrize("arch", ["unet", "resunet"])
@pytest.mark.parametrize(
    ("encoder", "decoder", "width", "expected"),
    [
        ("efficientnet_lite0", "wide", 1.0, [256, 128, 64, 32, 16]),
        ("efficientnet_lite0", "slim", 1.0, [128, 64, 32, 16, 8]),
        (None, "wide", 1.0, [128, 64, 32, 16]),
        (None, "wide", 0.5, [64, 32, 16, 8]),
        (None, None, 1.0, [64, 32, 16, 8]),
    ],
)
def test_widths_follow_the_stride(arch, encoder, decoder, width, expected):
    model = create_model(arch, "crffg", encoder=encoder, decoder=decoder, width=width, classes=3, seed=0)
    assert widths(model) == expected
    assert (model.bottleneck is None) == (decoder is not None)
    assert model.head.in_channels == expected[-1]
    assert model(torch.rand(2, 1, 37, 50)).shape == (2, 3, 37, 50)


@pytest.mark.parametrize("arch", ["unet", "resunet"])
@pytest.mark.parametrize("decoder", [None, "slim"])
def test_it_resolves_single_pixels_where_the_encoder_begins_at_half_size(arch, decoder):
    """Of values enlarged bilinearly by 2, the step within a pair is the mean of the steps to its neighbours."""
    torch.manual_seed(0)
    model = create_model(arch, encoder="efficientnet_lite0", decoder=decoder, seed=0).eval()
    steps = model(torch.rand(1, 1, 64, 64)).detach()[0, 0].diff(dim=-1)
    within, between = steps[:, 2:-1:2], steps[:, 1::2]
    enlarged = torch.allclose(within, (between[:, :-1] + between[:, 1:]) / 2, atol=1e-4 * float(steps.abs().max()))
    assert enlarged == (decoder is None)


def test_a_registered_decoder_is_chosen_saved_and_loaded(tmp_path):
    with DECODERS.temporarily("even", DecoderSettings((12,))):
        model = create_model("unet", "conv", multiplier=3, decoder="even", seed=1).eval()
        assert widths(model) == [12] * 4 and model.bottleneck is not None
        model.save_pretrained(tmp_path)
        image = torch.rand(1, 1, 40, 40)
        torch.testing.assert_close(load_model(tmp_path)(image), model(image), atol=1e-4, rtol=0)
        assert "decoder even" in (tmp_path / "README.md").read_text()


def test_every_parameter_learns():
    for arch in ("unet", "resunet"):
        model = create_model(arch, "crffg", decoder="slim", width=0.5, seed=0)
        model(torch.rand(2, 1, 32, 32)).square().sum().backward()
        silent = [
            name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None
        ]
        assert not silent


@pytest.mark.parametrize(("arch", "digest"), [("unet", "6f76b56971de48ce"), ("resunet", "c75a573ba19073f8")])
def test_networks_without_one_have_the_weights_they_had(arch, digest):
    """Of 0.2.0: names, shapes and values, so that stored networks load and runs are repeated bit for bit."""
    state = create_model(arch, "crffg", width=0.5, seed=7).state_dict()
    text = repr([(name, tuple(weight.shape), f"{weight.double().sum():.2f}") for name, weight in state.items()])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


def test_what_is_refused():
    with pytest.raises(ConfigError, match=r"no decoder 'wise'; choose one of wide, slim\. Did you mean 'wide'"):
        create_model("unet", decoder="wise")
    with pytest.raises(ConfigError, match="'fcn' has no decoder that could be exchanged"):
        create_model("fcn", decoder="wide")
    for wrong in ((), (8, 0)):
        with pytest.raises(ConfigError, match="widths of a decoder"):
            DecoderSettings(wrong)
