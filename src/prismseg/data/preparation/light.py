"""Random changes of how bright, sharp and coloured images are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from prismseg.data.preparation.geometry import symmetric
from prismseg.data.preparation.settings import AugmentationConfig

_BLUR_TAPS = (5, 5)  # covers the widest blur (standard deviation 1 pixel) to 2.5 deviations
_COLOURS = 3  # channels of images that have colours


def change_light(images: Tensor, config: AugmentationConfig) -> Tensor:
    """Blur, resolution, colour, brightness and contrast, gamma, noise; in this order, as optics precede the sensor.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
        Each draws its own changes from torch's global generator.
    config : AugmentationConfig
        Their ranges.
    """
    count = len(images)

    def per_image(values: Tensor, neutral: float) -> Tensor:
        applied = torch.where(torch.rand(count) < config.photometric, values, neutral)
        return applied.to(images)[:, None, None, None]

    deviation, mean = torch.std_mean(images, dim=(1, 2, 3), keepdim=True, correction=0)
    images = _blur(images, per_image((1 + torch.rand(count)) / 2 * config.blur, 0.0).flatten())
    # What came later is drawn only where it is asked for, so that the older augmentations stay what they were.
    if config.low_resolution > 1:
        images = _coarsen(images, per_image(1 + torch.rand(count) * (config.low_resolution - 1), 1.0).flatten())
    if config.colour and images.shape[1] == _COLOURS:
        images = _recolour(images, per_image(torch.ones(count), 0.0), deviation, config.colour)
    factor = per_image(1 + symmetric(count) * config.contrast, 1.0)
    shift = per_image(symmetric(count) * config.brightness, 0.0)
    images = mean + shift * deviation + factor * (images - mean)
    images = _gamma(images, per_image(torch.exp(symmetric(count) * config.gamma), 1.0))
    amplitude = per_image(torch.rand(count) * config.noise, 0.0)
    return images + amplitude * deviation * torch.randn_like(images)


def _blur(images: Tensor, sigma: Tensor) -> Tensor:
    chosen = sigma.nonzero().flatten()
    if len(chosen) == 0 or min(images.shape[-2:]) < _BLUR_TAPS[0]:
        return images
    blurred: Tensor = gaussian_blur2d(images[chosen], _BLUR_TAPS, sigma[chosen, None].expand(-1, 2))
    return images.index_copy(0, chosen, blurred)


def _coarsen(images: Tensor, factors: Tensor) -> Tensor:
    """Reduce each image by its factor (to at least one pixel) and enlarge it again."""
    size = images.shape[-2:]
    coarse = []
    for image, factor in zip(images, factors.tolist(), strict=True):
        small = [max(1, round(side / factor)) for side in size]
        if small == list(size):
            coarse.append(image[None])
            continue
        reduced = F.interpolate(image[None], size=small, mode="bilinear", antialias=True, align_corners=False)
        coarse.append(F.interpolate(reduced, size=size, mode="bilinear", align_corners=False))
    return torch.cat(coarse)


def _recolour(images: Tensor, applied: Tensor, deviation: Tensor, strength: float) -> Tensor:
    """Change the distance from grey, and each channel's contrast and mean, where `applied` (B, 1, 1, 1) is 1."""
    shape = (len(images), _COLOURS, 1, 1)
    saturation, contrast, shift = (
        applied * strength * symmetric(*each).to(images) for each in ((len(images), 1, 1, 1), shape, shape)
    )
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (1 + saturation) * (images - grey)
    mean = images.mean(dim=(2, 3), keepdim=True)
    return mean + shift * deviation + (1 + contrast) * (images - mean)


def _gamma(images: Tensor, exponent: Tensor) -> Tensor:
    low = images.amin(dim=(1, 2, 3), keepdim=True)
    span = (images.amax(dim=(1, 2, 3), keepdim=True) - low).clamp_min(torch.finfo(images.dtype).tiny)
    return low + span * ((images - low) / span) ** exponent
