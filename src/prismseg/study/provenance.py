"""What the numbers of a run were made from: data by content, code by its sources, version, machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from prismseg.base import PrismsegError, make_folder, read_json, write_json
from prismseg.base.sources import code_of
from prismseg.base.version import VERSION
from prismseg.study.kind import Kind

UNKNOWN = "made by a version that wrote down neither its data nor its code"
_RECENT = 2.0  # seconds: a file that was changed this shortly before it was hashed may change again unseen
_NAMED = 3  # changed files that are named


@dataclass(frozen=True)
class Made:
    """What a run's numbers are made from.

    Attributes
    ----------
    software : str
        Version.
    code, data : dict of str to str
        Hash by module, and by file. Empty data where a run reads none.
    missing : str
        Why the data could not be read; they are then not compared.
    """

    software: str
    code: dict[str, str]
    data: dict[str, str] = field(default_factory=dict)
    missing: str = ""

    def changes(self, before: Mapping[str, Any] | None) -> list[str]:
        """Say in what these sources differ from those that a finished run was made from."""
        if before is None:
            return [UNKNOWN]
        found = []
        if before["software"] != self.software:
            found.append(f"version: {before['software']}, now {self.software}")
        code = _differing(before["code"], self.code)
        if code:
            found.append(f"code changed: {code}")
        data = "" if self.missing else _differing(before["data"], self.data)
        if data:
            found.append(f"data changed: {data}")
        return found


class Provenance:
    """Finds what runs would be made from now, reading each file once.

    Hashes of data files are kept in ``hashes.json`` with what the file system says of the file: times, number, size. The
    time of change (ctime) tells of contents whose date (mtime) was set back.

    Parameters
    ----------
    root : Path
        Folder of the study.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._made: dict[tuple[Any, ...], Made] = {}

    def of(self, kind: Kind, settings: dict[str, Any]) -> Made:
        """Hash the sources of a run with these settings."""
        rooms = kind.unused_rooms(settings)
        try:
            files, missing = tuple(kind.inputs(settings)), ""
        except PrismsegError as error:
            files, missing = (), str(error)
        key = (kind.module, rooms, files, missing)
        if key not in self._made:
            code = code_of(f"prismseg.study.kinds.{kind.module}.run", without=rooms)
            data = self._hashes(files)
            self._made[key] = Made(f"prismseg {VERSION}", code, data, missing)
        return self._made[key]

    def _hashes(self, files: Iterable[Path]) -> dict[str, str]:
        files = list(files)
        if not files:
            return {}
        path = make_folder(self.root) / "hashes.json"
        with FileLock(self.root / "hashes.lock"):
            hashes: dict[str, list[Any]] = read_json(path) if path.exists() else {}
            known = len(hashes)
            fresh = False
            found = {}
            for file in files:
                name, facts = str(file), file.stat()
                stamp = [facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino, facts.st_size]
                if name not in hashes or hashes[name][:-1] != stamp:
                    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
                    hashes.pop(name, None)
                    if time.time() - facts.st_mtime > _RECENT:
                        hashes[name] = [*stamp, digest]
                    fresh, found[name] = True, digest
                else:
                    found[name] = hashes[name][-1]
            if fresh or len(hashes) != known:
                write_json(path, hashes)
        return found


def keep(root: Path, made: Made) -> dict[str, Any]:
    """Write what a run is made from below ``root/made``, once for all runs that share it; return how to find it."""
    facts = {"software": made.software, "code": made.code, "data": made.data}
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
    path = make_folder(root / "made") / f"{name}.json"
    if not path.exists():
        write_json(path, facts)
    return {"made": name}


def kept(root: Path, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read what a run was made from; None where it was not written down."""
    path = root / "made" / f"{facts.get('made')}.json"
    return dict(read_json(path)) if path.is_file() else None


def _differing(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Name what changed, came or went, such as files."""
    parts = []
    for what, names in (
        ("", [name for name in now if name in before and before[name] != now[name]]),
        ("new ", [name for name in now if name not in before]),
        ("gone ", [name for name in before if name not in now]),
    ):
        if names:
            shown = ", ".join(_short(name) for name in names[:_NAMED])
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            parts.append(f"{what}{shown}{more}")
    return "; ".join(parts)


def _short(name: str) -> str:
    return name.removeprefix("prismseg.") if "/" not in name else "/".join(Path(name).parts[-2:])
