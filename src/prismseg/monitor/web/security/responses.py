"""Answers that refuse a request, in the reader's language and with the headers that every answer has."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from prismseg.base import Message
from prismseg.monitor.languages import Language, pick

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LANGUAGE_COOKIE = "language"


def language_of(connection: HTTPConnection) -> Language:
    """Choose the language: the one that was asked for, else the browser's."""
    return pick(connection.headers.get("accept-language", ""), connection.cookies.get(LANGUAGE_COOKIE))


def error_response(connection: HTTPConnection, status: int, text: Message) -> JSONResponse:
    """Answer with a sentence, and with the headers that every answer has."""
    return JSONResponse({"error": language_of(connection)(text)}, status_code=status, headers=HEADERS)
