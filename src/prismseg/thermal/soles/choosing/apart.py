"""Parts of a sole's mask that lie apart from it: toes, or background that the mask took for some."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.soles.pieces import Mask, bounding_window

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


@dataclass(frozen=True)
class PartSettings:
    """When a part that lies apart may be no toe.

    Attributes
    ----------
    contrast : float
        Difference in °C from what lies around it below which nothing in the picture shows that it is there.
    ring : float
        Width of what lies around it, picture heights.
    """

    contrast: float = 0.7
    ring: float = 4 / 240


_PARTS = PartSettings()


def find_doubtful_parts(soles: Mask, apart: Mask | None, celsius: NDArray[np.floating]) -> Mask | None:
    """Find the parts that are as warm as what lies around them, so that the mask alone says that they are foot.

    Parameters
    ----------
    soles : (H, W) bool
        All soles, with these parts.
    apart : (H, W) bool or None
        The parts, as `Soles.apart` has them.
    celsius : (H, W) float
        Temperatures.

    Returns
    -------
    (H, W) bool or None
        None where there is no such part.

    Examples
    --------
    >>> sole, toe, shadow = np.zeros((3, 60, 60), bool)
    >>> sole[20:50, 20:35] = toe[14:18, 21:25] = shadow[14:18, 30:34] = True
    >>> celsius = np.where(sole | toe, 30.0, 22.0)
    >>> doubtful = find_doubtful_parts(sole | toe | shadow, toe | shadow, celsius)
    >>> bool(doubtful[15, 31]), bool(doubtful[15, 22])
    (True, False)
    """
    if apart is None:
        return None
    labels, count = ndimage.label(apart & soles, _EIGHT_NEIGHBOURS)
    width = max(1, math.ceil(_PARTS.ring * soles.shape[0]))
    found = np.zeros(soles.shape, bool)
    for number in range(1, count + 1):
        window = bounding_window(labels == number, margin=width + 1)
        part = labels[window] == number
        around = ndimage.binary_dilation(part, iterations=width) & ~soles[window] & np.isfinite(celsius[window])
        inner = celsius[window][part]
        if around.any() and abs(np.nanmedian(inner) - np.median(celsius[window][around])) < _PARTS.contrast:
            found[window] |= part
    return found if found.any() else None
