"""Texts that stand in names and not in a ``Message("…")`` of their own: enumerations, literals, registered flags."""

from __future__ import annotations

from typing import get_args

from prismseg.thermal.anatomy import REGION_NAMES, SIDES
from prismseg.thermal.frames.frame import Kind
from prismseg.thermal.sessions.entry import Concern
from prismseg.thermal.sessions.flags.flag import Level
from prismseg.thermal.sessions.flags.rule import FLAG_RULES
from prismseg.thermal.soles.sides import VIEWS
from prismseg.thermal.soles.status import Caution, Status
from prismseg.thermal.soles.territories import Method


def translatable_texts() -> tuple[str, ...]:
    """List texts to translate that a search for ``Message("…")`` in this package does not find, each once.

    Examples
    --------
    >>> {"left", "whole sole", "warming"} <= set(translatable_texts())
    True
    """
    names = (*SIDES, *VIEWS, *REGION_NAMES, *FLAG_RULES, *get_args(Level), *get_args(Kind), *get_args(Method))
    members = (member.value for each in (Concern, Status, Caution) for member in each)
    flags = (text.template for rule in FLAG_RULES.values() for text in (rule.title, rule.caveat))
    return tuple(dict.fromkeys((*names, *members, *flags)))
