"""How thick and how many the structures of a mask are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.train.plan.limits import THIN_SHARE


def ridge_widths(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Width of a structure at each pixel of its middle line, pixels, to half a pixel.

    The middle line is where the distance to the nearest pixel outside is largest among the neighbours. A strip n pixels
    wide has there the distance (n + 1) / 2 where n is odd, n / 2 where it is even, so that twice the distance less 1/2 is
    n to half a pixel. The image's border counts as inside: what it cuts so that the middle is not seen, is left out.

    Parameters
    ----------
    mask : (H, W) bool
        Where the structures are.

    Returns
    -------
    (N,) float64
        One for each pixel of the middle lines.

    Examples
    --------
    >>> mask = np.zeros((9, 20), bool)
    >>> mask[3:6] = True
    >>> set(ridge_widths(mask).tolist())
    {3.5}
    """
    if not mask.any() or mask.all():
        return np.full(int(mask.any()), float(min(mask.shape)))
    padded = np.pad(mask, 1, mode="edge")
    distance = ndimage.distance_transform_edt(padded)
    ridge = padded & (distance == ndimage.maximum_filter(distance, size=3))
    return np.asarray(2 * distance[1:-1, 1:-1][ridge[1:-1, 1:-1]] - 0.5, dtype=np.float64)


def thickness(widths: Sequence[NDArray[np.float64]]) -> float | None:
    """Width below which a tenth (`limits.THIN_SHARE`) of the area lies; each pixel of a middle line stands for its width.

    Parameters
    ----------
    widths : sequence of (N,) arrays
        Of the images, as `ridge_widths` gives them.

    Returns
    -------
    float or None
        None where there is no structure.

    Examples
    --------
    >>> thickness([np.array([2.0] * 30 + [20.0] * 10)]), thickness([np.array([2.0] * 5 + [20.0] * 10)])
    (2.0, 20.0)
    """
    all_widths = np.sort(np.concatenate([np.empty(0), *widths]))
    if not len(all_widths):
        return None
    area = np.cumsum(all_widths)
    return float(all_widths[np.searchsorted(area, THIN_SHARE * area[-1])])


def object_areas(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of each connected piece (also over corners) of a mask (H, W)."""
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    return np.bincount(labels.ravel())[1:].astype(np.int64)
