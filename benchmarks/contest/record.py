"""Finished cells as small files that can be kept with the project: a grid is then filled over months and machines.

A record holds what the report needs and no path: ``cells.json`` with labels, machine, versions and the hash of the code
of each cell, and ``rows.csv`` with the mean Dice of each case, the costs and the curves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from contest.plan import AXES
from contest.tables import CellState, average_classes
from prismseg.base import DataError, make_folder, read_json, write_json, write_text
from prismseg.study import Run

CELLS, ROWS = "cells.json", "rows.csv"
_COLUMNS = ["case", "group", "measure", "x", "value"]
_DIGITS = 5


@dataclass(frozen=True)
class Recorded:
    """A finished cell of a record.

    Attributes
    ----------
    labels : dict of str to str
        Its values on `contest.plan.AXES`.
    code : str
        Hash of the code that made it, see `hash_code`.
    origins : tuple of str
        Machine and versions.
    rows : DataFrame
        Columns case, group, class, measure, x, value, as `contest.cell.measure_cell` makes them, but one Dice a case.
    """

    labels: dict[str, str]
    code: str
    origins: tuple[str, ...]
    rows: pd.DataFrame


def hash_code(code: Mapping[str, str]) -> str:
    """Hash the hashes of modules.

    Examples
    --------
    >>> hash_code({"a": "1", "b": "2"}) == hash_code({"b": "2", "a": "1"})
    True
    """
    return hashlib.sha256(json.dumps(dict(code), sort_keys=True).encode()).hexdigest()[:16]


def write_record(folder: Path, cells: Sequence[Recorded]) -> None:
    """Write a record in place of the one that is there; rows first, since `CELLS` says that they are whole."""
    make_folder(folder)
    ordered = sorted(cells, key=lambda cell: _key(cell.labels))
    tables = [average_classes(cell.rows)[_COLUMNS].assign(cell=number) for number, cell in enumerate(ordered)]
    rows = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*_COLUMNS, "cell"])
    rows = rows[~rows["measure"].isin(["hd95", "watched_by_seconds"])].round(_DIGITS)
    write_text(folder / ROWS, rows[["cell", *_COLUMNS]].to_csv(index=False))
    facts = [
        {"labels": cell.labels, "code": cell.code, "origins": cell.origins, "rows": int((rows["cell"] == number).sum())}
        for number, cell in enumerate(ordered)
    ]  # fmt: skip
    write_json(folder / CELLS, facts)


def read_record(folder: Path) -> dict[tuple[str, ...], Recorded]:
    """Read a record, by the labels of its cells; empty where there is none.

    Raises
    ------
    DataError
        When its two files do not belong together.
    """
    if not (folder / CELLS).is_file():
        return {}
    facts: list[dict[str, Any]] = read_json(folder / CELLS)
    # Only an empty field is missing: a case may be called NA.
    text = dict.fromkeys(("case", "group"), str)
    table = pd.read_csv(folder / ROWS, dtype=text, keep_default_na=False, na_values={"x": [""], "value": [""]})
    found = {}
    for number, cell in enumerate(facts):
        rows = table[table["cell"] == number].drop(columns="cell").assign(**{"class": ""})
        if len(rows) != cell["rows"]:
            raise DataError(
                f"{folder / ROWS} has {len(rows)} rows of {cell['labels']}, not {cell['rows']}; write it anew."
            )
        found[_key(cell["labels"])] = Recorded(cell["labels"], cell["code"], tuple(cell["origins"]), rows)
    return found


def fill_in(
    states: Sequence[CellState],
    runs: Sequence[Run],
    record: Mapping[tuple[str, ...], Recorded],
    codes: Mapping[str, str],
    *,
    keep_stale: bool,
) -> Iterator[tuple[CellState, Recorded | None]]:
    """Take what is not done here from a record.

    Parameters
    ----------
    states : sequence of CellState
        How the cells stand here.
    runs : sequence of Run
        Of the same cells.
    record : mapping
        From `read_record`.
    codes : mapping of str to str
        Today's hash of the code, by the key of each run.
    keep_stale : bool
        Whether cells are taken whose code has changed since.

    Yields
    ------
    CellState
        The cell as the report shows it.
    Recorded or None
        Where it was taken from.
    """
    for state, run in zip(states, runs, strict=True):
        cell = record.get(_key(state.labels))
        if state.state == "done" or cell is None:
            yield state, None
        elif cell.code != codes[run.key] and not keep_stale:
            yield CellState(state.labels, "stale (recorded with other code)"), None
        else:
            yield CellState(state.labels, "done", cell.rows), cell


def _key(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels[axis] for axis in AXES)
