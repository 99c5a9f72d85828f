"""Transformers: tokens to maps, in their places, whatever stands before them; and refusals instead of guesses."""

import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from prismseg.base import ConfigError, ModelError
from prismseg.explain import Atlas, swin_to_map, tokens_to_map, vit_to_map
from tests.explain.conftest import scene

METHODS = ["gradcam", "layercam", "hirescam"]


def numbered(batch, rows, columns, channels=2):
    """Maps (B, D, h, w) in which every number tells its place."""
    return torch.arange(batch * channels * rows * columns, dtype=torch.float).view(batch, channels, rows, columns)


def as_tokens(maps, prefix=0):
    tokens = maps.flatten(2).mT
    return torch.cat([torch.full_like(tokens[:, :1], -1).expand(-1, prefix, -1), tokens], 1)


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_tokens_find_their_places(prefix):
    maps = numbered(2, 4, 6)
    for adapter in (
        tokens_to_map(prefix=prefix),
        tokens_to_map(prefix=prefix, grid=(4, 6)),
        vit_to_map(patch=16, prefix=prefix),
    ):
        assert torch.equal(adapter(as_tokens(maps, prefix), (64, 96)), maps)
    assert torch.equal(vit_to_map(patch=16, prefix=prefix)(as_tokens(maps), (64, 96)), maps)  # before the prefix


@pytest.mark.parametrize("stage, grid", [(0, (16, 9)), (1, (8, 5)), (2, (4, 3))])
def test_stages_of_a_swin_transformer(stage, grid):
    """64 x 36 pixels in patches of 4: grids 16 x 9, 8 x 5, 4 x 3."""
    maps, adapter = numbered(2, *grid, channels=7), swin_to_map(patch=4)
    assert torch.equal(adapter(as_tokens(maps), (64, 36)), maps)
    assert torch.equal(adapter(maps.permute(0, 2, 3, 1), (64, 36)), maps)
    assert torch.equal(adapter(maps, (64, 36)), maps)


def test_no_guesses():
    square = (64, 64)
    with pytest.raises(ModelError, match=r"65 tokens.*no grid"):
        tokens_to_map()(torch.rand(1, 65, 3), square)
    with pytest.raises(ModelError, match="no grid"):  # 66 = 6 x 11, but no grid of 96 x 160
        tokens_to_map()(torch.rand(1, 66, 3), (96, 160))
    with pytest.raises(ModelError, match=r"18 tokens, .*no grid"):
        vit_to_map(patch=16, prefix=1)(torch.rand(1, 18, 3), square)
    with pytest.raises(ModelError, match="cannot be told which axes"):
        swin_to_map(patch=4)(torch.rand(1, 8, 8, 8), square)
    with pytest.raises(ModelError, match="cannot be told which axes"):
        swin_to_map(patch=4)(torch.rand(1, 3, 49, 49), square)
    with pytest.raises(ModelError, match=r"\(B, N, D\)"):
        vit_to_map(patch=16, prefix=0)(torch.rand(2, 3), square)


