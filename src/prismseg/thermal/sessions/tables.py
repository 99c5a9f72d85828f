"""Sessions as tables; `prismseg.thermal.Session` describes the columns."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from prismseg.thermal.anatomy import REGIONS, SIDES
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

_HEAD = ("minute", "source", "status", "reason")
_VALUES = [
    *_HEAD, "side", "region", "method", "pixels", "mean", "mean_error", "mean_low", "mean_high", "sd", "median",
    "delta", "delta_error", "delta_low", "delta_high", "rate", "rate_error", "rate_low", "rate_high",
    "beyond_background", "beyond_background_error", "beyond_background_low", "beyond_background_high",
]  # fmt: skip
_STATEMENTS = [*_HEAD, "background", "background_error", "background_low", "background_high", "cautions"]
_DIFFERENCES = [*_HEAD, "region", "difference", "difference_error", "difference_low", "difference_high"]


def values_table(history: History) -> pd.DataFrame:
    """Tabulate `Session.table`."""
    rows, baseline = [], history.baseline
    for entry in history.entries:
        for side in SIDES:
            territories = entry.territories.get(side)
            for region in REGIONS:
                estimate = find_estimate(entry, side, region)
                mean = Value() if estimate is None else Value(estimate.mean, estimate.error)
                rows.append(
                    {
                        **_head(entry),
                        "side": side,
                        "region": region,
                        "method": "" if territories is None else territories.method,
                        "pixels": 0 if estimate is None else estimate.pixels,
                        "sd": math.nan if estimate is None else estimate.sd,
                        "median": math.nan if estimate is None else estimate.median,
                        **_columns("mean", mean),
                        **_columns("delta", delta(entry, baseline, side, region)),
                        **_columns(
                            "rate", rate(entry, history.before(entry.minute) if baseline else None, side, region)
                        ),
                        **_columns("beyond_background", beyond_background(entry, baseline, side, region)),
                    }
                )
    return pd.DataFrame(rows, columns=_VALUES)


def differences_table(history: History) -> pd.DataFrame:
    """Tabulate `Session.differences`."""
    baseline = history.baseline
    rows = [
        {**_head(entry), "region": region, **_columns("difference", asymmetry(entry, baseline, region))}
        for entry in history.entries
        for region in REGIONS
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
        }
        for entry in history.entries
    ]
    return pd.DataFrame(rows, columns=_STATEMENTS)


def _head(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _HEAD}


def _columns(name: str, value: Value) -> dict[str, float]:
    return {
        name: value.value,
        f"{name}_error": value.error,
        f"{name}_low": value.low,
        f"{name}_high": value.high,
    }
