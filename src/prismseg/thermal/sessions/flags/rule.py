"""Rules that look for flags, and their registry: one registration adds a flag with its settings and words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from prismseg.base import Message
from prismseg.base.registry import Registry
from prismseg.thermal.sessions.flags.curves import SessionCurves
from prismseg.thermal.sessions.flags.flag import Flag
from prismseg.thermal.sessions.thresholds import ThresholdSettings

Settings = TypeVar("Settings", bound=ThresholdSettings)


@dataclass(frozen=True)
class FlagRule(Generic[Settings]):
    """How a flag is found, and what is said of it wherever it is shown.

    Attributes
    ----------
    settings : type
        Its thresholds; their names become those of `FlagSettings`.
    find : callable
        Looks for the flag in a session's curves, with these settings.
    title : Message
        Heading on pages and in reports.
    caveat : Message
        What the flag does not mean.
    show_value : callable
        The number that a flag rests on, from its evidence; None where there is no such number.
    needs_baseline : bool
        Whether there is nothing to look for without t0.

    Examples
    --------
    A flag of one's own, in a module that an entry point of the group ``prismseg.extensions`` names:

    >>> from dataclasses import dataclass
    >>> from prismseg.thermal import Flag, FlagRule, FLAG_RULES, FlagSettings, ThresholdSettings, threshold
    >>> @dataclass(frozen=True)
    ... class ShortSession(ThresholdSettings):
    ...     shortest: float = threshold(20.0, "min", "Length of a session below which it is called short.")
    >>> def find_short(curves, settings):
    ...     last = curves.entries[-1].minute
    ...     said = Message("The session ended after {minute:g} min.", minute=last)
    ...     return [Flag("short session", "notice", None, (last,), said)] if last < settings.shortest else []
    >>> rule = FlagRule(ShortSession, find_short, Message("Short session"), Message("It says nothing of the block."))
    >>> with FLAG_RULES.temporarily("short session", rule, summary="A session of less than 20 min."):
    ...     FlagSettings(shortest=15).shortest
    15
    """

    settings: type[Settings]
    find: Callable[[SessionCurves, Settings], Sequence[Flag]]
    title: Message
    caveat: Message
    show_value: Callable[[Mapping[str, Any]], Message | None] = lambda evidence: None
    needs_baseline: bool = True


FLAG_RULES: Registry[FlagRule[Any]] = Registry("flag")
"""Rules by the names of their flags. A rule sees the flags of the rules before it."""

_RULES = "prismseg.thermal.sessions.flags.rules"
FLAG_RULES.register(
    "uninformative", f"{_RULES}.uninformative:RULE", summary="A sole was too warm at baseline for a rise."
)
FLAG_RULES.register("warming", f"{_RULES}.warming:RULE", summary="A sole is warmer than at baseline.")
FLAG_RULES.register(
    "toe warming",
    f"{_RULES}.toes:RULE",
    summary="The toes are warmer than at baseline; off unless a threshold is set.",
)
FLAG_RULES.register("asymmetric", f"{_RULES}.asymmetry:RULE", summary="The soles' changes from baseline differ.")
FLAG_RULES.register(
    "no thermal sign yet",
    f"{_RULES}.no_sign:RULE",
    summary="Neither sole is warmer than at baseline, late in the session.",
)
FLAG_RULES.register("quality", f"{_RULES}.quality:RULE", summary="The recording is not as it should be.")
