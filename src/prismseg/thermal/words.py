"""Words that stand in names and not in a ``Message("…")`` of their own: enumerations and literals that are shown."""

from __future__ import annotations

from typing import get_args

from prismseg.thermal.entry import Concern
from prismseg.thermal.flag import FlagName, Level
from prismseg.thermal.frame import Kind
from prismseg.thermal.sides import SIDES, VIEWS
from prismseg.thermal.soles import Caution, Status
from prismseg.thermal.territories import Method
from prismseg.thermal.uncertainty import REGIONS


def sentences() -> tuple[str, ...]:
    """Texts to translate that a search for ``Message("…")`` does not find, each once."""
    names = (*SIDES, *VIEWS, *REGIONS, *get_args(FlagName), *get_args(Level), *get_args(Kind), *get_args(Method))
    members = (member.value for each in (Concern, Status, Caution) for member in each)
    return tuple(dict.fromkeys((*names, *members)))
