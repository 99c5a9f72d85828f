"""All flags of a session, by the registered rules."""

from __future__ import annotations

from collections.abc import Sequence

from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.flags.curves import PersistenceSettings, SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.flags.rule import FLAG_RULES
from prismseg.thermal.sessions.flags.settings import FlagSettings
from prismseg.thermal.soles.sides import Feet, sides_of


def find_flags(
    entries: Sequence[Entry],
    baseline: Entry | None,
    settings: FlagSettings | None = None,
    *,
    feet: Feet = "both",
) -> tuple[Flag, ...]:
    """Look for everything that is worth a flag, rule by rule (`FLAG_RULES`).

    Parameters
    ----------
    entries : sequence of Entry
        In the order in which they were taken.
    baseline : Entry or None
        t0; without it only quality flags are possible.
    settings : FlagSettings, optional
        Thresholds.
    feet : {"both", "left", "right"}
        Which feet the session is about.

    Examples
    --------
    >>> from prismseg.thermal import Entry, Estimate
    >>> def measured(minute, left, right):
    ...     means = {"left": left, "right": right}
    ...     soles = {side: {"whole sole": Estimate(900, t, 0.5, t, 0.05, 0, 0)} for side, t in means.items()}
    ...     return Entry(minute, "frame", estimates=soles)
    >>> entries = [measured(0, 27.0, 27.0), measured(5, 28.4, 28.3), measured(10, 28.6, 28.5)]
    >>> [(flag.name, flag.level, flag.side) for flag in find_flags(entries, entries[0])]
    [('warming', 'present', 'left'), ('warming', 'present', 'right')]
    """
    chosen = settings or FlagSettings()
    curves = SessionCurves(entries, baseline, chosen.group(PersistenceSettings), sides=sides_of(feet))
    for rule in FLAG_RULES.values():
        if baseline is not None or not rule.needs_baseline:
            curves = curves.with_flags(rule.find(curves, chosen.group(rule.settings)))
    return curves.found
