"""Sentences that several rules share."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.base import Message
from prismseg.base.constants import Z95


def state_reserves(certain: bool, cautions: Sequence[Message]) -> list[Message]:
    """Say what weakens a flag, as the end of its sentence."""
    sentences = [] if certain else [Message("The threshold lies within its uncertainty.")]
    if cautions:
        sentences.append(Message("Remarks on its frames: {cautions}.", cautions=Message.joined(cautions, ", ")))
    return sentences


def show_minutes(minutes: tuple[float, ...]) -> Message:
    """Name the first and the last of some minutes."""
    if len(minutes) == 1:
        return Message("{minute:g} min", minute=minutes[0])
    return Message("{first:g} to {last:g} min", first=minutes[0], last=minutes[-1])


def show_change(value: float, error: float) -> Message:
    """Show a change in °C with its 95 % interval, from its standard error."""
    return Message("{value:+.1f} ± {error:.1f} °C", value=value, error=Z95 * error)
