"""One registration adds an architecture, an encoder, a skip layer or a normalisation."""

import subprocess
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError
from prismseg.cli.main import app
from prismseg.nets import (
    ARCHITECTURES,
    COMPOSED,
    ENCODERS,
    NORMS,
    SHIPPED,
    SKIPS,
    NetworkSettings,
    SegmentationModel,
    create_model,
    enhance_skips,
    list_models,
    load_model,
)
from prismseg.nets.blocks import make_norm, make_skip
from prismseg.nets.segmentation import build_model
from prismseg.train import make_config
from prismseg.train.configure import setting_names


class TinyNet(SegmentationModel):
    """Normalisation, one convolution on a skip layer, and the head."""

    stride = 1

    def __init__(self, settings):
        super().__init__(settings)
        width = settings.channels(4)
        self.norm = make_norm(settings.norm, settings.in_channels)
        self.conv = nn.Conv2d(settings.in_channels, width, 3, padding=1)
        self.skip, width = make_skip(settings.skips, width)
        self.head = nn.Conv2d(width, settings.classes, 1)

    def segment(self, x):
        return self.head(self.skip(self.conv(self.norm(x))))


class TwoMaps(nn.Module):
    """Maps at a half and at an eighth of the image's sides."""

    channels, strides = (6, 10), (2, 8)

    def __init__(self, settings):
        super().__init__()
        self.fine = nn.Conv2d(settings.in_channels, 6, 3, stride=2, padding=1)
        self.coarse = nn.Conv2d(6, 10, 4, stride=4)

    def forward(self, x):
        fine = self.fine(x)
        return [fine, self.coarse(fine)]


def scaled_skip(channels, width, preset):
    return nn.Conv2d(channels, width, 1, bias=False)


@pytest.fixture
def tiny():
    with ARCHITECTURES.temporarily("tiny", TinyNet):
        yield


@pytest.mark.usefixtures("tiny")
class TestAnArchitecture:
    def test_is_built_listed_and_chosen_in_settings(self):
        model = create_model("tiny", "conv", multiplier=3, classes=2, seed=0)
        assert model(torch.rand(1, 1, 5, 7)).shape == (1, 2, 5, 7)
        assert model.head.in_channels == 12
        assert "tiny-conv-m3" in {variant.name for variant in list_models()}
        assert make_config({"data": {"path": "d"}, "model": {"arch": "tiny"}}).model.arch == "tiny"

    def test_is_in_the_command_line_table(self):
        result = CliRunner().invoke(app, ["models"])
        assert result.exit_code == 0 and "tiny-crffg-m1" in result.output, result.output

    def test_is_stored_and_loaded(self, tmp_path):
        model = create_model("tiny", "crffg", seed=1).eval()
        model.save_pretrained(tmp_path)
        x = torch.rand(1, 1, 6, 6)
        with torch.no_grad():
            torch.testing.assert_close(load_model(tmp_path)(x), model(x))
            torch.testing.assert_close(SegmentationModel.from_pretrained(tmp_path)(x), model(x))

    def test_has_no_encoder_to_exchange(self):
        with pytest.raises(ConfigError, match="'tiny' has no encoder"):
            create_model("tiny", encoder="plain")


def test_a_stored_network_whose_architecture_is_not_installed(tmp_path):
    with ARCHITECTURES.temporarily("tiny", TinyNet):
        create_model("tiny", seed=0).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"no architecture 'tiny'.*package that extends it"):
        load_model(tmp_path)


def test_what_is_no_segmentation_model_is_refused():
    with (
        ARCHITECTURES.temporarily("tiny", lambda settings: nn.Identity()),
        pytest.raises(ModelError, match="gives a Identity; it must be a SegmentationModel"),
    ):
        create_model("tiny")


def test_parameters_that_cannot_be_drawn_are_named():
    class Bare(TinyNet):
        def __init__(self, settings):
            super().__init__(settings)
            self.gain = nn.ParameterList([torch.ones(())])

    with ARCHITECTURES.temporarily("tiny", Bare), pytest.raises(ModelError, match=r"'gain'.*reset_parameters"):
        create_model("tiny")


