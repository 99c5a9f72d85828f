"""The page of an explanation for networks that nobody here wrote: its numbers, or the sentence that refuses it.

    make bench-peers

Weights are random, from configurations: nothing is downloaded. What is shown is that layers, maps, measures and the
page come out (or that a sentence says why not), not where anybody's evidence lies.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from contest.methods.vision import import_vision
from torch import Tensor, nn

from prismseg.base import PrismsegError
from prismseg.explain import ExplainSettings, explain_loader, swin_to_map, vit_to_map

METHODS = ("layercam", "lrp")
CASES = 2


@dataclass(frozen=True)
class Peer:
    """A network of other people: how it is built, what it takes, and how its layers are explained."""

    build: Callable[[], nn.Module]
    channels: int = 3
    inputs: int = 1  # of as many channels each
    size: tuple[int, ...] = (64, 64)
    classes: int = 3
    layers: tuple[str, ...] = ("all",)
    options: Callable[[nn.Module], dict[str, Any]] = field(default=lambda model: {})


def smp(name: str, encoder: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        made = getattr(import_vision("segmentation_models_pytorch"), name)
        return made(encoder, encoder_weights=None, in_channels=3, classes=3, **options)

    return build


def torchvision(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        made = getattr(import_vision("torchvision").models.segmentation, name)
        return made(weights=None, weights_backbone=None, num_classes=3, **options)

    return build


def monai(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        from monai.networks import nets

        return getattr(nets, name)(**options)

    return build


def transformers_segformer() -> nn.Module:
    import_vision("torchvision")
    from transformers import SegformerConfig, SegformerForSemanticSegmentation

    return SegformerForSemanticSegmentation(
        SegformerConfig(num_labels=3, hidden_sizes=[16, 32, 64, 96], depths=[1, 1, 1, 1], decoder_hidden_size=64)
    )


def transformers_mask2former() -> nn.Module:
    import_vision("torchvision")
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

    backbone = SwinConfig(
        image_size=64,
        patch_size=4,
        embed_dim=16,
        depths=[1, 1, 1, 1],
        num_heads=[1, 2, 4, 8],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = Mask2FormerConfig(
        backbone_config=backbone,
        num_labels=3,
        hidden_dim=32,
        feature_size=32,
        mask_feature_size=32,
        num_attention_heads=4,
        num_queries=8,
        encoder_layers=2,
        decoder_layers=3,
        dim_feedforward=64,
        encoder_feedforward_dim=64,
    )
    return Mask2FormerForUniversalSegmentation(config)


def semantic_logits(output: Any) -> Tensor:
    """Logarithm of the classes' scores that Mask2Former's own post-processing takes the largest of, (B, K, h, w)."""
    classes = output.class_queries_logits.softmax(-1)[..., :-1]
    masks = output.masks_queries_logits.sigmoid()
    return torch.einsum("bqc,bqhw->bchw", classes, masks).clamp_min(1e-6).log()


class Headed(nn.Module):
    """A timm classifier's features under a head of one 1 x 1 convolution."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        self.backbone = import_vision("timm").create_model(name, pretrained=False, num_classes=0, **options)
        self.head = nn.Conv2d(self.backbone.num_features, 3, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.backbone.forward_features(images)
        if features.ndim == 3:
            tokens = features[:, self.backbone.num_prefix_tokens :]
            side = round(tokens.shape[1] ** 0.5)
            features = tokens.mT.unflatten(2, (side, side))
        else:
            features = features.movedim(-1, 1)
        return self.head(features)


class Siamese(nn.Module):
    """Changes between two images: MONAI's encoder and decoder run on each, and a head sees how far they are apart."""

    def __init__(self) -> None:
        super().__init__()
        self.features = monai(
            "BasicUNet", spatial_dims=2, in_channels=3, out_channels=8, features=(8, 8, 16, 16, 32, 8)
        )()
        self.head = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        return self.head((self.features(before) - self.features(after)).abs())


class LateFusion(nn.Module):
    """Two volumes, as CT and PET: a UNet of MONAI for each, joined by the last convolution."""

    def __init__(self) -> None:
        super().__init__()
        options = {"spatial_dims": 3, "in_channels": 1, "out_channels": 8, "channels": (8, 16), "strides": (2,)}
        self.ct, self.pet = monai("UNet", **options)(), monai("UNet", **options)()
        self.head = nn.Conv3d(16, 3, 1)

    def forward(self, ct: Tensor, pet: Tensor) -> Tensor:
        return self.head(torch.cat([self.ct(ct), self.pet(pet)], dim=1))


def vit() -> nn.Module:
    return Headed("vit_tiny_patch16_224", img_size=64, embed_dim=48, depth=3, num_heads=3)


def swin() -> nn.Module:
    return Headed(
        "swin_tiny_patch4_window7_224", img_size=64, embed_dim=16, depths=(1, 1, 1), num_heads=(1, 2, 4),
        window_size=4,
    )  # fmt: skip


PEERS = {
    "smp Unet++ resnet18": Peer(smp("UnetPlusPlus", "resnet18")),
    "smp DeepLabV3+ resnet18": Peer(smp("DeepLabV3Plus", "resnet18")),
    "smp Segformer mit_b0": Peer(smp("Segformer", "mit_b0")),
    "smp DPT ViT": Peer(smp("DPT", "tu-vit_tiny_patch16_224", dynamic_img_size=True)),
    "torchvision FCN resnet50": Peer(torchvision("fcn_resnet50", aux_loss=True)),
    "torchvision DeepLabV3 mobilenet": Peer(torchvision("deeplabv3_mobilenet_v3_large", aux_loss=True)),
    "torchvision LRASPP mobilenet": Peer(torchvision("lraspp_mobilenet_v3_large")),
    "MONAI SwinUNETR": Peer(monai("SwinUNETR", in_channels=3, out_channels=3, feature_size=12, spatial_dims=2)),
    "MONAI SegResNet": Peer(monai("SegResNet", spatial_dims=2, init_filters=8, in_channels=3, out_channels=3)),
    "transformers Segformer": Peer(transformers_segformer),
    "transformers Mask2Former": Peer(transformers_mask2former, options=lambda model: {"output": semantic_logits}),
    "timm ViT": Peer(
        vit, layers=("backbone.blocks.*",), options=lambda model: {"adapter": vit_to_map(model.backbone)}
    ),
    "timm Swin": Peer(
        swin, layers=("backbone.layers.*",), options=lambda model: {"adapter": swin_to_map(model.backbone)}
    ),
    "MONAI UNet 3-D": Peer(
        monai("UNet", spatial_dims=3, in_channels=1, out_channels=3, channels=(8, 16, 32), strides=(2, 2)),
        channels=1,
        size=(16, 32, 32),
    ),
    "MONAI BasicUNet, siamese": Peer(Siamese, inputs=2),
    "MONAI UNet 3-D, two volumes": Peer(LateFusion, channels=1, size=(16, 32, 32), inputs=2),
}


def cases(peer: Peer) -> tuple[Tensor | tuple[Tensor, ...], Tensor]:
    """Images (N, C, ...), several where the network takes several, and masks (N, ...) of blocks that are brighter."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, peer.classes, (CASES, 1, *(4 for _ in peer.size)), generator=generator).float()
    masks = nn.functional.interpolate(coarse, size=peer.size)[:, 0].long()
    images = tuple(
        torch.rand(CASES, peer.channels, *peer.size, generator=generator) + 0.5 * masks[:, None]
        for _ in range(peer.inputs)
    )
    return images if peer.inputs > 1 else images[0], masks


def explain_peer(peer: Peer, out: Path, methods: Sequence[str] = METHODS) -> dict[str, Any]:
    """Write the page of a network; what it says of layers and relevance."""
    torch.manual_seed(0)
    model = peer.build()
    images, masks = cases(peer)
    loader = [(images, masks)]
    start = time.perf_counter()
    page = explain_loader(
        model,
        loader,
        out,
        settings=ExplainSettings(layers=peer.layers, methods=tuple(methods), regions=("image",)),
        check_sanity=False,
        show_progress=False,
        **peer.options(model),
    )
    taken = time.perf_counter() - start
    summary, layers = pd.read_csv(out / "summary.csv"), pd.read_csv(out / "layers.csv")
    lift = summary.query("layer == '(mean)' and measure == 'lift' and method == 'layercam'")["mean"].mean()
    measured = pd.read_csv(out / "measures.csv")
    residual = measured[measured["method"] == "lrp"]["residual"].median()
    return {
        "layers": summary.query("method == 'layercam'")["layer"].nunique() - 1,
        "left out": int(layers["left_out"].notna().sum()) if "left_out" in layers else None,
        "lift": lift,
        "residual": residual,
        "seconds": taken,
        "page": page,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", help="Keep the pages in this folder.")
    parser.add_argument("--only", default="", help="Networks whose name has this in it.")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| network | layers | lift (Layer-CAM) | LRP's residual | s | page, KB |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name, peer in PEERS.items():
            if given.only not in name:
                continue
            out = Path(given.out or scratch) / name.replace(" ", "-")
            try:
                found = explain_peer(peer, out)
            except PrismsegError as error:
                print(f"| {name} | refused: {error} | | | | |", flush=True)
                continue
            print(
                f"| {name} | {found['layers']} | {found['lift']:.2f} | {found['residual']:.2f} | "
                f"{found['seconds']:.0f} | {found['page'].stat().st_size // 1024} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
