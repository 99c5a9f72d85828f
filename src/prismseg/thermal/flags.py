"""Flags: observations on a session's curves, each with its source and its evidence, none a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from prismseg.base import ConfigError, Message
from prismseg.thermal.changes import Value, asymmetry, delta, estimate_of, rate
from prismseg.thermal.entry import Concern, Entry, Observation
from prismseg.thermal.sides import SIDE_NAMES, SIDES, Side
from prismseg.thermal.uncertainty import WHOLE, Z95

FlagName = Literal["warming", "asymmetric", "no thermal sign yet", "uninformative", "quality"]
Level = Literal["notice", "present", "clear"]

WARMING_SOURCE = Message("Stevens 2006; Park, 185 lumbar sympathetic blocks, AUC .971")
ASYMMETRIC_SOURCE = Message("labour study, n=60: rho .40 at 5 min to .60 at 30 min")
NO_SIGN_SOURCE = Message(
    "Bruins 2018: toe rise at 20 min in 14 of 29 working blocks, negative predictive value 17 %"
)
UNINFORMATIVE_SOURCE = Message("plateau of a vasodilated foot at about 34 °C")
QUALITY_SOURCE = Message("checks of the recording")


@dataclass(frozen=True)
class FlagSettings:
    """Every threshold of flags and quality checks.

    Attributes
    ----------
    warming, clear_warming : float
        Rise of a whole sole from baseline, °C.
    clear_rate, rate_minutes : float
        °C/min that make a warming clear, and the shortest time over which a rate is judged.
    asymmetric, asymmetric_minute : float
        Difference of both sides' rises, °C, and the first minute at which it counts.
    frames : int
        Consecutive measured frames in which warming or asymmetry must be seen.
    no_sign, no_sign_minute : float
        Rise below which a sole shows no thermal sign, °C, and when this is asked.
    no_headroom : float
        Baseline of a whole sole from which a rise cannot be expected, °C.
    tolerance : float
        Minutes by which a capture may be early.
    plausible : (float, float)
        Range of a sole's mean in °C; what lies outside is no skin in °C.
    jump : float
        Change of the background between two frames that may be a shutter event, °C.
    clipped : float
        Share of a sole's pixels at the frame's limit from which its mean is doubted.
    unsure : float
        Pixels of which the network is unsure (probability from 0.16 to 0.84) at a sole's outline, as a share of the sole,
        from which the outline is doubted.
    second_look : float
        Change of a sole's mean in a second look at the same frame from which the outline is doubted, °C.
    span : float
        Change of a grey picture's limits that is stated, °C.
    clock : float
        Difference between the session's and the camera's clock that is stated, minutes.
    """

    warming: float = 1.0
    clear_warming: float = 2.0
    clear_rate: float = 0.4
    rate_minutes: float = 1.0
    asymmetric: float = 1.0
    asymmetric_minute: float = 10.0
    frames: int = 2
    no_sign: float = 1.0
    no_sign_minute: float = 20.0
    no_headroom: float = 33.5
    tolerance: float = 0.5
    plausible: tuple[float, float] = (5.0, 50.0)
    jump: float = 0.8
    clipped: float = 0.01
    unsure: float = 0.15
    second_look: float = 0.12
    span: float = 0.5
    clock: float = 1.0

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not all(math.isfinite(number) and number >= 0 for number in numbers):
                raise ConfigError(
                    Message(
                        "The flag setting {name} is {value}; it is a finite number of 0 or more.",
                        name=entry.name,
                        value=repr(value),
                    )
                )
        if self.frames < 1:
            raise ConfigError(Message("A flag needs at least one frame."))
        if self.clear_warming < self.warming:
            raise ConfigError(
                Message(
                    "Clear warming from {clear:g} °C lies below warming from {warming:g} °C.",
                    clear=self.clear_warming,
                    warming=self.warming,
                )
            )
        low, high = self.plausible
        if not low < high:
            raise ConfigError(Message("The plausible range goes from {low:g} to {high:g} °C.", low=low, high=high))


@dataclass(frozen=True)
class Flag:
    """An observation on a session.

    Attributes
    ----------
    name : {"warming", "asymmetric", "no thermal sign yet", "uninformative", "quality"}
        What it is.
    level : {"notice", "present", "clear"}
        A notice limits what can be said; the others were seen.
    side : {"left", "right"} or None
        The sole it is about (of an asymmetry the one that warmed more); None for both or neither.
    minutes : tuple of float
        Frames it was seen in.
    sentence : Message
        What was observed.
    evidence : mapping
        Numbers behind it, by name.
    source : Message
        Where the threshold comes from.
    """

    name: FlagName
    level: Level
    side: Side | None
    minutes: tuple[float, ...]
    sentence: Message
    evidence: Mapping[str, Any] = field(default_factory=dict)
    source: Message = QUALITY_SOURCE


def find_flags(
    entries: Sequence[Entry], baseline: Entry | None, settings: FlagSettings | None = None
) -> tuple[Flag, ...]:
    """Look for everything that is worth a flag. Only whole soles count; small territories never raise one.

    Parameters
    ----------
    entries : sequence of Entry
        In the order in which they were taken.
    baseline : Entry or None
        t0; without it only quality flags are possible.
    settings : FlagSettings, optional
        Thresholds.
    """
    chosen = settings or FlagSettings()
    flags: list[Flag] = []
    if baseline is not None:
        later = [entry for entry in entries if entry.ok and entry.minute > 0]
        for side in SIDES:
            flags += _uninformative(baseline, side, chosen)
        warming = [flag for side in SIDES for flag in _warming(later, baseline, side, chosen)]
        flags += warming
        flags += _asymmetric(later, baseline, chosen)
        if not warming:
            flags += _no_sign(later, baseline, chosen)
    return (*flags, *_quality(entries, baseline))


def _runs(entries: Sequence[Entry], holds: Callable[[Entry], bool], least: int) -> list[list[Entry]]:
    """Consecutive entries, at least so many, for which something holds."""
    runs: list[list[Entry]] = [[]]
    for entry in entries:
        if holds(entry):
            runs[-1].append(entry)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if len(run) >= least]


def _warming(later: Sequence[Entry], baseline: Entry, side: Side, settings: FlagSettings) -> list[Flag]:
    flags = []
    before = dict(zip((entry.minute for entry in later), (baseline, *later), strict=False))
    deltas = {entry.minute: delta(entry, baseline, side) for entry in later}
    for run in _runs(later, lambda entry: deltas[entry.minute].value >= settings.warming, settings.frames):
        minutes = tuple(entry.minute for entry in run)
        rises = [deltas[minute] for minute in minutes]
        rates = [
            rate(entry, before[entry.minute], side)
            for entry in run
            if entry.minute - before[entry.minute].minute >= settings.rate_minutes
        ]
        fastest = max(rates, key=lambda found: found.value, default=Value())
        highest = max(rises, key=lambda found: found.value)
        by_rise, by_rate = highest.value >= settings.clear_warming, fastest.value >= settings.clear_rate
        level: Level = "clear" if by_rise or by_rate else "present"
        said = [
            Message(
                "The {side} sole was warmer than at baseline by {threshold:g} °C or more in {frames} consecutive "
                "frames ({when}), by at most {value:.1f} ± {error:.1f} °C.",
                side=SIDE_NAMES[side],
                threshold=settings.warming,
                frames=len(run),
                when=_span(minutes),
                value=highest.value,
                error=Z95 * highest.error,
            )
        ]
        if level == "clear":
            certain = (by_rise and highest.low >= settings.clear_warming) or (
                by_rate and fastest.low >= settings.clear_rate
            )
            said.append(Message("The rise is clear.") if by_rise else _clear_by_rate(fastest))
        else:
            certain = any(
                all(rise.low >= settings.warming for rise in rises[start : start + settings.frames])
                for start in range(len(rises) - settings.frames + 1)
            )
        cautions = _cautions([baseline, *run])
        sentence = Message.joined([*said, *_reserves(certain, cautions)])
        evidence = {
            "delta": [rise.value for rise in rises],
            "delta_error": [rise.error for rise in rises],
            "fastest_rate": fastest.value,
            "fastest_rate_error": fastest.error,
            "threshold": settings.warming,
            "clear_threshold": settings.clear_warming,
            "clear_rate": settings.clear_rate,
            "within_uncertainty": not certain,
            "cautions": cautions,
        }
        flags.append(Flag("warming", level, side, minutes, sentence, evidence, WARMING_SOURCE))
    return flags


def _asymmetric(later: Sequence[Entry], baseline: Entry, settings: FlagSettings) -> list[Flag]:
    flags = []
    asked = [entry for entry in later if entry.minute >= settings.asymmetric_minute - settings.tolerance]
    values = {entry.minute: asymmetry(entry, baseline) for entry in asked}
    signs: tuple[tuple[Side, int], ...] = (("right", 1), ("left", -1))
    for side, sign in signs:
        for run in _runs(
            asked,
            lambda entry, sign=sign: sign * values[entry.minute].value >= settings.asymmetric,  # type: ignore[misc]
            settings.frames,
        ):
            minutes = tuple(entry.minute for entry in run)
            found = [values[minute] for minute in minutes]
            largest = max(found, key=lambda value: abs(value.value))
            sure = [abs(value.value) - Z95 * value.error >= settings.asymmetric for value in found]
            certain = any(
                all(sure[start : start + settings.frames]) for start in range(len(sure) - settings.frames + 1)
            )
            said = Message(
                "The {side} sole warmed more than the {other} one by {threshold:g} °C or more in {frames} consecutive "
                "frames ({when}), by at most {value:.1f} ± {error:.1f} °C, each sole against its own baseline.",
                side=SIDE_NAMES[side],
                other=SIDE_NAMES["left" if side == "right" else "right"],
                threshold=settings.asymmetric,
                frames=len(run),
                when=_span(minutes),
                value=abs(largest.value),
                error=Z95 * largest.error,
            )
            cautions = _cautions([baseline, *run])
            sentence = Message.joined([said, *_reserves(certain, cautions)])
            evidence = {
                "right_minus_left": [value.value for value in found],
                "error": [value.error for value in found],
                "threshold": settings.asymmetric,
                "within_uncertainty": not certain,
                "cautions": cautions,
            }
            flags.append(Flag("asymmetric", "present", side, minutes, sentence, evidence, ASYMMETRIC_SOURCE))
    return flags


def _no_sign(later: Sequence[Entry], baseline: Entry, settings: FlagSettings) -> list[Flag]:
    asked = [entry for entry in later if entry.minute >= settings.no_sign_minute - settings.tolerance]
    if not asked:
        return []
    last = asked[-1]
    rises: dict[Side, Value] = {side: delta(last, baseline, side) for side in SIDES}
    if not all(rise.value < settings.no_sign for rise in rises.values()):
        return []
    certain = all(rise.high < settings.no_sign for rise in rises.values())
    warm = [side for side in SIDES if _baseline_mean(baseline, side).value >= settings.no_headroom]
    said = [
        Message(
            "At {minute:g} min neither sole is warmer than at baseline by {threshold:g} °C (left {left:+.1f} ± "
            "{left_error:.1f}, right {right:+.1f} ± {right_error:.1f} °C). This does NOT exclude a working "
            "block: in one study the toes had warmed at 20 min in only 14 of 29 working blocks.",
            minute=last.minute,
            threshold=settings.no_sign,
            left=rises["left"].value,
            left_error=Z95 * rises["left"].error,
            right=rises["right"].value,
            right_error=Z95 * rises["right"].error,
        )
    ]
    if len(warm) == 1:
        said.append(Message("The baseline left no headroom for a rise ({side}).", side=SIDE_NAMES[warm[0]]))
    elif warm:
        said.append(Message("The baseline left no headroom for a rise (left and right)."))
    cautions = _cautions([baseline, last])
    sentence = Message.joined([*said, *_reserves(certain, cautions)])
    evidence = {
        "delta": {side: rise.value for side, rise in rises.items()},
        "delta_error": {side: rise.error for side, rise in rises.items()},
        "threshold": settings.no_sign,
        "within_uncertainty": not certain,
        "no_headroom": warm,
        "cautions": cautions,
    }
    return [Flag("no thermal sign yet", "notice", None, (last.minute,), sentence, evidence, NO_SIGN_SOURCE)]


def _uninformative(baseline: Entry, side: Side, settings: FlagSettings) -> list[Flag]:
    mean = _baseline_mean(baseline, side)
    if not mean.value >= settings.no_headroom:
        return []
    certain = mean.low >= settings.no_headroom
    said = Message(
        "The {side} sole had {mean:.1f} ± {error:.1f} °C at baseline, close to the plateau of a warm foot at "
        "about 34 °C: a rise cannot be expected, and its absence says nothing.",
        side=SIDE_NAMES[side],
        mean=mean.value,
        error=Z95 * mean.error,
    )
    cautions = _cautions([baseline])
    sentence = Message.joined([said, *_reserves(certain, cautions)])
    evidence = {
        "baseline": mean.value,
        "baseline_error": mean.error,
        "threshold": settings.no_headroom,
        "within_uncertainty": not certain,
        "cautions": cautions,
    }
    return [Flag("uninformative", "notice", side, (baseline.minute,), sentence, evidence, UNINFORMATIVE_SOURCE)]


def _quality(entries: Sequence[Entry], baseline: Entry | None) -> list[Flag]:
    """One flag for each kind of observation, with all frames that it was made in."""
    found: dict[tuple[Concern, str], list[tuple[Entry, Observation]]] = {}
    for entry in entries:
        for observation in entry.observations:
            key = (observation.concern, "" if observation.fatal else observation.sentence)
            found.setdefault(key, []).append((entry, observation))
    flags = []
    if baseline is None and entries:
        sentence = Message(
            "No frame at or before 0 min could be measured, so there is no t0: changes and differences are not given. "
            "Take the baseline before the test dose."
        )
        flags.append(_quality_flag(Concern.NO_BASELINE, tuple(entry.minute for entry in entries), sentence, ()))
    for (concern, _), items in found.items():
        minutes = tuple(entry.minute for entry, _ in items)
        sentences = list(dict.fromkeys(observation.sentence for _, observation in items))
        without = tuple(entry.minute for entry, _ in items if not entry.ok)
        flags.append(_quality_flag(concern, minutes, Message.joined(sentences), without))
    return flags


def _quality_flag(
    concern: Concern, minutes: tuple[float, ...], sentence: Message, without: tuple[float, ...]
) -> Flag:
    evidence = {"concern": concern.message, "without_numbers": without}
    return Flag("quality", "notice", None, minutes, sentence, evidence, QUALITY_SOURCE)


def _baseline_mean(baseline: Entry, side: Side) -> Value:
    found = estimate_of(baseline, side, WHOLE)
    return Value() if found is None else Value(found.mean, found.error)


def _clear_by_rate(rate: Value) -> Message:
    return Message(
        "The rise is clear by its rate of {rate:+.1f} ± {error:.1f} °C/min.",
        rate=rate.value,
        error=Z95 * rate.error,
    )


def _cautions(entries: Sequence[Entry]) -> list[Message]:
    """Quality observations on the frames a flag rests on."""
    found = (observation.concern.message for entry in entries for observation in entry.observations)
    return list(dict.fromkeys(found))


def _reserves(certain: bool, cautions: Sequence[Message]) -> list[Message]:
    """Say what weakens a flag, as the end of what it says."""
    said = [] if certain else [Message("The threshold lies within its uncertainty.")]
    if cautions:
        said.append(Message("Remarks on its frames: {cautions}.", cautions=Message.joined(cautions, ", ")))
    return said


def _span(minutes: tuple[float, ...]) -> Message:
    if len(minutes) == 1:
        return Message("{minute:g} min", minute=minutes[0])
    return Message("{first:g} to {last:g} min", first=minutes[0], last=minutes[-1])
