"""Words that stand in names and not in a ``Message("…")`` of their own: enumerations and literals that are shown."""

from __future__ import annotations

from typing import get_args

from prismseg.thermal.anatomy import REGIONS, SIDES
from prismseg.thermal.frames.frame import Kind
from prismseg.thermal.sessions.entry import Concern
from prismseg.thermal.sessions.flags.flag import FlagName, Level
from prismseg.thermal.soles.pair import Caution, Status
from prismseg.thermal.soles.sides import VIEWS
from prismseg.thermal.soles.territories import Method


def translatable_texts() -> tuple[str, ...]:
    """Texts to translate that a search for ``Message("…")`` does not find, each once."""
    names = (*SIDES, *VIEWS, *REGIONS, *get_args(FlagName), *get_args(Level), *get_args(Kind), *get_args(Method))
    members = (member.value for each in (Concern, Status, Caution) for member in each)
    return tuple(dict.fromkeys((*names, *members)))
