"""What an uncooled thermal camera makes of a scene: blur, vignetting, stripes, noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes
    ----------
    blur : float
        Standard deviation of the optics' point spread, pixels.
    vignetting : float
        Fall at the corners, °C.
    stripes : float
        Standard deviation of the columns' offsets, °C.
    noise : float
        Noise-equivalent temperature difference (NETD), °C.
    """

    blur: float
    vignetting: float
    stripes: float
    noise: float

    def measure(self, rng: np.random.Generator, scene: NDArray[np.floating]) -> NDArray[np.float32]:
        """Picture (H, W) in °C of a true temperature field."""
        height, width = scene.shape
        picture = ndimage.gaussian_filter(scene, self.blur, mode="nearest", truncate=3.0)
        rows = np.linspace(-1, 1, height)[:, None]
        columns = np.linspace(-1, 1, width)[None]
        picture = picture - self.vignetting * (rows**2 + columns**2) / 2
        picture += rng.normal(0, self.stripes, size=(1, width))
        picture += self.noise * rng.standard_normal(scene.shape, dtype=np.float32)
        measured: NDArray[np.float32] = picture.astype(np.float32)
        return measured


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a camera of the usual quality (NETD 50–80 mK)."""
    return Camera(
        blur=float(rng.uniform(0.6, 1.3)),
        vignetting=float(rng.uniform(0, 0.3)),
        stripes=float(rng.uniform(0, 0.04)),
        noise=float(rng.uniform(0.05, 0.08)),
    )
