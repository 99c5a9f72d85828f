import copy

import pytest
import torch
from monai.networks.layers.simplelayers import SkipConnection
from monai.networks.nets import AttentionUnet, BasicUNet, DynUNet, UNet, VNet
from torch import nn
from torch._dynamo.testing import CompileCounter

from prismseg.base import ConfigError, ModelError
from prismseg.features import CRFFg2d
from prismseg.nets import create_model, enhance_skips
from prismseg.nets.enhance import SkipLayer


class Encoder(nn.Module):
    """Stand-in with the interface of segmentation_models.pytorch: the first feature is the image itself."""

    out_channels = (1, 4, 8)

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3, 2, 1), nn.Conv2d(4, 8, 3, 2, 1)

    def forward(self, x):
        one = self.first(x).relu()
        return [x, one, self.second(one).relu()]


class Decoder(nn.Module):
    def __init__(self, star: bool):
        super().__init__()
        self.star = star
        self.mix = nn.Conv2d(12, 4, 3, padding=1)

    def forward(self, *features):
        image, one, two = features if self.star else features[0]
        up = nn.functional.interpolate(two, scale_factor=2)
        return nn.functional.interpolate(self.mix(torch.cat([one, up], 1)), size=image.shape[2:])


class SmpShaped(nn.Module):
    def __init__(self, star: bool = False):
        super().__init__()
        self.encoder, self.decoder, self.segmentation_head = Encoder(), Decoder(star), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        features = self.encoder(x)
        decoded = self.decoder(*features) if self.decoder.star else self.decoder(features)
        assert self.encoder.out_channels == (1, 4, 8)
        return self.segmentation_head(decoded)


def monai_unet():
    return UNet(spatial_dims=2, in_channels=1, out_channels=2, channels=(4, 8, 16), strides=(2, 2))


def basic_unet():
    return BasicUNet(spatial_dims=2, in_channels=1, out_channels=2, features=(4, 4, 8, 8, 16, 4))


def dynunet():
    return DynUNet(
        2, 1, 2, kernel_size=[3, 3, 3], strides=[1, 2, 2], upsample_kernel_size=[2, 2], filters=[4, 8, 16]
    )


def attention_unet():
    return AttentionUnet(2, 1, 2, channels=(4, 8, 16), strides=(2, 2))


NETS = {
    "smp list": (SmpShaped, 1),
    "smp star": (lambda: SmpShaped(star=True), 1),
    "monai UNet": (monai_unet, 2),
    "monai BasicUNet": (basic_unet, 4),
    "monai DynUNet": (dynunet, 2),
    "monai AttentionUnet": (attention_unet, 2),
    "monai VNet": (lambda: VNet(2, 1, 2), 4),
    "inside another module": (lambda: nn.Sequential(nn.BatchNorm2d(1), SmpShaped()), 1),
}


@pytest.fixture(params=NETS, ids=str)
def net(request):
    torch.manual_seed(0)
    make, skips = NETS[request.param]
    return make(), skips


EXAMPLE = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("kind", ["crffg", "conv"])
def test_every_skip_gets_a_layer_that_learns(net, kind, multiplier):
    model, skips = net
    before = {name: value.clone() for name, value in model.state_dict().items()}
    enhanced = enhance_skips(model, EXAMPLE, kind=kind, multiplier=multiplier)
    layers = [module for module in enhanced.modules() if isinstance(module, SkipLayer)]
    assert len(layers) == skips
    assert all(isinstance(layer.layer, CRFFg2d) == (kind == "crffg") for layer in layers)
    assert all(isinstance(layer.project, nn.Conv2d) == (multiplier == 3) for layer in layers)
    # The original is untouched, and its weights are in the copy under their own names.
    assert not any(isinstance(module, SkipLayer) for module in model.modules())
    for state in (model.state_dict(), enhanced.state_dict()):
        assert all(torch.equal(value, state[name]) for name, value in before.items())
    output = enhanced(EXAMPLE)
    assert output.shape == model(EXAMPLE).shape
    output.square().sum().backward()
    assert all(p.grad is not None for layer in layers for p in layer.parameters() if p.requires_grad)


def test_weights_of_the_original_load_by_name(net):
    model, _ = net
    enhanced = enhance_skips(model, EXAMPLE)
    weights = {name: value + 1 for name, value in model.state_dict().items()}
    result = enhanced.load_state_dict(weights, strict=False)
    assert result.unexpected_keys == []
    assert result.missing_keys
    assert all("skip_layer" in name for name in result.missing_keys)
    assert all(torch.equal(enhanced.state_dict()[name], value) for name, value in weights.items())


def test_an_identity_layer_changes_nothing(net):
    model, _ = net
    enhanced = enhance_skips(model, EXAMPLE)
    for layer in enhanced.modules():
        if isinstance(layer, SkipLayer):
            layer.layer = nn.Identity()
    torch.testing.assert_close(enhanced.eval()(EXAMPLE), model.eval()(EXAMPLE))


def test_layers_are_on_the_path(net):
    model, _ = net
    enhanced = enhance_skips(model, EXAMPLE)
    assert (enhanced.eval()(EXAMPLE) - model.eval()(EXAMPLE)).abs().max() > 1e-3


@pytest.mark.parametrize("star", [False, True])
def test_the_layer_stands_between_encoder_and_decoder(star):
    model = SmpShaped(star)
    enhanced = enhance_skips(model, EXAMPLE, multiplier=3)
    (layer,) = (module for module in enhanced.modules() if isinstance(module, SkipLayer))
    assert (layer.layer.in_channels, layer.layer.out_channels, layer.project.out_channels) == (4, 12, 4)
    image, one, two = model.encoder(EXAMPLE)
    features = [image, layer(one), two]
    expected = model.segmentation_head(model.decoder(*features) if star else model.decoder(features))
    torch.testing.assert_close(enhanced(EXAMPLE), expected)


