"""One image with its mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

IGNORE = 255


@dataclass(frozen=True)
class Sample:
    """A case at its original size.

    Attributes
    ----------
    id : str
        Name of the case, unique in its data set.
    group : str
        Patient (or other unit) that the case belongs to; splits never divide a group.
    image : (H, W, C) uint8, uint16 or float32
        Pixels as stored, without alpha.
    mask : (H, W) uint8 or None
        Class indices, background 0; 255 marks pixels that count nowhere.
    image_path, mask_path : Path
        Where they were read from.
    spacing : tuple of float or None
        Height and width of a pixel in mm, where the image's file states them (NIfTI, DICOM).
    """

    id: str
    group: str
    image: NDArray[np.generic]
    mask: NDArray[np.uint8] | None
    image_path: Path
    mask_path: Path | None
    spacing: tuple[float, float] | None = None
