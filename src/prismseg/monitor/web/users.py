"""Who may log in, and how often a wrong password may be tried."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from prismseg.base import ConfigError
from prismseg.monitor.store import SessionStore
from prismseg.monitor.store.schema import UserRow

SHORTEST_PASSWORD = 10
_FAILURES, _SECONDS = 5, 300.0
# Who acts in the audit trail without being a user.
_RESERVED = ("staff", "prismseg", "console", "demonstration")
_HASHER = PasswordHasher()
# Checked when nobody has the stated name, so that the time of the answer does not tell whether somebody has.
_NOBODY = _HASHER.hash("nobody has this password")


def add_user(store: SessionStore, name: str, password: str) -> None:
    """Let somebody log in, or give them a new password.

    Raises
    ------
    ConfigError
        When the name or the password is too short or too long, or the name is no person's.
    """
    if not 1 <= len(name.strip()) <= 40 or not name.isprintable():
        raise ConfigError("A user's name has 1 to 40 characters that can be printed.")
    if name.strip().lower() in _RESERVED:
        raise ConfigError(f"The audit trail calls no person {name.strip()}; choose another name.")
    if not SHORTEST_PASSWORD <= len(password) <= 200:
        raise ConfigError(f"A password has {SHORTEST_PASSWORD} to 200 characters.")
    with store.write() as transaction:
        row = transaction.db.get(UserRow, name.strip())
        if row is None:
            row = UserRow(name=name.strip(), created_at=transaction.at)
            transaction.db.add(row)
        row.password, row.disabled_at = _HASHER.hash(password), None
        transaction.record("console", "user may log in", row)


def disable_user(store: SessionStore, name: str) -> None:
    """Let somebody log in no more; what they did stays theirs.

    Raises
    ------
    ConfigError
        When nobody has that name.
    """
    with store.write() as transaction:
        row = transaction.db.get(UserRow, name)
        if row is None:
            raise ConfigError(f"There is no user {name}.")
        row.disabled_at = transaction.at
        transaction.record("console", "user may log in no more", row)


def list_users(store: SessionStore) -> list[UserRow]:
    """List all users, also those that may log in no more."""
    with store.read() as db:
        return list(db.scalars(select(UserRow).order_by(UserRow.name)))


def count_users(store: SessionStore) -> int:
    """Count those who may log in."""
    return sum(proof is not None for proof in proofs(store).values())


def proofs(store: SessionStore) -> dict[str, str | None]:
    """Name all users with what proves a log-in: the password as it is kept, None for who may log in no more."""
    with store.read() as db:
        rows = db.execute(select(UserRow.name, UserRow.password, UserRow.disabled_at)).all()
    return {name: password if disabled_at is None else None for name, password, disabled_at in rows}


def log_in(store: SessionStore, name: str, password: str) -> str | None:
    """Give the proof of a log-in, None when the user may not log in with this password."""
    proof = proofs(store).get(name)
    try:
        _HASHER.verify(_NOBODY if proof is None else proof, password)
    except (VerificationError, InvalidHashError):
        return None
    return proof


class Attempts:
    """Counts attempts to log in by name and by address: five wrong ones in five minutes, then a wait.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}
        self._thread_lock = threading.Lock()

    def begin(self, *keys: str) -> float:
        """Count an attempt, or say in how many seconds another is allowed.

        It counts as wrong until it `succeeded`: of a hundred attempts at the same moment, five are made.
        """
        with self._thread_lock:
            moment = self._clock()
            for key in list(self._failed):
                while self._failed[key] and self._failed[key][0] <= moment - _SECONDS:
                    self._failed[key].popleft()
                if not self._failed[key]:
                    del self._failed[key]
            full = [times for key in keys if len(times := self._failed.get(key, deque())) >= _FAILURES]
            if full:
                return max(times[-_FAILURES] + _SECONDS - moment for times in full)
            for key in keys:
                self._failed.setdefault(key, deque()).append(moment)
            return 0.0

    def succeeded(self, *keys: str) -> None:
        """Count an attempt no longer."""
        with self._thread_lock:
            for key in keys:
                if self._failed.get(key):
                    self._failed[key].pop()
