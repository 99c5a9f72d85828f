"""What kernels take from data: a length scale (median heuristic) and the shape of a cloud of points."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError

# Points or patches drawn for the median: half a million pairs, whose median scatters by 0.4 % on white 3×3×3 patches.
SAMPLED_POINTS = 1000
# Share of the isotropic covariance in `inverse_root`: no direction is stretched by more than sqrt(10) over the mean one.
SHRINKAGE = 0.1


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


def inverse_root(points: Tensor, *, shrinkage: float = SHRINKAGE) -> Tensor:
    r"""Symmetric inverse square root of the covariance of points, shrunk towards an isotropic one.

    With S the covariance, ``((1 - t) S + t tr(S) / n I)^(-1/2)``, t the shrinkage (Ledoit & Wolf 2004, with a fixed
    t): the linear map that makes the points white (ZCA), but for directions in which they hardly vary.

    Parameters
    ----------
    points : (N, n) Tensor
        At least two different ones.
    shrinkage : float
        Between 0 and 1.

    Returns
    -------
    (n, n) float64 Tensor

    Examples
    --------
    >>> square = torch.tensor([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    >>> (square.double() @ inverse_root(square, shrinkage=0)).var(dim=0).round(decimals=9).tolist()  # was 12, 4 / 3
    [1.0, 1.0]
    """
    covariance = torch.cov(points.double().T).reshape(points.shape[1], points.shape[1])
    isotropic = covariance.diagonal().mean().expand(len(covariance)).diag()
    values, vectors = torch.linalg.eigh((1 - shrinkage) * covariance + shrinkage * isotropic)
    root: Tensor = vectors / values.sqrt() @ vectors.T
    return root
