"""Flags of what was observed on single frames, and of a missing baseline."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.base import Message
from prismseg.thermal.sessions.checks.settings import QualitySettings
from prismseg.thermal.sessions.entry import Concern, Entry, Observation
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import QUALITY_SOURCE, Flag
from prismseg.thermal.sessions.flags.rule import FlagRule


def find_quality(curves: SessionCurves, settings: QualitySettings) -> list[Flag]:
    """Give one flag for each kind of observation, with all frames that it was made in.

    The thresholds were applied when the frames were measured (`prismseg.thermal.sessions.checks`).
    """
    found: dict[tuple[Concern, str], list[tuple[Entry, Observation]]] = {}
    for entry in curves.entries:
        for observation in entry.observations:
            text = observation.sentence.template if observation.concern is Concern.DRIFT else observation.sentence
            key = (observation.concern, "" if observation.fatal else text)
            found.setdefault(key, []).append((entry, observation))
    flags = []
    if curves.baseline is None and curves.entries:
        sentence = Message(
            "No frame at or before 0 min could be measured, so there is no t0: changes and differences are not given. "
            "Take the baseline before the test dose."
        )
        flags.append(_flag(Concern.NO_BASELINE, tuple(entry.minute for entry in curves.entries), sentence, ()))
    for (concern, _), items in found.items():
        minutes = tuple(entry.minute for entry, _ in items)
        sentences = list(dict.fromkeys(observation.sentence for _, observation in items))
        if concern is Concern.DRIFT and len(sentences) > 1:
            sentences = [_largest(items)]
        without = tuple(entry.minute for entry, _ in items if not entry.ok)
        flags.append(_flag(concern, minutes, Message.joined(sentences), without))
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


def _flag(concern: Concern, minutes: tuple[float, ...], sentence: Message, without: tuple[float, ...]) -> Flag:
    evidence = {"concern": concern.message, "without_numbers": without}
    return Flag("quality", "notice", None, minutes, sentence, evidence, QUALITY_SOURCE)


RULE = FlagRule(
    QualitySettings,
    find_quality,
    title=Message("Quality of the recording"),
    caveat=Message("It says nothing of the block: it concerns the recording alone."),
    needs_baseline=False,
)
