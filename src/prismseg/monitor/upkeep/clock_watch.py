"""The clock's watch: jumps of the computer's clock, sleep and restarts are in the audit of every running session."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Select, select

from prismseg.monitor.sessions.clock import JUMP_SECONDS, SteadyClock, steady_seconds
from prismseg.monitor.store import SessionStore, Transaction
from prismseg.monitor.store.schema import AuditRow, SessionRow
from prismseg.monitor.upkeep.log import EventLog

WHO = "prismseg"
STOOD_STILL = 30.0  # seconds between two looks, a second apart, after which the computer slept or was far too busy


class ClockWatch:
    """Sets the clock at the start, and looks after it.

    Parameters
    ----------
    store : SessionStore
        Whose folder has the clock's note, and whose audit is told.
    clock : SteadyClock
        The monitor's.
    log : EventLog
        Told as well.
    steady : callable
        Seconds of a clock that nobody sets.

    Attributes
    ----------
    lost : float
        Seconds by which the computer's clock stood behind the store at the start, which nobody can tell.
    """

    def __init__(
        self,
        store: SessionStore,
        clock: SteadyClock,
        log: EventLog,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        self._store, self._clock, self._log, self._steady = store, clock, log, steady
        self._told = 0.0
        with store.read() as db:
            last = db.scalars(select(AuditRow.at).order_by(AuditRow.seq.desc()).limit(1)).first()
            running = db.scalars(_running().limit(1)).first() is not None
        self.lost = clock.resume(store.folder, last, running=running)
        if running and last is not None:
            off = max(0.0, (clock() - last).total_seconds())
            self._record("monitor started again", seconds_off=round(off, 1), seconds_unknown=round(self.lost, 1))
        self._looked = steady()

    def look(self) -> None:
        """Look once; called every second."""
        now, before = self._steady(), self._looked
        self._looked = now
        if now - before > STOOD_STILL:
            self._record("computer slept", seconds=round(now - before, 1))
        jump = self._clock.jump
        if abs(jump - self._told) <= JUMP_SECONDS:
            return
        with self._store.write() as transaction:  # no session begins meanwhile
            rows = list(transaction.db.scalars(_running()))
            if not rows:
                self._clock.adopt(self._store.folder)
                jump = 0.0
            for row in rows:
                transaction.record(WHO, "computer's clock moved", row, seconds=round(jump, 1))
        self._log.write("clock moved", seconds=round(jump - self._told, 1), sessions=len(rows))
        self._told = jump

    def _record(self, action: str, **facts: float) -> None:
        with self._store.write() as transaction:
            for row in _rows(transaction):
                transaction.record(WHO, action, row, **facts)
        self._log.write(action, **facts)


def _running() -> Select[SessionRow]:
    return select(SessionRow).where(SessionRow.closed_at.is_(None), SessionRow.origin != "import")


def _rows(transaction: Transaction) -> list[SessionRow]:
    return list(transaction.db.scalars(_running()))
