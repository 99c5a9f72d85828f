import pytest
import torch
from monai.networks.nets import BasicUNet, DynUNet, UNet
from torch import nn

from prismseg.base import ModelError
from prismseg.features import CRFFg2d
from prismseg.nets import enhance_skips
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


NETS = {
    "smp list": (SmpShaped, 1),
    "smp star": (lambda: SmpShaped(star=True), 1),
    "monai UNet": (monai_unet, 2),
    "monai BasicUNet": (basic_unet, 4),
    "monai DynUNet": (dynunet, 2),
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
    output = enhanced(EXAMPLE)
    assert output.shape == model(EXAMPLE).shape
    output.square().sum().backward()
    assert all(p.grad is not None for layer in layers for p in layer.parameters() if p.requires_grad)
    # The original is untouched, and its weights are in the copy.
    assert not any(isinstance(module, SkipLayer) for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    held = [tuple(value.flatten()[:3].tolist()) for value in enhanced.state_dict().values()]
    assert all(tuple(value.flatten()[:3].tolist()) in held for value in before.values())


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
    with pytest.raises(ModelError, match="crffg or conv"):
        enhance_skips(monai_unet(), EXAMPLE, kind="none")


def test_networks_with_several_outputs_are_refused():
    class Two(nn.Module):
        def forward(self, x):
            return x, x

    with pytest.raises(ModelError, match="returns tuple"):
        enhance_skips(Two(), EXAMPLE)
