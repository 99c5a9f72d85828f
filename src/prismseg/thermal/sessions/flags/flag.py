"""A flag: an observation with its source and its evidence, not a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prismseg.base import Message
from prismseg.thermal.anatomy import Side

Level = Literal["notice", "unconfirmed", "present", "clear"]

QUALITY_SOURCE = Message("checks of the recording")


@dataclass(frozen=True)
class Flag:
    """An observation on a session.

    Attributes
    ----------
    name : str
        What it is: a name in `FLAG_RULES`.
    level : {"notice", "unconfirmed", "present", "clear"}
        A notice limits what can be said; the others were seen, though unconfirmed in the last frames alone.
    side : {"left", "right"} or None
        The sole it is about (of an asymmetry the one that is warmer, each against its own baseline); None for both or
        neither.
    minutes : tuple of float
        Frames it was seen in.
    sentence : Message
        What was observed.
    evidence : mapping
        Numbers behind it, by name.
    source : Message
        Where the threshold comes from.
    """

    name: str
    level: Level
    side: Side | None
    minutes: tuple[float, ...]
    sentence: Message
    evidence: Mapping[str, Any] = field(default_factory=dict)
    source: Message = QUALITY_SOURCE
