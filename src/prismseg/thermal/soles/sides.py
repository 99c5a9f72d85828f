"""Which sole is the patient's left one: by place in the picture and the camera's setting, kept through a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message
from prismseg.thermal.anatomy import Side

View = Literal["soles-to-camera", "mirrored"]
VIEWS: tuple[View, ...] = get_args(View)

# Cosine of the steepest angle of the line between the soles: side by side, in a picture tilted by 20° with one foot drawn
# up, they still lie within 60° of level.
_STEEPEST = float(np.cos(np.deg2rad(60)))
# Cosine of the turn from which nobody can say which foot went where: between 80° and 100°.
_UNCLEAR = float(np.cos(np.deg2rad(80)))


@dataclass(frozen=True)
class Track:
    """Where the two soles were last seen.

    Attributes
    ----------
    left, right : (float, float)
        Row and column of each centre, in picture heights.
    """

    left: tuple[float, float]
    right: tuple[float, float]


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
    if previous is None:
        return by_place if abs(float(vector[1])) / length >= _STEEPEST else None
    before = np.subtract(previous.left, previous.right)
    turn = float(vector @ before) / (length * float(np.linalg.norm(before)))
    if abs(turn) < _UNCLEAR:
        return None
    return by_place if turn > 0 else SideAssignment(left=at_right, right=at_left, swapped=True)
