"""What an instant segmenter sees of each pixel: feature maps of a frozen encoder, brought to one grid."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.nets.encoders.encoder import Encoder, EncoderWithInnerMaps
from prismseg.nets.instant.options import InstantOptions

IMAGE, POSITION = "image", "position"  # parts beside those of the encoder, which are called by their stride


class PixelFeatures:
    """Maps of an image in named parts, each on its own grid: those of the encoder, and what options add.

    Every part says the same kind of thing and has one weight in the head's prior. A further one is added in `widths`,
    `strides` and `maps` alone.

    Parameters
    ----------
    encoder : Encoder
        Gives a part for each of its feature maps, and for each inner map where it has such.
    in_channels : int
        Channels of the images.
    options : InstantOptions
        The grid, and which parts there are besides.

    Attributes
    ----------
    widths, strides : dict of str to int
        Channels of each part, and the pixels of the image per pixel of its map.

    Raises
    ------
    ConfigError
        When the grid does not fit the strides of the encoder.

    Examples
    --------
    >>> from prismseg.nets import ENCODERS, NetworkSettings
    >>> encoder = ENCODERS["efficientnet_lite0"](NetworkSettings("instant")).eval()
    >>> features = PixelFeatures(encoder, 1, InstantOptions(image=True))
    >>> len(features.widths), list(features.widths.items())[-3:]
    (9, [('stride 16 early', 80), ('stride 32 early', 192), ('image', 1)])
    >>> features.on_grid(features.maps(torch.rand(1, 1, 64, 96))).shape
    torch.Size([1, 817, 16, 24])
    """

    def __init__(self, encoder: Encoder, in_channels: int, options: InstantOptions) -> None:
        self._encoder = encoder
        self.grid = options.grid
        self.scales = tuple(f"stride {stride}" for stride in encoder.strides)
        self.widths = dict(zip(self.scales, encoder.channels, strict=True))
        self.strides = dict(zip(self.scales, encoder.strides, strict=True))
        # Maps that no decoder looks at, which are as good a description of a pixel as the others.
        self._inner = encoder if options.inner and isinstance(encoder, EncoderWithInnerMaps) else None
        if self._inner is not None:
            self.widths |= {name: each.channels for name, each in self._inner.inner.items()}
            self.strides |= {name: each.stride for name, each in self._inner.inner.items()}
        if options.image:
            self.widths[IMAGE], self.strides[IMAGE] = in_channels, 1
        if options.position:
            self.widths[POSITION], self.strides[POSITION] = 5, options.grid
        wrong = [stride for stride in encoder.strides if stride % self.grid and self.grid % stride]
        if wrong:
            raise ConfigError(
                f"A grid of {self.grid} pixels does not fit feature maps at stride {wrong[0]}; choose a power of 2."
            )

    @property
    def stride(self) -> int:
        """Images come with sides that are multiples of it."""
        return max(self.strides.values())

    def maps(self, x: Tensor, place: Tensor | None = None) -> dict[str, Tensor]:
        """Compute the map of each part.

        Parameters
        ----------
        x : (B, C, H, W) Tensor
            Images of mean 0 and standard deviation 1.
        place : (2, h, w) Tensor, optional
            Coordinates x and y of each cell of the grid; by default those of `places`, for a whole image.

        Returns
        -------
        dict of str to (B, widths[part], H / strides[part], W / strides[part]) Tensor
        """
        features, inner = (self._encoder(x), {}) if self._inner is None else self._inner.with_inner(x)
        maps = dict(zip(self.scales, features, strict=True)) | inner
        if IMAGE in self.widths:
            maps[IMAGE] = x
        if POSITION in self.widths:
            u, v = places(x.shape[-2] // self.grid, x.shape[-1] // self.grid, x) if place is None else place
            maps[POSITION] = torch.stack([u, v, u * u, u * v, v * v]).expand(x.shape[0], -1, -1, -1)
        return maps

    def factor(self, part: str) -> int:
        """Cells of the grid a side per pixel of a part's map, where that is coarser; else 1."""
        return max(self.strides[part] // self.grid, 1)

    def shrink(self, part: str, values: Tensor) -> Tensor:
        """Average maps (B, ·, H / strides[part], W / strides[part]) of a part over the cells of a coarser grid."""
        stride = self.strides[part]
        return F.avg_pool2d(values, self.grid // stride) if stride < self.grid else values

    def resample(self, part: str, values: Tensor) -> Tensor:
        """Bring maps (B, ·, H / strides[part], W / strides[part]) of a part to the grid: bilinearly, or as means."""
        return self.enlarge(part, self.shrink(part, values))

    def enlarge(self, part: str, values: Tensor) -> Tensor:
        """Bring maps of a part that are no finer than the grid to it, bilinearly."""
        factor = self.factor(part)
        if factor == 1:
            return values
        return F.interpolate(values, scale_factor=factor, mode="bilinear", align_corners=False)

    def on_grid(self, maps: dict[str, Tensor]) -> Tensor:
        """Stack the maps of all parts, in the order of `widths`: (B, D, H / grid, W / grid)."""
        return torch.cat([self.resample(part, maps[part]) for part in self.widths], dim=1)


def places(height: int, width: int, like: Tensor) -> Tensor:
    """Coordinates x and y (2, height, width) of the cells of a grid, from -1 to 1 between its borders."""
    rows, columns = (
        (2 * torch.arange(side, device=like.device, dtype=like.dtype) + 1) / side - 1 for side in (height, width)
    )
    return torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)])
