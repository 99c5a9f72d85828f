"""Blocks of attention and of two 1×1 convolutions, as transformers have them, over the places of a map."""

from __future__ import annotations

from torch import nn

from prismseg.nets.settings import BOTTLENECKS, NetworkSettings
from prismseg.nets.skips.attention import FEATURES, SelfAttention2d
from prismseg.nets.skips.fourier import ResidualSkip

EXPANSION = 2  # by which the two 1×1 convolutions widen; transformers of large data sets take 4


def attention_block(channels: int, features: int = FEATURES) -> nn.Sequential:
    """Make a block of a transformer: x + g attention(x), then x + g' mlp(x), with gains that begin at 0.

    With g = 0 it passes its input on, so that a network with such blocks begins as the one without them (Bachlechner et
    al. 2021, "ReZero").

    Parameters
    ----------
    channels : int
        Channels that come in and out.
    features : int
        Random features of each head (Choromanski et al. 2021); 0 for exact attention.

    Examples
    --------
    >>> import torch
    >>> block, x = attention_block(16), torch.rand(1, 16, 5, 7)
    >>> bool((block(x) == x).all())
    True
    """
    mlp = nn.Sequential(
        nn.GroupNorm(1, channels),
        nn.Conv2d(channels, EXPANSION * channels, 1),
        nn.GELU(),
        nn.Conv2d(EXPANSION * channels, channels, 1),
    )
    layers = SelfAttention2d(channels, features), mlp
    return nn.Sequential(*(ResidualSkip(channels, layer, nn.Identity()) for layer in layers))


def exact_attention_block(channels: int) -> nn.Sequential:
    """Make a block of exact attention; the entry "attention_exact" of `prismseg.nets.BOTTLENECKS`."""
    return attention_block(channels, features=0)


def make_bottleneck_layer(settings: NetworkSettings, channels: int) -> nn.Module | None:
    """Make the layer that `settings` choose for the coarsest maps, behind what the architecture has there; or none."""
    return None if settings.bottleneck is None else BOTTLENECKS[settings.bottleneck](channels)
