"""Edges of a visible picture that cameras emboss into the thermal one (MSX and the like)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from prismseg.thermal.phantom.distributions import Normal, Uniform
from prismseg.thermal.phantom.painting.canvas import Layer
from prismseg.thermal.phantom.painting.raster import BLUR_REACH, Field, rasterize
from prismseg.thermal.phantom.painting.texture import texture


@dataclass(frozen=True)
class ReliefParameters:
    """How the visible picture looks, brightness 0 to 1, and what is embossed; lengths in image heights."""

    thing: Uniform = Uniform(0.15, 0.95)  # brightness of what covers the scene
    foot: Uniform = Uniform(0.45, 0.85)  # of a foot
    part: Normal = Normal(0.0, 0.06)  # of its toes and parts over it: their borders are seen
    fold: Uniform = Uniform(0.01, 0.08)  # size of folds and wrinkles
    fold_stretch: Uniform = Uniform(1.0, 4.0)
    fold_depth: Uniform = Uniform(0.02, 0.12)  # SD
    width: Uniform = Uniform(0.004, 0.014)  # SD of the blur against which edges stand out
    parallax: Normal = Normal(0.0, 0.008)  # between both lenses, down and across
    full: float = 0.25  # step of brightness that is embossed with full strength


RELIEF = ReliefParameters()


def draw_relief(
    rng: np.random.Generator,
    layers: Sequence[Layer],
    size: tuple[int, int],
    parameters: ReliefParameters = RELIEF,
) -> Field:
    """Draw a visible picture of what the outlines show and keep its edges alone.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides brightness, folds and parallax.
    layers : sequence of Layer
        Outlines in the order of painting, pixels.
    size : (int, int)
        Height and width, pixels.
    parameters : ReliefParameters
        What they are drawn from.

    Returns
    -------
    (H, W) float32
        -1 to 1, near 0 away from edges.
    """
    p, height = parameters, size[0]
    curves, values = [], []
    for layer in layers:
        level = (p.foot if layer.label else p.thing).draw(rng)
        for curve in layer.curves:
            curves.append(curve)
            values.append(level + (p.part.draw(rng) if layer.label else 0.0))
    visible = rasterize(curves, values, (slice(0, size[0]), slice(0, size[1])))
    still = np.array([[1 / height, 0.0, 0.0], [0.0, 1 / height, 0.0]])
    stretch = float(p.fold_stretch.draw(rng))
    folds = texture(rng, "fold", float(p.fold.draw(rng)), still, size, stretch=stretch)
    visible = visible + np.float32(p.fold_depth.draw(rng)) * folds
    sigma = float(p.width.draw(rng)) * height
    edges = visible - ndimage.gaussian_filter(visible, sigma, truncate=BLUR_REACH, mode="nearest")
    down, across = (round(float(part) * height) for part in p.parallax.sample(rng, 2))
    relief: Field = np.clip(np.roll(edges, (down, across), (0, 1)) / np.float32(p.full), -1, 1)
    return relief
