"""Who did what: a page with filters, and the same as a table."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse

from prismseg.monitor.store import verify
from prismseg.monitor.web.audit_view import PAGE_SIZE, AuditFilter, audit_csv, choices, list_audit
from prismseg.monitor.web.audit_words import AuditWords
from prismseg.monitor.web.dependencies import LanguageDep, RendererDep, StoreDep, UserDep
from prismseg.monitor.web.routes.bodies import JsonObject
from prismseg.monitor.web.security.record import record_event

router = APIRouter()
Word = Annotated[str, Query(max_length=200)]


async def _filter(
    who: Word = "",
    action: Word = "",
    code: Word = "",
    first: date | None = None,
    last: date | None = None,
    machine: bool = False,
) -> AuditFilter:
    return AuditFilter(who, action, code.strip(), first, last, machine)


Filter = Annotated[AuditFilter, Depends(_filter)]


@router.get("/audit", response_class=HTMLResponse)
def audit_page(
    request: Request,
    render: RendererDep,
    store: StoreDep,
    language: LanguageDep,
    wanted: Filter,
    page: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> HTMLResponse:
    """Who did what, with old and new values, the newest first."""
    with store.read() as db:
        lines, total = list_audit(db, wanted, page)
        people, actions = choices(db)
    return render(
        request,
        "audit.html",
        language,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // PAGE_SIZE),
        wanted=wanted,
        people=people,
        actions=actions,
        words=AuditWords(language),
    )


@router.get("/api/audit.csv")
def audit_table(store: StoreDep, who: UserDep, wanted: Filter) -> Response:
    """Give the filtered entries as a table; taking it away is an entry too."""
    with store.read() as db:
        lines, _ = list_audit(db, wanted, None)
    record_event(store, who, "exported", "audit", format="audit.csv", entries=len(lines))
    return Response(
        audit_csv(lines),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
    )


@router.get("/api/audit/check")
def check_audit(store: StoreDep, language: LanguageDep) -> JsonObject:
    """Check the chain, every row and every file, as `prismseg monitor verify` does."""
    verdict = verify(store)
    return {
        "ok": verdict.ok,
        "entries": verdict.entries,
        "rows": verdict.rows,
        "files": verdict.files,
        "faults": [language(fault) for fault in verdict.faults],
    }
