"""What a reader of a measured frame's numbers should know."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import Message
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, WHOLE_SOLE, Side
from prismseg.thermal.frames.frame import PARAMETER_LABELS, Frame, Parameters, same_value
from prismseg.thermal.sessions.checks.drift import check_drift
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.history import History
from prismseg.thermal.sessions.uncertainty import Estimate
from prismseg.thermal.soles.pair import Caution, Soles
from prismseg.thermal.soles.pieces import Mask
from prismseg.thermal.soles.territories import Territories

# Probabilities between which a network is unsure: those of one standard deviation to either side of even odds.
_UNSURE = (0.16, 0.84)
# Pixels around a sole that may still belong to it; chosen on phantoms of 640 x 480 pixels.
_NEAR_SOLE = 6
_CONCERNS = {
    Caution.AT_BORDER: Concern.BORDER,
    Caution.SIDES_SWAPPED: Concern.SIDES_SWAPPED,
    Caution.SHAPE: Concern.SHAPE,
    Caution.TOES_DOWN: Concern.SHAPE,
    Caution.SPLIT: Concern.OUTLINE,
    Caution.UNEQUAL: Concern.OUTLINE,
}


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
    carried = bool(history.reference_territories) and entry.minute > 0
    return (
        *_sole_cautions(soles),
        *_territory_cautions(entry.territories, carried=carried),
        *_camera_cautions(frame, first, history.parameters or frame.parameters, settings),
        *_clipping_cautions(frame, outlines.masks, settings),
        *_outline_cautions(outlines, settings),
        *_brightening_cautions(frame, entry.estimates, outlines.brightened, settings),
        *_clock_cautions(entry.minute, frame, history.previous, settings),
        *check_drift(entry, history.previous, history.baseline, settings),
    )


def _sole_cautions(soles: Soles) -> list[Observation]:
    """Turn the cautions of two soles into observations."""
    return [Observation(_CONCERNS[caution], caution.message) for caution in soles.cautions]


def _territory_cautions(found: Mapping[Side, Territories], *, carried: bool) -> list[Observation]:
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
                "The template of nerve territories fits the {side} sole badly: do not rely on their means.",
                side=name,
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
    for side in SIDES:
        values = frame.celsius[masks[side]]
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


def _outline_cautions(outlines: Outlines, settings: QualitySettings) -> list[Observation]:
    """Say at which soles a network is unsure where the outline runs."""
    if outlines.probability is None:
        return []
    observations = []
    unsure = (outlines.probability > _UNSURE[0]) & (outlines.probability < _UNSURE[1])
    for side in SIDES:
        sole = outlines.masks[side]
        share = float((unsure & ndimage.binary_dilation(sole, iterations=_NEAR_SOLE)).sum() / sole.sum())
        if share > settings.unsure:
            sentence = Message(
                "The network is unsure of the {side} sole's outline: pixels amounting to {share:.0%} of its area may or "
                "may not belong to it. Look at the outline.",
                side=SIDE_NAMES[side],
                share=share,
            )
            observations.append(Observation(Concern.OUTLINE, sentence))
    return observations


def _brightening_cautions(
    frame: Frame,
    estimates: Mapping[Side, Mapping[str, Estimate]],
    brightened: Mapping[Side, Mask],
    settings: QualitySettings,
) -> list[Observation]:
    """Say which soles have another mean when the same frame is segmented again with its cold parts brightened."""
    observations = []
    for side, seen in brightened.items():
        values = frame.celsius[seen & np.isfinite(frame.celsius)].astype(np.float64)
        change = float(values.mean()) - estimates[side][WHOLE_SOLE].mean if values.size else math.nan
        if values.size == 0:
            sentence = Message(
                "A second look at the frame, with its cold parts brightened, finds no {side} sole. Look at the outline.",
                side=SIDE_NAMES[side],
            )
        elif abs(change) > settings.brightened:
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
