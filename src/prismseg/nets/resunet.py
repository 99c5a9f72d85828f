"""ResUNet: a U-Net of residual blocks (Zhang et al. 2018) with a layer on each skip connection."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.blocks import make_norm, make_skip
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings
from prismseg.nets.unet import BOTTLENECK, WIDTHS


class ResidualBlock(nn.Module):
    """1×1, norm, ReLU, 3×3, norm; plus 1×1, norm of the input; ReLU of the sum."""

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1),
            make_norm(norm, out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            make_norm(norm, out_channels),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), make_norm(norm, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return torch.relu(self.residual(x) + self.shortcut(x))


def level(in_channels: int, out_channels: int, norm: str) -> nn.Sequential:
    """Two residual blocks."""
    return nn.Sequential(
        ResidualBlock(in_channels, out_channels, norm), ResidualBlock(out_channels, out_channels, norm)
    )


class ResUNet(SegmentationModel):
    """Widths of the U-Net, two residual blocks a level, transposed 2×2 convolutions up."""

    stride = 2 ** len(WIDTHS)

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        widths = [settings.channels(base) for base in WIDTHS]
        bottom = settings.channels(BOTTLENECK)
        inputs = [settings.in_channels, *widths[:-1]]
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = nn.ModuleList(
            level(before, after, settings.norm) for before, after in zip(inputs, widths, strict=True)
        )
        self.bottleneck = level(widths[-1], bottom, settings.norm)
        skips = [make_skip(settings, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        below = bottom
        for width, (_, skip_width) in reversed(list(zip(widths, skips, strict=True))):
            self.up.append(nn.ConvTranspose2d(below, width, 2, stride=2))
            self.decoder.append(level(skip_width + width, width, settings.norm))
            below = width
        self.head = nn.Conv2d(widths[0], settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of 16."""
        x = self.input_norm(x)
        skips: list[Tensor] = []
        for encode in self.encoder:
            x = encode(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.bottleneck(x)
        for decode, up, layer, skip in zip(
            self.decoder, self.up, reversed(self.skips), reversed(skips), strict=True
        ):
            x = decode(torch.cat([layer(skip), up(x)], dim=1))
        logits: Tensor = self.head(x)
        return logits
