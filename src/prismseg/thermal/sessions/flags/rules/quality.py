"""Flags of what was observed on single frames, and of a missing baseline."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.base import Message
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import QUALITY_SOURCE, Flag
from prismseg.thermal.sessions.flags.rule import FlagRule
from prismseg.thermal.sessions.flags.rules.wording import show_minutes

Item = tuple[Entry, Observation]


def find_quality(curves: SessionCurves, settings: QualitySettings) -> list[Flag]:
    """Give one flag for each kind of observation, with all frames that it was made in.

    The thresholds were applied when the frames were measured (`prismseg.thermal.sessions.checks`).
    """
    flags = []
    if curves.baseline is None and curves.entries:
        sentence = Message(
            "No frame at or before 0 min could be measured, so there is no t0: changes and differences are not given. "
            "Take the baseline before the test dose."
        )
        flags.append(_flag(Concern.NO_BASELINE, tuple(entry.minute for entry in curves.entries), sentence, ()))
    for concern, items in _gather(curves.entries):
        minutes = tuple(entry.minute for entry, _ in items)
        without = tuple(entry.minute for entry, _ in items if not entry.ok)
        flags.append(_flag(concern, minutes, _summarize(items), without))
    return flags


def _gather(entries: Sequence[Entry]) -> list[tuple[Concern, list[Item]]]:
    """Group observations that say the same of other frames or sides, with other numbers."""
    found: dict[tuple[Concern, str], list[Item]] = {}
    for entry in entries:
        for observation in entry.observations:
            key = (observation.concern, "" if observation.fatal else Message.of(observation.sentence).template)
            found.setdefault(key, []).append((entry, observation))
    return [(concern, items) for (concern, _), items in found.items()]


def _summarize(items: Sequence[Item]) -> Message:
    """Say when and what; of several frames the largest speaks for all, but reasons for refusals are all given."""
    minutes = tuple(dict.fromkeys(entry.minute for entry, _ in items))
    sentences = list(dict.fromkeys(observation.sentence for _, observation in items))
    when = show_minutes(minutes)
    if len(minutes) > 2:
        when = Message("{count} frames, {when}", count=len(minutes), when=when)
    # Of one frame both soles' sentences.
    if 1 in (len(sentences), len(minutes)) or any(observation.fatal for _, observation in items):
        return Message("{when}: {sentence}", when=when, sentence=Message.joined(sentences))
    entry, largest = max(items, key=lambda item: item[1].size)
    return Message(
        "{when}, most at {minute:g} min: {sentence}", when=when, minute=entry.minute, sentence=largest.sentence
    )


def _flag(concern: Concern, minutes: tuple[float, ...], sentence: Message, without: tuple[float, ...]) -> Flag:
    evidence = {"concern": concern.message, "without_numbers": without}
    return Flag("quality", "notice", None, tuple(dict.fromkeys(minutes)), sentence, evidence, QUALITY_SOURCE)


RULE = FlagRule(
    QualitySettings,
    find_quality,
    title=Message("Quality of the recording"),
    caveat=Message("It says nothing of the block: it concerns the recording alone."),
    needs_baseline=False,
)
