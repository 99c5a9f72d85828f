"""Sessions as tables; `prismseg.thermal.Session` describes the columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from prismseg.thermal.anatomy import SIDES, Side
from prismseg.thermal.sessions.changes import (
    Value,
    asymmetry,
    background_change,
    beyond_background,
    delta,
    find_estimate,
    rate,
)
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.history import History
from prismseg.thermal.sessions.means.estimate import PERCENTILES, Estimate

_HEAD = ("minute", "source", "status", "reason")
_VALUES = [
    *_HEAD, "side", "region", "method", "pixels", "mean", "mean_error", "mean_low", "mean_high", "sd", "median",
    "min", "max", *(f"p{percentile}" for percentile in PERCENTILES),
    "delta", "delta_error", "delta_low", "delta_high", "rate", "rate_error", "rate_low", "rate_high",
    "beyond_background", "beyond_background_error", "beyond_background_low", "beyond_background_high",
]  # fmt: skip
_STATEMENTS = [
    *_HEAD, "background", "background_error", "background_low", "background_high", "cautions", "notes",
    "outside_left", "outside_right",
]  # fmt: skip
_DIFFERENCES = [*_HEAD, "region", "difference", "difference_error", "difference_low", "difference_high"]


def values_table(history: History, regions: Sequence[str]) -> pd.DataFrame:
    """Tabulate `Session.table` of some regions."""
    rows, baseline = [], history.baseline
    for entry in history.entries:
        for side in SIDES:
            territories = entry.territories.get(side)
            for region in regions:
                estimate = find_estimate(entry, side, region)
                mean = Value() if estimate is None else Value(estimate.mean, estimate.error)
                rows.append(
                    {
                        **_head(entry),
                        "side": side,
                        "region": region,
                        "method": "" if territories is None else territories.method,
                        **_spread(estimate),
                        **_columns("mean", mean),
                        **_columns("delta", delta(entry, baseline, side, region)),
                        **_columns(
                            "rate", rate(entry, history.before(entry.minute) if baseline else None, side, region)
                        ),
                        **_columns("beyond_background", beyond_background(entry, baseline, side, region)),
                    }
                )
    return pd.DataFrame(rows, columns=_VALUES)


def differences_table(history: History, regions: Sequence[str]) -> pd.DataFrame:
    """Tabulate `Session.differences` of some regions."""
    baseline = history.baseline
    rows = [
        {**_head(entry), "region": region, **_columns("difference", asymmetry(entry, baseline, region))}
        for entry in history.entries
        for region in regions
    ]
    return pd.DataFrame(rows, columns=_DIFFERENCES)


def statements_table(history: History) -> pd.DataFrame:
    """Tabulate `Session.statements`."""
    baseline = history.baseline
    rows = [
        {
            **_head(entry),
            **_columns("background", background_change(entry, baseline)),
            "cautions": " ".join(entry.cautions),
            "notes": " ".join(entry.notes),
            **{f"outside_{side}": _outside(entry, side) for side in SIDES},
        }
        for entry in history.entries
    ]
    return pd.DataFrame(rows, columns=_STATEMENTS)


def _outside(entry: Entry, side: Side) -> float:
    """Share of a measured sole outside the picture."""
    if entry.soles is None or side not in entry.estimates:
        return math.nan
    return entry.soles.outside.get(side, 0.0)


def _head(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _HEAD}


def _spread(estimate: Estimate | None) -> dict[str, float]:
    if estimate is None:
        return {"pixels": 0}
    named = zip(PERCENTILES, estimate.percentiles, strict=True)
    return {
        "pixels": estimate.pixels,
        "sd": estimate.sd,
        "median": estimate.median,
        "min": estimate.lowest,
        "max": estimate.highest,
        **{f"p{percentile}": value for percentile, value in named},
    }


def _columns(name: str, value: Value) -> dict[str, float]:
    return {
        name: value.value,
        f"{name}_error": value.error,
        f"{name}_low": value.low,
        f"{name}_high": value.high,
    }
