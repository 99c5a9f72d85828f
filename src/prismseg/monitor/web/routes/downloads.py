"""Reports of a session to take away, one route for each registered format."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from fastapi import APIRouter, Response

from prismseg.monitor.report import REPORT_FORMATS, ReportFormat, collect_report
from prismseg.monitor.web.dependencies import LanguageDep, SessionsDep, StoreDep, UserDep
from prismseg.monitor.web.security.record import record_export


def create_router() -> APIRouter:
    """Make the routes when the application is made, so that formats of other packages have theirs."""
    router = APIRouter(prefix="/api/sessions/{session}")
    for form in REPORT_FORMATS.values():
        router.add_api_route(f"/{form.filename}", _download(form), summary=form.title, name=form.filename)
    return router


def _download(form: ReportFormat) -> Callable[..., Response]:
    def download(
        sessions: SessionsDep, store: StoreDep, who: UserDep, language: LanguageDep, session: str
    ) -> Response:
        report = collect_report(sessions, session, who)
        buffer = io.BytesIO()
        form.write(report, buffer, language)
        record_export(store, who, session, format=form.filename, language=language.code)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{report.details.code}{form.ending}").strip("-.") or "session"
        return Response(
            buffer.getvalue(),
            media_type=form.media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return download
