"""How tables of all reports show what groups say, so that a range is never printed as a confidence interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS, few_groups

INTERVAL = "95 % CI over groups"
RANGE = "range of groups, no CI"


def interval_heading(rows: Iterable[Mapping[Any, Any]]) -> str:
    """Name the column of intervals of a table, by the kinds that its rows hold."""
    kinds = {kind for kind in map(_kind, rows) if kind}
    if kinds == {"ci"}:
        return INTERVAL
    if kinds == {"range"}:
        return RANGE
    return f"{INTERVAL} (or range)" if kinds else INTERVAL


def show_interval(row: Mapping[Any, Any], form: str = ".3f") -> str:
    """Write the interval or range of a table's row; a dash where there is neither.

    Examples
    --------
    >>> show_interval({"ci_low": 0.71, "ci_high": 0.9})
    '0.710 – 0.900'
    >>> show_interval({"range_low": 0.71, "range_high": 0.9}, ".2f")
    'range 0.71 – 0.90'
    """
    kind = _kind(row)
    if not kind:
        return "–"
    ends = " – ".join(format(row[f"{kind}_{end}"], form) for end in ("low", "high"))
    return ends if kind == "ci" else f"range {ends}"


def interval_sentence(counts: Iterable[int]) -> str:
    """Say what the intervals of tables are that stand on so many groups each."""
    several = {int(count) for count in counts}
    few = max((count for count in several if count < FEWEST_GROUPS), default=0)
    parts = []
    if several - set(range(FEWEST_GROUPS)):
        parts.append("95 % confidence intervals of the mean over cases, from sign flips of whole groups.")
    if few:
        parts.append(few_groups(few))
    return " ".join(parts)


def _kind(row: Mapping[Any, Any]) -> str:
    for kind in ("ci", "range"):
        low = row.get(f"{kind}_low")
        if low is not None and low == low:
            return kind
    return ""
