"""Encoders of convolutions that are trained from random weights: those of the U-Net, the ResUNet and the FCN."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.nets.blocks import conv_relu, make_norm
from prismseg.nets.settings import NetworkSettings

UNET_WIDTHS = (8, 16, 32, 64)
FCN_WIDTHS = (32, 32, 64, 128, 256)


class DoubleConv(nn.Module):
    """(3×3 convolution, ReLU, normalisation) twice; the skip branches off before the last normalisation."""

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__()
        self.first = conv_relu(in_channels, out_channels)
        self.first_norm = make_norm(norm, out_channels)
        self.second = conv_relu(out_channels, out_channels)
        self.second_norm = make_norm(norm, out_channels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output and the skip, both (B, out_channels, H, W)."""
        skip = self.second(self.first_norm(self.first(x)))
        return self.second_norm(skip), skip


class ResidualBlock(nn.Module):
    """1×1, norm, ReLU, 3×3, norm; plus 1×1, norm of the input; ReLU of the sum."""

    def __init__(self, in_channels: int, out_channels: int, norm: str) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1),
            make_norm(norm, out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            make_norm(norm, out_channels),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, out_channels, 1), make_norm(norm, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, in_channels, H, W) to (B, out_channels, H, W)."""
        return torch.relu(self.residual(x) + self.shortcut(x))


def residual_level(in_channels: int, out_channels: int, norm: str) -> nn.Sequential:
    """Two residual blocks."""
    return nn.Sequential(
        ResidualBlock(in_channels, out_channels, norm), ResidualBlock(out_channels, out_channels, norm)
    )


class PlainEncoder(nn.ModuleList):
    """Encoder of the U-Net (Ronneberger et al. 2015): 8, 16, 32, 64 channels, each level pooled to half its size.

    Its feature maps are the skips of the four levels and the last level's pooled output.

    Examples
    --------
    >>> encoder = PlainEncoder(NetworkSettings("unet", width=0.5))
    >>> [tuple(features.shape) for features in encoder(torch.rand(2, 1, 32, 48))][-2:]
    [(2, 32, 4, 6), (2, 32, 2, 3)]
    >>> encoder.strides
    (1, 2, 4, 8, 16)
    """

    def __init__(self, settings: NetworkSettings) -> None:
        widths = [settings.channels(base) for base in UNET_WIDTHS]
        inputs = [settings.in_channels, *widths[:-1]]
        super().__init__(
            DoubleConv(before, after, settings.norm) for before, after in zip(inputs, widths, strict=True)
        )
        self.channels = (*widths, widths[-1])
        self.strides = tuple(2**level for level in range(len(self.channels)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at strides 1, 2, 4, 8 and 16 of images (B, in_channels, H, W)."""
        features: list[Tensor] = []
        for level in self:
            x, skip = level(x)
            features.append(skip)
            x = F.max_pool2d(x, 2)
        return [*features, x]


class ResidualEncoder(nn.ModuleList):
    """Encoder of the ResUNet (Zhang et al. 2018): two residual blocks per level, in the widths of `PlainEncoder`."""

    def __init__(self, settings: NetworkSettings) -> None:
        widths = [settings.channels(base) for base in UNET_WIDTHS]
        inputs = [settings.in_channels, *widths[:-1]]
        super().__init__(
            residual_level(before, after, settings.norm) for before, after in zip(inputs, widths, strict=True)
        )
        self.channels = (*widths, widths[-1])
        self.strides = tuple(2**level for level in range(len(self.channels)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at strides 1, 2, 4, 8 and 16 of images (B, in_channels, H, W)."""
        features: list[Tensor] = []
        for level in self:
            x = level(x)
            features.append(x)
            x = F.max_pool2d(x, 2)
        return [*features, x]


class FCNEncoder(nn.ModuleList):
    """Encoder of the FCN (Long et al. 2015): 32, 32, 64, 128, 256 channels, each stage pooled to half its size."""

    def __init__(self, settings: NetworkSettings) -> None:
        widths = [settings.channels(base) for base in FCN_WIDTHS]
        inputs = [settings.in_channels, *widths[:-1]]
        super().__init__(
            nn.Sequential(conv_relu(before, after), conv_relu(after, after), make_norm(settings.norm, after))
            for before, after in zip(inputs, widths, strict=True)
        )
        self.channels = tuple(widths)
        self.strides = tuple(2 ** (stage + 1) for stage in range(len(widths)))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Feature maps at strides 2, 4, 8, 16 and 32 of images (B, in_channels, H, W)."""
        features: list[Tensor] = []
        for stage in self:
            x = F.max_pool2d(stage(x), 2)
            features.append(x)
        return features
