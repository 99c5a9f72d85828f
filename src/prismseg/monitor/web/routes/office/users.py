"""Who may log in, with which role and for which ward."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from prismseg.base import ConfigError, Message
from prismseg.monitor.store import Conflict
from prismseg.monitor.web.dependencies import LanguageDep, RendererDep, UserDep, UsersDep
from prismseg.monitor.web.routes.bodies import StrictBody
from prismseg.monitor.web.security.roles import ROLE_LABELS, Role
from prismseg.monitor.web.security.users import STAFF

router = APIRouter()
Name = Annotated[str, Path(max_length=40)]


class UserBody(StrictBody):
    """Somebody who may log in, or a new password for them."""

    name: str = Field(min_length=1, max_length=40)
    password: str = Field(min_length=1, max_length=400)
    role: Role | None = None
    ward: str | None = Field(default=None, max_length=40)


class RoleBody(StrictBody):
    """Another role or ward; what is left out stays."""

    role: Role | None = None
    ward: str | None = Field(default=None, max_length=40)


@router.get("/users", response_class=HTMLResponse)
def users_page(request: Request, render: RendererDep, users: UsersDep, language: LanguageDep) -> HTMLResponse:
    """All users, and a form for another."""
    return render(
        request,
        "users.html",
        language,
        users=[row for row in users.rows() if row.name != STAFF],
        roles=[(name, language(label)) for name, label in ROLE_LABELS.items()],
    )


@router.post("/api/users", status_code=204)
def add_user(users: UsersDep, who: UserDep, body: UserBody) -> Response:
    """Let somebody log in, or give them a new password."""
    users.add(body.name, body.password, role=body.role, ward=body.ward, by=who)
    return Response(status_code=204)


@router.patch("/api/users/{name}", status_code=204)
def change_user(users: UsersDep, who: UserDep, name: Name, body: RoleBody) -> Response:
    """Give a user another role or ward."""
    if name == who and body.role not in (None, "administrator"):
        raise Conflict(Message("You cannot take your own role from you; let another administrator do it."))
    users.assign(name, role=body.role, ward=body.ward, by=who)
    return Response(status_code=204)


@router.post("/api/users/{name}/disabling", status_code=204)
def disable_user(users: UsersDep, who: UserDep, name: Name) -> Response:
    """End a user's access at once."""
    if name == who:
        raise Conflict(Message("You cannot end your own access; let another administrator do it."))
    if name == STAFF:
        raise ConfigError(Message("The PIN is set and taken away on the monitor's machine. Call IT."))
    users.disable(name, by=who)
    return Response(status_code=204)
