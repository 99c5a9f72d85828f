"""Scheduled copies of the store, each opened and checked before it counts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prismseg.base import Message, OutputError, PrismsegError
from prismseg.base.files import output_error, sync
from prismseg.monitor.store import SessionStore, copy_store, verify
from prismseg.monitor.upkeep.log import EventLog

_NAME = re.compile(r"prismseg-\d{8}T\d{6}Z")
_FORM = "prismseg-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class BackupPlan:
    """Where and how often the store is copied.

    Attributes
    ----------
    folder : Path
        Holds a folder a copy; best on another disk.
    hours : float
        Between two copies.
    kept : int
        Copies that stay; older ones are removed.
    """

    folder: Path
    hours: float = 24.0
    kept: int = 14


class Backups:
    """Makes a copy when the last one is old enough, and proves that it can be restored.

    Parameters
    ----------
    store : SessionStore
        What is copied.
    plan : BackupPlan
        Where and how often.
    log : EventLog
        Told of each copy, and of each that failed.
    now : callable
        Tells the time.

    Attributes
    ----------
    fault : str
        Why the last copy failed; empty when it did not.
    """

    def __init__(self, store: SessionStore, plan: BackupPlan, log: EventLog, now: Callable[[], datetime]) -> None:
        self._store, self.plan, self._log, self._now = store, plan, log, now
        self.fault = ""

    @property
    def age(self) -> timedelta | None:
        """Age of the newest copy that was proved; None while there is none."""
        made = self._made()
        if not made:
            return None
        return self._now() - datetime.strptime(made[-1].name, _FORM).replace(tzinfo=UTC)

    def look(self) -> bool:
        """Make a copy if one is due; say whether one was made.

        Raises
        ------
        PrismsegError
            When it cannot be made or restored; the copies from before stay.
        """
        age = self.age
        if age is not None and timedelta(0) <= age < timedelta(hours=self.plan.hours):
            return False
        try:
            self._copy()
            self.fault = ""
        except PrismsegError as error:
            self.fault = str(error)
            self._log.failed("copy failed", error)
            raise
        return True

    def _copy(self) -> None:
        name = self._now().astimezone(UTC).strftime(_FORM)
        unproved = self.plan.folder / f".{name}"
        shutil.rmtree(unproved, ignore_errors=True)
        try:
            files = copy_store(self._store, unproved)
            prove_copy(unproved)
            unproved.rename(self.plan.folder / name)
            sync(self.plan.folder)
        except OSError as error:
            raise output_error(self.plan.folder, error) from error
        finally:
            shutil.rmtree(unproved, ignore_errors=True)
        self._log.write("copied", files=files)
        for old in self._made()[: -self.plan.kept]:
            shutil.rmtree(old, ignore_errors=True)

    def _made(self) -> list[Path]:
        if not self.plan.folder.is_dir():
            return []
        return sorted(each for each in self.plan.folder.iterdir() if _NAME.fullmatch(each.name))


def prove_copy(folder: Path) -> None:
    """Open a copy in the store's place, and check its chain, every row and every file.

    Raises
    ------
    OutputError
        When it is not what was stored.
    """
    copied = SessionStore(folder, access="read-only")
    try:
        verdict = verify(copied)
    finally:
        copied.close()
    if not verdict.ok:
        raise OutputError(
            Message(
                "The copy {folder} cannot be restored: {fault} It was removed; check the disk, and the store itself with "
                "`prismseg monitor verify`.",
                folder=str(folder),
                fault=verdict.faults[0],
            )
        )
