"""U-Net (Ronneberger et al. 2015) with a layer on each skip connection."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.blocks import conv_relu, make_norm, make_skip
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings

WIDTHS = (8, 16, 32, 64)
BOTTLENECK = 128


class DoubleConv(nn.Module):
    """(3×3 convolution, ReLU, normalisation) twice; the skip branches off before the last normalisation."""

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__()
        self.first = conv_relu(in_channels, out_channels)
        self.first_norm = make_norm(norm, out_channels)
        self.second = conv_relu(out_channels, out_channels)
        self.second_norm = make_norm(norm, out_channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output and the skip, both (B, out_channels, H, W)."""
        skip = self.second(self.first_norm(self.first(x)))
        return self.second_norm(skip), skip


class UNet(SegmentationModel):
    """Four levels of 8, 16, 32, 64 channels over a bottleneck of 128; nearest up-sampling; 1×1 head."""

    stride = 2 ** len(WIDTHS)

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        widths = [settings.channels(base) for base in WIDTHS]
        bottom = settings.channels(BOTTLENECK)
        inputs = [settings.in_channels, *widths[:-1]]
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = nn.ModuleList(
            DoubleConv(before, after, settings.norm) for before, after in zip(inputs, widths, strict=True)
        )
        self.bottleneck = DoubleConv(widths[-1], bottom, settings.norm)
        skips = [make_skip(settings, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.decoder = nn.ModuleList()
        below = bottom
        for width, (_, skip_width) in reversed(list(zip(widths, skips, strict=True))):
            self.decoder.append(DoubleConv(skip_width + below, width, settings.norm))
            below = width
        self.head = nn.Conv2d(widths[0], settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of 16."""
        x = self.input_norm(x)
        skips: list[Tensor] = []
        for level in self.encoder:
            x, skip = level(x)
            skips.append(skip)
            x = F.max_pool2d(x, 2)
        x, _ = self.bottleneck(x)
        for level, layer, skip in zip(self.decoder, reversed(self.skips), reversed(skips), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x, _ = level(torch.cat([layer(skip), x], dim=1))
        logits: Tensor = self.head(x)
        return logits
