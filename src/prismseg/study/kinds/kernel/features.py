"""Patches of images, and their dense and convolutional random Fourier features."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.features import CRFFg2d, RandomFourierFeatures, median_scale
from prismseg.study.kinds.kernel.settings import IMAGE_SIDE, KernelSettings
from prismseg.thermal.phantom import frame_at

_IMAGES = 4  # enough for a thousand patches that hardly overlap
# What random numbers are drawn for; each has a stream of its own.
_FIRST_MAP, _SECOND_MAP, _NOISE, _PLACES = range(4)


@dataclass(frozen=True)
class PatchSample:
    """Patches and the images that they are cut from.

    Attributes
    ----------
    images : (B, 1, H, W) Tensor
        Of mean 0 and SD 1.
    image, position : (N,) Tensor
        Image of each patch, and its number among all patches of that image, row by row.
    points : (N, k²) Tensor
        Pixels of the patches.
    """

    images: Tensor
    image: Tensor
    position: Tensor
    points: Tensor


def sample_patches(settings: KernelSettings) -> PatchSample:
    """Draw images and patches of them."""
    seed = settings.data_seed
    if settings.data == "phantom":
        frames = [frame_at(seed, number, size=(IMAGE_SIDE, IMAGE_SIDE)).celsius for number in range(_IMAGES)]
        images = torch.from_numpy(np.stack(frames)).float()[:, None]
    else:
        images = torch.randn(_IMAGES, 1, IMAGE_SIDE, IMAGE_SIDE, generator=_generator(seed, 0, _NOISE))
    images = (images - images.mean()) / images.std()
    positions = (IMAGE_SIDE - settings.patch + 1) ** 2
    order = torch.randperm(_IMAGES * positions, generator=_generator(seed, 0, _PLACES))[: settings.points]
    image, position = order // positions, order % positions
    patches = F.unfold(images, settings.patch).transpose(1, 2)
    return PatchSample(images, image, position, patches[image, position])


def base_scale(kernel: str, points: Tensor) -> float:
    """Length that sigma 1 stands for: the median distance of points (N, D), for arc-cosine their rms length.

    Examples
    --------
    >>> base_scale("arccosine", torch.tensor([[3.0, 4.0], [0.0, 5.0]]))
    5.0
    """
    if kernel == "arccosine":
        return float(points.double().square().sum(1).mean().sqrt())
    return median_scale(points, norm=1 if kernel == "laplacian_l1" else 2)


def map_generators(settings: KernelSettings, draw: int) -> tuple[torch.Generator, torch.Generator]:
    """Make the sources of randomness of two independent maps.

    They differ between points of the grid: with the same random numbers in all, their errors would look alike.
    """
    point = (settings.kernel, settings.map, settings.form, settings.sampling, settings.outputs, settings.sigma)
    number = zlib.crc32(repr(point).encode())
    return (
        _generator(settings.seed, draw, _FIRST_MAP, number),
        _generator(settings.seed, draw, _SECOND_MAP, number),
    )


def dense_features(settings: KernelSettings, points: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    """Map points (N, D) by dense features to (N, Q) float64."""
    layer = RandomFourierFeatures(points.shape[1], settings.outputs, **_options(settings), generator=generator)
    with torch.no_grad():
        layer.set_scale_(scale)
        return layer(points).double()  # type: ignore[no-any-return]


def convolutional_features(
    settings: KernelSettings, patches: PatchSample, scale: float, generator: torch.Generator
) -> Tensor:
    """Map the images by a CRFFg layer and take its outputs at the patches, (N, Q) float64."""
    layer = CRFFg2d(
        1, settings.outputs, settings.patch, padding_mode="none", **_options(settings), generator=generator
    )
    features = torch.empty(len(patches.image), settings.outputs, dtype=torch.float64)
    with torch.no_grad():
        layer.set_scale_(scale)
        # Image by image: all maps of all images would be the largest thing in memory.
        for number in range(len(patches.images)):
            here = patches.image == number
            maps = layer(patches.images[number : number + 1])[0]
            features[here] = maps.flatten(1).T[patches.position[here]].double()
    return features


def _options(settings: KernelSettings) -> dict[str, Any]:
    return {
        "preset": "frozen",
        "kernel": settings.kernel,
        "mapping": settings.form,
        "orthogonal": settings.orthogonal,
        "stratified": settings.stratified,
    }


def _generator(seed: int, draw: int, purpose: int, point: int = 0) -> torch.Generator:
    words = np.random.SeedSequence([seed, draw, purpose, point]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
