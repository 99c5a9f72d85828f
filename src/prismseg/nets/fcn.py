"""FCN-8 (Long et al. 2015) with a layer on each of its two skip connections."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prismseg.base import ModelError
from prismseg.nets.blocks import make_norm, make_skip, upsampling
from prismseg.nets.encoders.encoder import make_encoder, upsampling_factors
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings


class FCN(SegmentationModel):
    """An encoder whose three coarsest maps are scored for each class; the scores are added up from coarse to fine.

    With its own encoder of five stages these maps lie at strides 8, 16 and 32.
    """

    own_encoder = "fcn"

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        classes = settings.classes
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = make_encoder(settings, self.own_encoder)
        *widths, deepest = self.encoder.channels[-3:]
        factors = (*upsampling_factors(self.encoder)[:2], self.encoder.strides[-3:][0])
        if len(widths) < 2 or any(factor % 2 for factor in factors):
            raise ModelError(
                "The FCN needs an encoder whose last three feature maps have even strides, each an even multiple of the "
                f"one before; {settings.encoder!r} has the strides {tuple(self.encoder.strides)}."
            )
        self.stride = self.encoder.strides[-1]
        skips = [make_skip(settings.skips, width) for width in widths]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.scores = nn.ModuleList(nn.Conv2d(width, classes, 1) for _, width in skips)
        self.decoder = nn.ModuleList(
            [
                upsampling(deepest, classes, factors[0], bias=False),
                upsampling(classes, classes, factors[1], bias=False),
            ]
        )
        self.head = upsampling(classes, classes, factors[2])

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of `stride`."""
        *skips, x = self.encoder(self.input_norm(x))[-3:]
        for decode, layer, score, skip in zip(
            self.decoder, reversed(self.skips), reversed(self.scores), reversed(skips), strict=True
        ):
            x = torch.relu(decode(x)) + score(layer(skip))
        logits: Tensor = self.head(x)
        return logits
