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

_LEAF = 8  # width of a strip of pixels that is eliminated along its length


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
    order, system = _system(size)
    hidden = where[order]
    rows = system[hidden]
    known = rows[:, ~hidden] @ -pixels[order[~hidden]]
    # Neighbours are mutual and the diagonal dominates, so no pivoting is needed.
    factors = splu(
        rows[:, hidden].tocsc(),
        permc_spec="NATURAL",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )
    values = np.empty_like(pixels)
    values[order[hidden]] = factors.solve(known).reshape(known.shape)
    return values[where]


@cache
def _system(size: tuple[int, int]) -> tuple[NDArray[np.intp], sparse.csr_matrix]:
    """Order of the pixels in which they are eliminated, and the equations of all in that order."""
    order = _dissect(np.arange(size[0] * size[1]).reshape(size))
    equations = sparse.identity(order.size, format="csr") - _neighbour_means(size)
    return order, equations[order][:, order].tocsr()


def _dissect(number: NDArray[np.intp]) -> NDArray[np.intp]:
    """Order the pixels `number` (H, W): two halves, and after them the line between, which joins them (George 1973).

    Fewer places fill up in elimination than in any order that is looked for anew for each set of hidden pixels.
    """
    if min(number.shape) <= _LEAF:
        return (number if number.shape[0] >= number.shape[1] else number.T).ravel()
    lengthwise = number if number.shape[0] >= number.shape[1] else number.T
    middle = len(lengthwise) // 2
    return np.concatenate([_dissect(lengthwise[:middle]), _dissect(lengthwise[middle + 1 :]), lengthwise[middle]])


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
