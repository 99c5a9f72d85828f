"""What an uncooled thermal camera makes of a scene: blur, coarse pixels, vignetting, stripes, noise, dead pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from prismseg.thermal.phantom.distributions import FoldedNormal, Integers, Mixture, Normal, Uniform
from prismseg.thermal.phantom.painting.raster import Field

SMALLEST_DETECTOR_SIDE = 8  # native pixels; fewer show no foot
BLUR_REACH = 3.0  # standard deviations after which the point spread is cut off
DEAD_PIXEL_SD = 3.0  # °C by which dead pixels are wrong: far beyond noise, within the scene's range


@dataclass(frozen=True)
class CameraParameters:
    """What cameras of the usual quality are drawn from: 320 x 240 pixels, on a stand, corrected by their maker.

    The noise is that of uncooled detectors of this class, NETD 50 to 80 mK.
    """

    blur: Uniform = Uniform(0.6, 1.3)  # SD of the optics' point spread, native pixels
    coarseness: float = 1.0  # the image has the detector's own pixels
    vignetting: Uniform = Uniform(0.0, 0.3)  # fall from the centre to the corners, °C
    stripes: Uniform = Uniform(0.0, 0.04)  # SD of the columns' offsets, °C
    rows: Uniform = Uniform(0.0, 0.02)  # SD of the rows' offsets, °C
    drift: Uniform = Uniform(0.0, 0.1)  # slow non-uniformity, °C
    noise: Uniform = Uniform(0.05, 0.08)  # NETD of a native pixel, °C


@dataclass(frozen=True)
class VariedCameraParameters:
    """What any camera is drawn from, from a sharp one to a smartphone's attachment with few pixels and strong stripes."""

    coarseness: Mixture = Mixture((1.0, Uniform(1.0, 2.0), Uniform(1.5, 3.2)), (0.5, 0.3, 0.2))
    """Pixels of the image for one of the detector: native, 320 x 240 to 160 x 120, and down to 100 x 75."""

    blur: Uniform = Uniform(0.35, 1.6)  # SD of the point spread, native pixels: from sharp to out of focus
    vignetting: Normal = Normal(0.1, 0.5)  # °C; negative where the camera corrects too much
    stripes: FoldedNormal = FoldedNormal(0.0, 0.06)  # SD of the columns' offsets, °C
    rows: FoldedNormal = FoldedNormal(0.0, 0.04)  # SD of the rows' offsets, °C
    drift: FoldedNormal = FoldedNormal(0.0, 0.15)  # slow non-uniformity, °C
    noise: Mixture = Mixture((Uniform(0.02, 0.1), Uniform(0.05, 0.3)))  # NETD, °C: good detectors and poor ones
    dead_chance: float = 0.15  # that a detector has dead pixels
    dead: Integers = Integers(0, 5)  # how many, in one that may have them
    smoothing_chance: float = 0.15  # that the camera smooths by a median filter
    smoothing: tuple[int, ...] = (3, 5)  # width of that filter, native pixels


CAMERA = CameraParameters()
VARIED_CAMERA = VariedCameraParameters()


@dataclass(frozen=True)
class Camera:
    """One camera.

    Attributes
    ----------
    blur : float
        Standard deviation of the optics' point spread, native pixels.
    coarseness : float
        Pixels of the image for one pixel of the detector, along each side: 2 is 320 x 240 shown as 640 x 480.
    vignetting : float
        Fall from the centre to the corners, °C.
    stripes, rows : float
        Standard deviations of the columns' and of the rows' offsets, °C.
    drift : float
        Slow non-uniformity over the image, °C.
    noise : float
        Noise-equivalent temperature difference (NETD) of a native pixel, °C.
    dead : int
        Number of dead native pixels.
    smoothing : int
        Width of the median filter by which some cameras reduce noise, native pixels; 0 for none.

    Examples
    --------
    >>> from dataclasses import replace
    >>> camera = draw_camera(np.random.default_rng(0))
    >>> scene = np.full((240, 320), 30.0, np.float32)
    >>> measured = replace(camera, vignetting=0.0).measure(np.random.default_rng(1), scene)
    >>> measured.shape, bool(abs(measured.mean() - 30) < 0.1)
    ((240, 320), True)
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
        """Measure a scene.

        Parameters
        ----------
        rng : numpy.random.Generator
            Decides the noise.
        scene : (H, W) float32
            True temperatures, °C.

        Returns
        -------
        (H, W) float32
            Measured temperatures, °C.
        """
        height, width = scene.shape
        image = ndimage.gaussian_filter(scene, self.blur * self.coarseness, mode="nearest", truncate=BLUR_REACH)
        native = (
            max(SMALLEST_DETECTOR_SIDE, round(height / self.coarseness)),
            max(SMALLEST_DETECTOR_SIDE, round(width / self.coarseness)),
        )
        if native != scene.shape:
            image = _resize(image, native, Image.Resampling.BOX)
        down = np.linspace(-1, 1, native[0], dtype=np.float32)[:, None]
        right = np.linspace(-1, 1, native[1], dtype=np.float32)[None]
        image = image - np.float32(self.vignetting / 2) * (down**2 + right**2)
        slopes = rng.normal(0, 1, size=3) * self.drift
        image = image + np.float32(slopes[0]) * down + np.float32(slopes[1]) * right
        image += np.float32(slopes[2]) * down * right
        image += rng.normal(0, self.stripes, size=(1, native[1])).astype(np.float32)
        image += rng.normal(0, self.rows, size=(native[0], 1)).astype(np.float32)
        image += np.float32(self.noise) * rng.standard_normal(native, dtype=np.float32)
        for _ in range(self.dead):
            place = int(rng.integers(native[0])), int(rng.integers(native[1]))
            image[place] += np.float32(rng.normal(0, DEAD_PIXEL_SD))
        if self.smoothing:
            image = ndimage.median_filter(image, self.smoothing, mode="nearest")
        if native != scene.shape:
            image = _resize(image, (height, width), Image.Resampling.BICUBIC)
        measured: Field = image.astype(np.float32)
        return measured


def draw_camera(rng: np.random.Generator, parameters: CameraParameters = CAMERA) -> Camera:
    """Draw a camera of the usual quality: 320 x 240, NETD 50–80 mK."""
    return Camera(
        blur=float(parameters.blur.draw(rng)),
        coarseness=parameters.coarseness,
        vignetting=float(parameters.vignetting.draw(rng)),
        stripes=float(parameters.stripes.draw(rng)),
        rows=float(parameters.rows.draw(rng)),
        drift=float(parameters.drift.draw(rng)),
        noise=float(parameters.noise.draw(rng)),
        dead=0,
        smoothing=0,
    )


def draw_varied_camera(rng: np.random.Generator, parameters: VariedCameraParameters = VARIED_CAMERA) -> Camera:
    """Draw any camera, from a sharp one to a smartphone's attachment with few pixels and strong stripes."""
    return Camera(
        coarseness=float(parameters.coarseness.draw(rng)),
        blur=float(parameters.blur.draw(rng)),
        vignetting=float(parameters.vignetting.draw(rng)),
        stripes=float(parameters.stripes.draw(rng)),
        rows=float(parameters.rows.draw(rng)),
        drift=float(parameters.drift.draw(rng)),
        noise=float(parameters.noise.draw(rng)),
        dead=parameters.dead.draw(rng) if rng.random() < parameters.dead_chance else 0,
        smoothing=int(rng.choice(parameters.smoothing)) if rng.random() < parameters.smoothing_chance else 0,
    )


def _resize(image: Field, size: tuple[int, int], filter: Image.Resampling) -> Field:
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), filter), dtype=np.float32)
