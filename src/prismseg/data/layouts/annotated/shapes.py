"""Masks that are drawn from shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.source import DecodedImage, FilePart, Purpose
from prismseg.data.layouts.annotated.rle import decode_runs, polygon_mask
from prismseg.data.sample import IGNORE

IGNORE_LABELS = ("ignore", "void", "__ignore__")
BACKGROUND_LABELS = ("background", "bg", "_background_")
ORDER_RULE = (
    "of COCO files larger annotations are painted first, so that small ones stay whole; of others the later shape (CVAT: "
    "of the higher z_order) lies on top"
)


class Window(NamedTuple):
    """Pixels of a shape: where they begin in the image, and which of the window's they are."""

    top: int
    left: int
    inside: NDArray[np.bool_]


# What numbers of unusual kinds, or without bounds, make the drawing of a shape raise.
UNDRAWABLE = (ValueError, TypeError, OverflowError, MemoryError)
_FAR = 10_000  # pixels (or ten times the image's side), beyond which a corner is a slip, not an outline past the border


def require_near(points: NDArray[np.float64], height: int, width: int) -> None:
    """Raise a ValueError where corners (N, 2) are no numbers, or lie far outside the image."""
    if not np.isfinite(points).all():
        raise ValueError("a shape with a corner that is no number")
    if points.size and np.abs(points).max() > max(_FAR, 10 * max(height, width)):
        raise ValueError(f"a shape with a corner far outside the image, at {np.abs(points).max():g}")


class Region(Protocol):
    """An area of an image."""

    def window(self, height: int, width: int) -> Window:
        """Pixels of the area in an image of this size; a ValueError says what is wrong with it."""


@dataclass(frozen=True)
class Polygons:
    """The union of polygons, each a flat sequence x, y, x, y …; pixels as COCO counts them."""

    rings: tuple[Sequence[float], ...]

    @property
    def is_nested(self) -> bool:
        """Whether the frame of one polygon lies inside that of another, as that of a hole does."""
        if len(self.rings) < 2:
            return False
        frames = [(min(r[::2]), min(r[1::2]), max(r[::2]), max(r[1::2])) for r in self.rings]
        return any(
            a is not b and b[0] < a[0] and b[1] < a[1] and a[2] < b[2] and a[3] < b[3]
            for a in frames
            for b in frames
        )

    def window(self, height: int, width: int) -> Window:
        """Pixels inside one of the polygons."""
        parts = []
        for ring in self.rings:
            points = np.asarray(ring, dtype=np.float64)
            if points.ndim != 1 or points.size % 2 or not np.isfinite(points).all():
                raise ValueError("a polygon that is no list of pairs of numbers")
            require_near(points.reshape(-1, 2), height, width)
            parts.append(polygon_mask(points.reshape(-1, 2), height, width))
        parts = [(left, inside) for left, inside in parts if inside.size]
        if not parts:
            return Window(0, 0, np.zeros((height, 0), bool))
        if len(parts) == 1:
            return Window(0, *parts[0])
        start = min(left for left, _ in parts)
        union = np.zeros((height, max(left + inside.shape[1] for left, inside in parts) - start), bool)
        for left, inside in parts:
            union[:, left - start : left - start + inside.shape[1]] |= inside
        return Window(0, start, union)


@dataclass(frozen=True)
class Runs:
    """Run lengths of the whole image, as COCO writes them: down the columns, as numbers or text."""

    counts: Sequence[int] | str
    size: tuple[int, int]

    def window(self, height: int, width: int) -> Window:
        """Pixels of every second run."""
        if self.size != (height, width):
            raise ValueError(f"run lengths for {self.size[0]} x {self.size[1]} pixels")
        return Window(0, 0, decode_runs(self.counts, height, width))


