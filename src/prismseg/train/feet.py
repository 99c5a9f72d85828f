"""What a network says of thermal feet, brought to two feet: the clean mask, and the soles with their sides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.pieces import Cleaning, find_pieces


def two_feet(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep at most the two largest feet of a mask (H, W), with their detached toes, without holes and specks."""
    feet = find_pieces(mask > 0, Cleaning()).masks[:2]
    clean = np.zeros(mask.shape, np.uint8)
    for foot in feet:
        clean[foot] = 1
    return clean
