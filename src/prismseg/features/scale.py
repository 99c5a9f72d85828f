"""The median heuristic: the length scale of a kernel from the distances between points of the data."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError

# Points or patches drawn for the median: half a million pairs, whose median scatters by 0.4 % on white 3×3×3 patches.
SAMPLED_POINTS = 1000


def median_scale(
    x: Tensor, *, norm: int = 2, limit: int = SAMPLED_POINTS, generator: torch.Generator | None = None
) -> float:
    """Median distance between pairs of different points (Garreau et al. 2018, eq. 1).

    Parameters
    ----------
    x : (N, D) Tensor
        At least two points.
    norm : {1, 2}
        Which distance: 2 for isotropic kernels, 1 for the L1 Laplacian.
    limit : int
        Use at most this many randomly chosen points; the work grows with its square.
    generator : torch.Generator, optional
        Source of randomness; by default torch's global one.

    Raises
    ------
    ConfigError
        When there are fewer than two points, or more than half of the pairs coincide.

    Examples
    --------
    >>> median_scale(torch.tensor([[0.0], [1.0], [10.0]]))
    9.0
    """
    if len(x) < 2:
        raise ConfigError("The median heuristic needs at least two points.")
    chosen = x[torch.randperm(len(x), generator=generator)[:limit]]
    median = float(torch.pdist(chosen.double(), p=norm).median())
    if median == 0:
        raise ConfigError(
            "More than half of the points coincide, so their median distance is 0; give images with content, "
            "or set the scale by hand."
        )
    return median


def sample_patches(
    images: Tensor, kernel_size: int, *, limit: int = SAMPLED_POINTS, generator: torch.Generator | None = None
) -> Tensor:
    """Draw patches as a convolution sees them.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
        Input of a convolutional layer.
    kernel_size : int
        Side k of the square patches.
    limit : int
        How many patches to draw at the most.
    generator : torch.Generator, optional
        Source of randomness; by default torch's global one.

    Returns
    -------
    (N, C k²) Tensor
        Patches from anywhere in any image.

    Examples
    --------
    >>> sample_patches(torch.rand(2, 3, 16, 16), 5, limit=100).shape
    torch.Size([100, 75])
    """
    patches = F.unfold(images, kernel_size).transpose(1, 2).reshape(-1, images.shape[1] * kernel_size**2)
    return patches[torch.randperm(len(patches), generator=generator)[:limit]]
