"""Checks of a recording: what leaves a frame without numbers, and what a reader of its numbers should know."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError
from prismseg.thermal.entry import Concern, Entry, Observation, Refused
from prismseg.thermal.flags import FlagSettings
from prismseg.thermal.frame import PARAMETER_NAMES, Frame, Parameters
from prismseg.thermal.pieces import Mask
from prismseg.thermal.sides import SIDES, Side
from prismseg.thermal.soles import Caution, Soles
from prismseg.thermal.territories import Territories
from prismseg.thermal.uncertainty import WHOLE, Estimate

_UNSURE = (0.16, 0.84)  # within one standard deviation of even odds
_NEAR = 6  # pixels around a sole that may still be its
_EDGE = 4  # pixels around the soles that a slight movement changes
_CAUTIONS = {
    Caution.AT_BORDER: Concern.BORDER,
    Caution.SWAP: Concern.CROSSED,
    Caution.SHAPE: Concern.SHAPE,
    Caution.TOES_DOWN: Concern.SHAPE,
    Caution.SPLIT: Concern.MASK,
    Caution.UNEQUAL: Concern.MASK,
}


def as_frame(frame: Frame | NDArray[np.generic], source: str) -> Frame:
    """Return a frame, refusing what is no picture in °C or has one value everywhere.

    Raises
    ------
    Refused
        Saying why.
    """
    try:
        made = frame if isinstance(frame, Frame) else Frame(np.asarray(frame, np.float32), source=source)
    except (DataError, TypeError, ValueError) as error:
        raise Refused(Concern.UNREADABLE, f"{error}") from error
    low, high = made.span
    if not low < high:
        raise Refused(
            Concern.CONSTANT,
            f"Every pixel has {low:g} °C: a closed shutter or a broken export. Take the frame again.",
        )
    return made


def check_clock(minute: float, frame: Frame, entries: Sequence[Entry]) -> None:
    """Refuse a frame that another one already was, or that is no later than the last one.

    Raises
    ------
    Refused
        Naming the minute of the other frame.
    """
    for entry in entries:
        if entry.frame is None or (entry.minute == minute and not entry.ok):
            continue  # the same frame may be measured again with a better mask
        if np.array_equal(entry.frame.celsius, frame.celsius, equal_nan=True):
            raise Refused(
                Concern.DUPLICATE,
                f"The frame at {minute:g} min is identical, pixel by pixel, to the one at {entry.minute:g} min: no "
                "camera takes the same noise twice. Leave one of them out.",
            )
    misplaced = (Concern.CLOCK, Concern.DUPLICATE)
    timed = [entry.minute for entry in entries if entry.status not in misplaced]
    if any(entry.ok and entry.minute == minute for entry in entries):
        raise Refused(
            Concern.CLOCK, f"There is already a frame at {minute:g} min. State the true time of each of them."
        )
    if timed and minute < timed[-1]:
        raise Refused(
            Concern.CLOCK,
            f"The clock goes back: {minute:g} min comes after {timed[-1]:g} min. Add frames in the order in which they "
            "were taken, with their true times.",
        )


def check_temperatures(frame: Frame, soles: Soles, settings: FlagSettings) -> None:
    """Refuse soles with missing temperatures, or with such as skin cannot have.

    Raises
    ------
    Refused
        Naming the side and what was found.
    """
    low, high = settings.plausible
    for side in SIDES:
        values = frame.celsius[_required(soles, side)].astype(np.float64)
        missing = int(np.count_nonzero(~np.isfinite(values)))
        if missing:
            raise Refused(
                Concern.MISSING,
                f"{missing} of {values.size} pixels of the {side} sole have no temperature. Choose a range of the "
                "camera that holds both feet, and take the frame again.",
            )
        mean = float(values.mean())
        if not low <= mean <= high:
            raise Refused(
                Concern.IMPLAUSIBLE,
                f"The {side} sole would have {mean:.4g} °C, and skin has {low:g} to {high:g} °C: the numbers are kelvin, "
                "Fahrenheit or counts, or the mask is not on the feet. State the scale and offset, or correct the mask.",
            )


def observe_soles(soles: Soles) -> list[Observation]:
    """Turn the cautions of two soles into observations."""
    return [Observation(_CAUTIONS[caution], str(caution)) for caution in soles.cautions]


def observe_territories(found: Mapping[Side, Territories], *, carried: bool) -> list[Observation]:
    """Say which soles have no territories, doubtful ones, or ones registered afresh though there were earlier ones."""
    observations = []
    for side in SIDES:
        if side not in found:
            text = f"The {side} sole is too small or has no shape for nerve territories; only the whole sole is measured."
        elif found[side].doubtful:
            text = f"The template of nerve territories fits the {side} sole badly: mistrust their means."
        elif carried and found[side].method == "registered":
            text = (
                f"The {side} sole's pose differs from the first frame's, so its territories were registered afresh: "
                "their borders may have moved over the skin. The whole sole is not affected."
            )
        else:
            continue
        observations.append(Observation(Concern.TERRITORIES, text))
    return observations


def observe_camera(
    frame: Frame, first: Frame | None, locked: Parameters, settings: FlagSettings
) -> list[Observation]:
    """Compare parameters, camera, size and span of a frame with what the session began with."""
    observations = []
    changed = [
        f"{name.replace('_', ' ')} {_shown(frame.parameters, name)} instead of {_shown(locked, name)}"
        for name in PARAMETER_NAMES
        if not _same(getattr(frame.parameters, name), getattr(locked, name))
    ]
    if first is not None:
        changed += [
            f"{name} {now} instead of {before}"
            for name, now, before in (
                ("camera", frame.camera, first.camera),
                ("kind of file", frame.kind, first.kind),
            )
            if now != before
        ]
    if changed:
        sentence = (
            f"Camera parameters differ from the session's: {'; '.join(changed)}. Deltas contain this change."
        )
        observations.append(Observation(Concern.PARAMETERS, sentence))
    if first is not None and frame.size != first.size:
        sizes = ["{1} x {0}".format(*size) for size in (frame.size, first.size)]
        sentence = f"The frame has {sizes[0]} pixels and the session's first one {sizes[1]}."
        observations.append(Observation(Concern.SIZE, sentence))
    if (
        first is not None
        and frame.kind == "grey"
        and any(abs(now - before) > settings.span for now, before in zip(frame.span, first.span, strict=True))
    ):
        spans = ["{:.1f} to {:.1f} °C".format(*each.span) for each in (frame, first)]
        sentence = f"The grey picture's span is {spans[0]}, the first one's {spans[1]}: its steps differ."
        observations.append(Observation(Concern.SPAN, sentence))
    return observations


def observe_clipping(frame: Frame, soles: Soles, settings: FlagSettings) -> list[Observation]:
    """Say where a share of a sole has exactly the frame's lowest or highest temperature."""
    observations = []
    for side in SIDES:
        values = frame.celsius[_required(soles, side)]
        for limit, name in zip(frame.span, ("lowest", "highest"), strict=True):
            share = float(np.mean(values == np.float32(limit)))
            if share > settings.clipped:
                sentence = (
                    f"{share:.0%} of the {side} sole has exactly the frame's {name} temperature ({limit:.1f} °C): it is "
                    "clipped, and the mean is wrong. Widen the camera's span."
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
            sentence = (
                f"The network is unsure of the {side} sole's outline: of pixels worth {share:.0%} of its area it cannot "
                "say whether they belong to it. Look at the outline."
            )
            observations.append(Observation(Concern.MASK, sentence))
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
        change = float(values.mean()) - estimates[side][WHOLE].mean if values.size else math.nan
        if values.size == 0:
            sentence = (
                f"A second look at the frame, with its cold parts brightened, finds no {side} sole. "
                "Look at the outline."
            )
        elif abs(change) > settings.second_look:
            sentence = (
                f"A second look at the frame, with its cold parts brightened, finds another outline of the {side} sole, "
                f"whose mean differs by {change:+.1f} °C: cold toes may be missed, or the outline may hold more than the "
                "sole. Look at the outline."
            )
        else:
            continue
        observations.append(Observation(Concern.MASK, sentence))
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
        sentence = (
            f"The camera's clock went back by {-passed:.3g} min since the frame before. Check the frames' order."
        )
    elif abs(passed - (minute - before.minute)) > settings.clock:
        sentence = (
            f"Since the frame before {minute - before.minute:.3g} min passed on the session's clock and {passed:.3g} min "
            "on the camera's. Check the stated minutes."
        )
    else:
        return []
    return [Observation(Concern.CLOCK, sentence)]


def observe_shutter(
    frame: Frame,
    soles: Soles,
    estimates: Mapping[Side, Mapping[str, Estimate]],
    before: Entry | None,
    settings: FlagSettings,
) -> list[Observation]:
    """Find a jump that the whole picture shares with both soles: the camera's offset moved, not the feet's warmth.

    The background's median change must reach `FlagSettings.jump`, be the same over the background (half of its pixels
    within half of the jump), and explain at least half and at most one and a half of both soles' changes.
    """
    if before is None or before.frame is None or before.soles is None or before.frame.size != frame.size:
        return []
    covered = ndimage.binary_dilation(soles.cleaned | before.soles.cleaned, iterations=_EDGE)
    change = (frame.celsius.astype(np.float64) - before.frame.celsius)[~covered]
    change = change[np.isfinite(change)]
    if change.size < soles.cleaned.size * 0.05:
        return []
    jump = float(np.median(change))
    common = float(np.median(np.abs(change - jump))) < 0.5 * abs(jump)
    moved = [estimates[side][WHOLE].mean - before.estimates[side][WHOLE].mean for side in SIDES]
    shared = all(abs(each - jump) <= 0.5 * abs(jump) for each in moved)
    if abs(jump) < settings.jump or not (common and shared):
        return []
    sentence = (
        f"The whole frame, background included, jumped by {jump:+.1f} °C since the frame before: a shutter event or "
        "another change of the camera's offset, not of the feet. Take the frame again."
    )
    return [Observation(Concern.SHUTTER, sentence)]


def _required(soles: Soles, side: Side) -> Mask:
    mask = soles.side(side)
    if mask is None:
        raise Refused(Concern.NOT_TWO_SOLES, soles.message)
    return mask


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=1e-5, abs_tol=1e-3)


def _shown(parameters: Parameters, name: str) -> str:
    value = getattr(parameters, name)
    return "not stated" if value is None else f"{value:.4g}"
