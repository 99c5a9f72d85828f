"""What an uncooled thermal camera makes of a scene: blur, coarse pixels, vignetting, stripes, noise, dead pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prismseg.thermal.phantom.painting.raster import Field

MOST_DEAD = 6


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes
    ----------
    blur : float
        Standard deviation of the optics' point spread, native pixels.
    coarseness : float
        Pixels of the picture for one pixel of the detector, along each side: 2 is 320 x 240 shown as 640 x 480.
    vignetting : float
        Fall at the corners, °C.
    stripes, rows : float
        Standard deviations of the columns' and of the rows' offsets, °C.
    drift : float
        Slow non-uniformity over the picture, °C.
    noise : float
        Noise-equivalent temperature difference (NETD) of a native pixel, °C.
    dead : int
        How many native pixels report nonsense.
    smoothing : int
        Width of the median filter by which some cameras take the grain out, native pixels; 0 for none.
    """

    blur: float
    coarseness: float
    vignetting: float
    stripes: float
    rows: float
    drift: float
    noise: float
    dead: int
    smoothing: int

    def measure(self, rng: np.random.Generator, scene: Field) -> NDArray[np.float32]:
        """Picture (H, W) in °C of a true temperature field."""
        height, width = scene.shape
        picture = ndimage.gaussian_filter(scene, self.blur * self.coarseness, mode="nearest", truncate=3.0)
        native = (max(8, round(height / self.coarseness)), max(8, round(width / self.coarseness)))
        if native != scene.shape:
            picture = _resize(picture, native, Image.Resampling.BOX)
        down = np.linspace(-1, 1, native[0], dtype=np.float32)[:, None]
        right = np.linspace(-1, 1, native[1], dtype=np.float32)[None]
        picture = picture - np.float32(self.vignetting / 2) * (down**2 + right**2)
        slopes = rng.normal(0, 1, size=3) * self.drift
        picture = picture + np.float32(slopes[0]) * down + np.float32(slopes[1]) * right
        picture += np.float32(slopes[2]) * down * right
        picture += rng.normal(0, self.stripes, size=(1, native[1])).astype(np.float32)
        picture += rng.normal(0, self.rows, size=(native[0], 1)).astype(np.float32)
        picture += np.float32(self.noise) * rng.standard_normal(native, dtype=np.float32)
        for _ in range(self.dead):
            place = int(rng.integers(native[0])), int(rng.integers(native[1]))
            picture[place] += np.float32(rng.normal(0, 3))
        if self.smoothing:
            picture = ndimage.median_filter(picture, self.smoothing, mode="nearest")
        if native != scene.shape:
            picture = _resize(picture, (height, width), Image.Resampling.BICUBIC)
        measured: Field = picture.astype(np.float32)
        return measured


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera of the usual quality: 320 x 240, NETD 50–80 mK."""
    return Camera(
        blur=float(rng.uniform(0.6, 1.3)),
        coarseness=1.0,
        vignetting=float(rng.uniform(0, 0.3)),
        stripes=float(rng.uniform(0, 0.04)),
        rows=float(rng.uniform(0, 0.02)),
        drift=float(rng.uniform(0, 0.1)),
        noise=float(rng.uniform(0.05, 0.08)),
        dead=0,
        smoothing=0,
    )


def draw_varied_camera(rng: np.random.Generator) -> Camera:
    """Draw any camera, from a sharp one to a telephone's clip-on with few pixels and strong stripes."""
    coarse = rng.choice([1.0, rng.uniform(1.0, 2.0), rng.uniform(1.5, 3.2)], p=[0.5, 0.3, 0.2])
    return Camera(
        blur=float(rng.uniform(0.35, 1.6)),
        coarseness=float(coarse),
        vignetting=float(rng.normal(0.1, 0.5)),
        stripes=float(abs(rng.normal(0, 0.06))),
        rows=float(abs(rng.normal(0, 0.04))),
        drift=float(abs(rng.normal(0, 0.15))),
        noise=float(rng.choice([rng.uniform(0.02, 0.1), rng.uniform(0.05, 0.3)])),
        dead=int(rng.integers(0, MOST_DEAD)) if rng.random() < 0.15 else 0,
        smoothing=int(rng.choice([3, 5])) if rng.random() < 0.15 else 0,
    )


def _resize(picture: Field, size: tuple[int, int], how: Image.Resampling) -> Field:
    return np.asarray(Image.fromarray(picture).resize((size[1], size[0]), how), dtype=np.float32)
