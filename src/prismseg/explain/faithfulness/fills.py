"""What stands in an image for the pixels that are hidden."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from torch import Tensor

from prismseg.explain.maps.score import blur_images

# Weights of a pixel's neighbours in the noisy linear imputation (Rong et al. 2022, sec. 4.2): the four next to it
# and the four at its corners.
_NEXT, _CORNER = 1 / 6, 1 / 12
NOISE = (
    0.01  # of imputed pixels, as a share of the image's standard deviation: lest their shape be told by smoothness
)


def black(images: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
    """Put 0, as the network takes images, in the place of what is hidden."""
    return images.masked_fill(hidden[:, None], 0)


def mean(images: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
    """Put each channel's mean over the image in the place of what is hidden."""
    return torch.where(hidden[:, None], images.mean((2, 3), keepdim=True), images)


def blur(images: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
    """Put the blurred image in the place of what is hidden; contours of large objects shine through."""
    return torch.where(hidden[:, None], blur_images(images), images)


def inpaint(images: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
    r"""Interpolate what is hidden from its neighbours, with a little noise: the imputation of ROAD (Rong et al. 2022).

    Each hidden pixel is the weighted mean of its eight neighbours, hidden ones included, which is a sparse system of
    linear equations; noise of `NOISE` standard deviations is added. An image that is hidden altogether becomes its
    mean.

    Parameters
    ----------
    images : (N, C, H, W) Tensor
    hidden : (N, H, W) bool Tensor
    generator : Generator
        Of the noise.

    Examples
    --------
    >>> ramp = torch.arange(5.0).repeat(5, 1)[None, None]
    >>> hidden = torch.zeros(1, 5, 5, dtype=torch.bool)
    >>> hidden[0, 2, 1:4] = True
    >>> bool((inpaint(ramp, hidden, torch.Generator()) - ramp).abs().max() < 0.1)  # a ramp goes on as a ramp
    True
    """
    result = mean(images, hidden, generator)
    noise = torch.randn(images.shape, generator=generator).to(images)
    for number, (image, place) in enumerate(zip(images, hidden, strict=True)):
        where = place.flatten().cpu().numpy()
        if not where.any() or where.all():
            continue
        pixels = image.detach().flatten(1).double().cpu().numpy().T
        values = torch.from_numpy(_interpolate(pixels, where, (image.shape[1], image.shape[2]))).to(image)
        result[number, :, place] = values.mT + NOISE * image.std((1, 2))[:, None] * noise[number, :, place]
    return result


def _interpolate(
    pixels: NDArray[np.float64], where: NDArray[np.bool_], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Solve for the hidden ones of `pixels` (H W, C): (hidden, C)."""
    weights = _neighbour_means(size)[where]
    system = sparse.identity(int(where.sum()), format="csc") - weights[:, where].tocsc()
    known = weights[:, ~where] @ pixels[~where]
    # Neighbours are mutual and the diagonal dominates: an order for symmetric patterns, and no pivoting, take half the
    # time of the general ones.
    factors = splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.asarray(factors.solve(known)).reshape(known.shape)


@cache
def _neighbour_means(size: tuple[int, int]) -> sparse.csr_matrix:
    """Matrix (H W, H W) whose product with an image is the weighted mean of each pixel's neighbours."""
    height, width = size
    number = np.arange(height * width).reshape(size)
    rows, columns, values = [], [], []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if not (down or right):
                continue
            here = number[max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
            there = number[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
            rows.append(here.ravel())
            columns.append(there.ravel())
            values.append(np.full(here.size, _NEXT if not (down and right) else _CORNER))
    matrix = sparse.csr_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    scale = sparse.diags(1 / np.asarray(matrix.sum(1)).ravel())  # at the border there are fewer neighbours
    return (scale @ matrix).tocsr()
