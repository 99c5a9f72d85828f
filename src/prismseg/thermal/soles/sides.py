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

# Soles side by side, in a picture tilted by 20° with one foot drawn up, still lie within 60° of level.
_STEEPEST = float(np.cos(np.deg2rad(60)))
# Between 80° and 100° of turn nobody can say which foot went where.
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
    crossed : bool
        The names follow the track but contradict the places: the soles seem to have changed sides.
    """

    left: int
    right: int
    crossed: bool


def check_view(view: str) -> View:
    """Return `view`, or say which ones there are.

    Raises
    ------
    ConfigError
        When it is neither of `VIEWS`.
    """
    for known in VIEWS:
        if view == known:
            return known
    raise ConfigError(Message("The view is one of {views}, not {view}.", views=", ".join(VIEWS), view=repr(view)))


def medial_direction(side: Side, view: View) -> int:
    """+1 where the big toe's side of this sole looks to the image's right, -1 where it looks left; toes are up."""
    return 1 if (side == "right") == (view == "soles-to-camera") else -1


def assign_sides(centres: NDArray[np.float64], view: View, previous: Track | None) -> SideAssignment | None:
    """Name two soles by their centres.

    With soles to the camera the patient's right foot is on the image's left; a mirrored view turns this round. Once
    seen, soles keep their names: the vector between them turns little from frame to frame, whatever the camera's
    shift. Where track and place contradict each other the names follow the track and `SideAssignment.crossed` says so.

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
    """
    first, second = (1, 0) if centres[0, 1] > centres[1, 1] else (0, 1)
    at_left, at_right = (second, first) if view == "soles-to-camera" else (first, second)
    by_place = SideAssignment(left=at_left, right=at_right, crossed=False)
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
    return by_place if turn > 0 else SideAssignment(left=at_right, right=at_left, crossed=True)
