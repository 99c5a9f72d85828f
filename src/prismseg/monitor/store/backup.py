"""A copy of the store that can be opened in its place."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import insert, select

from prismseg.base import Message, OutputError, make_folder, write_bytes
from prismseg.base.files import output_error, sync
from prismseg.monitor.store.audit import ERASED
from prismseg.monitor.store.database import open_engine
from prismseg.monitor.store.schema import AuditRow, Base
from prismseg.monitor.store.store import SessionStore


def copy_store(store: SessionStore, out: str | Path) -> int:
    """Copy database, files and audit trail while others write; return the number of files.

    The copy's database is SQLite, whatever the store's is. It is read first, so that what it names is copied after it; it
    gets its name last, so that a copy that was not finished cannot be taken for one. Where a patient is erased meanwhile
    the copy is begun anew: she is in none that is finished afterwards, and no file of it is missing.

    Raises
    ------
    OutputError
        When the folder is not empty or cannot be written.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise OutputError(f"{out} is not empty; choose a new folder for the copy.")
    make_folder(out, private=True)
    unfinished = out / "unfinished.db"
    try:
        while True:
            if store.engine.dialect.name == "sqlite":
                entries = _copy_database(store, unfinished)
            else:
                entries = _copy_rows(store, unfinished)
            copied = _copy_files(store, out)
            if not _erased_since(store, entries):
                break
            unfinished.unlink()
            shutil.rmtree(out / "files", ignore_errors=True)
        if store.trail.path.exists():
            write_bytes(out / store.trail.path.name, b"".join(_lines(store.trail.path, entries)))
        sync(unfinished)
        for folder in (*(out / "files").glob("??"), out / "files", out):
            if folder.is_dir():
                sync(folder)
        unfinished.replace(out / "monitor.db")
        sync(out)
    except OutputError:
        raise
    except OSError as error:
        raise output_error(out, error) from error
    except sqlite3.Error as error:
        raise OutputError(Message("Cannot write {path}: {remedy}.", path=str(out), remedy=str(error))) from error
    return copied


def _copy_files(store: SessionStore, out: Path) -> int:
    """Copy all files but those that are deleted meanwhile; return how many."""
    copied = 0
    for name in store.files.names():
        target = make_folder(out / "files" / name[:2]) / name
        try:
            shutil.copy2(store.files.path(name), target)
        except FileNotFoundError:
            continue
        sync(target)
        copied += 1
    return copied


def _erased_since(store: SessionStore, entries: int) -> bool:
    """Tell whether a patient was erased after so many audit entries."""
    with store.read() as db:
        return db.scalar(select(AuditRow.seq).where(AuditRow.action == ERASED, AuditRow.seq > entries)) is not None


def _copy_database(store: SessionStore, target: Path) -> int:
    """Copy page by page, the engine's own way to copy while others write; return the last audit entry's number."""
    assert store.engine.url.database is not None
    with closing(sqlite3.connect(store.engine.url.database)) as source, closing(sqlite3.connect(target)) as copied:
        source.backup(copied)
        return _as_one_file(copied)


def _copy_rows(store: SessionStore, target: Path) -> int:
    """Copy row by row, as they are at one moment; return the last audit entry's number."""
    engine = open_engine(f"sqlite:///{target}")
    try:
        with store.read() as db, engine.begin() as connection:
            for table in Base.metadata.sorted_tables:
                rows = [dict(row) for row in db.execute(select(table)).mappings()]
                if rows:
                    connection.execute(insert(table), rows)
    finally:
        engine.dispose()
    with closing(sqlite3.connect(target)) as copied:
        return _as_one_file(copied)


def _as_one_file(database: sqlite3.Connection) -> int:
    """Leave write-ahead mode, which needs files beside the database: a copy may lie on a disk that cannot be written."""
    database.execute("PRAGMA journal_mode=DELETE")
    (last,) = database.execute("SELECT coalesce(max(seq), 0) FROM audit").fetchone()
    return int(last)


def _lines(path: Path, most: int) -> list[bytes]:
    """Whole lines of the audit file, no more than the copied database has entries."""
    lines = path.read_bytes().splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")][:most]
