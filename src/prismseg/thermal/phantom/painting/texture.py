"""Irregular fields (folds, patches, vessels), cut from tiles that are computed once a process."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from prismseg.thermal.phantom.painting.raster import Field

Kind = Literal["smooth", "cloud", "fold", "vein", "cell"]

TILE = 256
REPEATS = 4
GRAIN = 8.0  # pixels of a tile over which its noise is correlated
CELLS = 160


@cache
def tile(kind: Kind) -> Image.Image:
    """Periodic noise of zero mean and unit standard deviation; a vein's is 1 on thin curves and near 0 elsewhere."""
    rng = np.random.default_rng([len(kind), *kind.encode()])
    field = _MAKERS[kind](rng)
    if kind != "vein":
        field = (field - field.mean()) / field.std()
    return Image.fromarray(np.tile(field.astype(np.float32), (REPEATS, REPEATS)))


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
    start, angle = rng.uniform(0.35, 0.65, size=2), rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) * np.array([[1.0], [1 / stretch]])
    # The finest grain that the tiles allow: a coarser sampling would leave their edge.
    step = min(GRAIN / grain, 0.3 * TILE * REPEATS)
    linear = turn @ to_scene[:, :2] * step
    origin = turn @ (to_scene[:, 2] - (0.5, 0.6)) * step + start * TILE * REPEATS
    shift = origin - linear @ (0.5, 0.5) + 0.5
    ((rr, rc), (cr, cc)), (r0, c0) = linear, shift
    picture = tile(kind).transform(
        (size[1], size[0]), Image.Transform.AFFINE, (cc, cr, c0, rc, rr, r0), Image.Resampling.BILINEAR
    )
    return np.asarray(picture, dtype=np.float32)


def _smooth(rng: np.random.Generator) -> Field:
    white = rng.standard_normal((TILE, TILE), dtype=np.float32)
    noise: Field = ndimage.gaussian_filter(white, GRAIN / 2, mode="wrap")
    even: Field = noise / noise.std()
    return even


def _cloud(rng: np.random.Generator) -> Field:
    frequency = np.hypot(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None])
    # 1 / f^1.7 in amplitude down to the grain of the other tiles, flat below it.
    amplitude = 1 / np.maximum(frequency, 0.25 / GRAIN) ** 1.7
    spectrum = np.fft.rfft2(rng.standard_normal((TILE, TILE))) * amplitude
    return np.fft.irfft2(spectrum).astype(np.float32)


def _fold(rng: np.random.Generator) -> Field:
    creases = np.abs(_smooth(rng)) ** 0.7 + 0.5 * np.abs(_cloud(rng) / 3.0)
    folds: Field = ndimage.gaussian_filter(creases, 1.2, mode="wrap")
    return folds


def _vein(rng: np.random.Generator) -> Field:
    noise = _smooth(rng)
    slope = np.hypot(*np.gradient(noise))
    thin = np.exp(-((noise / np.maximum(slope * 2.2, 0.05)) ** 2))
    gaps = np.clip(_smooth(rng) + 0.8, 0, 1)
    veins: Field = ndimage.gaussian_filter((thin * gaps).astype(np.float32), 0.8, mode="wrap")
    return veins


def _cell(rng: np.random.Generator) -> Field:
    seeds = rng.uniform(0, TILE, size=(CELLS, 2))
    everywhere = np.concatenate([seeds + np.array((r, c)) for r in (-TILE, 0, TILE) for c in (-TILE, 0, TILE)])
    places = np.indices((TILE, TILE)).reshape(2, -1).T
    from scipy.spatial import cKDTree  # read only here: most of SciPy's import time

    nearest = cKDTree(everywhere).query(places)[1] % CELLS
    values = rng.standard_normal(CELLS)[nearest].reshape(TILE, TILE)
    cells: Field = ndimage.gaussian_filter(values.astype(np.float32), 1.5, mode="wrap")
    return cells


_MAKERS = {"smooth": _smooth, "cloud": _cloud, "fold": _fold, "vein": _vein, "cell": _cell}
