"""What a session keeps of one frame: its two soles in °C, or why it has no numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from prismseg.base import DataError
from prismseg.thermal.frame import Frame
from prismseg.thermal.sides import Side
from prismseg.thermal.soles import Soles
from prismseg.thermal.territories import Territories
from prismseg.thermal.uncertainty import Estimate


class Concern(StrEnum):
    """What can be wrong with a frame or a session."""

    UNREADABLE = "unreadable frame"
    CONSTANT = "constant frame"
    CLOCK = "clock"
    DUPLICATE = "duplicate frame"
    MASK = "unusable mask"
    NOT_TWO_SOLES = "not two soles"
    MISSING = "missing temperatures"
    IMPLAUSIBLE = "no skin temperature"
    NO_BASELINE = "no t0"
    PARAMETERS = "parameters changed"
    SIZE = "size changed"
    SPAN = "span changed"
    CLIPPED = "clipped temperatures"
    BORDER = "mask at border"
    SHUTTER = "shutter event"
    CROSSED = "sides crossed"
    SHAPE = "shape of the soles"
    TERRITORIES = "territories"


@dataclass(frozen=True)
class Observation:
    """Something about a frame that a reader of its numbers should know.

    Attributes
    ----------
    concern : Concern
        What it is about.
    sentence : str
        What was seen and what to do.
    fatal : bool
        The frame has no numbers because of it.
    """

    concern: Concern
    sentence: str
    fatal: bool = False


class Refused(DataError):
    """A frame that must not give numbers."""

    def __init__(self, concern: Concern, sentence: str) -> None:
        super().__init__(sentence)
        self.concern = concern


@dataclass(frozen=True, eq=False)
class Entry:
    """One frame of a session.

    Attributes
    ----------
    minute : float
        Since the catheter's test dose; 0 and before is baseline.
    source : str
        File or camera.
    frame : Frame or None
        The temperatures; None where the frame could not be read.
    soles : Soles or None
        What was found in the mask; None where nothing was looked for.
    territories : mapping of side to Territories
        Of each sole that is large enough for them.
    estimates : mapping of side to mapping of region to Estimate
        Empty after a failure.
    observations : tuple of Observation
        What is not as it should be.
    """

    minute: float
    source: str
    frame: Frame | None = None
    soles: Soles | None = None
    territories: Mapping[Side, Territories] = field(default_factory=dict)
    estimates: Mapping[Side, Mapping[str, Estimate]] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the frame has numbers."""
        return not any(observation.fatal for observation in self.observations)

    @property
    def status(self) -> str:
        """``measured``, or the concern that left the frame without numbers."""
        fatal = [observation.concern for observation in self.observations if observation.fatal]
        return str(fatal[0]) if fatal else "measured"

    @property
    def reason(self) -> str:
        """Why the frame has no numbers; empty where it has."""
        return " ".join(observation.sentence for observation in self.observations if observation.fatal)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the numbers should know."""
        return tuple(observation.sentence for observation in self.observations if not observation.fatal)

    @property
    def statement(self) -> str:
        """Minute, status, reason and cautions in one line."""
        text = (
            f"{self.minute:g} min: {self.status}."
            if self.ok
            else f"{self.minute:g} min: no numbers. {self.reason}"
        )
        return " ".join([text, *self.cautions])
