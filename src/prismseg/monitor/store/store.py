"""The store: every change is one transaction with its audit entry, confirmed only when it is on the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection
from sqlalchemy.orm import Session as Database

from prismseg.base import ConfigError, DataError, Message, OutputError, PrismsegError, make_folder
from prismseg.base.files import output_error
from prismseg.monitor.store.audit import AuditFile
from prismseg.monitor.store.database import (
    Access,
    claim_database,
    open_engine,
    read_transaction,
    write_transaction,
)
from prismseg.monitor.store.files import FileStore
from prismseg.monitor.store.queries import index_pixels
from prismseg.monitor.store.transaction import Transaction

Clock = Callable[[], datetime]


def now() -> datetime:
    """Tell the time, with zone."""
    return datetime.now(UTC)


class SessionStore:
    """Sessions, captures, masks and results.

    Parameters
    ----------
    folder : str or Path
        For files, audit trail and (by default) the database.
    url : str, optional
        SQLAlchemy address of the database; else SQLite in the folder.
    clock : callable, optional
        Tells the time.
    access : {"exclusive", "shared", "read-only"}
        A monitor opens its folder exclusively. Shared access may change something beside a running monitor, such as who
        may log in. With read-only access nothing is locked, migrated or written.

    Raises
    ------
    ConfigError
        When another monitor has the folder or the database open, or the database cannot be used.
    """

    def __init__(
        self, folder: str | Path, url: str | None = None, clock: Clock = now, *, access: Access = "exclusive"
    ) -> None:
        self.folder = Path(folder)
        if access == "exclusive":
            make_folder(self.folder, private=True)
        self.clock = clock
        self.read_only = access == "read-only"
        self.trail_fault = Message("")
        self._thread_lock = threading.RLock()
        self._claim: Connection | None = None
        # Of the process, not of the thread that took it: who closes the store may be another one.
        self._lock = FileLock(self.folder / "monitor.lock", thread_local=False)
        self._chain = FileLock(self.folder / "audit.lock")  # held from a change to its line in the audit file
        self.files = FileStore(self.folder / "files")
        self.trail = AuditFile(self.folder / "audit.jsonl")
        address = url or f"sqlite:///{self.folder / 'monitor.db'}"
        if access != "exclusive":
            if url is None and not (self.folder / "monitor.db").is_file():
                raise ConfigError(f"There is no monitor's database in {folder}; state its folder with --data.")
            self.engine = open_engine(address, access)
            return
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise ConfigError(
                f"Another monitor has {folder} open. Use that one, or choose another folder with --data."
            ) from error
        except OSError as error:
            raise output_error(Path(self._lock.lock_file), error) from error
        try:
            self.engine = open_engine(address, files=self.files)
        except BaseException:
            self._lock.release()
            raise
        try:
            self._claim = claim_database(self.engine)
            self.files.sweep()
            with self._chain_lock():
                with read_transaction(self.engine) as db:
                    self.trail.compare(db)
                self._follow()
                with write_transaction(self.engine) as db:
                    index_pixels(db, self.files)
        except OSError as error:
            self.close()
            raise error if isinstance(error, PrismsegError) else output_error(self.folder, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Release folder and database."""
        if self._claim is not None:
            self._claim.close()
        self.engine.dispose()
        self._lock.release()

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Begin a change; it is confirmed when the block ends without an error."""
        if self.read_only:
            raise OutputError(f"{self.folder} was opened for reading only.")
        with self._thread_lock, self._chain_lock():
            with write_transaction(self.engine) as db:
                yield Transaction(db, self.clock())
            self._follow()

    @contextmanager
    def _chain_lock(self) -> Iterator[None]:
        try:
            self._chain.acquire()
        except OSError as error:
            raise output_error(Path(self._chain.lock_file), error) from error
        try:
            yield
        finally:
            self._chain.release()

    def _follow(self) -> None:
        """Bring the audit file up to the database, also with what another process left out before it was stopped.

        The change and its sealed entry are in the database already: a file that cannot be written is said and not raised,
        and catches up with the next change.
        """
        try:
            with read_transaction(self.engine) as db:
                self.trail.catch_up(db)
            self.trail_fault = Message("")
        except (OutputError, DataError) as error:
            self.trail_fault = error.message

    @contextmanager
    def read(self) -> Iterator[Database]:
        """Begin to read."""
        with read_transaction(self.engine) as db:
            yield db
