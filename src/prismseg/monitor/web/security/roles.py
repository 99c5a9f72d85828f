"""Who may do what: roles of users, and what each request needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from prismseg.base import ConfigError, Message

Role = Literal["staff", "reviewer", "administrator"]
Permission = Literal["read", "write", "audit", "users", "erase"]
"""read sessions; change and begin them; read who did what; change who may log in; erase a patient."""

ROLES: tuple[Role, ...] = get_args(Role)
ROLE_LABELS: Mapping[Role, Message] = {
    "staff": Message("staff"),
    "reviewer": Message("reviewer"),
    "administrator": Message("administrator"),
}
_MAY: Mapping[Role, frozenset[Permission]] = {
    "staff": frozenset({"read", "write"}),
    "reviewer": frozenset({"read", "audit"}),
    "administrator": frozenset(get_args(Permission)),
}
# Without users everybody at the machine is one person, whom nobody can give a role.
_MAY_EVERYBODY: frozenset[Permission] = frozenset({"read", "write", "audit"})
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
_ANYBODY = {"/logout", "/login", "/api/touch", "/api/board/staying"}
_SESSION = re.compile(r"/(?:api/)?sessions/([^/]+)(?:/.*)?")


@dataclass(frozen=True)
class Account:
    """What a log-in is worth.

    Attributes
    ----------
    proof : str or None
        The stored hash of the password; None for whoever may not log in.
    role : Role or None
        None where nobody has to log in.
    ward : str or None
        Whose sessions staff see and begin; None: all.
    """

    proof: str | None
    role: Role | None
    ward: str | None

    def may(self, permission: Permission) -> bool:
        """Tell whether that is allowed."""
        return permission in (_MAY_EVERYBODY if self.role is None else _MAY[self.role])

    @property
    def sees_ward(self) -> str | None:
        """The only ward whose sessions are shown; None: all are."""
        return self.ward if self.role == "staff" else None

    def sees(self, ward: str | None) -> bool:
        """Tell whether sessions of a ward are shown; those without one belong to all."""
        return self.sees_ward is None or ward in (None, self.sees_ward)


EVERYBODY = Account(None, None, None)


def check_role(name: str) -> Role:
    """Take a word for a role.

    Raises
    ------
    ConfigError
        When it is none.
    """
    for role in ROLES:
        if role == name:
            return role
    raise ConfigError(f"There is no role {name}; roles are {', '.join(ROLES)}.")


def needed_permission(method: str, path: str) -> Permission:
    """Tell what a request needs; what is not named here is reading or changing sessions, by its method."""
    if path in _ANYBODY:
        return "read"
    area = path.removeprefix("/api")
    if area == "/users" or area.startswith("/users/"):
        return "users"
    if area == "/audit" or area.startswith(("/audit/", "/audit.")):
        return "audit"
    if area == "/erasures" or area.endswith("/erasure"):
        return "erase"
    if path in ("/new", "/import"):
        return "write"
    return "write" if method in _CHANGING else "read"


def session_of(path: str) -> str | None:
    """Find the session that a request is about."""
    found = _SESSION.fullmatch(path)
    return found.group(1) if found else None
