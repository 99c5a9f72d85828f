"""Who may log in."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from prismseg.base import ConfigError
from prismseg.monitor.store import SessionStore
from prismseg.monitor.store.schema import UserRow

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
LONGEST_NAME = 40  # as the column has
# Who acts in the audit trail without being a user.
_RESERVED = ("staff", "prismseg", "console", "demonstration")


class UserDirectory:
    """The users in a store.

    Parameters
    ----------
    store : SessionStore
        Where they are.
    hasher : PasswordHasher, optional
        By default with argon2's recommended costs.
    """

    def __init__(self, store: SessionStore, hasher: PasswordHasher | None = None) -> None:
        self._store = store
        self._hasher = hasher or PasswordHasher()
        # Verified when nobody has the stated name, so that the time of the answer does not tell whether somebody has.
        self._decoy = self._hasher.hash("nobody has this password")

    def add(self, name: str, password: str) -> None:
        """Let somebody log in, or give them a new password.

        Raises
        ------
        ConfigError
            When the name or the password is too short or too long, or the name is no person's.
        """
        if not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
            raise ConfigError(f"A user's name has 1 to {LONGEST_NAME} characters that can be printed.")
        if name.strip().lower() in _RESERVED:
            raise ConfigError(f"The audit trail calls no person {name.strip()}; choose another name.")
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise ConfigError(f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
        with self._store.write() as transaction:
            row = transaction.db.get(UserRow, name.strip())
            if row is None:
                row = UserRow(name=name.strip(), created_at=transaction.at)
                transaction.db.add(row)
            row.password, row.disabled_at = self._hasher.hash(password), None
            transaction.record("console", "user may log in", row)

    def disable(self, name: str) -> None:
        """End a user's access; what they did stays theirs.

        Raises
        ------
        ConfigError
            When nobody has that name.
        """
        with self._store.write() as transaction:
            row = transaction.db.get(UserRow, name)
            if row is None:
                raise ConfigError(f"There is no user {name}.")
            row.disabled_at = transaction.at
            transaction.record("console", "user may log in no more", row)

    def rows(self) -> list[UserRow]:
        """List all users by name, also the disabled ones."""
        with self._store.read() as db:
            return list(db.scalars(select(UserRow).order_by(UserRow.name)))

    def count(self) -> int:
        """Count those who may log in."""
        return sum(proof is not None for proof in self.proofs().values())

    def proofs(self) -> dict[str, str | None]:
        """Name all users with what proves a log-in: the stored hash of the password, None for disabled users."""
        with self._store.read() as db:
            rows = db.execute(select(UserRow.name, UserRow.password, UserRow.disabled_at)).all()
        return {name: password if disabled_at is None else None for name, password, disabled_at in rows}

    def log_in(self, name: str, password: str) -> str | None:
        """Give the proof of a log-in, None when the user may not log in with this password."""
        proof = self.proofs().get(name)
        try:
            self._hasher.verify(self._decoy if proof is None else proof, password)
        except (VerificationError, InvalidHashError):
            return None
        return proof
