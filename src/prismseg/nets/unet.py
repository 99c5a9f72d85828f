"""U-Net (Ronneberger et al. 2015) with a layer on each skip connection."""

from __future__ import annotations

from itertools import zip_longest

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.attention.block import make_bottleneck_layer
from prismseg.nets.blocks import enlarge, make_norm, make_skip
from prismseg.nets.decoders.levels import bottleneck_width, decoded_stride, decoder_levels
from prismseg.nets.encoders.convolutional import DoubleConv
from prismseg.nets.encoders.encoder import make_encoder
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings


class UNet(SegmentationModel):
    """An encoder, a bottleneck of 128 channels, a decoder of the encoder's widths; nearest up-sampling; 1×1 head.

    With its own encoder it has four levels of 8, 16, 32, 64 channels. Another decoder may be chosen.
    """

    own_encoder = "plain"
    has_decoder = True
    takes_bottleneck = True

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = make_encoder(settings, self.own_encoder)
        *widths, deepest = self.encoder.channels
        self.stride = self.encoder.strides[-1]
        below = bottleneck_width(settings, deepest)
        self.bottleneck: nn.Module | None = DoubleConv(deepest, below, settings.norm) if below else None
        self.bottom_channels = below = below or deepest
        self.attention = make_bottleneck_layer(settings, below)
        skips = [make_skip(settings.skips, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.decoder = nn.ModuleList()
        levels = decoder_levels(settings, self.encoder)
        self.factors, self.finest = [level.factor for level in levels], decoded_stride(settings, self.encoder)
        skip_widths = [width for _, width in reversed(skips)] + [0] * (len(levels) - len(skips))
        self.decoder_widths = tuple(level.width for level in levels)
        for level, skip_width in zip(levels, skip_widths, strict=True):
            self.decoder.append(DoubleConv(skip_width + below, level.width, settings.norm))
            below = level.width
        self.head = nn.Conv2d(below, settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        return self.classify(self.decode(x)[-1])

    def deepen(self, x: Tensor) -> Tensor:
        """Map the encoder's coarsest map to that from which the decoder begins."""
        if self.bottleneck is not None:
            x, _ = self.bottleneck(x)
        return x if self.attention is None else self.attention(x)

    def decode(self, x: Tensor) -> list[Tensor]:
        """Give the maps of the decoder's levels, the coarsest first."""
        *skips, x = self.encoder(self.input_norm(x))
        x = self.deepen(x)
        maps: list[Tensor] = []
        layers = zip_longest(self.decoder, self.factors, reversed(self.skips), reversed(skips))
        for level, factor, layer, skip in layers:
            x = F.interpolate(x, scale_factor=factor, mode="nearest")
            x, _ = level(x if layer is None else torch.cat([layer(skip), x], dim=1))
            maps.append(x)
        return maps

    def classify(self, decoded: Tensor) -> Tensor:
        """Logits on the grid of the image."""
        logits: Tensor = self.head(decoded)
        return enlarge(logits, self.finest)
