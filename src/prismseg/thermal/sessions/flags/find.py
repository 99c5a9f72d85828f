"""All observations on a session: on its curves, and on the recording."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.base import Message
from prismseg.thermal.anatomy import SIDES
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.flags.flag import QUALITY_SOURCE, Flag
from prismseg.thermal.sessions.flags.rules import Rules
from prismseg.thermal.sessions.flags.settings import FlagSettings


def find_flags(
    entries: Sequence[Entry], baseline: Entry | None, settings: FlagSettings | None = None
) -> tuple[Flag, ...]:
    """Look for everything that is worth a flag, by the `Rules` and by what was observed of single frames.

    Parameters
    ----------
    entries : sequence of Entry
        In the order in which they were taken.
    baseline : Entry or None
        t0; without it only quality flags are possible.
    settings : FlagSettings, optional
        Thresholds.
    """
    flags: list[Flag] = []
    if baseline is not None:
        rules = Rules(entries, baseline, settings or FlagSettings())
        for side in SIDES:
            flags += rules.uninformative(side)
        warming = [flag for side in SIDES for flag in rules.warming(side)]
        flags += warming
        flags += rules.asymmetric()
        if not warming:
            flags += rules.no_sign()
    return (*flags, *_quality(entries, baseline))


def _quality(entries: Sequence[Entry], baseline: Entry | None) -> list[Flag]:
    """One flag for each kind of observation, with all frames that it was made in."""
    found: dict[tuple[Concern, str], list[tuple[Entry, Observation]]] = {}
    for entry in entries:
        for observation in entry.observations:
            said = observation.sentence.template if observation.concern is Concern.DRIFT else observation.sentence
            key = (observation.concern, "" if observation.fatal else said)
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
        if concern is Concern.DRIFT and len(sentences) > 1:
            sentences = [_largest(items)]
        without = tuple(entry.minute for entry, _ in items if not entry.ok)
        flags.append(_quality_flag(concern, minutes, Message.joined(sentences), without))
    return flags


def _largest(items: Sequence[tuple[Entry, Observation]]) -> Message:
    """Let the largest of several frames' sentences speak for all of them."""
    entry, largest = max(items, key=lambda item: item[1].size)
    return Message(
        "{count} frames, most at {minute:g} min: {sentence}",
        count=len(items),
        minute=entry.minute,
        sentence=largest.sentence,
    )


def _quality_flag(
    concern: Concern, minutes: tuple[float, ...], sentence: Message, without: tuple[float, ...]
) -> Flag:
    evidence = {"concern": concern.message, "without_numbers": without}
    return Flag("quality", "notice", None, minutes, sentence, evidence, QUALITY_SOURCE)
