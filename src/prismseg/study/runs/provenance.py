"""What the numbers of a run were made from: data by content, code by its sources, version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prismseg.base import make_folder, read_json, write_json

UNKNOWN = "made by a version that recorded neither its data nor its code"
_FOLDER, _KEY = "made", "made"  # on disk; finished studies have them
_MOST_NAMED = 3  # changed files or modules that are named


@dataclass(frozen=True)
class Provenance:
    """What a run's numbers are made from.

    Attributes
    ----------
    software : str
        Version.
    code, data : dict of str to str
        Hash by module, and by file. Empty data where a run reads none.
    unreadable : str
        Why the data could not be read; they are then not compared.
    """

    software: str
    code: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)
    unreadable: str = ""

    def changes_since(self, before: Mapping[str, Any] | None) -> list[str]:
        """List the differences to what a finished run was made from.

        Parameters
        ----------
        before : mapping or None
            From `load_provenance`.

        Examples
        --------
        >>> now = Provenance("prismseg 2", {"prismseg.train.loop": "a"})
        >>> now.changes_since({"software": "prismseg 2", "code": {"prismseg.train.loop": "b"}, "data": {}})
        ['code changed: train.loop']
        """
        if before is None:
            return [UNKNOWN]
        changes = []
        if before["software"] != self.software:
            changes.append(f"version: {before['software']}, now {self.software}")
        if code := _name_differences(before["code"], self.code):
            changes.append(f"code changed: {code}")
        if not self.unreadable and (data := _name_differences(before["data"], self.data)):
            changes.append(f"data changed: {data}")
        return changes


def save_provenance(root: Path, provenance: Provenance) -> dict[str, str]:
    """Write what a run is made from, once for all runs of a study that share it; return how to find it."""
    facts = {"software": provenance.software, "code": provenance.code, "data": provenance.data}
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = make_folder(root / _FOLDER) / f"{name}.json"
    if not path.exists():
        write_json(path, facts)
    return {_KEY: name}


def load_provenance(root: Path, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read what a run was made from; None where it was not recorded."""
    path = root / _FOLDER / f"{facts.get(_KEY)}.json"
    return dict(read_json(path)) if path.is_file() else None


def _name_differences(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Name what changed, came or went, such as files."""
    parts = []
    for what, names in (
        ("", [name for name in now if name in before and before[name] != now[name]]),
        ("new ", [name for name in now if name not in before]),
        ("gone ", [name for name in before if name not in now]),
    ):
        if names:
            shown = ", ".join(_short(name) for name in names[:_MOST_NAMED])
            more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
            parts.append(f"{what}{shown}{more}")
    return "; ".join(parts)


def _short(name: str) -> str:
    return name.removeprefix("prismseg.") if "/" not in name else "/".join(Path(name).parts[-2:])
