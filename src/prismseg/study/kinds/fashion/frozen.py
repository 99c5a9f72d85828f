"""Frozen random Fourier features of patches, for a classifier in closed form."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, RandomFourierFeatures, median_scale, sample_patches
from prismseg.study.kinds.fashion.settings import FrozenSettings

# Images from which patches are drawn to measure their distances.
SCALE_IMAGES = 500


class FrozenFeatures(nn.Module):
    """One or two layers of random Fourier features that are drawn once and not trained.

    Patches are mapped by a `CRFFg2d` layer of the preset "frozen" (paired, orthogonal frequencies, no border), which is
    averaged over the cells of a grid; with `FrozenSettings.dense` the pooled image is mapped once more by
    `RandomFourierFeatures`, whose inner products approximate a Gaussian kernel of whole images.

    Parameters
    ----------
    settings : FrozenSettings
        Form of the features.
    images : (N, C, H, W) Tensor
        Training images; the median distances between their patches, and between themselves, set sigma.
    generator : torch.Generator
        Source of all randomness.

    Raises
    ------
    ConfigError
        When the images are too small for the patches and the grid, or all alike.
    """

    def __init__(self, settings: FrozenSettings, images: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        positions = min(images.shape[-2:]) - settings.patch + 1
        if settings.grid > positions:
            raise ConfigError(
                f"Images of {images.shape[-2]}×{images.shape[-1]} have no {settings.grid}×{settings.grid} cells of "
                f"patches of {settings.patch}×{settings.patch}; choose a smaller grid or patch."
            )
        self.grid = settings.grid
        self.layer = CRFFg2d(
            images.shape[1],
            settings.filters,
            settings.patch,
            preset="frozen",
            padding_mode="none",
            trainable_scale=False,
            generator=generator,
        )
        sample = images[torch.randperm(len(images), generator=generator)[:SCALE_IMAGES]]
        patches = sample_patches(sample, settings.patch, generator=generator)
        self.layer.set_scale_(settings.scale * median_scale(patches, generator=generator))
        self.dense: RandomFourierFeatures | None = None
        if settings.dense:
            pooled = self(sample)
            self.dense = RandomFourierFeatures(
                pooled.shape[1], settings.dense, preset="frozen", trainable_scale=False, generator=generator
            )
            self.dense.set_scale_(settings.dense_scale * median_scale(pooled, generator=generator))

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Map (B, C, H, W) to features (B, p), p = filters grid² or dense."""
        pooled = F.adaptive_avg_pool2d(self.layer(images), self.grid).flatten(1)
        return pooled if self.dense is None else self.dense(pooled)


def normalize_contrast(images: Tensor, *, window: int = 9, floor: float = 0.05) -> Tensor:
    """Subtract from each pixel the mean of its surroundings and divide by their contrast.

    Local subtractive and divisive normalisation (Jarrett et al. 2009, section 2.1) with square windows, replicated
    borders and a floor under the standard deviation, which keeps noise of flat areas small.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
        Grey values in 0–1.
    window : int
        Odd side of the surroundings.
    floor : float
        Added to the standard deviation.

    Returns
    -------
    (B, C, H, W) Tensor

    Examples
    --------
    >>> normalize_contrast(torch.full((1, 1, 9, 9), 0.5)).abs().max().item()  # a flat image has no contrast
    0.0
    """
    border = (window // 2,) * 4
    centred = images - F.avg_pool2d(F.pad(images, border, mode="replicate"), window, 1)
    variance = F.avg_pool2d(F.pad(centred.square(), border, mode="replicate"), window, 1)
    return centred / (variance.sqrt() + floor)
