"""Encoders of timm: by a stand-in with its interface where it is not installed, and by itself where it is."""

import sys
import types

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from prismseg.base import ConfigError, ModelError, ModelNotFoundError
from prismseg.nets import ENCODERS, create_model, load_model
from prismseg.train import make_config


class Scaled(nn.Module):
    """Parameters as timm has them: a constant scale, and a token of which only timm knows the law."""

    def __init__(self):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((4,), 1e-6))
        self.token = nn.Parameter(torch.rand(4))


class Pyramid(nn.Module):
    """Two feature maps, the second with its channels last."""

    def __init__(self, channels):
        super().__init__()
        self.stem = nn.Conv2d(channels, 4, 3, stride=2, padding=1)
        self.deep = nn.Conv2d(4, 6, 2, stride=2)
        self.scaled = Scaled()
        self.feature_info = types.SimpleNamespace(channels=lambda: [4, 6], reduction=lambda: [2, 4])

    def forward(self, x):
        assert x.shape[-1] != 1000, "Input width (1000) does not match model (224)."
        fine = self.stem(x) * (1 + self.scaled.gamma[:, None, None])
        return [fine, self.deep(fine).movedim(1, -1)]


@pytest.fixture
def published():
    torch.manual_seed(5)
    return Pyramid(3).state_dict()


@pytest.fixture
def stand_in(monkeypatch, published):
    timm = types.ModuleType("timm")
    timm.cached = True

    def make(name, *, pretrained, features_only, in_chans, pretrained_cfg_overlay=None):
        assert features_only
        if name == "flat":
            raise AttributeError("no feature_info")
        body = Pyramid(in_chans)
        if pretrained:
            if pretrained_cfg_overlay is None and not timm.cached:
                raise OSError("the hub cannot be reached")
            body.load_state_dict(published)
        return body

    timm.create_model, timm.is_model = make, lambda name: name in ("pyramid", "flat")
    timm.list_models = lambda: ["pyramid", "flat"]
    monkeypatch.setitem(sys.modules, "timm", timm)
    return timm


@pytest.mark.usefixtures("stand_in")
class TestAnEncoder:
    def test_carries_a_network(self, tmp_path):
        model = create_model("unet", encoder="timm:pyramid", in_channels=2, classes=3, seed=0).eval()
        assert model.encoder.channels == (4, 6) and model.encoder.strides == (2, 4)
        shapes = [tuple(found.shape) for found in model.encoder(torch.rand(1, 2, 16, 24))]
        assert shapes == [(1, 4, 8, 12), (1, 6, 4, 6)]
        assert model(torch.rand(1, 2, 17, 30)).shape == (1, 3, 17, 30)
        model.save_pretrained(tmp_path)
        x = torch.rand(1, 2, 16, 16)
        torch.testing.assert_close(load_model(tmp_path)(x), model(x))

    def test_is_drawn_from_the_seed(self):
        one, two, other = (create_model("unet", encoder="timm:pyramid", seed=seed) for seed in (1, 1, 2))
        scaled = [model.encoder.body.scaled for model in (one, two, other)]
        assert torch.equal(scaled[0].token, scaled[1].token) and not torch.equal(scaled[0].token, scaled[2].token)
        assert all((each.gamma == 1e-6).all() for each in scaled)
        assert torch.equal(one.encoder.body.stem.weight, two.encoder.body.stem.weight)

    def test_takes_pretrained_weights_when_asked_for(self, published, stand_in):
        colour = create_model("unet", encoder="timm:pyramid", in_channels=3, weights="pretrained", seed=0)
        assert torch.equal(colour.encoder.body.stem.weight, published["stem.weight"])
        grey = create_model("unet", encoder="timm:pyramid", in_channels=1, weights="pretrained", seed=0)
        torch.testing.assert_close(grey.encoder.body.stem.weight, published["stem.weight"].sum(1, keepdim=True))
        random = create_model("unet", encoder="timm:pyramid", in_channels=3, seed=0)
        assert not torch.equal(random.encoder.body.stem.weight, published["stem.weight"])
        stand_in.cached = False
        with pytest.raises(ModelNotFoundError, match=r"the hub cannot be reached.*path of a copy"):
            create_model("unet", encoder="timm:pyramid", in_channels=3, weights="pretrained")

    def test_takes_weights_from_files(self, published, tmp_path):
        save_file(published, tmp_path / "model.safetensors")
        model = create_model(
            "unet", encoder="timm:pyramid", in_channels=3, weights=tmp_path / "model.safetensors", seed=0
        )
        assert torch.equal(model.encoder.body.deep.weight, published["deep.weight"])
        model.save_pretrained(tmp_path / "network")
        for source in (tmp_path / "network", tmp_path / "network" / "model.safetensors"):
            again = create_model("resunet", encoder="timm:pyramid", in_channels=3, weights=source, seed=9)
            assert torch.equal(again.encoder.body.deep.weight, published["deep.weight"])

    def test_that_cannot_be_is_named(self, tmp_path):
        with pytest.raises(ConfigError, match=r"timm has no network 'pyramids'\. Did you mean 'pyramid'"):
            create_model("unet", encoder="timm:pyramids")
        with pytest.raises(ConfigError, match="flat gives no feature maps"):
            create_model("unet", encoder="timm:flat")
        with pytest.raises(ModelNotFoundError, match=r"weights 'pretraned'.*Did you mean 'pretrained'"):
            create_model("unet", encoder="timm:pyramid", weights="pretraned")
        with pytest.raises(ModelError, match=r"does not take images of 32 x 1000"):
            create_model("unet", encoder="timm:pyramid", seed=0)(torch.rand(1, 1, 32, 1000))
        (tmp_path / "broken.safetensors").write_bytes(b"broken")
        with pytest.raises(ModelError, match="are damaged"):
            create_model("unet", encoder="timm:pyramid", weights=tmp_path / "broken.safetensors")


def test_where_timm_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    assert (
        make_config({"data": {"path": "d"}, "model": {"encoder": "timm:resnet18"}}).model.encoder
        == "timm:resnet18"
    )
    with pytest.raises(
        ModelError, match=r"timm:resnet18 needs the packages timm and torchvision.*efficientnet_lite0"
    ):
        create_model("unet", encoder="timm:resnet18")


def test_names_of_the_family_are_not_listed():
    assert "timm:resnet18" in ENCODERS and "timm:" not in ENCODERS and "timm:NAME" in dict(ENCODERS.rows())
    assert not any(name.startswith("timm:") for name in ENCODERS)
    with pytest.raises(ConfigError, match=r"choose one of plain, .*, timm:NAME"):
        ENCODERS.require("tim:resnet18")


def test_timm_itself():
    timm = pytest.importorskip("timm")
    model = create_model("unet", encoder="timm:resnet18", in_channels=3, seed=0).eval()
    assert model.encoder.strides == (2, 4, 8, 16, 32)
    body = timm.create_model("resnet18", features_only=True)
    body.load_state_dict(model.encoder.body.state_dict())
    x = torch.rand(1, 3, 64, 96)
    for ours, theirs in zip(model.encoder(x), body.eval()(x), strict=True):
        torch.testing.assert_close(ours, theirs)
