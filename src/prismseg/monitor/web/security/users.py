"""Who may log in."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select

from prismseg.base import ConfigError, Message
from prismseg.monitor.sessions.details import NO_PERSONS, similar_code
from prismseg.monitor.store import SessionStore, Transaction
from prismseg.monitor.store.schema import SessionRow, UserRow
from prismseg.monitor.web.security.passwords import check_password, check_pin
from prismseg.monitor.web.security.roles import Account, Role, check_role

_ELSEWHERE = "!directory"  # where users have the hash of a password: no password verifies against it
LONGEST_NAME = 40  # as the column has
# Who acts in the audit trail without being a user.
STAFF = "staff"  # whoever sits at a machine without log-in, or with a PIN
CONSOLE = "console"
DIRECTORY = "directory"  # of the hospital


def check_name(name: str) -> None:
    """Refuse a name that is too long or no person's.

    Raises
    ------
    ConfigError
        Saying why.
    """
    if not 1 <= len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            Message("A user's name has 1 to {most} characters that can be printed.", most=LONGEST_NAME)
        )
    if name.strip().lower() in NO_PERSONS:
        raise ConfigError(
            Message("The audit trail calls no person {name}; choose another name.", name=name.strip())
        )


class UserDirectory:
    """The users in a store.

    Parameters
    ----------
    store : SessionStore
        Where they are.
    hasher : PasswordHasher, optional
        By default with argon2's recommended costs.
    takes_pin : bool
        Whether a PIN lets somebody in while there are no users; not where the hospital's accounts do, whose acts have
        names.
    """

    def __init__(
        self, store: SessionStore, hasher: PasswordHasher | None = None, *, takes_pin: bool = True
    ) -> None:
        self._store = store
        self._takes_pin = takes_pin
        self._hasher = hasher or PasswordHasher()
        # Verified when nobody has the stated name, so that the time of the answer does not tell whether somebody has.
        self._decoy = self._hasher.hash("nobody has this password")

    def add(
        self, name: str, password: str, *, role: Role | None = None, ward: str | None = None, by: str = CONSOLE
    ) -> None:
        """Let somebody log in, or give them a new password.

        Parameters
        ----------
        name, password : str
            With which they log in.
        role : Role, optional
            A new user is staff; another keeps the role.
        ward : str, optional
            Whose sessions staff see, "" for all; another user keeps the ward.
        by : str
            Who adds them.

        Raises
        ------
        ConfigError
            When the name is too long or no person's, or written almost like that of another user, the password is too
            easy to guess, or the ward has a longer name than is kept.
        """
        check_name(name)
        known = self.accounts().get(name.strip())
        check_password(password, name, (ward if ward is not None else known and known.ward) or "")
        with self._store.write() as transaction:
            row = transaction.db.get(UserRow, name.strip())
            if row is None:
                other = _find_similar(transaction, name)
                if other is not None:
                    raise ConfigError(
                        Message(
                            "There is a user {name} already: people would take both for one person.", name=other
                        )
                    )
                row = UserRow(name=name.strip(), created_at=transaction.at, role="staff")
                transaction.db.add(row)
            row.password, row.disabled_at = self._hasher.hash(password), None
            _assign(row, role, ward)
            transaction.record(by, "user may log in", row)

    def admit(self, name: str, *, role: Role, ward: str | None) -> str | None:
        """Let somebody in whose log-in the hospital's directory has checked, with the role that it gives.

        A user of that name with a password here is another person as far as anybody knows, and whoever was disabled
        here stays out, whatever the directory says. Nor is anybody let in whose name differs from a user's in capitals
        or blanks alone: people may write their own in a directory.

        Parameters
        ----------
        name : str
            As the directory writes it.
        role : Role
            Of the person's groups.
        ward : str or None
            Whose sessions staff see; None: all.

        Returns
        -------
        str or None
            The proof of the log-in; None when they may not log in.

        Raises
        ------
        ConfigError
            When the name is too long or no person's.
        """
        check_name(name)
        with self._store.write() as transaction:
            row = transaction.db.get(UserRow, name.strip())
            if row is None and _find_similar(transaction, name) is not None:
                return None
            if row is None:
                row = UserRow(name=name.strip(), password=_ELSEWHERE, created_at=transaction.at, role=role)
                transaction.db.add(row)
                _assign(row, role, ward or "")
                transaction.record(DIRECTORY, "user may log in", row)
                return _ELSEWHERE
            if row.password != _ELSEWHERE or row.disabled_at is not None:
                return None
            if (row.role, row.ward) != (role, ward):
                _assign(row, role, ward or "")
                transaction.record(DIRECTORY, "user has another role", row)
        return _ELSEWHERE

    def has_password(self, name: str) -> bool:
        """Tell whether a user has a password here, so that no directory is asked."""
        account = self.accounts().get(name)
        return account is not None and account.proof != _ELSEWHERE

    def assign(self, name: str, *, role: Role | None = None, ward: str | None = None, by: str = CONSOLE) -> None:
        """Give a user another role or ward.

        Raises
        ------
        ConfigError
            When nobody has that name.
        """
        with self._store.write() as transaction:
            row = _find(transaction, name)
            _assign(row, role, ward)
            transaction.record(by, "user has another role", row)

    def set_pin(self, pin: str | None, *, by: str = CONSOLE) -> None:
        """Let whoever knows a PIN use the page as staff, while there are no users; None takes it away.

        Raises
        ------
        ConfigError
            When the PIN is too easy, or there are users, who log in with their own names.
        """
        if pin is not None:
            check_pin(pin)
            if any(name != STAFF and account.proof is not None for name, account in self.accounts().items()):
                raise ConfigError(
                    "There are users, who log in with names of their own; a PIN would hide who did what."
                )
        with self._store.write() as transaction:
            row = transaction.db.get(UserRow, STAFF)
            if pin is None:
                if row is None or row.disabled_at is not None:
                    raise ConfigError("There is no PIN.")
                row.disabled_at = transaction.at
                transaction.record(by, "PIN taken away", row)
                return
            if row is None:
                row = UserRow(name=STAFF, created_at=transaction.at, role="staff")
                transaction.db.add(row)
            row.password, row.disabled_at = self._hasher.hash(pin), None
            transaction.record(by, "PIN set", row)

    def disable(self, name: str, *, by: str = CONSOLE) -> None:
        """End a user's access; what they did stays theirs.

        Raises
        ------
        ConfigError
            When nobody has that name.
        """
        with self._store.write() as transaction:
            row = _find(transaction, name)
            row.disabled_at = transaction.at
            transaction.record(by, "user may log in no more", row)

    def rows(self) -> list[UserRow]:
        """List all users by name, also the disabled ones."""
        with self._store.read() as db:
            return list(db.scalars(select(UserRow).order_by(UserRow.name)))

    def count(self) -> int:
        """Count those who may log in."""
        return sum(account.proof is not None for account in self.accounts().values())

    def accounts(self) -> dict[str, Account]:
        """Name all users with what their log-in is worth.

        The PIN counts only while nobody else may log in, and once it was taken away it is as if it had never been.
        """
        found, pin = self._stored()
        return {STAFF: pin} if pin is not None and not found and self._takes_pin else found

    def pin_only(self) -> bool:
        """Tell whether a PIN is all that is asked for."""
        return list(self.accounts()) == [STAFF]

    def has_pin(self) -> bool:
        """Tell whether a PIN is set and there are no users, whether or not it lets anybody in here."""
        found, pin = self._stored()
        return pin is not None and not found

    def _stored(self) -> tuple[dict[str, Account], Account | None]:
        """Give the accounts of persons, and that of the PIN."""
        with self._store.read() as db:
            rows = list(db.scalars(select(UserRow)))
        found = {row.name: _account(row) for row in rows if row.name != STAFF}
        pin = next((row for row in rows if row.name == STAFF and row.disabled_at is None), None)
        return found, None if pin is None else _account(pin)

    def ward_of(self, session: str) -> str | None:
        """Find the ward of a session; None also where there is no such session."""
        with self._store.read() as db:
            return db.scalar(select(SessionRow.ward).where(SessionRow.id == session))

    def log_in(self, name: str, password: str) -> str | None:
        """Give the proof of a log-in, None when the user may not log in with this password."""
        account = self.accounts().get(name)
        proof = None if account is None else account.proof
        try:
            self._hasher.verify(self._decoy if proof is None else proof, password)
        except (VerificationError, InvalidHashError):
            return None
        return proof


def _find_similar(transaction: Transaction, name: str) -> str | None:
    """Find a user whose name people would take for this one."""
    names = transaction.db.scalars(select(UserRow.name).order_by(UserRow.name))
    return next(
        (each for each in names if each != name.strip() and similar_code(each) == similar_code(name)), None
    )


def _find(transaction: Transaction, name: str) -> UserRow:
    row = transaction.db.get(UserRow, name)
    if row is None:
        raise ConfigError(Message("There is no user {name}.", name=name))
    return row


def _assign(row: UserRow, role: Role | None, ward: str | None) -> None:
    if ward is not None and (len(ward.strip()) > LONGEST_NAME or not ward.isprintable()):
        raise ConfigError(
            Message("A ward's name has at most {most} characters that can be printed.", most=LONGEST_NAME)
        )
    if role is not None:
        row.role = role
    if ward is not None:
        row.ward = ward.strip() or None


def _account(row: UserRow) -> Account:
    proof = row.password if row.disabled_at is None else None
    return Account(proof, check_role(row.role or "staff"), row.ward)
