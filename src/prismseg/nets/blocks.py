"""Pieces that the architectures share: normalisation, convolutions, skips."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from prismseg.features import CRFFg2d
from prismseg.features.normalize import unit_rms
from prismseg.nets.settings import NetworkSettings

GROUP_SIZE = 8


class SafeGroupNorm(nn.GroupNorm):
    """Group normalisation that does not crash on images in channels_last format.

    PyTorch 2.13's backward pass reads a missing buffer when such an input needs no gradient, as the images
    themselves do not.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        if torch.is_grad_enabled() and not x.requires_grad:
            x = x.detach().requires_grad_()
        return super().forward(x)


def make_norm(kind: str, channels: int) -> nn.Module:
    """Normalisation layer; "instance" is one group a channel, which also works on a single pixel."""
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    groups = channels if kind == "instance" else math.gcd(channels, max(1, channels // GROUP_SIZE))
    return SafeGroupNorm(groups, channels)


def conv_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """3×3 convolution and ReLU."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU())


class UnitRMS(nn.Module):
    """Bring each case to root mean square 1; no parameters."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        return unit_rms(x)


def make_skip(settings: NetworkSettings, channels: int) -> tuple[nn.Module, int]:
    """Layer on one skip connection, and how many channels come out of it.

    In the default preset every skip has rms 1, whatever stands on it, so that decoders of the three kinds of skip
    start from inputs of the same size; in the thesis preset it is the published layer alone.
    """
    if settings.skip == "none":
        return (nn.Identity() if settings.preset == "thesis" else UnitRMS()), channels
    width = channels * settings.multiplier
    if settings.skip == "crffg":
        return CRFFg2d(channels, width, preset=settings.preset), width
    layer = conv_relu(channels, width)
    return (layer if settings.preset == "thesis" else nn.Sequential(*layer, UnitRMS())), width
