"""Random changes of training batches: where things are (image and mask alike) and how bright they are."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn

from prismseg.data.preparation.settings import AUGMENTATIONS, AugmentationConfig

_BLUR_TAPS = (5, 5)  # covers the widest blur (standard deviation 1 pixel) to 2.5 deviations


class Geometry(NamedTuple):
    """Drawn positions of B images: angle (radians), zoom factor, shift (x, y as shares), mirror (-1 or 1)."""

    angle: Tensor
    zoom: Tensor
    shift: Tensor
    mirror: Tensor

    def matrix(self, height: int, width: int) -> Tensor:
        """Where each output pixel comes from: (B, 2, 3) for `torch.nn.functional.affine_grid`.

        Its coordinates run from -1 to 1 over either axis, so an isotropic turn needs the aspect ratio.
        """
        cosine, sine = torch.cos(self.angle) / self.zoom, torch.sin(self.angle) / self.zoom
        aspect = height / width
        row_x = torch.stack([self.mirror * cosine, self.mirror * sine * aspect], dim=1)
        row_y = torch.stack([-sine / aspect, cosine], dim=1)
        linear = torch.stack([row_x, row_y], dim=1)
        # A shift moves what is seen, so the place it comes from moves the other way; an axis is 2 long.
        offset = -linear @ (2 * self.shift[..., None])
        return torch.cat([linear, offset], dim=2)


def draw_geometry(config: AugmentationConfig, count: int) -> Geometry:
    """Draw the positions of `count` images from torch's global generator."""
    return Geometry(
        angle=_symmetric(count) * math.radians(config.rotation),
        zoom=1 + _symmetric(count) * config.zoom,
        shift=_symmetric(count, 2) * config.translation,
        mirror=1 - 2 * (torch.rand(count) < config.flip).float(),
    )


class Augmentation(nn.Module):
    """Random geometry for image and mask, and random photometry for the image.

    Outside its border an image is continued by its mirror image, and so is its mask: both get the same fill,
    so that every label still lies on what it labels. Images are interpolated bilinearly, masks take the nearest
    pixel, along one and the same grid. Random numbers come from torch's global generators alone: the same
    ``torch.manual_seed`` gives the same batch, bit for bit on the same CPU with the same number of threads.

    Parameters
    ----------
    config : str or AugmentationConfig
        The ranges, or under which name they are registered in `prismseg.data.preparation.settings.AUGMENTATIONS`.

    Raises
    ------
    ConfigError
        When there is no augmentation of that name.

    Examples
    --------
    >>> augment = Augmentation(AugmentationConfig(flip=1.0))
    >>> images, masks = augment(torch.arange(4.0).reshape(1, 1, 1, 4), torch.tensor([[[0, 0, 1, 1]]]))
    >>> images.flatten().tolist(), masks.flatten().tolist()
    ([3.0, 2.0, 1.0, 0.0], [1, 1, 0, 0])
    """

    def __init__(self, config: str | AugmentationConfig = "default") -> None:
        super().__init__()
        if isinstance(config, str):
            config = AUGMENTATIONS[config]
        self.config = config

    @torch.no_grad()
    def forward(self, images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        """Change a batch.

        Parameters
        ----------
        images : (B, C, H, W) float
            Prepared images, of any intensity scale; not changed in place.
        masks : (B, H, W) int64
            Class indices below 2^24.

        Returns
        -------
        images, masks
            Of the same shapes, types and memory format; masks hold no label they did not hold before.
        """
        config = self.config
        layout = torch.preserve_format
        if images.is_contiguous(memory_format=torch.channels_last):
            layout = torch.channels_last
        if config.flip or config.rotation or config.translation or config.zoom:
            images, masks = move(images, masks, draw_geometry(config, len(images)))
        if config.photometric:
            images = _change_light(images, config)
        return images.contiguous(memory_format=layout) if layout != torch.preserve_format else images, masks


def move(images: Tensor, masks: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Move a batch of images (B, C, H, W) and masks (B, H, W) to the positions in `geometry`."""
    matrix = geometry.matrix(*images.shape[-2:]).to(images)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    labels = masks[:, None].to(grid.dtype)
    labels = F.grid_sample(labels, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return moved, labels[:, 0].to(masks.dtype)


def _change_light(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Blur, brightness and contrast, gamma, noise; in this order, as optics precede the sensor."""
    count = len(images)

    def per_image(values: Tensor, neutral: float) -> Tensor:
        applied = torch.where(torch.rand(count) < config.photometric, values, neutral)
        return applied.to(images)[:, None, None, None]

    deviation, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True, correction=0)
    images = _blur(images, per_image((1 + torch.rand(count)) / 2 * config.blur, 0.0).flatten())
    factor = per_image(1 + _symmetric(count) * config.contrast, 1.0)
    shift = per_image(_symmetric(count) * config.brightness, 0.0)
    images = mean + shift * deviation + factor * (images - mean)
    images = _gamma(images, per_image(torch.exp(_symmetric(count) * config.gamma), 1.0))
    amplitude = per_image(torch.rand(count) * config.noise, 0.0)
    return images + amplitude * deviation * torch.randn_like(images)


def _blur(images: Tensor, sigma: Tensor) -> Tensor:
    chosen = sigma.nonzero().flatten()
    if len(chosen) == 0 or min(images.shape[-2:]) < _BLUR_TAPS[0]:
        return images
    blurred: Tensor = gaussian_blur2d(images[chosen], _BLUR_TAPS, sigma[chosen, None].expand(-1, 2))
    return images.index_copy(0, chosen, blurred)


def _gamma(images: Tensor, exponent: Tensor) -> Tensor:
    low = images.amin(dim=(1, 2, 3), keepdim=True)
    span = (images.amax(dim=(1, 2, 3), keepdim=True) - low).clamp_min(torch.finfo(images.dtype).tiny)
    return low + span * ((images - low) / span) ** exponent


def _symmetric(*shape: int) -> Tensor:
    """Uniform on [-1, 1)."""
    return 2 * torch.rand(*shape) - 1
