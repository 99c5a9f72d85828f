"""The instant segmenter is the linear model that it says it is: checked against numpy, part by part."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from prismseg.base import ConfigError, ModelError
from prismseg.nets import InstantHead, InstantSegmenter, create_model, export_onnx, list_models, load_model
from prismseg.nets.instant import segmenter as module
from prismseg.nets.instant.tiles import cut


def head_for(network, seed=0, temperature=3.0):
    generator = torch.Generator().manual_seed(seed)
    inputs, outputs = network.weights.shape
    factor = torch.randn(inputs, inputs, generator=generator) / inputs
    weights = torch.randn(inputs, outputs, generator=generator) / inputs
    offsets = torch.linspace(0, 0.4, outputs)
    return InstantHead(weights, factor, torch.linspace(0.1, 0.3, outputs), offsets, temperature)


def fitted(classes=3, encoder="plain", **options):
    network = create_model("instant", encoder=encoder, in_channels=2, classes=classes, seed=0, options=options)
    generator = torch.Generator().manual_seed(1)
    for buffer in (network.mean, network.input_mean):
        buffer.copy_(torch.randn(buffer.shape, generator=generator))
    network.scale.copy_(torch.rand(network.scale.shape, generator=generator) + 0.5)
    network.input_deviation.fill_(2.0)
    return network.with_head(head_for(network)).eval()


OPTIONS = [{}, {"grid": 2, "image": True}, {"grid": 8, "position": True, "fourier": 20, "image": True}]


@pytest.fixture(params=OPTIONS, ids=str)
def network(request):
    return fitted(**request.param)


@pytest.fixture
def images():
    return torch.randn(2, 2, 48, 32, generator=torch.Generator().manual_seed(2))


def on_image(values, network):
    return F.interpolate(values, scale_factor=network.options.grid, mode="bilinear", align_corners=False)


@torch.no_grad()
def test_logits_are_the_linear_model_of_standardized_features(network, images):
    raw = network.raw(images)
    z = (raw - network.mean[:, None, None]) * network.scale[:, None, None]
    if network.fourier is not None:
        rows = z.permute(0, 2, 3, 1).numpy() @ network.fourier.frequencies().numpy().T
        waves = np.concatenate([np.cos(rows), np.sin(rows)], -1) * np.sqrt(2 / 20)
        z = torch.cat([z, torch.from_numpy(waves).float().permute(0, 3, 1, 2)], 1)
    z = torch.cat([z, torch.ones_like(z[:, :1])], 1)
    torch.testing.assert_close(network.inputs(images), z, rtol=1e-5, atol=1e-5)
    outputs = torch.einsum("beij,ek->bkij", z, network.weights) + network.offsets[:, None, None]
    torch.testing.assert_close(network(images), on_image(3 * outputs, network), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_features_are_the_encoders_maps_brought_to_the_grid(images):
    network = fitted(image=True)
    normal = (images - network.input_mean[:, None, None]) / 2
    maps = network.encoder(normal)
    expected = [F.avg_pool2d(maps[0], 4), F.avg_pool2d(maps[1], 2), maps[2]]
    expected += [F.interpolate(values, size=(12, 8), mode="bilinear") for values in maps[3:]]
    expected.append(normal.unflatten(-1, (8, 4)).unflatten(-3, (12, 4)).mean((-3, -1)))
    torch.testing.assert_close(network.raw(images), torch.cat(expected, 1), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_one_logit_is_the_difference_of_two_outputs(images):
    two, one = fitted(classes=2), fitted(classes=1)
    logits = two(images)
    torch.testing.assert_close(one(images), logits[:, 1:] - logits[:, :1], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_shares_sum_to_the_logits_and_are_those_of_their_part_alone(network, images):
    images = images[..., :41, :27]
    shares = network.attribute(images)
    assert list(shares) == list(network.parts)
    torch.testing.assert_close(sum(shares.values()), network(images), rtol=1e-4, atol=1e-4)
    for name, place in network.parts.items():
        weights = torch.zeros_like(network.weights)
        weights[place] = network.weights[place]
        offsets = network.offsets if name == "constant" else torch.zeros_like(network.offsets)
        alone = network.with_head(InstantHead(weights, network.factor, network.noise, offsets, 3.0))
        torch.testing.assert_close(shares[name], alone(images), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_inputs_and_outputs_follow_from_the_parts(network, images):
    parts = {part: values[1] for part, values in network.parts_of(images).items()}
    whole = network.inputs(images)[1]
    assert max(values.shape[-1] for values in parts.values()) == whole.shape[-1]
    chosen = torch.randperm(whole[0].numel(), generator=torch.Generator().manual_seed(0))[:9]
    torch.testing.assert_close(network.rows(parts, chosen), whole.flatten(1).T[chosen], rtol=1e-5, atol=1e-5)
    weights = torch.stack([network.weights, -2 * network.weights])
    expected = torch.einsum("mek,ehw->mkhw", weights, whole)
    torch.testing.assert_close(network.outputs(parts, weights), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_variance_is_that_of_the_posterior(network, images):
    z = network.inputs(images).double().permute(0, 2, 3, 1).numpy()
    factor = network.factor.double().numpy()
    leverage = np.einsum("...e,ef,...f->...", z, factor @ factor.T, z)
    expected = on_image(torch.from_numpy(leverage)[:, None], network) * network.noise.double()[:, None, None]
    variance = network.variance(images)
    torch.testing.assert_close(variance.epistemic.double(), expected, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(variance.total, variance.epistemic + network.noise[:, None, None])


@torch.no_grad()
def test_a_large_image_in_tiles_is_the_same(monkeypatch):
    network = fitted(grid=4, position=True, image=True)
    images = torch.randn(1, 2, 320, 208, generator=torch.Generator().manual_seed(3))
    whole = network(images), network.variance(images).epistemic, network.attribute(images)["position"]
    parts = network.parts_of(images)
    # No pixel of the plain encoder looks farther than 64 pixels.
    monkeypatch.setattr(module, "cut", lambda length: cut(length, tile=64, margin=64))
    tiled = network(images), network.variance(images).epistemic, network.attribute(images)["position"]
    for one, other in zip((*whole, *parts.values()), (*tiled, *network.parts_of(images).values()), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
    monkeypatch.setattr(module, "cut", lambda length: cut(length, tile=64, margin=0))
    assert not torch.allclose(network(images), whole[0], rtol=1e-4, atol=1e-4)


def test_the_encoder_keeps_its_statistics_in_training_mode(images):
    network = fitted()
    with torch.no_grad():
        before = network(images)
        network.train()
        torch.testing.assert_close(network(images), before)
        fresh = create_model("instant", encoder="plain", in_channels=2, seed=0)
        torch.testing.assert_close(fresh.raw(images), fresh.eval().raw(images))


def test_another_head_leaves_the_first_network_as_it_was(images):
    network = fitted()
    with torch.no_grad():
        before = network(images)
        other = network.with_head(head_for(network, seed=5))
        assert not torch.allclose(other(images), before)
        torch.testing.assert_close(network(images), before)
    assert other.encoder is network.encoder
    with pytest.raises(ModelError, match=r"weights have the shape .*; this network takes"):
        network.with_head(InstantHead(network.weights[1:], network.factor, network.noise, network.offsets))


def test_is_stored_loaded_and_not_among_what_is_trained(network, images, tmp_path):
    network.save_pretrained(tmp_path)
    again = load_model(tmp_path)
    assert isinstance(again, InstantSegmenter) and again.options == network.options
    with torch.no_grad():
        torch.testing.assert_close(again(images), network(images), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(again.variance(images).total, network.variance(images).total)
    assert "instant" not in {variant.arch for variant in list_models()}


def test_is_exported(tmp_path):
    pytest.importorskip("onnxscript")
    assert export_onnx(fitted(classes=1, position=True), tmp_path / "network.onnx") < 1e-4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"options": {"grid": 3}}, "grid of 3 pixels does not fit"),
        ({"options": {"fourier": 7}}, "fourier: .*multiple of 2"),
        ({"options": {"deep": 1}}, r"deep \(no such setting\)"),
        ({"skip": "crffg"}, "has no skip connections"),
    ],
)
def test_options_that_cannot_be_used(options, message):
    with pytest.raises(ConfigError, match=message):
        create_model("instant", encoder="plain", **options)


def test_other_architectures_take_no_options():
    with pytest.raises(ConfigError, match="'unet' takes no options"):
        create_model("unet", options={"grid": 4})


def test_looks_at_inner_maps_of_the_encoder_unless_told_not_to():
    inner = {"stem": 32, "stride 16 early": 80, "stride 32 early": 192}
    network = fitted(encoder="efficientnet_lite0")
    assert {name: network.features.widths.get(name) for name in inner} == inner
    bare = fitted(encoder="efficientnet_lite0", inner=False)
    assert not inner.keys() & bare.parts.keys()
    images = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        shares = network.attribute(images)
        assert all(shares[name].abs().max() > 0 for name in inner)
        torch.testing.assert_close(sum(shares.values()), network(images))


def test_an_encoder_without_inner_maps_gives_its_feature_maps_alone():
    assert list(fitted(inner=True).parts) == list(fitted(inner=False).parts)
