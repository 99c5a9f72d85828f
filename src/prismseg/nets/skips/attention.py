"""Attention on a skip: every pixel looks at all others, exactly or by positive random features in linear time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from prismseg.features.attention import attention_frequencies, exact_attention, random_attention
from prismseg.nets.blocks import bare_skip
from prismseg.nets.skips.fourier import ResidualSkip

FEATURES = 64  # random features a head
HEAD_CHANNELS = 8


class SelfAttention2d(nn.Module):
    """Self-attention over the pixels of a map, with a depthwise 3×3 convolution for their places (Chu et al. 2021).

    Parameters
    ----------
    channels : int
        Channels that come in and out; heads have 8 of them where that divides them, else there is one head.
    features : int
        Random features a head; 0 for exact attention, quadratic in the pixels.

    Attributes
    ----------
    frequencies : (features, channels of a head) Parameter or None
        Drawn with the weights and not trained; None for exact attention.

    Examples
    --------
    >>> SelfAttention2d(16)(torch.rand(1, 16, 12, 10)).shape
    torch.Size([1, 16, 12, 10])
    """

    frequencies: nn.Parameter | None

    def __init__(self, channels: int, features: int = FEATURES) -> None:
        super().__init__()
        self.heads = channels // HEAD_CHANNELS if channels % HEAD_CHANNELS == 0 else 1
        self.features = features
        self.norm = nn.GroupNorm(1, channels)
        self.place = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.tokens = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        if features:
            drawn = torch.empty(features, channels // self.heads)
            self.frequencies = nn.Parameter(drawn, requires_grad=False)
        else:
            self.register_parameter("frequencies", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the frequencies again."""
        if self.frequencies is not None:
            with torch.no_grad():
                self.frequencies.copy_(attention_frequencies(*self.frequencies.shape))

    def tokenize(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Make queries, keys and values of the places of a map (B, C, H, W), each (B, heads, H W, C / heads)."""
        batch, channels, height, width = x.shape
        x = self.norm(x)
        x = x + self.place(x)
        split = self.tokens(x).reshape(batch, 3, self.heads, channels // self.heads, height * width)
        query, key, value = split.transpose(-2, -1).unbind(1)
        return query, key, value

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to the same shape."""
        query, key, value = self.tokenize(x)
        if self.frequencies is not None:
            seen = random_attention(query, key, value, self.frequencies)
        else:
            seen = exact_attention(query, key, value)
        mixed: Tensor = self.out(seen.transpose(-2, -1).reshape(x.shape))
        return mixed


def attention_skip(channels: int, width: int, preset: str) -> nn.Module:
    """Make the skip plus attention by random features, with a gain that begins at 0; the entry "attention"."""
    return ResidualSkip(channels, SelfAttention2d(channels), bare_skip(channels, channels, preset))


def exact_attention_skip(channels: int, width: int, preset: str) -> nn.Module:
    """Make the skip plus exact attention, with a gain that begins at 0; the entry "attention_exact"."""
    return ResidualSkip(channels, SelfAttention2d(channels, features=0), bare_skip(channels, channels, preset))
