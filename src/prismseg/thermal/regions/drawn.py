"""Regions drawn by hand on one frame, carried to the others in sole coordinates."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from skimage.measure import find_contours

from prismseg.base import ConfigError
from prismseg.thermal.anatomy import SIDES, Side
from prismseg.thermal.regions.region_set import Region, RegionSet
from prismseg.thermal.soles.territories import Territories

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

# The raster of a placed region, foot lengths: 0.25 mm of a foot 25 cm long, well below a pixel.
_STEP = 0.001
# A region may reach beyond the sole as it was found in its frame by this share of the foot's length, since a contour may
# lie further out in another frame. More is not needed, and the registration is not meant for it.
_BEYOND = 0.04


@dataclass(frozen=True, eq=False)
class DrawnRegions:
    """Regions drawn on the pixels of one frame of a session.

    Attributes
    ----------
    source : str
        The frame's name in the session. Frames before it have no numbers of these regions: draw on the baseline.
    masks : mapping of str to (H, W) bool
        Pixels of each region, by name. A region may lie on both soles; what lies beside them is not measured.

    Raises
    ------
    ConfigError
        When there is no region, one has no pixel, or their sizes differ.

    Examples
    --------
    >>> wound = np.zeros((120, 160), bool)
    >>> wound[40:50, 40:52] = True
    >>> DrawnRegions("t0.jpg", {"wound": wound}).names
    ('wound',)
    """

    source: str
    masks: Mapping[str, Mask]
    _placed: WeakKeyDictionary[Territories, tuple[RegionSet, ...]] = field(
        default_factory=WeakKeyDictionary, repr=False
    )

    def __post_init__(self) -> None:
        if not self.masks:
            raise ConfigError("No region was drawn.")
        if len({mask.shape for mask in self.masks.values()}) > 1:
            raise ConfigError("The masks of drawn regions differ in size.")
        for name, mask in self.masks.items():
            if not mask.any():
                raise ConfigError(f"The region {name!r} holds no pixel.")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the regions."""
        return tuple(self.masks)

    @property
    def digest(self) -> str:
        """SHA-256 of names and pixels."""
        digest = hashlib.sha256()
        for name, mask in self.masks.items():
            digest.update(repr((name, mask.shape)).encode())
            digest.update(np.packbits(mask).tobytes())
        return digest.hexdigest()

    def shares(self, territories: Mapping[Side, Territories]) -> dict[str, dict[Side, float]]:
        """Tell which share of each region's pixels lies on which sole of the frame it was drawn on."""
        return {
            name: {
                side: float((mask & (territories[side].labels > 0)).sum() / mask.sum())
                for side in SIDES
                if side in territories
            }
            for name, mask in self.masks.items()
        }

    def place(self, territories: Mapping[Side, Territories]) -> dict[Side, tuple[RegionSet, ...]]:
        """Turn the regions into sole coordinates of the soles that they lie on.

        Parameters
        ----------
        territories : mapping of side to Territories
            Of the frame that they were drawn on, with its registrations.

        Returns
        -------
        dict of side to tuple of RegionSet
            One set a region; regions that do not touch a sole are not among them.

        Raises
        ------
        ConfigError
            When the frame has another size than the drawing.
        """
        placed: dict[Side, tuple[RegionSet, ...]] = {}
        for side, found in territories.items():
            if found not in self._placed:
                self._placed[found] = self._place_on(found)
            placed[side] = self._placed[found]
        return placed

    def _place_on(self, found: Territories) -> tuple[RegionSet, ...]:
        sole = found.labels > 0
        reach = ndimage.distance_transform_edt(~sole) <= _BEYOND * found.registration.fit.length
        sets = []
        for name, mask in self.masks.items():
            if mask.shape != sole.shape:
                height, width = mask.shape
                raise ConfigError(
                    f"The regions were drawn on {height} x {width} pixels, and {self.source} has "
                    f"{sole.shape[0]} x {sole.shape[1]}."
                )
            if (mask & sole).any():
                sets.append(_region_set(name, mask & reach, found))
        return tuple(sets)


def _region_set(name: str, mask: Mask, found: Territories) -> RegionSet:
    """Trace a mask and draw it again in sole coordinates, finer than its pixels."""
    lines = [found.registration.to_sole(line - 1.0) for line in find_contours(np.pad(mask, 1), 0.5)]
    low = np.min([line.min(axis=0) for line in lines], axis=0) - 2 * _STEP
    high = np.max([line.max(axis=0) for line in lines], axis=0) + 2 * _STEP
    height, width = np.ceil((high - low) / _STEP).astype(int) + 1
    table = np.zeros((height, width), bool)
    for line in lines:  # a hole lies within its region, and an island within a hole
        drawing = Image.new("1", (int(width), int(height)))
        ImageDraw.Draw(drawing).polygon([tuple(point) for point in (line[:, ::-1] - low[::-1]) / _STEP], fill=1)
        table ^= np.asarray(drawing)

    def label_at(u: Points, v: Points) -> NDArray[np.uint8]:
        row, column = np.rint((u - low[0]) / _STEP), np.rint((v - low[1]) / _STEP)
        within = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        labels = np.zeros(np.shape(u), np.uint8)
        labels[within] = table[row[within].astype(np.intp), column[within].astype(np.intp)]
        return labels

    digest = hashlib.sha256(table.tobytes()).hexdigest()
    return RegionSet((Region(name, (1,)),), label_at, lambda: digest)
