"""Opening the database: SQLite by default, any SQLAlchemy address else, always at the newest form of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, Message, OutputError

MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 10
# Any number; the lock under which a PostgreSQL transaction extends the audit chain.
_CHAIN_LOCK = 0x7072_6973


def open_engine(url: str, *, upgrade: bool = True) -> Engine:
    """Connect, and bring the tables to the newest form.

    Parameters
    ----------
    url : str
        SQLAlchemy address, such as ``sqlite:////var/lib/prismseg/monitor.db`` or
        ``postgresql+psycopg://user@host/name``.
    upgrade : bool
        Leave it out to look at tables as they are.

    Raises
    ------
    ConfigError
        When the address is none, its driver is missing, or the database is of a newer version.
    OutputError
        When the database cannot be reached or written.
    """
    try:
        engine = create_engine(url, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            f"The database address {hidden(url)} cannot be used: {error}. For PostgreSQL: pip install "
            "'prismseg[postgresql]' and postgresql+psycopg://user:password@host/name."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    if not upgrade:
        return engine
    try:
        _upgrade(engine)
    except SQLAlchemyError as error:
        raise OutputError(f"The database {hidden(url)} cannot be used: {_cause(error)}") from error
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Database]:
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
def open_to_read(engine: Engine) -> Iterator[Database]:
    """Open a transaction that only reads."""
    with Database(engine.execution_options(reads=True), expire_on_commit=False) as db:
        try:
            yield db
        except DBAPIError as error:
            raise OutputError(Message("The store cannot be read: {cause}", cause=_cause(error))) from error


def hidden(url: str) -> str:
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
        f"busy_timeout={_BUSY_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    # A transaction that begins by reading may find the chain extended when it comes to write: it locks first.
    reads = connection.get_execution_options().get("reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with engine.begin() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == newest:
            return
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise ConfigError(
                f"The database is of another version of prismseg ({current}): {error}. Install that version, or restore "
                "a backup."
            ) from error


def _cause(error: SQLAlchemyError) -> Message:
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
    known = {
        "database or disk is full": Message("the disk is full; free some space."),
        "attempt to write a readonly database": Message("it is read-only; change its permissions."),
    }
    return known.get(said, Message("{said}.", said=said))
