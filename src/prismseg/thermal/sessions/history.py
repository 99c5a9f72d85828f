"""What a session has kept so far: its frames in order, and what the next one is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from prismseg.thermal.anatomy import Side
from prismseg.thermal.frames.frame import Parameters
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.soles.sides import Feet, sides_of
from prismseg.thermal.soles.territories import Territories


@dataclass(frozen=True)
class History:
    """The frames of a session.

    Attributes
    ----------
    entries : tuple of Entry
        All frames, in the order in which they were added.
    stated_parameters : Parameters or None
        What every frame should have been measured with, where this was stated.
    feet : Feet
        Which feet the session is about.
    """

    entries: tuple[Entry, ...] = ()
    stated_parameters: Parameters | None = None
    feet: Feet = "both"

    def with_entry(self, entry: Entry) -> History:
        """Return the history with one more frame."""
        return replace(self, entries=(*self.entries, entry))

    @property
    def measured(self) -> tuple[Entry, ...]:
        """Frames that have numbers."""
        return tuple(entry for entry in self.entries if entry.ok)

    @property
    def baseline(self) -> Entry | None:
        """Baseline t0: the last measured frame at or before 0 min, if possible one with all soles of the session."""
        before = [entry for entry in reversed(self.measured) if entry.minute <= 0]
        complete = [entry for entry in before if len(entry.estimates) == len(sides_of(self.feet))]
        return next(iter(complete or before), None)

    @property
    def reference(self) -> Entry | None:
        """What later frames are laid over: t0, or before there is one the first measured frame."""
        return self.baseline or next(iter(self.measured), None)

    @property
    def previous(self) -> Entry | None:
        """The last measured frame."""
        measured = self.measured
        return measured[-1] if measured else None

    def before(self, minute: float) -> Entry | None:
        """Return the last measured frame earlier than a minute, None without such."""
        earlier = [entry for entry in self.measured if entry.minute < minute]
        return earlier[-1] if earlier else None

    @property
    def parameters(self) -> Parameters | None:
        """What frames should have been measured with: what was stated, else those of the first measured frame."""
        if self.stated_parameters is not None:
            return self.stated_parameters
        first = next((entry.frame for entry in self.measured if entry.frame is not None), None)
        return None if first is None else first.parameters

    @property
    def sure(self) -> Entry | None:
        """The last measured frame without doubt which sole is which; they keep their names from there on."""
        return next((entry for entry in reversed(self.measured) if not entry.sides_open), None)

    @property
    def reference_territories(self) -> Mapping[Side, Territories]:
        """Territories that later frames carry on: those of t0, else of the first frame that has any."""
        reference: dict[Side, Territories] = {}
        for entry in self.measured:
            for side, found in entry.territories.items():
                if entry.minute <= 0 or side not in reference:
                    reference[side] = found
        return reference
