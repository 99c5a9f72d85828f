"""Networks of other people: outputs in dictionaries and tuples, operations in place, tokens."""

from collections import OrderedDict
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from monai.networks.nets import BasicUNet, SegResNet, UNet
from torch import nn

from prismseg.base import ModelError
from prismseg.explain import Atlas, tokens_to_map
from tests.explain.conftest import assert_equal_maps, scene

GRADIENT = ("gradcam", "gradcam++", "layercam", "hirescam", "xgradcam")


class Concatenating(nn.Module):
    """Encoder, decoder and head as segmentation_models.pytorch lays them out: lists of features, blocks in place."""

    def __init__(self):
        super().__init__()
        widths = [3, 8, 16]
        self.encoder = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.BatchNorm2d(b), nn.ReLU(inplace=True))
            for a, b in pairwise(widths)
        )
        self.decoder = nn.ModuleList([nn.Sequential(nn.Conv2d(24, 8, 3, 1, 1), nn.ReLU(inplace=True))])
        self.segmentation_head = nn.Sequential(nn.Conv2d(8, 3, 3, 1, 1), nn.UpsamplingBilinear2d(scale_factor=2))

    def forward(self, x):
        features = []
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        x = F.interpolate(features[1], scale_factor=2, mode="nearest")
        return self.segmentation_head(self.decoder[0](torch.cat([x, features[0]], dim=1)))


class Dictionary(Concatenating):
    """Like torchvision's segmentation networks: an ordered dictionary with an auxiliary output."""

    def __init__(self):
        super().__init__()
        self.aux = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return OrderedDict(out=super().forward(x), aux=self.aux(x))


class Transformer(nn.Module):
    """Patches of 4, a class token, two blocks, logits of a quarter of the size."""

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True) for _ in range(2))
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        grid = self.patch(x)
        tokens = grid.flatten(2).mT
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(tokens[:, 1:]).mT.unflatten(2, grid.shape[2:])


@pytest.mark.parametrize(
    "build, options",
    [
        (lambda: BasicUNet(spatial_dims=2, in_channels=3, out_channels=3, features=(8, 8, 8, 8, 8, 8)), {}),
        (lambda: UNet(2, 3, 3, channels=(4, 8, 16), strides=(2, 2), num_res_units=1), {}),
        (lambda: SegResNet(2, 8, 3, 3), {}),
        (Concatenating, {}),
        (Dictionary, {}),
        (Transformer, {"layers": ["patch", "blocks.*"], "adapter": tokens_to_map(prefix=1)}),
    ],
    ids=["BasicUNet", "MONAI-UNet", "SegResNet", "smp", "dictionary", "transformer"],
)
def test_other_peoples_networks(build, options):
    torch.manual_seed(0)
    model = build()
    images, masks = scene(2, channels=3, size=(32, 48), classes=3)
    if "adapter" in options:
        patches = options | {"layers": ["blocks.0", "blocks.1"]}
        assert len(Atlas(model, region="truth", **patches).maps(images, masks)) == 2 * 2 * 3
        options = options | {"layers": ["blocks.1"]}
    atlas = Atlas(model, methods=GRADIENT, region="truth", **options)
    maps = atlas.maps(images, masks)
    assert all(values.shape == (2, 32, 48) and values.isfinite().all() for values in maps.values())
    assert any(values.max() > 0 for values in maps.values())
    atlas.update(images, masks)
    assert atlas.summary()["mean"].notna().all()


def test_transformer_blocks_beside_convolutions():
    """An adapter leaves outputs that are maps already alone; patches and blocks lie on one grid."""
    torch.manual_seed(0)
    images, masks = scene(1, channels=3, size=(32, 48), classes=3)
    atlas = Atlas(
        Transformer(),
        ["patch", "blocks.0"],
        ["layercam"],
        adapter=lambda out, size: _either(out, size),
        region="truth",
    )
    assert atlas.maps(images, masks)["layercam", "patch", 0].shape == (1, 32, 48)


def _either(output, size):
    return tokens_to_map()(output, size) if output.ndim == 4 else tokens_to_map(prefix=1)(output, size)


def test_several_outputs():
    class Several(Concatenating):
        def forward(self, x):
            logits = super().forward(x)
            return logits, -logits

    images, masks = scene(1, channels=3, size=(16, 16), classes=3)
    with pytest.raises(ModelError, match=r"several outputs \(0, 1\)"):
        Atlas(Several(), region="truth").maps(images, masks)
    torch.manual_seed(0)
    model = Several()
    first = Atlas(model, "segmentation_head.0", ["hirescam"], output=0, region="truth").maps(images, masks)
    twice = Atlas(model, "segmentation_head.0", ["hirescam"], output=lambda out: out[0], region="truth").maps(
        images, masks
    )
    assert_equal_maps(first, twice)
    with pytest.raises(ModelError, match="'logits' is not among them"):
        Atlas(Dictionary(), output="logits", region="truth").maps(images, masks)
    with pytest.raises(ModelError, match="shape"):
        Atlas(model, output=lambda out: out[0].mean((2, 3)), region="truth").maps(images, masks)
    with pytest.raises(ModelError, match="float"):
        Atlas(nn.Sequential(nn.Conv2d(3, 2, 1), _Float()), region="truth").maps(images, masks)


class _Float(nn.Module):
    def forward(self, x):
        return float(x.detach().sum())
