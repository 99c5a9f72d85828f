"""Codes, all data of a patient, and erasing one."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from prismseg.monitor.patients import Cause, code_warnings, erase_patient, write_archive
from prismseg.monitor.store import get_row
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.dependencies import (
    AccountDep,
    LanguageDep,
    RendererDep,
    SessionsDep,
    StoreDep,
    UserDep,
)
from prismseg.monitor.web.routes.bodies import JsonObject, StrictBody
from prismseg.monitor.web.security.record import record_export

router = APIRouter()


class ErasureBody(StrictBody):
    """Erase all sessions of a code."""

    code: str = Field(min_length=1, max_length=40)
    cause: Cause


@router.get("/api/codes")
def check_code(
    store: StoreDep,
    language: LanguageDep,
    account: AccountDep,
    code: Annotated[str, Query(max_length=40)],
    session: Annotated[str, Query(max_length=40)] = "",
) -> JsonObject:
    """Say what speaks against a code."""
    with store.read() as db:
        return {"warnings": [language(each) for each in code_warnings(db, code, account.sees_ward, session)]}


@router.get("/api/sessions/{session}/patient.zip")
def take_patient(
    sessions: SessionsDep,
    store: StoreDep,
    who: UserDep,
    account: AccountDep,
    language: LanguageDep,
    session: str,
) -> Response:
    """All data of a session's patient: every session of the same code."""
    with store.read() as db:
        code = get_row(db, SessionRow, session).code
    buffer = io.BytesIO()
    count = write_archive(sessions, code, buffer, language, account.sees_ward)
    record_export(store, who, session, format="patient.zip", sessions=count)
    return Response(
        buffer.getvalue(),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="patient.zip"'},
    )


@router.get("/erasures", response_class=HTMLResponse)
def erasures_page(
    request: Request,
    render: RendererDep,
    language: LanguageDep,
    code: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """Ask which patient is erased, and why."""
    return render(request, "erasures.html", language, code=code)


@router.post("/api/erasures")
def erase(store: StoreDep, who: UserDep, body: ErasureBody) -> JsonObject:
    """Erase a patient for ever."""
    done = erase_patient(store, who, body.code, body.cause)
    return {"sessions": done.sessions, "files": done.files, "similar": list(done.similar)}
