"""A copy of the store that can be opened in its place."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

from prismseg.base import OutputError, make_folder
from prismseg.base.files import output_error
from prismseg.monitor.store.store import Store


def copy_store(store: Store, out: Path) -> int:
    """Copy files, audit trail and, where it is SQLite, the database; return the number of files.

    Raises
    ------
    OutputError
        When the folder is not empty or cannot be written.
    """
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty; choose a new folder for the copy.")
    make_folder(out)
    try:
        database, copied = store.engine.url.database, None
        if store.engine.dialect.name == "sqlite" and database is not None:
            # The engine's own way to copy while others write.
            with sqlite3.connect(database) as source, sqlite3.connect(out / "monitor.db") as target:
                source.backup(target)
                (copied,) = target.execute("SELECT count(*) FROM audit").fetchone()
            target.close()
            source.close()
        names = list(store.files.names())
        for name in names:
            make_folder(out / "files" / name[:2])
            shutil.copy2(store.files.path(name), out / "files" / name[:2] / name)
        if store.trail.path.exists():
            (out / store.trail.path.name).write_bytes(b"".join(_lines(store.trail.path, copied)))
        for path in out.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
    except OSError as error:
        raise output_error(out, error) from error
    return len(names)


def _lines(path: Path, most: int | None) -> list[bytes]:
    """Whole lines of the audit file, no more than the copied database has entries."""
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")][:most]
