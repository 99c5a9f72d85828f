"""ResUNet: a U-Net of residual blocks (Zhang et al. 2018) with a layer on each skip connection."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prismseg.nets.blocks import enlarge, make_norm, make_skip
from prismseg.nets.encoders.convolutional import residual_level
from prismseg.nets.encoders.encoder import make_encoder, upsampling_factors
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings
from prismseg.nets.unet import BOTTLENECK


class ResUNet(SegmentationModel):
    """The U-Net with two residual blocks per level and transposed convolutions for up-sampling."""

    own_encoder = "residual"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = make_encoder(settings, self.own_encoder)
        *widths, deepest = self.encoder.channels
        self.stride = self.encoder.strides[-1]
        below = max(settings.channels(BOTTLENECK), deepest)
        self.bottleneck = residual_level(deepest, below, settings.norm)
        skips = [make_skip(settings.skips, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        factors = upsampling_factors(self.encoder)
        for width, (_, skip_width), factor in zip(reversed(widths), reversed(skips), factors, strict=True):
            self.up.append(nn.ConvTranspose2d(below, width, factor, stride=factor))
            self.decoder.append(residual_level(skip_width + width, width, settings.norm))
            below = width
        self.head = nn.Conv2d(widths[0], settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        *skips, x = self.encoder(self.input_norm(x))
        x = self.bottleneck(x)
        for level, up, layer, skip in zip(
            self.decoder, self.up, reversed(self.skips), reversed(skips), strict=True
        ):
            x = level(torch.cat([layer(skip), up(x)], dim=1))
        logits: Tensor = self.head(x)
        return enlarge(logits, self.encoder.strides[0])
