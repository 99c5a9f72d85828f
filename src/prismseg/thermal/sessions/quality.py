"""Checks of a recording: what leaves a frame without numbers, and what a reader of its numbers should know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError, Message
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import PARAMETER_LABELS, Frame, Parameters, same_value
from prismseg.thermal.frames.orientation import UPRIGHT, turn_upright
from prismseg.thermal.sessions.entry import Concern, Entry, FrameRejected, Observation
from prismseg.thermal.sessions.flags.settings import FlagSettings
from prismseg.thermal.sessions.uncertainty import Estimate
from prismseg.thermal.soles.pair import Caution, Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.territories import Territories

_UNSURE = (0.16, 0.84)  # within one standard deviation of even odds
_NEAR = 6  # pixels around a sole that may still be its
# So much steeper must a picture be along the outline of a turned mask than along the given one's.
_SHARPER = 1.5
_CAUTIONS = {
    Caution.AT_BORDER: Concern.BORDER,
    Caution.SIDES_SWAPPED: Concern.SIDES_SWAPPED,
    Caution.SHAPE: Concern.SHAPE,
    Caution.TOES_DOWN: Concern.SHAPE,
    Caution.SPLIT: Concern.OUTLINE,
    Caution.UNEQUAL: Concern.OUTLINE,
}


def as_frame(frame: Frame | NDArray[np.generic], source: str) -> Frame:
    """Return a frame, refusing what is no picture in °C or has one value everywhere.

    Raises
    ------
    FrameRejected
        Saying why.
    """
    try:
        made = frame if isinstance(frame, Frame) else Frame(np.asarray(frame, np.float32), source=source)
    except DataError as error:
        raise FrameRejected(Concern.UNREADABLE, error.message) from error
    except (TypeError, ValueError) as error:
        raise FrameRejected(Concern.UNREADABLE, Message.of(str(error))) from error
    low, high = made.span
    if not low < high:
        raise FrameRejected(
            Concern.CONSTANT,
            Message(
                "Every pixel has {value:g} °C: a closed shutter or a broken export. Take the frame again.",
                value=low,
            ),
        )
    return made


def check_parameters(frame: Frame) -> None:
    """Refuse a frame whose file was written with parameters that cannot be, unless others were stated.

    Raises
    ------
    FrameRejected
        Naming them.
    """
    if frame.doubts:
        raise FrameRejected(
            Concern.DOUBTFUL_PARAMETERS,
            Message(
                "The file's parameters are doubtful: {doubts}. State the true ones (--reflected, --atmosphere; "
                "--window 1 where there is no window), so that its temperatures are computed anew.",
                doubts=Message.joined(frame.doubts, "; "),
            ),
        )


def check_mask_upright(frame: Frame, mask: NDArray[np.generic]) -> None:
    """Refuse a mask that was drawn on the pixels as the file stores them, while the frame was turned upright.

    Its outline then runs along edges of the picture only when it is turned as the frame was.

    Raises
    ------
    FrameRejected
        Saying so.
    """
    if frame.orientation == UPRIGHT or mask.ndim != 2:
        return
    turned = turn_upright(mask, frame.orientation)
    if turned.shape != frame.size:
        return
    filled = np.where(np.isfinite(frame.celsius), frame.celsius, np.nanmedian(frame.celsius))
    edges = ndimage.gaussian_gradient_magnitude(filled.astype(np.float64), 1.0)
    as_given, as_turned = (_along_outline(edges, each) for each in (mask, turned))
    if mask.shape != frame.size or as_turned > _SHARPER * as_given:
        raise FrameRejected(
            Concern.MASK,
            Message(
                "The mask fits the picture as the file stores it, and the frame was turned upright (Exif orientation "
                "{number}). Draw masks on the upright picture, or turn this one likewise.",
                number=frame.orientation,
            ),
        )


def _along_outline(edges: NDArray[np.float64], mask: NDArray[np.generic]) -> float:
    on = np.asarray(mask) != 0
    outline = on ^ ndimage.binary_erosion(on, iterations=1)
    return float(edges[outline].mean()) if mask.shape == edges.shape and outline.any() else 0.0


def check_clock(minute: float, frame: Frame, entries: Sequence[Entry]) -> None:
    """Refuse a frame that another one already was, or that is no later than the last one.

    Raises
    ------
    FrameRejected
        Naming the minute of the other frame.
    """
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
    misplaced = (Concern.CLOCK.message, Concern.DUPLICATE.message)
    timed = [entry.minute for entry in entries if entry.status not in misplaced]
    if any(entry.ok and entry.minute == minute for entry in entries):
        raise FrameRejected(
            Concern.CLOCK,
            Message(
                "There is already a frame at {minute:g} min. State the true time of each of them.", minute=minute
            ),
        )
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


def check_temperatures(frame: Frame, soles: Soles, settings: FlagSettings) -> None:
    """Refuse soles with missing temperatures, or with such as skin cannot have.

    Raises
    ------
    FrameRejected
        Naming the side and what was found.
    """
    low, high = settings.plausible
    for side in SIDES:
        values = frame.celsius[_required(soles, side)].astype(np.float64)
        missing = int(np.count_nonzero(~np.isfinite(values)))
        if missing:
            raise FrameRejected(
                Concern.MISSING,
                Message(
                    "{missing} of {pixels} pixels of the {side} sole have no temperature. Choose a range of the camera "
                    "that holds both feet, and take the frame again.",
                    missing=missing,
                    pixels=values.size,
                    side=SIDE_NAMES[side],
                ),
            )
        mean = float(values.mean())
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


def observe_soles(soles: Soles) -> list[Observation]:
    """Turn the cautions of two soles into observations."""
    return [Observation(_CAUTIONS[caution], caution.message) for caution in soles.cautions]


def observe_territories(found: Mapping[Side, Territories], *, carried: bool) -> list[Observation]:
    """Say which soles have no territories, doubtful ones, or ones registered afresh though there were earlier ones."""
    observations = []
    for side in SIDES:
        name = SIDE_NAMES[side]
        if side not in found:
            sentence = Message(
                "The {side} sole is too small or has no shape for nerve territories; only the whole sole is measured.",
                side=name,
            )
        elif found[side].doubtful:
            sentence = Message(
                "The template of nerve territories fits the {side} sole badly: mistrust their means.", side=name
            )
        elif carried and found[side].method == "registered":
            sentence = Message(
                "The {side} sole's pose differs from the first frame's, so its territories were registered "
                "afresh: their borders may have moved over the skin. The whole sole is not affected.",
                side=name,
            )
        else:
            continue
        observations.append(Observation(Concern.TERRITORIES, sentence))
    return observations


def observe_camera(
    frame: Frame, first: Frame | None, locked: Parameters, settings: FlagSettings
) -> list[Observation]:
    """Compare parameters, camera, size and span of a frame with what the session began with."""
    observations = []
    changed = [
        _changed(word, _shown(frame.parameters, name), _shown(locked, name))
        for name, word in PARAMETER_LABELS.items()
        if not same_value(getattr(frame.parameters, name), getattr(locked, name))
    ]
    if first is not None and frame.camera != first.camera:
        changed.append(_changed(Message("camera"), _camera(frame), _camera(first)))
    if first is not None and frame.kind != first.kind:
        changed.append(_changed(Message("kind of file"), Message(frame.kind), Message(first.kind)))
    if changed:
        sentence = Message(
            "Camera parameters differ from the session's: {changes}. Changes between them are not given: they would "
            "contain this one.",
            changes=Message.joined(changed, "; "),
        )
        observations.append(Observation(Concern.PARAMETERS, sentence))
    if first is not None and frame.size != first.size:
        sentence = Message(
            "The frame has {width} x {height} pixels and the session's first one {first_width} x {first_height}.",
            width=frame.size[1],
            height=frame.size[0],
            first_width=first.size[1],
            first_height=first.size[0],
        )
        observations.append(Observation(Concern.SIZE, sentence))
    if (
        first is not None
        and frame.kind == "grey"
        and any(abs(now - before) > settings.span for now, before in zip(frame.span, first.span, strict=True))
    ):
        sentence = Message(
            "The grey picture's span is {low:.1f} to {high:.1f} °C, the first one's {first_low:.1f} to "
            "{first_high:.1f} °C: its steps differ.",
            low=frame.span[0],
            high=frame.span[1],
            first_low=first.span[0],
            first_high=first.span[1],
        )
        observations.append(Observation(Concern.SPAN, sentence))
    return observations


def observe_clipping(frame: Frame, soles: Soles, settings: FlagSettings) -> list[Observation]:
    """Say where a share of a sole has exactly the frame's lowest or highest temperature."""
    observations = []
    for side in SIDES:
        values = frame.celsius[_required(soles, side)]
        low, high = (float(np.mean(values == np.float32(limit))) for limit in frame.span)
        if low > settings.clipped:
            sentence = Message(
                "{share:.0%} of the {side} sole has exactly the frame's lowest temperature ({limit:.1f} °C): it is "
                "clipped, and the mean is wrong. Widen the camera's span.",
                share=low,
                side=SIDE_NAMES[side],
                limit=frame.span[0],
            )
            observations.append(Observation(Concern.CLIPPED, sentence))
        if high > settings.clipped:
            sentence = Message(
                "{share:.0%} of the {side} sole has exactly the frame's highest temperature ({limit:.1f} °C): it is "
                "clipped, and the mean is wrong. Widen the camera's span.",
                share=high,
                side=SIDE_NAMES[side],
                limit=frame.span[1],
            )
            observations.append(Observation(Concern.CLIPPED, sentence))
    return observations


