"""A session's curves as the rules of flags get them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from prismseg.base import ConfigError, Message
from prismseg.thermal.anatomy import SIDES, WHOLE_SOLE, Side
from prismseg.thermal.sessions.changes import Value, find_estimate
from prismseg.thermal.sessions.entry import Concern, Entry
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.persistence import Persistence
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold


@dataclass(frozen=True)
class PersistenceSettings(ThresholdSettings):
    """How long a change must last before it counts.

    Values are medians over as many minutes, so that no flag depends on how often frames are taken.
    """

    frames: int = threshold(2, "", "Consecutive measured frames in which a change must be seen.")
    persistence: float = threshold(
        1.0, "min", "Time from the first to the last of these frames; with one frame, none."
    )
    tolerance: float = threshold(0.5, "min", "Time by which a capture may be early.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frames < 1:
            raise ConfigError(Message("A flag needs at least one frame."))

    @property
    def enough(self) -> Persistence:
        """What makes a change last."""
        return Persistence(self.frames, self.persistence)


@dataclass(frozen=True)
class SessionCurves:
    """What a rule is given of a session.

    Attributes
    ----------
    entries : sequence of Entry
        All frames, in the order of time.
    baseline : Entry or None
        t0.
    lasting : PersistenceSettings
        How long a change must last.
    found : tuple of Flag
        What earlier rules have found.
    sides : tuple of Side
        Which feet the session is about.
    """

    entries: Sequence[Entry]
    baseline: Entry | None
    lasting: PersistenceSettings = field(default_factory=PersistenceSettings)
    found: tuple[Flag, ...] = ()
    sides: tuple[Side, ...] = SIDES

    def with_flags(self, flags: Sequence[Flag]) -> SessionCurves:
        """Return the same curves with more flags found."""
        return replace(self, found=(*self.found, *flags))

    @property
    def t0(self) -> Entry:
        """The baseline, for rules that need one."""
        assert self.baseline is not None  # rules that need a baseline are not asked without it
        return self.baseline

    @property
    def later(self) -> list[Entry]:
        """Measured frames after the test dose."""
        return [entry for entry in self.entries if entry.ok and entry.minute > 0]

    def baseline_mean(self, side: Side) -> Value:
        """Mean of a whole sole at t0, °C."""
        found = find_estimate(self.t0, side, WHOLE_SOLE)
        return Value() if found is None else Value(found.mean, found.error)

    def cautions(self, frames: Sequence[Entry]) -> list[Message]:
        """Cautions on the frames that a flag rests on, and jumps of the camera between them and the baseline."""
        concerns = [seen.concern for entry in (self.t0, *frames) for seen in entry.observations]
        if frames:
            last = max(entry.minute for entry in frames)
            between = [entry for entry in self.entries if self.t0.minute < entry.minute <= last]
            jumps = [seen.concern for entry in between for seen in entry.observations]
            concerns += [concern for concern in jumps if concern is Concern.SHUTTER]
        return [concern.message for concern in dict.fromkeys(concerns)]
