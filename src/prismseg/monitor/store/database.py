"""Opening the database: SQLite by default, any SQLAlchemy address else, always at the newest form of the tables."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, Message, OutputError
from prismseg.monitor.store.files import FileStore

Access = Literal["exclusive", "shared", "read-only"]
MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 10
# Any number; the lock under which a PostgreSQL transaction extends the audit chain.
_CHAIN_LOCK = 0x7072_6973
# Another one, which a monitor holds while it has the database.
_MONITOR_LOCK = _CHAIN_LOCK + 1
_CLAIM_SECONDS = 3
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL's code for a lock that was not had in time
_DISK_FULL = "53100"  # and for a disk without room


def open_engine(url: str, access: Access = "exclusive", files: FileStore | None = None) -> Engine:
    """Connect; who is alone brings the tables to the newest form.

    Parameters
    ----------
    url : str
        SQLAlchemy address, such as ``sqlite:////var/lib/prismseg/monitor.db`` or
        ``postgresql+psycopg://user@host/name``.
    access : {"exclusive", "shared", "read-only"}
        As a `Store` has it.
    files : FileStore, optional
        The store's frames, from which an older form of the tables may lack something.

    Raises
    ------
    ConfigError
        When the address is none, its driver is missing, or the database is of a newer version.
    OutputError
        When the database cannot be reached or written.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)  # errors reach logs, values must not
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"The database address {hide_password(url)} cannot be used: {error}. For PostgreSQL: pip install "
            "'prismseg[postgresql]' and postgresql+psycopg://user:password@host/name."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _read_sqlite if access == "read-only" else _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        if access == "exclusive":
            _upgrade(engine, files)
        else:
            _check_form(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise OutputError(f"The database {hide_password(url)} cannot be used: {_cause(error)}") from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def claim_database(engine: Engine) -> Connection | None:
    """Let no other monitor have a server's database: its frames would lie in another folder. SQLite's lies in the folder.

    Returns
    -------
    Connection or None
        Holds the claim until it is closed.

    Raises
    ------
    ConfigError
        When another monitor has it.
    """
    if engine.dialect.name != "postgresql":
        return None
    connection = engine.execution_options(isolation_level="AUTOCOMMIT").connect()
    connection.detach()  # the claim is the server session's: closing must end it, not put it back into the pool
    # A monitor that has just been stopped holds its claim until the server has seen it go: wait for that, not for ever.
    connection.execute(text(f"SET lock_timeout = '{_CLAIM_SECONDS}s'"))
    try:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MONITOR_LOCK})
    except OperationalError as error:
        connection.close()
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise ConfigError(
            f"Another monitor uses the database {hide_password(str(engine.url))}. Give each one its own."
        ) from error
    return connection


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Database]:
    """Open a transaction that may write; only one at a time, since each extends the audit chain.

    Raises
    ------
    OutputError
        When the database refuses, for example because the disk is full; nothing was written then.
    """
    with Database(engine, expire_on_commit=False) as db:
        try:
            if engine.dialect.name == "postgresql":
                db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK})
            yield db
            db.commit()
        except DBAPIError as error:
            db.rollback()
            raise OutputError(
                Message("The store cannot be written: {cause} Nothing was saved.", cause=_cause(error))
            ) from error


@contextmanager
def read_transaction(engine: Engine) -> Iterator[Database]:
    """Open a transaction that only reads, and sees all tables as they were at one moment."""
    options: dict[str, Any] = {"reads": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with Database(engine.execution_options(**options), expire_on_commit=False) as db:
        try:
            yield db
        except DBAPIError as error:
            raise OutputError(Message("The store cannot be read: {cause}", cause=_cause(error))) from error


def disk_is_full(cause: BaseException | None) -> bool:
    """Tell whether what a write met, of the operating system or of the database, was a disk without room."""
    if isinstance(cause, OSError):
        return cause.errno in (errno.ENOSPC, errno.EDQUOT)
    met = getattr(cause, "orig", None)
    return (
        getattr(met, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        or getattr(met, "sqlstate", None) == _DISK_FULL
    )


def hide_password(url: str) -> str:
    """Write an address without its password."""
    from sqlalchemy.engine import make_url

    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "that was given"


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_sqlite`, not by the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",  # what is erased on request is overwritten, not only left free
        f"busy_timeout={_BUSY_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _read_sqlite(connection: Any, _: Any) -> None:
    # Leaves the file's own mode alone, so that a copy on a disk that cannot be written is read as well.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("query_only=ON", f"busy_timeout={_BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A transaction that begins by reading may find the chain extended when it comes to write: it locks first.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _config() -> tuple[Config, str | None]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config, ScriptDirectory.from_config(config).get_current_head()


def _check_form(engine: Engine) -> None:
    newest = _config()[1]
    with engine.execution_options(reads=True).connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != newest:
        raise ConfigError(
            f"The database is of another version of prismseg ({current or 'none'}; this one knows {newest}). If "
            "it is an older one, start the monitor once, which brings it to the newest form; else use the version that "
            "wrote it."
        )


def _upgrade(engine: Engine, files: FileStore | None) -> None:
    config, newest = _config()
    with engine.connect() as connection, _rows_stay(connection), connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        if current == newest:
            return
        config.attributes |= {"connection": connection, "files": files}
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"The database is of another version of prismseg ({current}): {error}. Install that version, or restore "
                "a backup."
            ) from error


@contextmanager
def _rows_stay(connection: Connection) -> Iterator[None]:
    """Let SQLite put a table in another's place: with foreign keys it would first ask after every row that names one."""
    if connection.dialect.name != "sqlite":
        yield
        return
    cursor = connection.connection.cursor()  # not by a statement: inside a transaction it would have no effect
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")


def _cause(error: SQLAlchemyError) -> Message:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
    known = {
        "database or disk is full": Message("the disk is full; free some space."),
        "attempt to write a readonly database": Message("it is read-only; change its permissions."),
    }
    return known.get(said, Message("{said}.", said=said))
