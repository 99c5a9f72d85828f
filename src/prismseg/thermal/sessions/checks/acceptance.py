"""What a frame, its mask and its soles must be before they are measured; each stage is one function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.thermal.anatomy import SIDE_NAMES, Side
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.frames.orientation import UPRIGHT, turn_upright
from prismseg.thermal.sessions.entry import Concern, Entry, FrameRejected
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.sides import Feet, View, sides_of

# A mask fits the stored picture rather than the upright one if the picture is so many times steeper along its outline.
# Chosen so that masks drawn on the right picture pass with noise and blurred edges (tests/thermal/frames).
_STEEPER = 1.5
_SOLE_PROBABILITY = 0.5  # from which a pixel is sole


@dataclass(frozen=True, eq=False)
class SoleMask:
    """A mask that was accepted.

    Attributes
    ----------
    labels : (H, W) array
        Every label but 0 is sole.
    probability : (H, W) float64 or None
        The model's probability of sole, where the mask is a model's.
    """

    labels: NDArray[Any]
    probability: NDArray[np.float64] | None = None


def accept_frame(
    frame: Frame | NDArray[np.generic], source: str, minute: float, entries: Sequence[Entry]
) -> Frame:
    """Accept the next frame of a session.

    Parameters
    ----------
    frame : Frame or (H, W) array
        Temperatures in °C.
    source : str
        File or camera, for messages.
    minute : float
        Since the test dose.
    entries : sequence of Entry
        The session so far.

    Raises
    ------
    FrameRejected
        When it is no picture in °C, has one value everywhere, was added before, is no later than the last frame, or was
        computed with implausible parameters.
    """
    accepted = _as_frame(frame, source)
    _check_duplicate(accepted, minute, entries)
    _check_clock(minute, entries)
    if accepted.doubts:
        doubts = Message.joined(accepted.doubts, "; ")
        anew = Message(
            "The file's parameters are doubtful: {doubts}. State the true ones when it is read, so that its temperatures "
            "are computed anew.",
            doubts=doubts,
        )
        exported = Message(
            "The file's parameters are doubtful: {doubts}. Its temperatures were computed with them: export it "
            "again with the true ones, or write those into NAME.json if only its heading is wrong.",
            doubts=doubts,
        )
        raise FrameRejected(Concern.DOUBTFUL_PARAMETERS, anew if accepted.kind == "radiometric" else exported)
    return accepted


def _as_frame(frame: Frame | NDArray[np.generic], source: str) -> Frame:
    try:
        accepted = frame if isinstance(frame, Frame) else Frame(np.asarray(frame, np.float32), source=source)
    except DataError as error:
        raise FrameRejected(Concern.UNREADABLE, error.message) from error
    except (TypeError, ValueError) as error:
        raise FrameRejected(Concern.UNREADABLE, Message.of(str(error))) from error
    low, high = accepted.span
    if not low < high:
        raise FrameRejected(
            Concern.CONSTANT,
            Message(
                "Every pixel has {value:g} °C: a closed shutter or a broken export. Take the frame again.",
                value=low,
            ),
        )
    return accepted


def _check_duplicate(frame: Frame, minute: float, entries: Sequence[Entry]) -> None:
    for entry in entries:
        if entry.frame is None or (entry.minute == minute and not entry.ok):
            continue  # the same frame may be measured again with a better mask
        if np.array_equal(entry.frame.celsius, frame.celsius, equal_nan=True):
            raise FrameRejected(
                Concern.DUPLICATE,
                Message(
                    "The frame at {minute:g} min is identical, pixel by pixel, to the one at {other:g} min: no camera "
                    "takes the same noise twice. Leave one of them out.",
                    minute=minute,
                    other=entry.minute,
                ),
            )


def _check_clock(minute: float, entries: Sequence[Entry]) -> None:
    if any(entry.ok and entry.minute == minute for entry in entries):
        raise FrameRejected(
            Concern.CLOCK,
            Message(
                "There is already a frame at {minute:g} min. State the true time of each of them.", minute=minute
            ),
        )
    misplaced = (Concern.CLOCK.message, Concern.DUPLICATE.message)
    timed = [entry.minute for entry in entries if entry.status not in misplaced]
    if timed and minute < timed[-1]:
        raise FrameRejected(
            Concern.CLOCK,
            Message(
                "The clock goes back: {minute:g} min comes after {last:g} min. Add frames in the order in which "
                "they were taken, with their true times.",
                minute=minute,
                last=timed[-1],
            ),
        )


def accept_mask(mask: NDArray[Any], frame: Frame) -> SoleMask:
    """Tell labels from probabilities, and accept either on the frame's own pixels.

    Parameters
    ----------
    mask : (H, W) array
        Booleans or labels, or a model's probabilities of sole (float). Zeros and ones are labels whatever their type.
    frame : Frame
        The frame that it lies on.

    Raises
    ------
    FrameRejected
        When floating-point numbers are no probabilities, or the mask was drawn on the picture as the file stores it and
        the frame was turned upright.
    """
    array = np.asarray(mask)
    if np.issubdtype(array.dtype, np.floating):
        values = array.astype(np.float64)
        if not ((values >= 0) & (values <= 1)).all():
            raise FrameRejected(
                Concern.MASK,
                Message(
                    "A mask of floating-point numbers holds probabilities from 0 to 1; this one holds others, or NaN. "
                    "Give labels as integers."
                ),
            )
        if not np.isin(values, (0, 1)).all():
            return SoleMask(values > _SOLE_PROBABILITY, values)
    _check_upright(array, frame)
    return SoleMask(array)


def _check_upright(mask: NDArray[Any], frame: Frame) -> None:
    """Refuse a mask whose outline runs along edges of the picture only when it is turned as the frame was."""
    if frame.orientation == UPRIGHT or mask.ndim != 2:
        return
    turned = turn_upright(mask, frame.orientation)
    if turned.shape != frame.size:
        return
    filled = np.where(np.isfinite(frame.celsius), frame.celsius, np.nanmedian(frame.celsius))
    edges = ndimage.gaussian_gradient_magnitude(filled.astype(np.float64), 1.0)
    as_given, as_turned = (_edge_strength(edges, each) for each in (mask, turned))
    if mask.shape != frame.size or as_turned > _STEEPER * as_given:
        raise FrameRejected(
            Concern.MASK,
            Message(
                "The mask fits the picture as the file stores it, and the frame was turned upright (Exif orientation "
                "{number}). Draw masks on the upright picture, or turn this one likewise.",
                number=frame.orientation,
            ),
        )


def _edge_strength(edges: NDArray[np.float64], mask: NDArray[Any]) -> float:
    """Mean of the picture's gradient along a mask's outline."""
    inside = np.asarray(mask) != 0
    outline = inside ^ ndimage.binary_erosion(inside, iterations=1)
    return float(edges[outline].mean()) if mask.shape == edges.shape and outline.any() else 0.0


def accept_soles(
    soles: Soles,
    frame: Frame,
    view: View,
    feet: Feet,
    maps: Sequence[NDArray[np.floating] | None],
    plausible: tuple[float, float],
) -> Mapping[Side, Mask]:
    """Accept soles with temperatures that skin can have.

    Parameters
    ----------
    soles : Soles
        What was found in the mask.
    frame : Frame
        The frame.
    view : View
        The session's.
    feet : Feet
        Which feet the session is about.
    maps : sequence of (H, W) float or None
        Probabilities that belong to the same frame.
    plausible : (float, float)
        Range of a sole's mean, °C.

    Returns
    -------
    mapping of side to (H, W) bool
        Those of the session's soles that were found.

    Raises
    ------
    FrameRejected
        When sizes or views differ, no sole was found, or temperatures are missing or impossible.
    """
    for shape in (soles.cleaned.shape, *(each.shape for each in maps if each is not None)):
        if shape != frame.size:
            raise FrameRejected(
                Concern.MASK,
                Message(
                    "The mask has {mask_width} x {mask_height} pixels and the frame {width} x {height}. Give "
                    "the mask of this very frame.",
                    mask_width=shape[1],
                    mask_height=shape[0],
                    width=frame.size[1],
                    height=frame.size[0],
                ),
            )
    if soles.view != view:
        raise FrameRejected(
            Concern.MASK,
            Message(
                "The soles were named in the view {view}, the session's is {expected}.",
                view=Message(soles.view),
                expected=Message(view),
            ),
        )
    masks = {side: sole for side, sole in (soles.masks or {}).items() if side in sides_of(feet)}
    if not masks:
        raise FrameRejected(Concern.NOT_TWO_SOLES, soles.message)
    for side, sole in masks.items():
        _check_temperatures(frame.celsius[sole].astype(np.float64), side, plausible)
    return masks


def _check_temperatures(celsius: NDArray[np.float64], side: Side, plausible: tuple[float, float]) -> None:
    missing = int(np.count_nonzero(~np.isfinite(celsius)))
    if missing:
        raise FrameRejected(
            Concern.MISSING,
            Message(
                "{missing} of {pixels} pixels of the {side} sole have no temperature. Choose a range of the camera "
                "that holds both feet, and take the frame again.",
                missing=missing,
                pixels=celsius.size,
                side=SIDE_NAMES[side],
            ),
        )
    mean = float(celsius.mean())
    low, high = plausible
    if not low <= mean <= high:
        raise FrameRejected(
            Concern.IMPLAUSIBLE,
            Message(
                "The {side} sole would have {mean:.4g} °C, and skin has {low:g} to {high:g} °C: the numbers are "
                "kelvin, Fahrenheit or counts, or the mask is not on the feet. State the scale and offset, "
                "or correct the mask.",
                side=SIDE_NAMES[side],
                mean=mean,
                low=low,
                high=high,
            ),
        )
