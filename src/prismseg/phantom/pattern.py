"""How the temperature of a sole varies over it: warm arch, cold toes and heel, patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from prismseg.phantom.raster import Field, bilinear

PATCHES = (14, 7)  # along and across the sole
FINER = 4  # nodes of the texture a patch, so that bilinear reading shows no grid
FLUSHED = 4.0  # °C of warming after which the pattern is that of a fully dilated foot
# Middles and half widths (u, v) of the features, in foot lengths.
ARCH = (0.40, 0.045, 0.17, 0.085)
MIDFOOT = (0.52, -0.02, 0.22, 0.13)
HEEL = (0.09, 0.0, 0.12, 0.12)
BALLS = ((0.70, 0.12, 0.075, 0.07), (0.70, 0.0, 0.075, 0.07), (0.64, -0.12, 0.08, 0.07))


@dataclass(frozen=True)
class Pattern:
    """Departures from a sole's mean temperature, °C; negative ones are cold.

    Attributes
    ----------
    along : float
        Gradient from heel to forefoot over the foot's length.
    lateral : float
        Lateral against medial edge.
    arch, midfoot, heel : float
        Excess of the medial arch, the middle of the sole and the heel pad.
    balls : (3,) tuple of float
        Excess of the pads below the first, third and fifth metatarsal heads.
    toes : (5,) tuple of float
        Excess of each toe, big toe first, before the foot warms.
    flush : float
        Excess that all toes approach when the foot warms: the block opens their vessels first.
    rim : float
        Fall towards the outline, which faces away from the camera.
    patches : float
        Strength of the texture.
    texture : (nodes, nodes) float32
        Irregular patches (vessels, pressure marks), of about unit standard deviation.
    """

    along: float
    lateral: float
    arch: float
    midfoot: float
    heel: float
    balls: tuple[float, ...]
    toes: tuple[float, ...]
    flush: float
    rim: float
    patches: float
    texture: Field

    def over_sole(self, u: Field, v: Field, warming: float) -> Field:
        """Departure from the mean at sole coordinates, °C, toes and rim apart."""
        field = np.float32(self.along) * (u - 0.5) + np.float32(self.lateral / 0.35) * (-v)
        for height, place in zip(
            (self.arch, self.midfoot, self.heel, *self.balls), (ARCH, MIDFOOT, HEEL, *BALLS), strict=True
        ):
            field = field + np.float32(height) * _bump(u, v, place)
        nodes = self.texture.shape
        rows, columns = (nodes[0] - 1) * u, (nodes[1] - 1) * (v + 0.25) / 0.5
        field = field + np.float32(self.patches) * bilinear(self.texture, rows, columns)
        calm: Field = field * np.float32(1 - 0.4 * _flushed(warming))
        return calm

    def of_toes(self, warming: float) -> list[float]:
        """Departure of each toe from the ball of the foot, °C."""
        share = _flushed(warming)
        return [toe * (1 - share) + self.flush * share for toe in self.toes]


def _bump(u: Field, v: Field, place: tuple[float, float, float, float]) -> Field:
    at_u, at_v, half_u, half_v = map(np.float32, place)
    bump: Field = np.exp(-(((u - at_u) / half_u) ** 2) - ((v - at_v) / half_v) ** 2)
    return bump


def _flushed(warming: float) -> float:
    return min(max(warming, 0.0) / FLUSHED, 1.0)


def draw_patterns(rng: np.random.Generator) -> tuple[Pattern, Pattern]:
    """Draw the patterns of one patient's left and right sole: alike, but not the same."""
    person = {
        "along": rng.normal(-0.2, 1.5),
        "lateral": rng.normal(-0.5, 0.5),
        "arch": rng.uniform(0.0, 1.8),
        "midfoot": rng.normal(0.5, 0.5),
        "heel": rng.normal(-0.7, 0.8),
    }
    balls = rng.normal(-0.1, 0.4, size=3)
    # Most people's toes are the coldest part, the lesser ones more than the big one; some have warm toes.
    toes = rng.normal(-1.6, 1.3) + np.array([0.6, 0.1, -0.1, -0.2, -0.2]) + rng.normal(0, 0.45, size=5)
    flush, rim, patches = rng.normal(0.5, 0.5), rng.uniform(0.2, 1.2), rng.uniform(0.08, 0.35)
    left, right = (
        Pattern(
            **{name: float(value + rng.normal(0, 0.2)) for name, value in person.items()},
            balls=tuple((balls + rng.normal(0, 0.15, size=3)).tolist()),
            toes=tuple((toes + rng.normal(0, 0.45) + rng.normal(0, 0.3, size=5)).tolist()),
            flush=float(flush + rng.normal(0, 0.2)),
            rim=float(rim),
            patches=float(patches),
            texture=ndimage.zoom(rng.standard_normal(PATCHES, dtype=np.float32), FINER, order=3),
        )
        for _ in range(2)
    )
    return left, right
