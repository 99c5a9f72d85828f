"""What a change did: old and new values, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import inspect

from prismseg.monitor.store.schema import Base, CaptureRow, SessionRow, UserRow

# What a new row began with, as far as it can be changed later or says where a frame comes from.
_BEGINNINGS: Mapping[type[Base], tuple[str, ...]] = {
    SessionRow: ("code", "details", "view", "camera", "origin", "created_at", "ward"),
    CaptureRow: ("taken_at", "stated_minute", "source", "camera", "parameters"),
    UserRow: ("role", "ward"),
}
# Before stated minutes were kept apart, these were counted from them.
_TIMES: Mapping[type[Any], str] = {SessionRow: "test_dose_at", CaptureRow: "taken_at"}
_SECRET = frozenset({"password"})
_COUNTED = frozenset({"revision"})  # grows with every change and says nothing


def find_changes(row: Base) -> dict[str, list[Any]]:
    """Compare a row with what the database holds: ``{"details.drug": [old, new]}``, of a new row ``[None, new]``.

    The row must not have been flushed since it was changed.
    """
    state = inspect(row)
    if not state.persistent:
        beginnings = _BEGINNINGS.get(type(row), ())
        return dict(pair for name in beginnings for pair in _pairs(name, None, getattr(row, name)))
    found: dict[str, list[Any]] = {}
    for column in inspect(type(row)).column_attrs:
        history = state.attrs[column.key].history
        if column.key in _COUNTED or not history.has_changes():
            continue
        if column.key in _SECRET:
            found[column.key] = ["(old)", "(new)"]
            continue
        before = history.deleted[0] if history.deleted else None
        found.update(_pairs(column.key, _shown(column.key, before), _shown(column.key, getattr(row, column.key))))
    return found


def without_invented_times(values: Mapping[str, Any], row: Base | None) -> dict[str, Any]:
    """Leave out of a change what an older version took for a time of an import: none but the row's own is true.

    Parameters
    ----------
    values : mapping
        Old and new values, as `find_changes` gives them and the audit keeps them.
    row : SessionRow, CaptureRow or None
        Of an import; None where the change is of something else.
    """
    name = _TIMES.get(type(row))
    if name is None or name not in values:
        return dict(values)
    own = getattr(row, name)
    known = None if own is None else own.isoformat(timespec="microseconds")
    shown = [value if value == known else None for value in values[name]]
    told = {**values, name: shown}
    return told if any(shown) else {key: value for key, value in told.items() if key != name}


def _pairs(name: str, before: Any, after: Any) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(before, Mapping) or isinstance(after, Mapping):
        older, newer = dict(before or {}), dict(after or {})
        for key in sorted({*older, *newer}):
            yield from _pairs(f"{name}.{key}", older.get(key), newer.get(key))
    elif before != after and {repr(before), repr(after)} != {"None", "''"}:
        yield name, [before, after]


def _shown(name: str, value: Any) -> Any:
    """Name flags; their evidence is in the results, of which none is ever changed."""
    return [[flag["name"], flag["level"], flag["side"]] for flag in value or []] if name == "flags" else value
