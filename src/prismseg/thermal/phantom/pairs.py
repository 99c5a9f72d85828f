"""What a network is trained on: a picture as it is met in practice, and the mask of its feet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.phantom.frame import FRAMINGS, REFERENCE_SIZE
from prismseg.thermal.phantom.stream import frame_at

Pair = tuple[NDArray[np.uint8] | NDArray[np.float32], NDArray[np.uint8]]
CELSIUS_EVERY = 4  # one picture in four is met as an array in °C, the others as exported grey levels


def pair_at(
    seed: int,
    number: int,
    domains: Sequence[str] | None = None,
    framings: Sequence[str] = FRAMINGS,
    *,
    size: tuple[int, int] = REFERENCE_SIZE,
) -> Pair:
    """Return picture `number` of a stream and its mask; see `prismseg.thermal.phantom.frame_at`.

    Returns
    -------
    picture : (H, W) uint8 or float32
        Grey levels of unknown range, or °C.
    mask : (H, W) uint8
        1 on a foot.
    """
    frame = frame_at(seed, number, domains, framings, size=size)
    return (frame.celsius if number % CELSIUS_EVERY == 0 else frame.grey), frame.mask
