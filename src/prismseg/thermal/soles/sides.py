"""Which sole is the patient's left one: by place in the picture and the camera's setting, kept through a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message
from prismseg.thermal.anatomy import SIDES, Side

View = Literal["soles-to-camera", "mirrored"]
VIEWS: tuple[View, ...] = get_args(View)

Feet = Literal["both", "left", "right"]
FEET: tuple[Feet, ...] = get_args(Feet)

# Cosine of the steepest angle of the line between the soles: side by side, in a picture tilted by 20° with one foot drawn
# up, they still lie within 60° of level.
_STEEPEST = float(np.cos(np.deg2rad(60)))
# A lone sole is the one that it is so many times nearer to.
_NEARER = 2.0
# Cosine of the turn from which nobody can say which foot went where: between 80° and 100°.
_UNCLEAR = float(np.cos(np.deg2rad(80)))


@dataclass(frozen=True)
class Track:
    """Where the two soles were last seen.

    Attributes
    ----------
    left, right : (float, float) or None
        Row and column of each centre, in picture heights; None for a foot that was never seen.
    """

    left: tuple[float, float] | None = None
    right: tuple[float, float] | None = None

    def place(self, side: Side) -> tuple[float, float] | None:
        """Where one side was last seen."""
        return self.left if side == "left" else self.right


@dataclass(frozen=True)
class SideAssignment:
    """Which of two soles is which.

    Attributes
    ----------
    left, right : int
        Number (0 or 1) of each side's sole.
    swapped : bool
        The names follow the track but contradict the places: the soles seem to have changed sides.
    """

    left: int
    right: int
    swapped: bool


def check_view(view: str) -> View:
    """Return `view` if there is such a view.

    Raises
    ------
    ConfigError
        When it is none of `VIEWS`.

    Examples
    --------
    >>> check_view("mirrored")
    'mirrored'
    """
    for known in VIEWS:
        if view == known:
            return known
    raise ConfigError(Message("The view is one of {views}, not {view}.", views=", ".join(VIEWS), view=repr(view)))


def check_feet(feet: str) -> Feet:
    """Return `feet` if a session may be set to it.

    Raises
    ------
    ConfigError
        When it is none of `FEET`.

    Examples
    --------
    >>> check_feet("left")
    'left'
    """
    for known in FEET:
        if feet == known:
            return known
    raise ConfigError(
        Message("A session is about {choices} feet, not {feet}.", choices=", ".join(FEET), feet=repr(feet))
    )


def sides_of(feet: Feet) -> tuple[Side, ...]:
    """List the sides that a session is about.

    Examples
    --------
    >>> sides_of("both"), sides_of("right")
    (('left', 'right'), ('right',))
    """
    return SIDES if feet == "both" else (feet,)


def medial_direction(side: Side, view: View) -> int:
    """Tell on which side of the image a sole's big toe is, with the toes up: 1 to the right, -1 to the left.

    Examples
    --------
    >>> medial_direction("right", "soles-to-camera"), medial_direction("left", "soles-to-camera")
    (1, -1)
    """
    return 1 if (side == "right") == (view == "soles-to-camera") else -1


def assign_sides(centres: NDArray[np.float64], view: View, previous: Track | None) -> SideAssignment | None:
    """Name two soles by their centres.

    With soles to the camera the patient's right foot is on the image's left; a mirrored view turns this round. Once
    seen, soles keep their names: the vector between them turns little from frame to frame, whatever the camera's
    shift. Where track and place contradict each other the names follow the track and `SideAssignment.swapped` says so.

    Parameters
    ----------
    centres : (2, 2) float
        Row and column of both centres, picture heights, in any order: it has no influence on the names.
    view : View
        How the camera sees the soles.
    previous : Track, optional
        Where they were last seen.

    Returns
    -------
    SideAssignment or None
        None when the sides are unclear: one sole above the other without a track, or a turn by about 90° since.

    Examples
    --------
    >>> assign_sides(np.array([[0.5, 0.3], [0.5, 0.9]]), "soles-to-camera", None)
    SideAssignment(left=1, right=0, swapped=False)
    """
    first, second = (1, 0) if centres[0, 1] > centres[1, 1] else (0, 1)
    at_left, at_right = (second, first) if view == "soles-to-camera" else (first, second)
    by_place = SideAssignment(left=at_left, right=at_right, swapped=False)
    vector = centres[at_left] - centres[at_right]
    length = float(np.linalg.norm(vector))
    if length == 0:
        return None
    if previous is None or previous.left is None or previous.right is None:
        return by_place if abs(float(vector[1])) / length >= _STEEPEST else None
    before = np.subtract(previous.left, previous.right)
    turn = float(vector @ before) / (length * float(np.linalg.norm(before)))
    if abs(turn) < _UNCLEAR:
        return None
    return by_place if turn > 0 else SideAssignment(left=at_right, right=at_left, swapped=True)


def nearer_side(centre: tuple[float, float], previous: Track | None) -> Side | None:
    """Tell which of both soles, as last seen, a lone one must be by its place; None where this is unclear.

    Examples
    --------
    >>> seen = Track(left=(0.5, 0.9), right=(0.5, 0.3))
    >>> nearer_side((0.5, 0.8), seen), nearer_side((0.5, 0.6), seen)
    ('left', None)
    """
    if previous is None or previous.left is None or previous.right is None:
        return None
    left, right = (float(np.linalg.norm(np.subtract(centre, place))) for place in (previous.left, previous.right))
    if max(left, right) < _NEARER * min(left, right):
        return None
    return "left" if left < right else "right"
