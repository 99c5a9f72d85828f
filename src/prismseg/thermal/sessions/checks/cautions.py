"""What a reader of a measured frame's numbers should know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import PARAMETER_LABELS, Frame, Parameters, same_value
from prismseg.thermal.sessions.checks.drift import check_drift
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.history import History
from prismseg.thermal.soles.leg import lies_across
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.sides import sides_of
from prismseg.thermal.soles.status import Caution

_CONCERNS = {
    Caution.SIDES_SWAPPED: Concern.SIDES_SWAPPED,
    Caution.SHAPE: Concern.SHAPE,
    Caution.TOES_DOWN: Concern.SHAPE,
    Caution.UNEQUAL: Concern.OUTLINE,
    Caution.RIVAL: Concern.OUTLINE,
    Caution.OTHER_FOOT: Concern.ONE_SOLE,
}
# Share of a sole outside the picture up to which its error says enough.
_LITTLE_OUTSIDE = 0.1
_LEAST_OUTSIDE = 0.005  # less is 0 % and no news
# Factor on the error from which an outline is doubted where feet are seen from above: that means are less sure there, a
# note says once. Chosen on simulated sessions (`benchmarks/thermal.py`).
_ABOVE = 1.8


@dataclass(frozen=True, eq=False)
class Outlines:
    """How both soles were outlined.

    Attributes
    ----------
    masks : mapping of side to (H, W) bool
        Both soles.
    probability : (H, W) float64 or None
        The model's probability of sole, where the mask is a model's.
    brightened : mapping of side to (H, W) bool
        Both soles as found in the frame with its cold parts brightened; empty where the model was not shown it.
    """

    masks: Mapping[Side, Mask]
    probability: NDArray[np.float64] | None = None
    brightened: Mapping[Side, Mask] = field(default_factory=dict)


def find_cautions(
    entry: Entry, outlines: Outlines, history: History, settings: QualitySettings
) -> tuple[Observation, ...]:
    """Look for everything that a reader of a frame's numbers should know.

    Parameters
    ----------
    entry : Entry
        The frame, measured.
    outlines : Outlines
        How its soles were outlined.
    history : History
        The session before it.
    settings : QualitySettings
        Thresholds.
    """
    frame, soles = entry.frame, entry.soles
    assert frame is not None and soles is not None  # a measured frame has both
    measured = history.measured
    first = measured[0].frame if measured else None
    return (
        *_sole_cautions(soles, entry, history.reference),
        *_border_cautions(soles),
        *_missing_cautions(soles, history),
        *_territory_cautions(entry, soles),
        *_camera_cautions(frame, first, history.parameters or frame.parameters, settings),
        *_clipping_cautions(frame, outlines.masks, settings),
        *_outline_cautions(entry, outlines, settings),
        *_across_cautions(entry, outlines),
        *_area_cautions(entry, history.reference, settings),
        *_clock_cautions(entry.minute, frame, history.previous, settings),
        *check_drift(entry, history.previous, history.baseline, settings),
    )


def find_notes(entry: Entry, history: History) -> tuple[Message, ...]:
    """Say how a frame's numbers were made where this is worth knowing and no reason to doubt them.

    Parameters
    ----------
    entry : Entry
        The frame, measured.
    history : History
        The session before it.
    """
    soles = entry.soles
    assert soles is not None  # a measured frame has them
    notes = [Caution.SPLIT.message] if Caution.SPLIT in soles.cautions else []
    notes += [
        Message("{share:.0%} of the {side} sole is outside the picture.", share=share, side=SIDE_NAMES[side])
        for side, share in soles.outside.items()
        if side in entry.estimates and _LEAST_OUTSIDE <= share < _LITTLE_OUTSIDE
    ]
    if entry.from_above:
        notes.append(
            Message(
                "The feet are seen from above, so that nerve territories are not given; where a foot ends at its ankle "
                "is not seen, and the error of its mean holds that."
            )
        )
    if entry.open_end and not entry.from_above and _pose(history.reference):
        notes.append(Message("The toes seem to point down, as they did in the first frame."))
    carried = history.reference_territories if entry.minute > 0 else {}
    notes += [
        Message(
            "The {side} sole's pose differs from the first frame's, so its territories were registered afresh: their "
            "borders may have moved over the skin. The whole sole is not affected.",
            side=SIDE_NAMES[side],
        )
        for side, found in entry.territories.items()
        if side in carried and found.method == "registered" and not found.doubtful
    ]
    return tuple(notes)


def _sole_cautions(soles: Soles, entry: Entry, reference: Entry | None) -> list[Observation]:
    """Turn the cautions of soles into observations; that toes point down as they did at t0 has been asked there."""
    expected = {Caution.TOES_DOWN, Caution.SHAPE} if entry.from_above else _pose(reference)
    return [
        Observation(_CONCERNS[caution], caution.message)
        for caution in soles.cautions
        if caution in _CONCERNS and caution not in expected
    ]


def _border_cautions(soles: Soles) -> list[Observation]:
    """State the shares of soles outside the picture that are not small."""
    return [
        Observation(
            Concern.BORDER,
            Message(
                "{share:.0%} of the {side} sole is outside the picture: its mean is that of the part inside, and "
                "changes are taken over the part that both frames show. Move the camera back.",
                share=share,
                side=SIDE_NAMES[side],
            ),
        )
        for side, share in soles.outside.items()
        if side not in soles.too_little and share >= _LITTLE_OUTSIDE
    ]


def _missing_cautions(soles: Soles, history: History) -> list[Observation]:
    """Say which of the session's soles have no numbers in this frame, and why."""
    observations = []
    for side in sides_of(history.feet):
        if soles.side(side) is not None:
            continue
        if side in soles.too_little:
            sentence = Message(
                "Less than half of the {side} sole is in the picture: it has no numbers in this frame.",
                side=SIDE_NAMES[side],
            )
        else:
            sentence = Message(
                "The {side} sole was not found and has no numbers in this frame; the other one was named by its place "
                "in the frames before.",
                side=SIDE_NAMES[side],
            )
        observations.append(Observation(Concern.ONE_SOLE, sentence))
    return observations


