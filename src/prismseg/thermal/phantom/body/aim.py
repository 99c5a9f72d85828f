"""Where the camera is pointed at feet: close-ups, feet that a border cuts, feet below the image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prismseg.thermal.phantom.distributions import Normal, Uniform
from prismseg.thermal.phantom.scene.ingredients import Extras


@dataclass(frozen=True)
class AimParameters:
    """How cameras are pointed; image heights unless stated."""

    close_up: Uniform = Uniform(0.75, 1.3)  # seen length of the foot that fills the image
    close_up_row: Normal = Normal(0.5, 0.08)  # of its middle
    close_up_shift: Normal = Normal(0.0, 0.08)  # of its middle from the image's, image widths
    half_width: float = 0.2  # of a foot, seen lengths
    below: Uniform = Uniform(0.02, 0.5)  # how far feet that are not seen lie below the image


AIM = AimParameters()


@dataclass(frozen=True)
class Aim:
    """A change of scale about the scene's origin, then a shift, in scene coordinates.

    Examples
    --------
    >>> Aim(2.0, (0.5, 0.0)).move((0.25, 1.0))
    (1.0, 2.0)
    """

    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)

    def move(self, place: tuple[float, float]) -> tuple[float, float]:
        """Give the new (row, column) of a place."""
        return place[0] * self.scale + self.shift[0], place[1] * self.scale + self.shift[1]


@dataclass(frozen=True)
class SeenFoot:
    """Where a foot is seen.

    Attributes
    ----------
    middle : (float, float)
        Row and column.
    length : float
        From heel (or ankle) to toes as it is seen, image heights.
    """

    middle: tuple[float, float]
    length: float


def draw_aim(
    rng: np.random.Generator,
    feet: Mapping[int, SeenFoot],
    width: float,
    extras: Extras,
    parameters: AimParameters = AIM,
) -> tuple[Aim, int]:
    """Draw how the camera is pointed, and at which foot.

    Parameters
    ----------
    rng : numpy.random.Generator
        Decides about both.
    feet : mapping of int to SeenFoot
        By label, where they would be seen; at least one.
    width : float
        Of the image, image heights.
    extras : Extras
        Whether it is a close-up, which border cuts, whether feet are in the image at all.
    parameters : AimParameters
        What distances are drawn from.

    Returns
    -------
    aim : Aim
        What has to be done to the scene; nothing unless `extras` say so.
    label : int
        Which foot it is about.
    """
    p = parameters
    label = list(feet)[int(rng.integers(len(feet)))]
    foot = feet[label]
    row, column = foot.middle
    if extras.close_up:
        scale = float(p.close_up.draw(rng)) / foot.length
        target = float(p.close_up_row.draw(rng)), width * (0.5 + float(p.close_up_shift.draw(rng)))
        return Aim(scale, (target[0] - scale * row, target[1] - scale * column)), label
    half = (foot.length / 2, p.half_width * foot.length)
    outside = 2 * extras.cut_share
    if not extras.feet:
        top = min(seen.middle[0] - seen.length / 2 for seen in feet.values())
        return Aim(shift=(1 + float(p.below.draw(rng)) - top, 0.0)), label
    shifts = {
        "top": (half[0] * (1 - outside) - row, 0.0),
        "bottom": (1 - half[0] * (1 - outside) - row, 0.0),
        "left": (0.0, half[1] * (1 - outside) - column),
        "right": (0.0, width - half[1] * (1 - outside) - column),
    }
    return Aim(shift=shifts.get(extras.cut, (0.0, 0.0))), label