@dataclass(frozen=True)
class Box:
    """A rectangle between two corners (x, y), turned clockwise by degrees around its centre."""

    left: float
    top: float
    right: float
    bottom: float
    rotation: float = 0.0

    def window(self, height: int, width: int) -> Window:
        """Pixels as of the polygon of the four corners."""
        corners = np.array(
            [(self.left, self.top), (self.right, self.top), (self.right, self.bottom), (self.left, self.bottom)]
        )
        require_near(corners, height, width)
        turned = _turn(corners, ((self.left + self.right) / 2, (self.top + self.bottom) / 2), self.rotation)
        return Polygons((turned.ravel().tolist(),)).window(height, width)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse with its axes along the image's, turned clockwise by degrees around its centre."""

    x: float
    y: float
    across: float
    down: float
    rotation: float = 0.0

    def window(self, height: int, width: int) -> Window:
        """Pixels whose centre is inside."""
        reach = max(self.across, self.down)
        require_near(np.array([(self.x, self.y), (reach, reach)]), height, width)
        top, bottom = max(0, math.floor(self.y - reach)), min(height, math.ceil(self.y + reach))
        left, right = max(0, math.floor(self.x - reach)), min(width, math.ceil(self.x + reach))
        if top >= bottom or left >= right or min(self.across, self.down) <= 0:
            return Window(0, 0, np.zeros((0, 0), bool))
        y, x = np.mgrid[top:bottom, left:right] + 0.5
        angle = math.radians(self.rotation)
        along = (x - self.x) * math.cos(angle) + (y - self.y) * math.sin(angle)
        beside = (y - self.y) * math.cos(angle) - (x - self.x) * math.sin(angle)
        return Window(top, left, (along / self.across) ** 2 + (beside / self.down) ** 2 <= 1)


@dataclass(frozen=True)
class Stamp:
    """A mask that begins somewhere in the image, made when it is asked for."""

    top: int
    left: int
    make: Callable[[], NDArray[np.bool_]]

    def window(self, height: int, width: int) -> Window:
        """Pixels of the mask that are in the image."""
        inside = self.make()
        top, left = max(self.top, 0), max(self.left, 0)
        cut = inside[top - self.top : height - self.top, left - self.left : width - self.left]
        return Window(top, left, cut) if cut.size else Window(0, 0, np.zeros((0, 0), bool))


def _turn(points: NDArray[np.float64], centre: tuple[float, float], degrees: float) -> NDArray[np.float64]:
    angle = math.radians(degrees)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned: NDArray[np.float64] = (points - centre) @ turn.T + centre
    return turned


@dataclass(frozen=True)
class Shape:
    """An area and the index of its class (255: counts nowhere)."""

    label: int
    region: Region


class Painted(NamedTuple):
    """A drawn mask (H, W) of class indices, and how many of its pixels shapes of several classes cover."""

    labels: NDArray[np.uint8]
    contested: int


@dataclass(frozen=True)
class Drawing(FilePart):
    """The mask of one image, drawn from shapes in the order in which they are given: later ones lie on top.

    Attributes
    ----------
    path : Path
        File that holds the shapes.
    name : str
        Of the image, as the file calls it.
    height, width : int
        Of the image, as the file says.
    shapes : tuple of Shape
        What is drawn.
    """

    path: Path
    name: str
    height: int
    width: int
    shapes: tuple[Shape, ...] = field(compare=False, repr=False)

    @property
    def part(self) -> str:
        """Name of the image, as the file calls it."""
        return self.name

    def paint(self) -> Painted:
        """Paint the shapes.

        Raises
        ------
        DataError
            Naming the file and image, when a shape cannot be drawn.
        """
        labels = np.zeros((self.height, self.width), np.uint8)
        contested = np.zeros((self.height, self.width), bool)
        for shape in self.shapes:
            try:
                top, left, inside = shape.region.window(self.height, self.width)
            except DataError:
                raise
            except UNDRAWABLE as error:
                raise DataError(f"{self.path} holds, for {self.name}, {error}; correct or remove it.") from error
            place = slice(top, top + inside.shape[0]), slice(left, left + inside.shape[1])
            below = labels[place]
            contested[place] |= inside & (below != 0) & (below != shape.label)
            below[inside] = shape.label
        return Painted(labels, int(np.count_nonzero(contested)))

    def decode(self, purpose: Purpose) -> DecodedImage:
        """Paint the mask; it has no colours."""
        if purpose == "colours":
            raise DataError(
                f"{self.path} holds shapes of named classes, no colours; leave out the legend (--colours)."
            )
        return DecodedImage(self.paint().labels)


def number_classes(names: Sequence[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Class names, background first, and the index of each of `names`: 0 for the background, 255 for "ignore".

    Examples
    --------
    >>> number_classes(["vessel", "ignore", "nerve"])
    (('background', 'vessel', 'nerve'), {'vessel': 1, 'ignore': 255, 'nerve': 2})
    """
    background = next((name for name in names if name.lower() in BACKGROUND_LABELS), "background")
    special = {name: IGNORE for name in names if name.lower() in IGNORE_LABELS} | {background: 0}
    classes = ("background", *(name for name in dict.fromkeys(names) if name not in special))
    indices = {name: special[name] if name in special else classes.index(name) for name in dict.fromkeys(names)}
    return classes, indices