def observe_outlines(
    soles: Soles, probability: NDArray[np.float64] | None, settings: FlagSettings
) -> list[Observation]:
    """Say at which soles a network is unsure where the outline runs."""
    if probability is None:
        return []
    observations = []
    unsure = (probability > _UNSURE[0]) & (probability < _UNSURE[1])
    for side in SIDES:
        sole = _required(soles, side)
        share = float((unsure & ndimage.binary_dilation(sole, iterations=_NEAR)).sum() / sole.sum())
        if share > settings.unsure:
            sentence = Message(
                "The network is unsure of the {side} sole's outline: of pixels worth {share:.0%} of its area it "
                "cannot say whether they belong to it. Look at the outline.",
                side=SIDE_NAMES[side],
                share=share,
            )
            observations.append(Observation(Concern.OUTLINE, sentence))
    return observations


def observe_second_look(
    frame: Frame,
    estimates: Mapping[Side, Mapping[str, Estimate]],
    second: Mapping[Side, Mask],
    settings: FlagSettings,
) -> list[Observation]:
    """Say which soles have another mean when the same frame is looked at again with its cold parts brightened."""
    observations = []
    for side, seen in second.items():
        values = frame.celsius[seen & np.isfinite(frame.celsius)].astype(np.float64)
        change = float(values.mean()) - estimates[side][WHOLE_SOLE].mean if values.size else math.nan
        if values.size == 0:
            sentence = Message(
                "A second look at the frame, with its cold parts brightened, finds no {side} sole. Look at the outline.",
                side=SIDE_NAMES[side],
            )
        elif abs(change) > settings.second_look:
            sentence = Message(
                "A second look at the frame, with its cold parts brightened, finds another outline of the {side} sole, "
                "whose mean differs by {change:+.1f} °C: cold toes may be missed, or the outline may hold more than the "
                "sole. Look at the outline.",
                side=SIDE_NAMES[side],
                change=change,
            )
        else:
            continue
        observations.append(Observation(Concern.OUTLINE, sentence))
    return observations