def _territory_cautions(entry: Entry, soles: Soles) -> list[Observation]:
    """Say which soles have no territories, or doubtful ones."""
    observations = []
    for side in entry.estimates:
        found = entry.territories.get(side)
        if found is None and not entry.open_end:
            sentence = Message(
                "The {side} sole is too small or has no shape for nerve territories; only the whole sole is measured.",
                side=SIDE_NAMES[side],
            )
        elif found is not None and found.doubtful:
            sentence = Message(
                "The template of nerve territories fits the {side} sole badly: do not rely on their means.",
                side=SIDE_NAMES[side],
            )
        else:
            continue
        observations.append(Observation(Concern.TERRITORIES, sentence))
    return observations


def _camera_cautions(
    frame: Frame, first: Frame | None, locked: Parameters, settings: QualitySettings
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
            "include this difference.",
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


def _clipping_cautions(frame: Frame, masks: Mapping[Side, Mask], settings: QualitySettings) -> list[Observation]:
    """Say where a share of a sole has exactly the frame's lowest or highest temperature."""
    observations = []
    for side, sole in masks.items():
        values = frame.celsius[sole]
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


def _outline_cautions(entry: Entry, outlines: Outlines, settings: QualitySettings) -> list[Observation]:
    """Say at which soles a network's outline may move the mean far, or is not found again in the brightened frame."""
    if outlines.probability is None:
        return []
    observations = []
    most = settings.outline * (_ABOVE if entry.open_end else 1.0)
    for side, found in entry.estimates.items():
        error = found[WHOLE_SOLE].mask
        if side in outlines.brightened and not outlines.brightened[side].any():
            sentence = Message(
                "A second look at the frame, with its cold parts brightened, finds no {side} sole. Look at the outline.",
                side=SIDE_NAMES[side],
            )
        elif error > most:
            sentence = Message(
                "Where the {side} sole's outline runs is unsure, so that its mean may be off by {error:.1f} °C: cold "
                "toes may be missed, or the outline may hold more than the sole. Look at the outline.",
                side=SIDE_NAMES[side],
                error=Z95 * error,
            )
        else:
            continue
        observations.append(Observation(Concern.OUTLINE, sentence, size=error))
    return observations


def _across_cautions(entry: Entry, outlines: Outlines) -> list[Observation]:
    """Say which feet seen from above lie across the picture, so that a network hardly knows where they end."""
    if not entry.open_end or outlines.probability is None:
        return []
    return [
        Observation(
            Concern.OUTLINE,
            Message(
                "The {side} foot lies across the picture: up to half of its outline may be heel and leg. Look at the "
                "outline, or take the pictures from the foot of the bed.",
                side=SIDE_NAMES[side],
            ),
        )
        for side, mask in outlines.masks.items()
        if lies_across(mask)
    ]


def _pose(reference: Entry | None) -> set[Caution]:
    soles = None if reference is None else reference.soles
    return set() if soles is None else {Caution.TOES_DOWN} & set(soles.cautions)


def _area_cautions(entry: Entry, reference: Entry | None, settings: QualitySettings) -> list[Observation]:
    """Say where one sole became larger or smaller in the picture than the other, against t0."""
    areas = [_areas(each) for each in (entry, reference)]
    if any(len(each) < len(SIDES) for each in areas):
        return []
    now, before = (each["left"] / each["right"] for each in areas)
    change = math.log(now / before)
    if abs(change) <= settings.outline_change:
        return []
    larger: Side = "left" if change > 0 else "right"
    sentence = Message(
        "Against t0 the {side} sole's outline has become {share:.0%} larger in proportion to the other one: one of them "
        "may have lost a part, or hold more than the sole. Look at both outlines.",
        side=SIDE_NAMES[larger],
        share=math.expm1(abs(change)),
    )
    return [Observation(Concern.OUTLINE, sentence)]


def _areas(entry: Entry | None) -> dict[Side, float]:
    """Pixels of the soles, with what little of them lies outside the picture."""
    if entry is None or entry.soles is None:
        return {}
    outside = entry.soles.outside
    return {
        side: float(sole.sum()) / (1 - outside.get(side, 0.0))
        for side, sole in (entry.soles.masks or {}).items()
        if outside.get(side, 0.0) < _LITTLE_OUTSIDE
    }


def _clock_cautions(
    minute: float, frame: Frame, before: Entry | None, settings: QualitySettings
) -> list[Observation]:
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


def _changed(name: Message, now: Message, before: Message) -> Message:
    return Message("{name} {now} instead of {before}", name=name, now=now, before=before)


def _shown(parameters: Parameters, name: str) -> Message:
    value = getattr(parameters, name)
    return Message("not stated") if value is None else Message("{value:.4g}", value=value)


def _camera(frame: Frame) -> Message:
    return Message("not stated") if frame.camera is None else Message("{camera}", camera=frame.camera)