@pytest.mark.parametrize("mode", ["cat", "add", "mul"])
def test_connections_join_as_before(mode):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), SkipConnection(nn.Conv2d(4, 4, 3, padding=1), mode=mode))
    enhanced = enhance_skips(model, EXAMPLE)
    x = model[0](EXAMPLE)
    skip, below = enhanced[1].skip_layer(x), model[1].submodule(x)
    expected = {"cat": torch.cat([skip, below], 1), "add": skip + below, "mul": skip * below}[mode]
    torch.testing.assert_close(enhanced(EXAMPLE), expected)


def test_stages_without_channels_are_left_alone():
    # Transformer and ConvNeXt encoders of segmentation_models.pytorch return such a stage at half resolution.
    class Empty(Encoder):
        def forward(self, x):
            image, one, two = super().forward(x)
            return [image, one.new_empty(2, 0, 16, 16), one, two]

    class Joined(Decoder):
        def forward(self, features):
            image, nothing, one, two = features
            return super().forward([image, torch.cat([one, nothing], 1), two])

    model = SmpShaped()
    model.encoder, model.decoder = Empty(), Joined(star=False)
    enhanced = enhance_skips(model, EXAMPLE)
    assert list(enhanced.encoder.skip_layers) == ["2"]


def test_the_image_is_no_skip():
    class WithImage(Decoder):
        def forward(self, features):
            return super().forward(features) * features[0]

    model = SmpShaped()
    model.decoder = WithImage(star=False)
    assert list(enhance_skips(model, EXAMPLE).encoder.skip_layers) == ["1"]


def test_copies_use_their_own_layers(net):
    model, _ = net
    enhanced = enhance_skips(model, EXAMPLE).eval()
    before = enhanced(EXAMPLE)
    other = copy.deepcopy(enhanced)
    for layer in other.modules():
        if isinstance(layer, SkipLayer):
            layer.layer.weight.data.mul_(3)
    torch.testing.assert_close(enhanced(EXAMPLE), before)
    assert (other(EXAMPLE) - before).abs().max() > 1e-3


def test_layers_do_not_make_the_compiler_start_again():
    enhanced, counter = enhance_skips(SmpShaped(), EXAMPLE), CompileCounter()
    compiled = torch.compile(enhanced, backend=counter)
    for _ in range(3):
        compiled(EXAMPLE)
    assert counter.frame_count == 1


def test_layers_follow_the_type_and_mode_of_the_network(net):
    model = net[0].double().eval()
    enhanced = enhance_skips(model, EXAMPLE.double())
    assert enhanced(EXAMPLE.double()).dtype == torch.float64
    assert not any(module.training for module in enhanced.modules())


def test_state_can_be_stored_and_loaded(net):
    model, _ = net
    first, second = enhance_skips(model, EXAMPLE), enhance_skips(model, EXAMPLE)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first.eval()(EXAMPLE), second.eval()(EXAMPLE))


def test_what_cannot_be_enhanced_is_explained():
    with pytest.raises(ModelError, match="consists of Conv2d, ReLU"):
        enhance_skips(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()), EXAMPLE)
    with pytest.raises(ModelError, match=r"need \(B, C, H, W\)"):
        enhance_skips(monai_unet(), torch.rand(1, 1, 8, 8, 8))
    with pytest.raises(ModelError, match="does not take the example"):
        enhance_skips(monai_unet(), torch.rand(1, 3, 32, 32))
    with pytest.raises(ConfigError, match="choose conv or crffg"):
        enhance_skips(monai_unet(), EXAMPLE, kind="none")
    with pytest.raises(ConfigError, match="multiplier is 2"):
        enhance_skips(monai_unet(), EXAMPLE, multiplier=2)
    with pytest.raises(ModelError, match="has skip layers already"):
        enhance_skips(enhance_skips(basic_unet(), EXAMPLE), EXAMPLE)
    with pytest.raises(ModelError, match="ask create_model for skip='conv'"):
        enhance_skips(create_model("unet"), EXAMPLE, kind="conv")


def test_networks_with_several_outputs_are_refused():
    class Two(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ModelError, match="returns tuple"):
        enhance_skips(Two(), EXAMPLE)


def test_skips_that_do_not_reach_the_output_are_refused():
    class UpCat(nn.Module):
        def forward(self, x, x_e):
            return x + 0 * x_e.detach()

    class Deaf(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.block = nn.Conv2d(1, 1, 1), UpCat()

        def forward(self, x):
            return self.block(self.first(x), x)

    with pytest.raises(ModelError, match="does not depend on 1 of its 1 skip layers"):
        enhance_skips(Deaf(), EXAMPLE)


def test_networks_that_cannot_be_copied_are_refused():
    model = DynUNet(
        2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=[4, 4, 8, 8], deep_supervision=True, deep_supr_num=1
    )
    model(EXAMPLE)  # it now holds outputs with a gradient
    with pytest.raises(ModelError, match="cannot be copied"):
        enhance_skips(model, EXAMPLE)


def test_deep_supervision_goes_on():
    model = DynUNet(
        2, 1, 2, [3] * 4, [1, 2, 2, 2], [2] * 3, filters=[4, 4, 8, 8], deep_supervision=True, deep_supr_num=1
    )
    enhanced = enhance_skips(model, EXAMPLE)
    copy.deepcopy(enhanced)
    assert enhanced(EXAMPLE).shape == model(EXAMPLE).shape == (2, 2, 2, 32, 32)
