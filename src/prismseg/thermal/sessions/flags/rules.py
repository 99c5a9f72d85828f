"""When a session's curves are worth a flag, and what it says. Only whole soles count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from prismseg.base import Message
from prismseg.base.constants import Z95
from prismseg.thermal.anatomy import SIDE_NAMES, SIDES, WHOLE_SOLE, Side
from prismseg.thermal.sessions.changes import Value, asymmetry, delta, find_estimate
from prismseg.thermal.sessions.entry import Concern, Entry
from prismseg.thermal.sessions.flags.flag import Flag, Level
from prismseg.thermal.sessions.flags.persistence import (
    Persistence,
    Run,
    confirmed_runs,
    conservative_rise,
    fastest_rate,
    possible_rise,
    rolling_median,
    trailing_run,
)
from prismseg.thermal.sessions.flags.settings import FlagSettings

WARMING_SOURCE = Message("Stevens 2006; Park, 185 lumbar sympathetic blocks, AUC .971")
ASYMMETRIC_SOURCE = Message("labour study, n=60: rho .40 at 5 min to .60 at 30 min")
NO_SIGN_SOURCE = Message(
    "Bruins 2018: toe rise at 20 min in 14 of 29 working blocks, negative predictive value 17 %"
)
UNINFORMATIVE_SOURCE = Message("plateau of a vasodilated foot at about 34 °C")


@dataclass(frozen=True)
class Rules:
    """The rules, for one session.

    A change counts when it lasts (`FlagSettings.frames`, `FlagSettings.persistence`), when its 95 % interval does not
    hold 0, and only as far as it exceeds the background's (see `conservative_rise`).

    Attributes
    ----------
    entries : sequence of Entry
        All frames, in the order of time.
    baseline : Entry
        t0.
    settings : FlagSettings
        Thresholds.
    """

    entries: Sequence[Entry]
    baseline: Entry
    settings: FlagSettings

    @property
    def later(self) -> list[Entry]:
        """Measured frames after the test dose."""
        return [entry for entry in self.entries if entry.ok and entry.minute > 0]

    @property
    def enough(self) -> Persistence:
        """What makes a change last."""
        return Persistence(self.settings.frames, self.settings.persistence)

    def uninformative(self, side: Side) -> list[Flag]:
        """Find a sole that was warm before."""
        mean = self._baseline_mean(side)
        if not mean.value >= self.settings.no_headroom:
            return []
        certain = mean.low >= self.settings.no_headroom
        said = Message(
            "The {side} sole had {mean:.1f} ± {error:.1f} °C at baseline, close to the plateau of a warm foot at "
            "about 34 °C: a rise cannot be expected, and its absence says nothing.",
            side=SIDE_NAMES[side],
            mean=mean.value,
            error=Z95 * mean.error,
        )
        cautions = self._cautions([])
        sentence = Message.joined([said, *_reserves(certain, cautions)])
        evidence = {
            "baseline": mean.value,
            "baseline_error": mean.error,
            "threshold": self.settings.no_headroom,
            "within_uncertainty": not certain,
            "cautions": cautions,
        }
        minutes = (self.baseline.minute,)
        return [Flag("uninformative", "notice", side, minutes, sentence, evidence, UNINFORMATIVE_SOURCE)]

    def warming(self, side: Side) -> list[Flag]:
        """Find when a sole was warmer than at baseline, and whether clearly."""
        settings, later = self.settings, self.later

        def rise(entry: Entry) -> Value:
            return conservative_rise(entry, self.baseline, side)

        def holds(value: Value) -> bool:
            return value.value >= settings.warming and value.low > 0

        points = rolling_median(later, rise, settings.persistence)
        flags = []
        for run in confirmed_runs(points, holds, self.enough):
            speed = fastest_rate(points, self.baseline, run, side, settings.rate_minutes)
            flags.append(self._warming(side, run, speed))
        last = trailing_run(later, rise, holds, self.enough)
        if last is not None:
            flags.append(self._not_yet_warming(side, last))
        return flags

    def _warming(self, side: Side, run: Run, speed: Value) -> Flag:
        settings = self.settings
        highest = max(run.values, key=lambda found: found.value)
        by_rise = highest.value >= settings.clear_warming
        by_rate = speed.value >= settings.clear_rate and speed.low > 0
        said = [
            Message(
                "The {side} sole was warmer than at baseline by {threshold:g} °C or more in {frames} consecutive "
                "frames ({when}), by at most {value:.1f} ± {error:.1f} °C.",
                side=SIDE_NAMES[side],
                threshold=settings.warming,
                frames=len(run.points),
                when=_span(run.minutes),
                value=highest.value,
                error=Z95 * highest.error,
            )
        ]
        if by_rise or by_rate:
            certain = (by_rise and highest.low >= settings.clear_warming) or (
                by_rate and speed.low >= settings.clear_rate
            )
            said.append(Message("The rise is clear.") if by_rise else _clear_by_rate(speed))
        else:
            certain = bool(confirmed_runs(run.points, lambda value: value.low >= settings.warming, self.enough))
        rates = {"fastest_rate": speed.value, "fastest_rate_error": speed.error}
        return self._warming_flag("clear" if by_rise or by_rate else "present", side, run, said, rates, certain)

    def _not_yet_warming(self, side: Side, last: Run) -> Flag:
        highest = max(last.values, key=lambda found: found.value)
        said = Message(
            "The {side} sole was warmer than at baseline by {value:.1f} ± {error:.1f} °C, but only at the end of the "
            "session ({when}): not confirmed by a frame {minutes:g} min later. Take another one.",
            side=SIDE_NAMES[side],
            value=highest.value,
            error=Z95 * highest.error,
            when=_span(last.minutes),
            minutes=self.settings.persistence,
        )
        return self._warming_flag("unconfirmed", side, last, [said], {}, highest.low >= self.settings.warming)

    def _warming_flag(
        self, level: Level, side: Side, run: Run, said: Sequence[Message], rates: dict[str, float], certain: bool
    ) -> Flag:
        cautions = self._cautions(run.frames)
        evidence = {
            "delta": [rise.value for rise in run.values],
            "delta_error": [rise.error for rise in run.values],
            **rates,
            "threshold": self.settings.warming,
            "clear_threshold": self.settings.clear_warming,
            "clear_rate": self.settings.clear_rate,
            "within_uncertainty": not certain,
            "cautions": cautions,
        }
        sentence = Message.joined([*said, *_reserves(certain, cautions)])
        return Flag("warming", level, side, run.minutes, sentence, evidence, WARMING_SOURCE)

    def asymmetric(self) -> list[Flag]:
        """Find a difference between both soles' changes."""
        first = self.settings.asymmetric_minute - self.settings.tolerance
        later = self.later
        flags = []
        for side in SIDES:
            sign = 1 if side == "right" else -1

            def value_of(entry: Entry) -> Value:
                return asymmetry(entry, self.baseline)

            def holds(value: Value, sign: int = sign) -> bool:
                return sign * value.value >= self.settings.asymmetric and abs(value.value) > Z95 * value.error

            points = [
                point
                for point in rolling_median(later, value_of, self.settings.persistence, sign=sign)
                if point.minute >= first
            ]
            for run in confirmed_runs(points, holds, self.enough):
                flags.append(self._asymmetric("present", side, run))
            last = trailing_run([entry for entry in later if entry.minute >= first], value_of, holds, self.enough)
            if last is not None:
                flags.append(self._asymmetric("unconfirmed", side, last))
        return flags

    def _asymmetric(self, level: Level, side: Side, run: Run) -> Flag:
        threshold = self.settings.asymmetric
        largest = max(run.points, key=lambda point: abs(point.value.value))
        other: Side = "left" if side == "right" else "right"
        changes: dict[Side, Value] = {each: delta(largest.entry, self.baseline, each) for each in SIDES}

        def sure(value: Value) -> bool:
            return abs(value.value) - Z95 * value.error >= threshold

        certain = (
            bool(confirmed_runs(run.points, sure, self.enough)) if level == "present" else sure(largest.value)
        )
        numbers = {
            "threshold": threshold,
            "value": abs(largest.value.value),
            "error": Z95 * largest.value.error,
            "when": _span(run.minutes),
            "left": changes["left"].value,
            "left_error": Z95 * changes["left"].error,
            "right": changes["right"].value,
            "right_error": Z95 * changes["right"].error,
        }
        said = [
            _what_happened(side, other, changes),
            Message(
                "Their changes from baseline differed by {threshold:g} °C or more in {frames} consecutive frames "
                "({when}), by at most {value:.1f} ± {error:.1f} °C (then left {left:+.1f} ± {left_error:.1f}, right "
                "{right:+.1f} ± {right_error:.1f} °C).",
                frames=len(run.points),
                **numbers,
            )
            if level == "present"
            else Message(
                "Their changes from baseline differed by {value:.1f} ± {error:.1f} °C (left {left:+.1f} ± "
                "{left_error:.1f}, right {right:+.1f} ± {right_error:.1f} °C), but only at the end of the session "
                "({when}): not confirmed by a frame {minutes:g} min later. Take another one.",
                minutes=self.settings.persistence,
                **numbers,
            ),
        ]
        cautions = self._cautions(run.frames)
        sentence = Message.joined([*said, *_reserves(certain, cautions)])
        evidence = {
            "right_minus_left": [value.value for value in run.values],
            "error": [value.error for value in run.values],
            "delta": {each: change.value for each, change in changes.items()},
            "threshold": threshold,
            "within_uncertainty": not certain,
            "cautions": cautions,
        }
        return Flag("asymmetric", level, side, run.minutes, sentence, evidence, ASYMMETRIC_SOURCE)

    def no_sign(self) -> list[Flag]:
        """Find that neither sole is warmer than at baseline, late in the session, unless the background may hide it."""
        settings = self.settings
        asked = [entry for entry in self.later if entry.minute >= settings.no_sign_minute - settings.tolerance]
        if not asked:
            return []
        last = asked[-1]
        rises: dict[Side, Value] = {side: delta(last, self.baseline, side) for side in SIDES}
        possible = [possible_rise(last, self.baseline, side) for side in SIDES]
        if not all(rise.value < settings.no_sign for rise in possible):
            return []
        certain = all(rise.high < settings.no_sign for rise in (*rises.values(), *possible))
        warm = [side for side in SIDES if self._baseline_mean(side).value >= settings.no_headroom]
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
        cautions = self._cautions([last])
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

    def _baseline_mean(self, side: Side) -> Value:
        found = find_estimate(self.baseline, side, WHOLE_SOLE)
        return Value() if found is None else Value(found.mean, found.error)

    def _cautions(self, frames: Sequence[Entry]) -> list[Message]:
        """Quality observations on the frames a flag rests on, and jumps of the camera between them and the baseline."""
        observed = [seen.concern for entry in (self.baseline, *frames) for seen in entry.observations]
        if frames:
            last = max(entry.minute for entry in frames)
            between = [entry for entry in self.entries if self.baseline.minute < entry.minute <= last]
            jumps = [seen.concern for entry in between for seen in entry.observations]
            observed += [concern for concern in jumps if concern is Concern.SHUTTER]
        return [concern.message for concern in dict.fromkeys(observed)]


