"""Layers that the architectures share: convolutions, normalisations, layers on skip connections, up-sampling."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.features import CRFFg2d
from prismseg.features.normalize import Normalizer, unit_rms
from prismseg.nets.settings import NORMS, SKIPS, SkipSettings

GROUP_CHANNELS = 8  # channels of a group in group normalisation, where the number of channels allows it


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


def group_norm(channels: int) -> nn.Module:
    """Group normalisation (Wu & He 2018) in groups of `GROUP_CHANNELS` channels or some more."""
    return SafeGroupNorm(math.gcd(channels, max(1, channels // GROUP_CHANNELS)), channels)


def instance_norm(channels: int) -> nn.Module:
    """Instance normalisation as groups of one channel, which also works on a single pixel."""
    return SafeGroupNorm(channels, channels)


def make_norm(kind: str, channels: int) -> nn.Module:
    """Normalisation layer of a kind in `prismseg.nets.NORMS`, as every architecture makes its own.

    Examples
    --------
    >>> make_norm("group", 24).num_groups
    3
    """
    return NORMS[kind](channels)


def conv_relu(in_channels: int, out_channels: int) -> nn.Sequential:
    """3×3 convolution and ReLU."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.ReLU())


def upsampling(in_channels: int, out_channels: int, factor: int, *, bias: bool = True) -> nn.ConvTranspose2d:
    """Transposed convolution that enlarges maps by an even `factor`; its taps reach over two pixels of the input."""
    return nn.ConvTranspose2d(in_channels, out_channels, 2 * factor, stride=factor, padding=factor // 2, bias=bias)


def enlarge(logits: Tensor, factor: int) -> Tensor:
    """Bring logits from the grid of an encoder's finest maps to that of the image."""
    return logits if factor == 1 else F.interpolate(logits, scale_factor=factor, mode="bilinear")


class UnitRMS(nn.Module):
    """Bring each case to root mean square 1; no parameters.

    Attributes
    ----------
    rms : callable
        `unit_rms`; another one where the case is a piece of an image (`prismseg.nets.skips.pieces`).
    """

    def __init__(self) -> None:
        super().__init__()
        self.rms: Normalizer = unit_rms

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        return self.rms(x)


# In the default preset every skip has rms 1, whatever stands on it, so that decoders start from inputs of the same size
# with every kind of skip layer; in the thesis preset it is the published layer alone.
def bare_skip(channels: int, width: int, preset: str) -> nn.Module:
    """No layer; the entry "none" of `prismseg.nets.SKIPS`."""
    return nn.Identity() if preset == "thesis" else UnitRMS()


def conv_skip(channels: int, width: int, preset: str) -> nn.Module:
    """3×3 convolution and ReLU; the entry "conv" of `prismseg.nets.SKIPS`."""
    layer = conv_relu(channels, width)
    return layer if preset == "thesis" else nn.Sequential(*layer, UnitRMS())


def crffg_skip(channels: int, width: int, preset: str) -> nn.Module:
    """Random Fourier features; the entry "crffg" of `prismseg.nets.SKIPS`."""
    return CRFFg2d(channels, width, preset=preset)


def make_skip(settings: SkipSettings, channels: int) -> tuple[nn.Module, int]:
    """Layer on a skip connection, as every architecture makes its own.

    Parameters
    ----------
    settings : SkipSettings
        `NetworkSettings.skips` of the network.
    channels : int
        Channels of the skip.

    Returns
    -------
    layer : nn.Module
        Of (B, channels, H, W).
    width : int
        Channels that come out of it: its own `out_channels` where it has that number, else those of `settings`.

    Examples
    --------
    >>> layer, width = make_skip(SkipSettings("crffg", multiplier=3), 8)
    >>> layer(torch.rand(1, 8, 5, 5)).shape, width
    (torch.Size([1, 24, 5, 5]), 24)
    """
    width = settings.width(channels)
    layer = SKIPS[settings.kind](channels, width, settings.preset)
    return layer, int(getattr(layer, "out_channels", width))
