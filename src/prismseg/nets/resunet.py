"""ResUNet: a U-Net of residual blocks (Zhang et al. 2018) with a layer on each skip connection."""

from __future__ import annotations

from itertools import zip_longest

import torch
from torch import Tensor, nn

from prismseg.nets.attention.block import make_bottleneck_layer
from prismseg.nets.blocks import enlarge, make_norm, make_skip
from prismseg.nets.decoders.levels import bottleneck_width, decoded_stride, decoder_levels
from prismseg.nets.encoders.convolutional import residual_level
from prismseg.nets.encoders.encoder import make_encoder
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings


class ResUNet(SegmentationModel):
    """The U-Net with two residual blocks per level and transposed convolutions for up-sampling."""

    own_encoder = "residual"
    has_decoder = True
    takes_bottleneck = True

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = make_encoder(settings, self.own_encoder)
        *widths, deepest = self.encoder.channels
        self.stride = self.encoder.strides[-1]
        below = bottleneck_width(settings, deepest)
        self.bottleneck = residual_level(deepest, below, settings.norm) if below else None
        self.attention = make_bottleneck_layer(settings, below or deepest)
        skips = [make_skip(settings.skips, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.up = nn.ModuleList()
        self.decoder = nn.ModuleList()
        levels = decoder_levels(settings, self.encoder)
        self.finest = decoded_stride(settings, self.encoder)
        skip_widths = [width for _, width in reversed(skips)] + [0] * (len(levels) - len(skips))
        self.decoder_widths = tuple(level.width for level in levels)
        below = below or deepest
        for level, skip_width in zip(levels, skip_widths, strict=True):
            self.up.append(nn.ConvTranspose2d(below, level.width, level.factor, stride=level.factor))
            self.decoder.append(residual_level(skip_width + level.width, level.width, settings.norm))
            below = level.width
        self.head = nn.Conv2d(below, settings.classes, 1)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        return self.classify(self.decode(x)[-1])

    def decode(self, x: Tensor) -> list[Tensor]:
        """Give the maps of the decoder's levels, the coarsest first."""
        *skips, x = self.encoder(self.input_norm(x))
        if self.bottleneck is not None:
            x = self.bottleneck(x)
        if self.attention is not None:
            x = self.attention(x)
        maps: list[Tensor] = []
        layers = zip_longest(self.decoder, self.up, reversed(self.skips), reversed(skips))
        for level, up, layer, skip in layers:
            x = level(up(x) if layer is None else torch.cat([layer(skip), up(x)], dim=1))
            maps.append(x)
        return maps

    def classify(self, decoded: Tensor) -> Tensor:
        """Logits on the grid of the image."""
        logits: Tensor = self.head(decoded)
        return enlarge(logits, self.finest)