def _what_happened(side: Side, other: Side, changes: dict[Side, Value]) -> Message:
    """Say which sole warmed and which cooled, where `side` is relatively warmer than `other`."""
    names = {"side": SIDE_NAMES[side], "other": SIDE_NAMES[other]}
    match _direction(changes[side]), _direction(changes[other]):
        case 1, 1:
            return Message("The {side} sole warmed more than the {other} one.", **names)
        case 1, 0:
            return Message("The {side} sole warmed, and the {other} one did not.", **names)
        case 1, -1:
            return Message("The {side} sole warmed, and the {other} one cooled.", **names)
        case 0, -1:
            return Message("The {other} sole cooled, and the {side} one did not.", **names)
        case -1, -1:
            return Message("The {other} sole cooled more than the {side} one.", **names)
    return Message("The {side} and the {other} sole changed unlike each other.", **names)


def _direction(change: Value) -> int:
    """1 where a sole warmed, -1 where it cooled, 0 where the interval holds 0."""
    return 1 if change.low > 0 else -1 if change.high < 0 else 0


def _clear_by_rate(rate: Value) -> Message:
    return Message(
        "The rise is clear by its rate of {rate:+.1f} ± {error:.1f} °C/min.",
        rate=rate.value,
        error=Z95 * rate.error,
    )


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