class Block(nn.Module):
    """Pre-norm attention that shows its weights, and an MLP."""

    def __init__(self, width):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.softmax = nn.Softmax(-1)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        shape = x.shape
        tokens = self.norm1(x).flatten(1, -2)
        q, k, v = self.qkv(tokens).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
        weights = self.softmax(q @ k.mT / 4)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2)).view(shape)
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """As timm and transformers lay vision transformers out: class and register tokens in front."""

    def __init__(self, registers=4):
        super().__init__()
        self.patch_embed = nn.Module()
        self.patch_embed.patch_size = (8, 8)
        self.patch_embed.proj = nn.Conv2d(1, 16, 8, 8)
        self.cls_token = nn.Parameter(torch.randn(1, 1, 16))
        self.reg_token = nn.Parameter(torch.randn(1, registers, 16)) if registers else None
        self.blocks = nn.Sequential(Block(16), Block(16))
        self.norm = nn.LayerNorm(16)
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        tokens = self.patch_embed.proj(x).flatten(2).mT
        front = [token.expand(len(x), -1, -1) for token in (self.cls_token, self.reg_token) if token is not None]
        tokens = self.norm(self.blocks(torch.cat([*front, tokens], 1)))[:, sum(t.shape[1] for t in front) :]
        maps = tokens.mT.unflatten(2, (x.shape[-2] // 8, x.shape[-1] // 8))
        return F.interpolate(self.head(maps), size=x.shape[-2:])


class Swin(nn.Module):
    """As timm and torchvision lay Swin transformers out: channels last, the grid halved by merging patches."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 4, 4))
        self.norm, self.first = nn.LayerNorm(8), Block(8)
        self.reduction, self.second = nn.Linear(32, 16), Block(16)
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        y = self.first(self.norm(self.features(x).permute(0, 2, 3, 1)))
        y = self.second(self.reduction(torch.cat([y[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)))
        return F.interpolate(self.head(y.permute(0, 3, 1, 2)), size=x.shape[-2:])


IMAGES = scene(2, size=(32, 48))[0]


def test_a_vision_transformer():
    torch.manual_seed(0)
    model = ViT().eval()
    atlas = Atlas(
        model, ["patch_embed.proj", "blocks.*", "norm", "head"], METHODS, "image", adapter=vit_to_map(model)
    )
    maps = atlas.maps(IMAGES)
    assert {"patch_embed.proj", "blocks.0", "blocks.1", "blocks.0.mlp", "norm", "head"} <= set(atlas.layers)
    assert {name for name in atlas.left_out if "softmax" in name} == {"blocks.0.softmax", "blocks.1.softmax"}
    # The last norm's map by hand: tokens that reach the head, in their places.
    with torch.no_grad():
        tokens = model.norm(model.blocks(_front(model, IMAGES)))[:, 5:].mT.unflatten(2, (4, 6))
    gradient = model.head.weight[1, :, 0, 0] / 24
    expected = (tokens * gradient[:, None, None]).sum(1).clamp_min(0)
    actual = maps["hirescam", "norm", 1]
    enlarged = F.interpolate(expected[:, None], size=(32, 48), mode="bilinear")[:, 0]
    torch.testing.assert_close(actual, enlarged, rtol=1e-4, atol=1e-6)
    assert all(values.isfinite().all() for values in maps.values())


def _front(model, x):
    tokens = model.patch_embed.proj(x).flatten(2).mT
    return torch.cat([model.cls_token.expand(len(x), -1, -1), model.reg_token.expand(len(x), -1, -1), tokens], 1)


@pytest.mark.parametrize("adapter", [None, "swin"])
def test_a_swin_transformer(adapter):
    torch.manual_seed(0)
    model = Swin().eval()
    atlas = Atlas(model, ["*"], METHODS, "image", adapter=swin_to_map(model) if adapter else None)
    maps = atlas.maps(IMAGES)
    if adapter is None:
        assert atlas.layers == ("features", "head")
        assert "no map (B, D, h, w); pass adapter=" in atlas.left_out["first"]
        return
    assert {"features", "norm", "first", "reduction", "second", "second.mlp", "head"} <= set(atlas.layers)
    assert "attention weights" in atlas.left_out["first.softmax"]
    # The last block's map by hand: the head's weights, on the grid 4 x 6.
    with torch.no_grad():
        first = model.first(model.norm(model.features(IMAGES).permute(0, 2, 3, 1)))
        merged = torch.cat([first[:, i::2, j::2] for j in (0, 1) for i in (0, 1)], -1)
        last = model.second(model.reduction(merged)).permute(0, 3, 1, 2)
    expected = (last * model.head.weight[1, :, 0, 0, None, None] / 24).sum(1).clamp_min(0)
    enlarged = F.interpolate(expected[:, None], size=(32, 48), mode="bilinear")[:, 0].detach()
    torch.testing.assert_close(maps["hirescam", "second", 1], enlarged, rtol=1e-4, atol=1e-6)


def test_outputs_that_need_an_adapter_are_refused_by_name():
    for model, name, text in (
        (Swin(), "second", r"\(2, 4, 6, 16\), no map \(B, D, h, w\); pass adapter=.*swin_to_map"),
        (Swin(), "first.softmax", "attention weights"),
        (ViT(), "blocks.1", r"\(2, 29, 16\), no map"),
        (ViT(), "blocks.1.softmax", r"\(2, 2, 29, 29\), attention weights"),
    ):
        with pytest.raises(ModelError, match=f"{name}.*{text}"):
            Atlas(model, [name]).maps(IMAGES)
    with pytest.raises(ModelError, match="channels last"):
        Atlas(Swin(), ["second"], adapter=tokens_to_map()).maps(IMAGES)
    with pytest.raises(ModelError, match=r"29 tokens, 0 of which.*no grid"):
        Atlas(ViT(), ["blocks.1"], adapter=tokens_to_map()).maps(IMAGES)
    with pytest.raises(ModelError, match="attention weights"):
        Atlas(ViT(), ["blocks.1.softmax"], adapter=vit_to_map(ViT())).maps(IMAGES)


def test_what_is_read_from_the_network():
    assert vit_to_map(ViT(0))(torch.rand(1, 25, 3), (32, 48)).shape == (1, 3, 4, 6)
    assert swin_to_map(Swin())(torch.rand(1, 96, 3), (32, 48)).shape == (1, 3, 8, 12)
    with pytest.raises(ConfigError, match="none found; say patch"):
        swin_to_map(nn.Conv2d(1, 1, 3))
    with pytest.raises(ConfigError, match="prefix"):
        vit_to_map(patch=8)
    other = ViT(2)
    with pytest.raises(ConfigError, match="different leading tokens"):
        vit_to_map(nn.ModuleList([ViT(), other]))
    other.patch_embed.patch_size = (16, 16)
    with pytest.raises(ConfigError, match=r"several \(\(8, 8\), \(16, 16\)\)"):
        swin_to_map(nn.ModuleList([ViT(), other]))


class Segmenter(nn.Module):
    """A backbone of somebody else's with a linear head on its last maps."""

    def __init__(self, backbone, features, width):
        super().__init__()
        self.backbone, self.features = backbone, features
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        return F.interpolate(self.head(self.features(self.backbone, x)), size=x.shape[-2:])


def shown(model, adapter, size):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        atlas = Atlas(model.eval(), ["*"], ["layercam"], "image", adapter=adapter)
        atlas.maps(torch.rand(2, 3, *size))
    return atlas


def test_timm():
    timm = pytest.importorskip("timm")

    def vit(net, x):
        return net.forward_features(x)[:, net.num_prefix_tokens :].mT.unflatten(2, (4, 6))

    for name in ("vit_tiny_patch16_224", "vit_small_patch16_dinov3"):
        net = timm.create_model(name, depth=2, img_size=(64, 96), num_classes=0)
        model = Segmenter(net, vit, net.num_features)
        atlas = shown(model, vit_to_map(model), (64, 96))
        assert {"backbone.blocks.0", "backbone.blocks.0.attn", "backbone.blocks.0.mlp"} <= set(atlas.layers)
        assert all("attn" not in layer or "norm" not in layer for layer in atlas.layers)
    net = timm.create_model(
        "swin_tiny_patch4_window7_224", depths=(2, 2), num_heads=(3, 6), img_size=64, window_size=4, num_classes=0
    )
    model = Segmenter(net, lambda net, x: net.forward_features(x).permute(0, 3, 1, 2), 192)
    atlas = shown(model, swin_to_map(model), (64, 64))
    assert {"backbone.layers.0", "backbone.layers.1", "backbone.layers.1.blocks.0.mlp"} <= set(atlas.layers) | set(
        atlas.left_out
    )
    assert {"backbone.layers.0.blocks.0", "backbone.layers.1.blocks.0"} <= set(atlas.layers)
    assert not any(".attn" in layer for layer in atlas.layers)  # windows are stacked into the batch
    assert "no map" in shown(model, None, (64, 64)).left_out["backbone.layers.0.blocks.0"]


def test_transformers():
    transformers = pytest.importorskip("transformers")

    def tokens(prefix, grid):
        return lambda net, x: net(x).last_hidden_state[:, prefix:].mT.unflatten(2, grid)

    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    vit = transformers.ViTModel(
        transformers.ViTConfig(**small, image_size=64, patch_size=16), add_pooling_layer=False
    )
    registers = transformers.Dinov2WithRegistersModel(
        transformers.Dinov2WithRegistersConfig(**small, image_size=64, patch_size=16, num_register_tokens=4)
    )
    for net, prefix in ((vit, 1), (registers, 5)):
        model = Segmenter(net, tokens(prefix, (4, 4)), 16)
        atlas = shown(model, vit_to_map(model), (64, 64))
        assert sum(".layer" in layer for layer in atlas.layers) > 8, atlas.left_out
    net = transformers.SwinModel(
        transformers.SwinConfig(image_size=64, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4),
        add_pooling_layer=False,
    )
    model = Segmenter(net, tokens(0, (8, 8)), 16)
    atlas = shown(model, swin_to_map(model), (64, 64))
    assert any("layers.0" in layer for layer in atlas.layers) and any(
        "layers.1" in layer for layer in atlas.layers
    )
