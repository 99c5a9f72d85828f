"""The same frame with its cold parts brightened: a check of a network's outlines by test-time augmentation.

A network that overlooks cold toes is sure of itself: its probabilities do not tell. Shown the same frame with the cold
parts brightened it finds more of them, so that the change of the mean between both outlines tells where the first failed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.thermal.soles.pieces import Mask


@dataclass(frozen=True)
class BrighteningSettings:
    """How a frame is brightened and where a sole is looked for in it; chosen on simulated frames with cold toes.

    Attributes
    ----------
    limits : (float, float)
        Percentiles of a frame that stand for its darkest and its brightest.
    gamma : float
        Exponent between them; below 1 it spreads the cold parts.
    reach : float
        Distance up to which what is found in the brightened frame may still be this sole's, square roots of its area.
    """

    limits: tuple[float, float] = (1, 99)
    gamma: float = 0.5
    reach: float = 0.25


_BRIGHTENING = BrighteningSettings()


def brighten_cold(celsius: NDArray[np.floating]) -> NDArray[np.float32]:
    """Spread the cold parts of a frame and compress the warm ones, by a power law between two of its percentiles.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures; NaN stays NaN.

    Raises
    ------
    DataError
        When no temperature is finite.

    Examples
    --------
    >>> seen = brighten_cold(np.linspace(20, 30, 101).reshape(1, 101))
    >>> [round(float(seen[0, k]), 1) for k in (1, 50, 99)]
    [20.1, 27.0, 29.9]
    """
    if not np.isfinite(celsius).any():
        raise DataError(Message("No pixel has a temperature; there is nothing to brighten."))
    low, high = np.nanpercentile(np.where(np.isfinite(celsius), celsius, np.nan), _BRIGHTENING.limits)
    if not low < high:
        return np.asarray(celsius, np.float32)
    share = np.clip((celsius - low) / (high - low), 0, 1)
    return np.asarray(low + (high - low) * share**_BRIGHTENING.gamma, np.float32)


def find_brightened_sole(sole: Mask, other: Mask, brightened: NDArray[np.floating]) -> Mask:
    """Outline one sole as the network sees it in the brightened frame.

    Parameters
    ----------
    sole, other : (H, W) bool
        The sole and the other one, as found in the frame itself.
    brightened : (H, W) float
        Probability of sole in the brightened frame.

    Examples
    --------
    >>> sole, other = np.zeros((2, 100, 100), bool)
    >>> sole[40:60, 40:60] = True
    >>> int(find_brightened_sole(sole, other, np.where(sole, 0.9, 0.1)).sum())
    400
    """
    seen: Mask = (brightened > 0.5) & (ndimage.distance_transform_edt(~sole) <= search_radius(sole)) & ~other
    return seen


def search_radius(sole: Mask) -> int:
    """Give the pixels around a sole within which `find_brightened_sole` looks."""
    return math.ceil(_BRIGHTENING.reach * math.sqrt(sole.sum()))
