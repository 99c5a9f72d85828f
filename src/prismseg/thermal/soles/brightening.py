"""A second look at the same frame with its cold parts brightened, and what it says of the first look's outlines.

A network that overlooks cold toes is sure of itself: its probabilities do not tell. Shown the same frame with the cold
parts brightened it finds more of them, so the change of the mean between both looks tells where the first one failed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.thermal.soles.pieces import Mask

_LIMITS = (1, 99)  # percentiles of a frame that stand for its darkest and brightest
_GAMMA = 0.5
# Share of a sole's side (the root of its area) within which what the second look adds may still be this sole's.
_REACH = 0.25


def brighten_cold(celsius: NDArray[np.floating]) -> NDArray[np.float32]:
    """Draw the cold parts of a frame apart and press the warm ones together (gamma 0.5 between its percentiles).

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures; NaN stays NaN.

    Raises
    ------
    DataError
        When no temperature is finite.
    """
    if not np.isfinite(celsius).any():
        raise DataError(Message("No pixel has a temperature; there is nothing to brighten."))
    low, high = np.nanpercentile(np.where(np.isfinite(celsius), celsius, np.nan), _LIMITS)
    if not low < high:
        return np.asarray(celsius, np.float32)
    share = np.clip((celsius - low) / (high - low), 0, 1)
    return np.asarray(low + (high - low) * share**_GAMMA, np.float32)


def find_brightened_sole(sole: Mask, other: Mask, second: NDArray[np.floating]) -> Mask:
    """Outline one sole as a second look sees it.

    Parameters
    ----------
    sole, other : (H, W) bool
        The sole and the other one, as first seen.
    second : (H, W) float
        Probability of sole in the second look.
    """
    seen: Mask = (second > 0.5) & (ndimage.distance_transform_edt(~sole) <= search_radius(sole)) & ~other
    return seen


def search_radius(sole: Mask) -> int:
    """Pixels around a sole within which `find_brightened_sole` looks."""
    return math.ceil(_REACH * math.sqrt(sole.sum()))
