"""Who may log in, and how often a wrong password may be tried."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import func, select

from prismseg.base import ConfigError
from prismseg.monitor.store import Store
from prismseg.monitor.store.schema import UserRow

SHORTEST_PASSWORD = 10
_FAILURES, _SECONDS = 5, 300.0
_HASHER = PasswordHasher()
# Checked when nobody has the stated name, so that the time of the answer does not tell whether somebody has.
_NOBODY = _HASHER.hash("nobody has this password")


def add_user(store: Store, name: str, password: str) -> None:
    """Let somebody log in, or give them a new password.

    Raises
    ------
    ConfigError
        When the name or the password is too short or too long.
    """
    if not 1 <= len(name.strip()) <= 40:
        raise ConfigError("A user's name has 1 to 40 characters.")
    if not SHORTEST_PASSWORD <= len(password) <= 200:
        raise ConfigError(f"A password has {SHORTEST_PASSWORD} to 200 characters.")
    with store.change() as change:
        row = change.db.get(UserRow, name.strip())
        if row is None:
            row = UserRow(name=name.strip(), created_at=change.at)
            change.db.add(row)
        row.password, row.disabled_at = _HASHER.hash(password), None
        change.record("console", "user may log in", row)


def disable_user(store: Store, name: str) -> None:
    """Let somebody log in no more; what they did stays theirs.

    Raises
    ------
    ConfigError
        When nobody has that name.
    """
    with store.change() as change:
        row = change.db.get(UserRow, name)
        if row is None:
            raise ConfigError(f"There is no user {name}.")
        row.disabled_at = change.at
        change.record("console", "user may log in no more", row)


def list_users(store: Store) -> list[UserRow]:
    """List all users, also those that may log in no more."""
    with store.read() as db:
        return list(db.scalars(select(UserRow).order_by(UserRow.name)))


def count_users(store: Store) -> int:
    """Count those who may log in."""
    with store.read() as db:
        return db.scalar(select(func.count()).select_from(UserRow).where(UserRow.disabled_at.is_(None))) or 0


def password_fits(store: Store, name: str, password: str) -> bool:
    """Tell whether somebody may log in with this password."""
    with store.read() as db:
        row = db.get(UserRow, name)
    usable = row is not None and row.disabled_at is None
    try:
        _HASHER.verify(row.password if row is not None and usable else _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
    return usable


class Attempts:
    """Counts wrong passwords by name and by address: five in five minutes, then a wait.

    Parameters
    ----------
    clock : callable
        Seconds that only increase.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, deque[float]] = {}
        self._turn = threading.Lock()

    def wait(self, *keys: str) -> float:
        """Seconds until another attempt is allowed; 0 when it is now."""
        with self._turn:
            moment = self._clock()
            for key in list(self._failed):
                while self._failed[key] and self._failed[key][0] <= moment - _SECONDS:
                    self._failed[key].popleft()
                if not self._failed[key]:
                    del self._failed[key]
            full = [times for key in keys if len(times := self._failed.get(key, deque())) >= _FAILURES]
            return max((times[-_FAILURES] + _SECONDS - moment for times in full), default=0.0)

    def failed(self, *keys: str) -> None:
        """Count a wrong password."""
        with self._turn:
            for key in keys:
                self._failed.setdefault(key, deque(maxlen=50)).append(self._clock())