class TestAnEncoder:
    @pytest.mark.parametrize("arch", ["unet", "resunet"])
    def test_of_any_pyramid_carries_a_network(self, arch, tmp_path):
        with ENCODERS.temporarily("two", TwoMaps):
            model = create_model(
                arch, "crffg", multiplier=3, in_channels=2, classes=3, encoder="two", seed=0
            ).eval()
            assert model.stride == 8 and len(model.skips) == 1 and model.skips[0].out_channels == 18
            x = torch.rand(2, 2, 19, 30)
            logits = model(x)
            assert logits.shape == (2, 3, 19, 30)
            logits.square().sum().backward()
            assert model.encoder.coarse.weight.grad.abs().sum() > 0
            model.save_pretrained(tmp_path)
            again = load_model(tmp_path)
            assert again.config["encoder"] == "two"
            torch.testing.assert_close(again(x), logits)

    def test_needs_three_maps_for_the_fcn(self):
        with ENCODERS.temporarily("two", TwoMaps), pytest.raises(ModelError, match=r"strides \(2, 8\)"):
            create_model("fcn", encoder="two")

    @pytest.mark.parametrize(
        ("channels", "strides"),
        [((4,), (1,)), ((4, 4), (1, 2, 4)), ((4, 4), (2, 3)), ((4, 4), (4, 2)), ((4, 4), (2, 2))],
    )
    def test_with_a_senseless_pyramid_is_refused(self, channels, strides):
        def make(settings):
            encoder = TwoMaps(settings)
            encoder.channels, encoder.strides = channels, strides
            return encoder

        with ENCODERS.temporarily("odd", make), pytest.raises(ModelError, match="'odd' must be a module with"):
            create_model("unet", encoder="odd")

    @pytest.mark.parametrize("arch", ["unet", "resunet", "fcn"])
    @pytest.mark.parametrize("encoder", ["plain", "residual", "fcn"])
    def test_of_one_architecture_serves_the_others(self, arch, encoder):
        model = create_model(arch, "conv", encoder=encoder, width=0.25, seed=0)
        assert model(torch.rand(2, 1, 45, 33)).shape == (2, 1, 45, 33)

    @pytest.mark.parametrize(("arch", "own"), [("unet", "plain"), ("resunet", "residual"), ("fcn", "fcn")])
    def test_that_is_the_architectures_own_changes_nothing(self, arch, own):
        first, second = create_model(arch, seed=3, width=0.25), create_model(arch, encoder=own, seed=3, width=0.25)
        assert first.state_dict().keys() == second.state_dict().keys()
        assert all(torch.equal(first.state_dict()[name], tensor) for name, tensor in second.state_dict().items())

    def test_that_was_not_chosen_leaves_settings_as_earlier_versions_wrote_them(self):
        assert "encoder" not in create_model("unet", width=0.25).config
        assert NetworkSettings(**create_model("unet", width=0.25).config).encoder is None


def test_a_skip_layer():
    with SKIPS.temporarily("scaled", scaled_skip):
        model = create_model("unet", "scaled", multiplier=3, width=0.25, seed=0)
        assert [layer.weight.shape[:2] for layer in model.skips] == [(6, 2), (12, 4), (24, 8), (48, 16)]
        assert model(torch.rand(2, 1, 16, 16)).shape == (2, 1, 16, 16)
        assert "fcn-scaled-m3" in {variant.name for variant in list_models()}
        assert make_config({"data": {"path": "d"}, "model": {"skip": "scaled"}}).model.skip == "scaled"
        with pytest.raises(ConfigError, match=r"choose conv or crffg or .* or scaled\."):
            enhance_skips(nn.Identity(), torch.rand(1, 1, 8, 8), kind="none")


def test_a_normalisation():
    with NORMS.temporarily("none", lambda channels: nn.Identity()):
        model = create_model("resunet", norm="none", width=0.25, seed=0)
        assert not any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
        assert make_config({"data": {"path": "d"}, "model": {"norm": "none"}}).model.norm == "none"


def test_a_shipped_network(tmp_path):
    create_model("unet", width=0.25, classes=2, seed=0).save_pretrained(tmp_path)
    with SHIPPED.temporarily("mine", tmp_path):
        assert load_model("mine").settings.classes == 2


def test_names_are_checked_before_torch_is_loaded():
    code = (
        "import sys; from prismseg.nets import ARCHITECTURES, NetworkSettings\n"
        "NetworkSettings('unet', 'crffg', encoder='residual'); assert list(ARCHITECTURES)\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_encoder_in_the_settings_of_a_run():
    with ENCODERS.temporarily("two", TwoMaps):
        config = make_config({"data": {"path": "d"}, "model": {"encoder": "two"}})
        assert config.model.encoder == "two" and config.model_dump()["model"]["encoder"] == "two"
        assert "two" in setting_names("model.encoder")
    with pytest.raises(ConfigError, match=r"model\.encoder.*'fcn', 'efficientnet_lite0' or 'timm:NAME'"):
        make_config({"data": {"path": "d"}, "model": {"encoder": "two"}})
    own = make_config({"data": {"path": "d"}})
    assert own.model.encoder is None and "encoder" not in own.model_dump(mode="json")["model"]


class TestAComposedNetwork:
    class Sum(SegmentationModel):
        """A number of 1×1 convolutions, which the options state."""

        stride = 1

        def __init__(self, settings):
            super().__init__(settings)
            self.parts = nn.ModuleList(nn.Conv2d(1, 1, 1) for _ in range(settings.options["parts"]))

        def segment(self, x):
            return sum(part(x) for part in self.parts)

    def test_is_stored_and_loaded_but_not_offered(self, tmp_path):
        with COMPOSED.temporarily("sum", self.Sum):
            model = build_model(NetworkSettings("sum", options={"parts": 3}))
            model.save_pretrained(tmp_path)
            again = load_model(tmp_path)
            assert len(again.parts) == 3 and again.config["options"] == {"parts": 3}
            x = torch.rand(1, 1, 4, 4)
            torch.testing.assert_close(again(x), model(x), rtol=0, atol=0)
            with pytest.raises(ConfigError, match="no architecture 'sum'; choose one of unet"):
                create_model("sum")
            with pytest.raises(ConfigError, match=r"model\.arch.*'unet'"):
                make_config({"data": {"path": "d"}, "model": {"arch": "sum"}})
            assert "sum" not in {variant.arch for variant in list_models()}
        with pytest.raises(ModelError, match="no architecture 'sum'"):
            load_model(tmp_path)

    def test_leaves_the_settings_of_other_networks_as_they_are(self):
        assert "options" not in create_model("unet", width=0.25).config
