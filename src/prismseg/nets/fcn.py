"""FCN-8 (Long et al. 2015) with a layer on each of its two skip connections."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.blocks import conv_relu, make_norm, make_skip
from prismseg.nets.segmentation import SegmentationModel
from prismseg.nets.settings import NetworkSettings

WIDTHS = (32, 32, 64, 128, 256)
SKIP_STAGES = (2, 3)  # their pooled maps lie at 1/8 and 1/16 of the input


class FCN(SegmentationModel):
    """Five stages of two 3×3 convolutions and a pooling; class scores are added up on the way back."""

    stride = 2 ** len(WIDTHS)

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(settings)
        widths = [settings.channels(base) for base in WIDTHS]
        classes = settings.classes
        inputs = [settings.in_channels, *widths[:-1]]
        self.input_norm = make_norm(settings.norm, settings.in_channels)
        self.encoder = nn.ModuleList(
            nn.Sequential(conv_relu(before, after), conv_relu(after, after), make_norm(settings.norm, after))
            for before, after in zip(inputs, widths, strict=True)
        )
        skips = [make_skip(settings, widths[stage]) for stage in SKIP_STAGES]
        self.skips = nn.ModuleList(layer for layer, _ in skips)
        self.scores = nn.ModuleList(nn.Conv2d(width, classes, 1) for _, width in skips)
        self.decoder = nn.ModuleList(
            [
                nn.ConvTranspose2d(widths[-1], classes, 4, stride=2, padding=1, bias=False),
                nn.ConvTranspose2d(classes, classes, 4, stride=2, padding=1, bias=False),
            ]
        )
        self.head = nn.ConvTranspose2d(classes, classes, 16, stride=8, padding=4)

    def segment(self, x: Tensor) -> Tensor:
        """Logits of images whose sides are multiples of 32."""
        x = self.input_norm(x)
        skips: list[Tensor] = []
        for stage, encode in enumerate(self.encoder):
            x = F.max_pool2d(encode(x), 2)
            if stage in SKIP_STAGES:
                skips.append(x)
        for decode, layer, score, skip in zip(
            self.decoder, reversed(self.skips), reversed(self.scores), reversed(skips), strict=True
        ):
            x = torch.relu(decode(x)) + score(layer(skip))
        logits: Tensor = self.head(x)
        return logits
