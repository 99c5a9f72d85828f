"""What a session keeps of one frame: the temperatures of its two soles, or the reason why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from weakref import WeakKeyDictionary

from prismseg.base import DataError, Message
from prismseg.base.deprecation import renamed
from prismseg.thermal.anatomy import Side
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.regions.region_set import RegionSet
from prismseg.thermal.sessions.background import Background
from prismseg.thermal.sessions.means.estimate import Estimate
from prismseg.thermal.soles.pair import Soles
from prismseg.thermal.soles.territories import Territories


@renamed(CROSSED="SIDES_SWAPPED")
class Concern(StrEnum):
    """Kinds of what can be wrong with a frame or a session."""

    UNREADABLE = "unreadable frame"
    CONSTANT = "constant frame"
    CLOCK = "clock"
    DUPLICATE = "duplicate frame"
    MASK = "unusable mask"
    OUTLINE = "doubtful outline"
    NOT_TWO_SOLES = "not two soles"
    MISSING = "missing temperatures"
    IMPLAUSIBLE = "no skin temperature"
    NO_BASELINE = "no t0"
    PARAMETERS = "parameters changed"
    DOUBTFUL_PARAMETERS = "doubtful parameters"
    SIZE = "size changed"
    SPAN = "span changed"
    CLIPPED = "clipped temperatures"
    BORDER = "mask at border"
    SHUTTER = "shutter event"
    DRIFT = "background changed"
    SIDES_SWAPPED = "sides crossed"
    SIDES_OPEN = "sides open"
    ONE_SOLE = "one sole"
    SHAPE = "shape of the soles"
    TERRITORIES = "territories"

    @property
    def message(self) -> Message:
        """The same, translatable."""
        return Message(self.value)


@dataclass(frozen=True)
class Observation:
    """Something that a reader of a frame's numbers should know.

    Attributes
    ----------
    concern : Concern
        What it is about.
    sentence : Message
        What was seen and what to do.
    fatal : bool
        The frame has no numbers because of it.
    size : float
        How much it is, °C: of several frames' sentences about one drift the one with the largest is shown.
    """

    concern: Concern
    sentence: Message
    fatal: bool = False
    size: float = 0.0


class FrameRejected(DataError):
    """A frame that must not give numbers.

    Parameters
    ----------
    concern : Concern
        The kind of reason.
    sentence : Message
        What is wrong and what to do.
    """

    def __init__(self, concern: Concern, sentence: Message) -> None:
        super().__init__(sentence)
        self.concern = concern


@renamed(backdrop="background")
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
    background : Background or None
        What was seen beside the soles; None after a failure.
    notes : tuple of Message
        How the numbers were made, where this is worth knowing and no reason to doubt them.
    drawn : mapping of side to tuple of RegionSet
        The regions that were drawn, on this frame's soles.
    from_above : bool
        Whether feet are seen from above, with their legs entering at the top.
    open_end : bool
        Whether it is not seen where the feet end, as from above, or where toes point down and legs may be covered.
    shared : mapping
        What was measured over the part of a cut sole that another frame shows too, by that frame.
    """

    minute: float
    source: str
    frame: Frame | None = None
    soles: Soles | None = None
    territories: Mapping[Side, Territories] = field(default_factory=dict)
    estimates: Mapping[Side, Mapping[str, Estimate]] = field(default_factory=dict)
    observations: tuple[Observation, ...] = ()
    background: Background | None = None
    notes: tuple[Message, ...] = ()
    drawn: Mapping[Side, Sequence[RegionSet]] = field(default_factory=dict)
    from_above: bool = False
    open_end: bool = False
    shared: WeakKeyDictionary[Entry, dict[Side, dict[str, tuple[Estimate, Estimate]]]] = field(
        default_factory=WeakKeyDictionary, repr=False, init=False
    )

    @property
    def ok(self) -> bool:
        """Whether the frame has numbers."""
        return not any(observation.fatal for observation in self.observations)

    @property
    def sides_open(self) -> bool:
        """Whether it is open which sole is the left one, so that nothing is compared with other frames."""
        return any(observation.concern is Concern.SIDES_OPEN for observation in self.observations)

    @property
    def status(self) -> Message:
        """``measured``, or the concern that left the frame without numbers."""
        fatal = [observation.concern for observation in self.observations if observation.fatal]
        return fatal[0].message if fatal else Message("measured")

    @property
    def reason(self) -> Message:
        """Why the frame has no numbers; empty where it has."""
        return Message.joined([observation.sentence for observation in self.observations if observation.fatal])

    @property
    def cautions(self) -> tuple[Message, ...]:
        """What a reader of the numbers should know."""
        return tuple(observation.sentence for observation in self.observations if not observation.fatal)

    @property
    def statement(self) -> Message:
        """Minute, status, reason, cautions and notes in one line."""
        summary = (
            Message("{minute:g} min: measured.", minute=self.minute)
            if self.ok
            else Message("{minute:g} min: no numbers. {reason}", minute=self.minute, reason=self.reason)
        )
        return Message.joined([summary, *self.cautions, *self.notes])
