"""Where the pixels of a randomly moved image and its mask come from."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.data.preparation.settings import ELASTIC_NODES, AugmentationConfig


class Geometry(NamedTuple):
    """Drawn positions of B images.

    Attributes
    ----------
    angle : (B,) Tensor
        Turn, radians.
    zoom : (B,) Tensor
        Factor of size.
    shift : (B, 2) Tensor
        Of x and y, as shares of width and height.
    mirror, upend : (B,) Tensor
        -1 where left and right, or up and down, change places; else 1.
    bend : (B, 2, n, n) Tensor, optional
        Displacements of x and y on a grid of n x n nodes from corner to corner, as shares of the shorter side.
    """

    angle: Tensor
    zoom: Tensor
    shift: Tensor
    mirror: Tensor
    upend: Tensor
    bend: Tensor | None = None

    def matrix(self, height: int, width: int) -> Tensor:
        """Where each output pixel comes from, bending left out: (B, 2, 3) for `torch.nn.functional.affine_grid`.

        Its coordinates run from -1 to 1 over either axis, so an isotropic turn needs the aspect ratio.
        """
        cosine, sine = torch.cos(self.angle) / self.zoom, torch.sin(self.angle) / self.zoom
        aspect = height / width
        row_x = torch.stack([self.mirror * cosine, self.mirror * sine * aspect], dim=1)
        row_y = torch.stack([self.upend * -sine / aspect, self.upend * cosine], dim=1)
        linear = torch.stack([row_x, row_y], dim=1)
        # A shift moves what is seen, so the place it comes from moves the other way; an axis is 2 long.
        offset = -linear @ (2 * self.shift[..., None])
        return torch.cat([linear, offset], dim=2)

    def grid(self, like: Tensor) -> Tensor:
        """Where the pixels of B outputs come from: (B, H, W, 2), x and y from -1 to 1, on the device of `like`.

        Parameters
        ----------
        like : (B, C, H, W) Tensor
            Of the outputs' size.
        """
        height, width = like.shape[-2:]
        grid = F.affine_grid(
            self.matrix(height, width).to(like), [len(self.angle), 1, height, width], align_corners=False
        )
        if self.bend is None:
            return grid
        bent = F.interpolate(self.bend.to(like), size=(height, width), mode="bicubic", align_corners=True)
        sides = torch.tensor([width, height]).to(like)
        return grid + bent.permute(0, 2, 3, 1) * (2 * min(height, width) / sides)


def draw_geometry(config: AugmentationConfig, count: int) -> Geometry:
    """Draw the positions of `count` images from torch's global generator."""
    drawn = Geometry(
        angle=symmetric(count) * math.radians(config.rotation),
        zoom=1 + symmetric(count) * config.zoom,
        shift=symmetric(count, 2) * config.translation,
        mirror=1 - 2 * (torch.rand(count) < config.flip).float(),
        upend=torch.ones(count),
    )
    # What came later is drawn only where it is asked for, so that the older augmentations stay what they were.
    if config.flip_vertical:
        drawn = drawn._replace(upend=1 - 2 * (torch.rand(count) < config.flip_vertical).float())
    if config.log_zoom:
        drawn = drawn._replace(zoom=drawn.zoom * torch.exp(symmetric(count) * config.log_zoom))
    if config.elastic:
        strength = torch.rand(count, 1, 1, 1) * config.elastic
        drawn = drawn._replace(bend=symmetric(count, 2, ELASTIC_NODES, ELASTIC_NODES) * strength)
    return drawn


def sample(images: Tensor, masks: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
    """Take images (B, C, H, W) bilinearly and masks (B, H, W) by the nearest pixel where `grid` (B, h, w, 2) says.

    Beyond the border both are continued by their mirror image.
    """
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    labels = masks[:, None].to(grid.dtype)
    labels = F.grid_sample(labels, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return moved, labels[:, 0].to(masks.dtype)


def move(images: Tensor, masks: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Move a batch of images (B, C, H, W) and masks (B, H, W) to the positions in `geometry`."""
    return sample(images, masks, geometry.grid(images))


def symmetric(*shape: int) -> Tensor:
    """Uniform on [-1, 1)."""
    return 2 * torch.rand(*shape) - 1
