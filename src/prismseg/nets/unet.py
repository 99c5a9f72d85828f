"""U-Net (Ronneberger et al. 2015) with a layer on each skip connection."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.blocks import enlarge, make_norm, make_skip
from prismseg.nets.encoders.convolutional import DoubleConv
from prismseg.nets.encoders.encoder import make_encoder, upsampling_factors
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings

BOTTLENECK = 128  # channels at the coarsest level, as in the thesis


class UNet(SegmentationModel):
    """An encoder, a bottleneck of 128 channels, a decoder of the encoder's widths; nearest up-sampling; 1×1 head.

    With its own encoder it has four levels of 8, 16, 32, 64 channels.
    """

    own_encoder = "plain"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = make_encoder(settings, self.own_encoder)
        *widths, deepest = self.encoder.channels
        self.stride = self.encoder.strides[-1]
        below = max(settings.channels(BOTTLENECK), deepest)
        self.bottleneck = DoubleConv(deepest, below, settings.norm)
        skips = [make_skip(settings.skips, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.decoder = nn.ModuleList()
        for width, (_, skip_width) in zip(reversed(widths), reversed(skips), strict=True):
            self.decoder.append(DoubleConv(skip_width + below, width, settings.norm))
            below = width
        self.head = nn.Conv2d(widths[0], settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        *skips, x = self.encoder(self.input_norm(x))
        x, _ = self.bottleneck(x)
        factors = upsampling_factors(self.encoder)
        for level, layer, skip, factor in zip(
            self.decoder, reversed(self.skips), reversed(skips), factors, strict=True
        ):
            x = F.interpolate(x, scale_factor=factor, mode="nearest")
            x, _ = level(torch.cat([layer(skip), x], dim=1))
        logits: Tensor = self.head(x)
        return enlarge(logits, self.encoder.strides[0])
