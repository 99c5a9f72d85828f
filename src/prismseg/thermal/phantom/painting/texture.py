"""Irregular fields (folds, patches, vessels), cut from tiles that are computed once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from prismseg.thermal.phantom.distributions import Uniform
from prismseg.thermal.phantom.painting.raster import Field

Kind = Literal["smooth", "cloud", "fold", "vein", "cell"]


@dataclass(frozen=True)
class TextureParameters:
    """How tiles are made, in pixels of a tile, and cut; chosen by eye so that they look like cloth, skin and vessels."""

    tile: int = 256  # side
    repeats: int = 4  # how often a tile is laid beside itself along each side
    grain: float = 8.0  # correlation length of the noise
    start: Uniform = Uniform(0.35, 0.65)  # where fields are cut, shares of the repeated tiles: far from their edge
    pivot: tuple[float, float] = (0.5, 0.6)  # scene coordinates of the point that is put there
    farthest: float = (
        0.3  # pixels of one image height, shares of the repeated tiles: finer grains would leave their edge
    )

    cloud_power: float = 1.7  # clouds have the amplitude 1 / f^1.7, between Brownian noise and smooth patches,
    cloud_flat: float = 0.25  # down to the wavelength of 4 grains; flat below it, so that clouds keep to the image

    fold_power: float = 0.7  # of the distance from a crease: below 1, so that creases are sharp
    fold_cloud: float = 0.5  # share of clouds in folds
    fold_cloud_scale: float = 3.0  # by which clouds are divided to be as strong as creases
    fold_blur: float = 1.2  # SD

    vein_width: float = 2.2  # half width of vessels
    vein_least: float = 0.05  # of the noise's slope, so that flat spots are no wide vessels
    vein_gaps: float = 0.8  # SD below the mean at which vessels vanish into the depth
    vein_blur: float = 0.8  # SD

    cells: int = 160  # in a tile
    cell_blur: float = 1.5  # SD


TEXTURE = TextureParameters()


@cache
def tile(kind: Kind) -> Image.Image:
    """Periodic noise of zero mean and unit standard deviation; a vein's is 1 on thin curves and near 0 elsewhere."""
    rng = np.random.default_rng([len(kind), *kind.encode()])
    field = _MAKERS[kind](rng)
    if kind != "vein":
        field = (field - field.mean()) / field.std()
    return Image.fromarray(np.tile(field.astype(np.float32), (TEXTURE.repeats, TEXTURE.repeats)))


def texture(
    rng: np.random.Generator,
    kind: Kind,
    grain: float,
    to_scene: np.ndarray[tuple[int, int], np.dtype[np.float64]],
    size: tuple[int, int],
    *,
    stretch: float = 1.0,
) -> Field:
    """Cut a field out of a tile at a random place and angle.

    Parameters
    ----------
    rng : numpy.random.Generator
        Three numbers are drawn, whatever the other arguments.
    kind : str
        Which tile.
    grain : float
        Correlation length, in the units of the plane that `to_scene` leads to.
    to_scene : (2, 3) float64
        Affine map of a pixel's (row, column, 1) to the plane in which the texture lies still.
    size : (int, int)
        Height and width of the field, pixels.
    stretch : float
        How many times longer the features are along their random direction.

    Returns
    -------
    (H, W) float32
    """
    p = TEXTURE
    start, angle = p.start.sample(rng, 2), rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) * np.array([[1.0], [1 / stretch]])
    step = min(p.grain / grain, p.farthest * p.tile * p.repeats)
    linear = turn @ to_scene[:, :2] * step
    origin = turn @ (to_scene[:, 2] - p.pivot) * step + start * p.tile * p.repeats
    # Pillow's coordinates are those of pixels' corners.
    shift = origin - linear @ (0.5, 0.5) + 0.5
    ((rr, rc), (cr, cc)), (r0, c0) = linear, shift
    image = tile(kind).transform(
        (size[1], size[0]), Image.Transform.AFFINE, (cc, cr, c0, rc, rr, r0), Image.Resampling.BILINEAR
    )
    return np.asarray(image, dtype=np.float32)


def _smooth(rng: np.random.Generator) -> Field:
    white = rng.standard_normal((TEXTURE.tile, TEXTURE.tile), dtype=np.float32)
    noise: Field = ndimage.gaussian_filter(white, TEXTURE.grain / 2, mode="wrap")
    even: Field = noise / noise.std()
    return even


def _cloud(rng: np.random.Generator) -> Field:
    side = TEXTURE.tile
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    amplitude = 1 / np.maximum(frequency, TEXTURE.cloud_flat / TEXTURE.grain) ** TEXTURE.cloud_power
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * amplitude
    return np.fft.irfft2(spectrum).astype(np.float32)


def _fold(rng: np.random.Generator) -> Field:
    p = TEXTURE
    creases = np.abs(_smooth(rng)) ** p.fold_power + p.fold_cloud * np.abs(_cloud(rng) / p.fold_cloud_scale)
    folds: Field = ndimage.gaussian_filter(creases, p.fold_blur, mode="wrap")
    return folds


def _vein(rng: np.random.Generator) -> Field:
    p = TEXTURE
    noise = _smooth(rng)
    slope = np.hypot(*np.gradient(noise))
    thin = np.exp(-((noise / np.maximum(slope * p.vein_width, p.vein_least)) ** 2))
    gaps = np.clip(_smooth(rng) + p.vein_gaps, 0, 1)
    veins: Field = ndimage.gaussian_filter((thin * gaps).astype(np.float32), p.vein_blur, mode="wrap")
    return veins


def _cell(rng: np.random.Generator) -> Field:
    side = TEXTURE.tile
    seeds = rng.uniform(0, side, size=(TEXTURE.cells, 2))
    repeated = np.concatenate([seeds + np.array((r, c)) for r in (-side, 0, side) for c in (-side, 0, side)])
    places = np.indices((side, side)).reshape(2, -1).T
    from scipy.spatial import cKDTree  # imported only here: most of SciPy's import time

    nearest = cKDTree(repeated).query(places)[1] % TEXTURE.cells
    values = rng.standard_normal(TEXTURE.cells)[nearest].reshape(side, side)
    cells: Field = ndimage.gaussian_filter(values.astype(np.float32), TEXTURE.cell_blur, mode="wrap")
    return cells


_MAKERS = {"smooth": _smooth, "cloud": _cloud, "fold": _fold, "vein": _vein, "cell": _cell}
