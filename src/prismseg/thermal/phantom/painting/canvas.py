"""A scene painted layer by layer, with its exact truth.

Places are given in *scene coordinates*: (row, column) in image heights from the top left corner, so that the size of
the image changes its sampling only. A `Motion` moves the camera, and with it everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.phantom.painting.raster import (
    BLUR_REACH,
    Curve,
    Field,
    Window,
    bounding_window,
    coverage,
    rasterize,
)
from prismseg.thermal.phantom.painting.texture import Kind, texture

SHARPEST = 0.3  # pixels; a blur below is not seen


@dataclass(frozen=True)
class Motion:
    """What changes between two frames of one person.

    Attributes
    ----------
    zoom : float
        Magnification by the camera's distance.
    shift : (float, float)
        Downwards and to the right, image heights.
    roll : float
        Turn of the camera about its axis, radians.
    turns : (float, float)
        Outward turn of the left and of the right foot, radians.
    """

    zoom: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0
    turns: tuple[float, float] = (0.0, 0.0)

    def matrix(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """Affine map (2, 3) from scene coordinates to pixels (row, column) of an image of `size`."""
        height, width = size
        cos, sin = self.zoom * np.cos(self.roll), self.zoom * np.sin(self.roll)
        turn = np.array([[cos, -sin], [sin, cos]])
        middle = np.array([0.5, 0.5 * width / height])
        offset = middle + np.asarray(self.shift) - turn @ middle
        return np.column_stack([turn * height, offset * height - 0.5])


@dataclass(frozen=True)
class Layer:
    """Closed curves (N, 2) in pixels; their union covers what was painted before; `label` 0 is no sole."""

    label: int
    curves: tuple[Curve, ...]


class Canvas:
    """Temperatures, and how much of each pixel each visible sole covers.

    Parameters
    ----------
    size : (int, int)
        Height and width, pixels.
    motion : Motion
        How the camera has moved.

    Attributes
    ----------
    celsius : (H, W) float32
        Temperatures, °C.
    rows, columns : (H, W) float32
        Scene coordinates of the pixels.
    layers : list of Layer
        Every opaque layer in the order of painting, which the truth can be made from again.
    territories : (H, W) uint8
        Of the soles as they are, whatever hides parts of them later.

    Examples
    --------
    A square that covers the left half of the image:

    >>> canvas = Canvas((4, 4), Motion())
    >>> square = np.array([[-0.1, -0.1], [-0.1, 0.5], [1.1, 0.5], [1.1, -0.1]])
    >>> _ = canvas.paint([square], 30.0, label=1)
    >>> canvas.labels()[0]
    array([1, 1, 0, 0], dtype=uint8)
    """

    def __init__(self, size: tuple[int, int], motion: Motion) -> None:
        self.size = size
        self.motion = motion
        self.celsius: Field = np.zeros(size, np.float32)
        self.layers: list[Layer] = []
        self.territories: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self._share = np.zeros((3, *size), np.float32)
        self._matrix = motion.matrix(size)
        inverse = np.linalg.inv(self._matrix[:, :2])
        self.to_scene = np.column_stack([inverse, -inverse @ self._matrix[:, 2]])
        down = np.arange(size[0], dtype=np.float32)[:, None]
        right = np.arange(size[1], dtype=np.float32)[None]
        table = self.to_scene.astype(np.float32)
        self.rows: Field = table[0, 0] * down + table[0, 1] * right + table[0, 2]
        self.columns: Field = table[1, 0] * down + table[1, 1] * right + table[1, 2]

    @property
    def width(self) -> float:
        """Width of the image in image heights."""
        return self.size[1] / self.size[0]

    @property
    def pixels_per_unit(self) -> float:
        """Pixels in one image height, magnification included."""
        return self.size[0] * self.motion.zoom

    def to_pixels(self, curve: Curve) -> Curve:
        """Map (N, 2) scene coordinates to pixels."""
        return curve @ self._matrix[:, :2].T + self._matrix[:, 2]

    def coverage(self, curves: Sequence[Curve], margin: int = 2) -> tuple[Window, Field]:
        """Give a window and the share of its pixels that the union of `curves` (scene coordinates) covers."""
        pixels = [self.to_pixels(curve) for curve in curves]
        window = bounding_window(pixels, self.size, margin)
        return window, coverage(pixels, window)

    def rasterize(self, curves: Sequence[Curve], values: Sequence[float], window: Window) -> Field:
        """Paint values into `curves` (scene coordinates); see `prismseg.thermal.phantom.painting.raster.rasterize`."""
        return rasterize([self.to_pixels(curve) for curve in curves], values, window)

    def paint(
        self,
        curves: Sequence[Curve],
        field: Field | NDArray[np.float64] | float,
        *,
        label: int = 0,
        cover: tuple[Window, Field] | None = None,
        softness: float = 0.0,
    ) -> Window:
        """Paint an opaque layer.

        Parameters
        ----------
        curves : sequence of (N, 2) arrays
            Closed curves, scene coordinates.
        field : (h, w) float array or float
            Its temperature, over the window or over the whole image, °C.
        label : int
            `LEFT`, `RIGHT` or 0.
        cover : (window, share), optional
            What `coverage` returned for these curves.
        softness : float
            Width of a blurred edge, image heights.

        Returns
        -------
        Window
            The part of the image that was painted.
        """
        window, share = cover or self.coverage(curves, margin=2 + round(2 * softness * self.pixels_per_unit))
        if 0 in share.shape:
            return window
        if softness > 0:
            share = ndimage.gaussian_filter(
                share, softness * self.pixels_per_unit, truncate=BLUR_REACH, mode="nearest"
            )
        if isinstance(field, np.ndarray) and field.shape == self.size:
            field = field[window]
        below = self.celsius[window]
        self.celsius[window] = below + share * (field - below)
        self._share[:, *window] *= 1 - share
        if label:
            self._share[label][window] += share
        self.layers.append(Layer(label, tuple(self.to_pixels(curve) for curve in curves)))
        return window

    def blur(self, sigma: float) -> None:
        """Put all that was painted so far out of focus by `sigma`, image heights."""
        pixels = sigma * self.pixels_per_unit
        if pixels > SHARPEST:
            self.celsius = ndimage.gaussian_filter(self.celsius, pixels, mode="nearest", truncate=BLUR_REACH)

    def texture(self, rng: np.random.Generator, kind: Kind, grain: float, *, stretch: float = 1.0) -> Field:
        """Irregular field (H, W) that keeps its place on what is painted when the camera moves."""
        return texture(rng, kind, grain, self.to_scene, self.size, stretch=stretch)

    def labels(self) -> NDArray[np.uint8]:
        """0, `LEFT` or `RIGHT` (H, W): the sole that covers at least half of the pixel."""
        best = self._share[1:].max(axis=0)
        which = self._share[1:].argmax(axis=0).astype(np.uint8) + 1
        labels: NDArray[np.uint8] = np.where(best >= 0.5, which, 0).astype(np.uint8)
        return labels