def observe_clocks(minute: float, frame: Frame, before: Entry | None, settings: FlagSettings) -> list[Observation]:
    """Compare the time that passed since the frame before with the camera's clock, where both frames state one."""
    earlier = None if before is None or before.frame is None else before.frame.time
    if before is None or earlier is None or frame.time is None:
        return []
    if (earlier.tzinfo is None) != (frame.time.tzinfo is None):
        return []  # cannot be compared
    passed = (frame.time - earlier).total_seconds() / 60
    if passed < 0:
        sentence = Message(
            "The camera's clock went back by {minutes:.3g} min since the frame before. Check the frames' order.",
            minutes=-passed,
        )
    elif abs(passed - (minute - before.minute)) > settings.clock:
        sentence = Message(
            "Since the frame before {session:.1f} min passed on the session's clock and {camera:.1f} min on the "
            "camera's. Check the stated minutes.",
            session=minute - before.minute,
            camera=passed,
        )
    else:
        return []
    return [Observation(Concern.CLOCK, sentence)]


def _required(soles: Soles, side: Side) -> Mask:
    mask = soles.side(side)
    if mask is None:
        raise FrameRejected(Concern.NOT_TWO_SOLES, soles.message)
    return mask


def _changed(name: Message, now: Message, before: Message) -> Message:
    return Message("{name} {now} instead of {before}", name=name, now=now, before=before)


def _shown(parameters: Parameters, name: str) -> Message:
    value = getattr(parameters, name)
    return Message("not stated") if value is None else Message("{value:.4g}", value=value)


def _camera(frame: Frame) -> Message:
    return Message("not stated") if frame.camera is None else Message("{camera}", camera=frame.camera)
