"""Answers that refuse a request, in the reader's language and with the headers that every answer has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.requests import HTTPConnection

from prismseg.base import Message, OutputError, PrismsegError
from prismseg.monitor.languages import Language, pick
from prismseg.monitor.store.database import disk_is_full

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Over TLS: from then on a browser asks for this host in no other way, for a year.
ENCRYPTED_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}
LANGUAGE_COOKIE = "language"


def headers_for(connection: HTTPConnection) -> dict[str, str]:
    """Headers that every answer to this connection has."""
    return HEADERS | ENCRYPTED_HEADERS if connection.scope.get("scheme") in ("https", "wss") else HEADERS


def language_of(connection: HTTPConnection) -> Language:
    """Choose the language: the one that was asked for, else the browser's."""
    return pick(connection.headers.get("accept-language", ""), connection.cookies.get(LANGUAGE_COOKIE))


def error_response(
    connection: HTTPConnection, status: int, text: Message | str, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with a sentence: a page where somebody opened an address, JSON where a script asked."""
    language, sent = language_of(connection), dict(headers_for(connection) if headers is None else headers)
    sentence = language(text) if isinstance(text, Message) else text
    path = connection.scope["path"]
    if path.startswith(("/api/", "/static/")) or "text/html" not in connection.headers.get("accept", ""):
        return JSONResponse({"error": sentence}, status_code=status, headers=sent)
    title = language(Message("This page cannot be shown"))
    page = (
        f'<!doctype html><html lang="{language.code}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)} – prismseg</title><link rel="stylesheet" href="/static/monitor.css">'
        '<script src="/static/theme.js"></script>'
        f'<main><div class="card narrow"><h1>{escape(title)}</h1><p>{escape(sentence)}</p>'
        f'<p><a class="button primary" href="/">{escape(language(Message("All sessions")))}</a></p></div></main></html>'
    )
    return HTMLResponse(page, status_code=status, headers=sent)


def told_to_staff(error: PrismsegError) -> Message:
    """Give what an error says to whoever uses a page; what must be installed or made room for is for IT alone."""
    if isinstance(error.__cause__, ImportError):
        return Message("A package that this needs is not installed on the monitor. Call IT.")
    if isinstance(error, OutputError):
        if disk_is_full(error.__cause__):
            return Message("The monitor's disk is full. This was not saved. Call IT.")
        if "path" in error.message.values:
            return Message("The monitor cannot write to its disk. Call IT.")
    return error.message


def safe_path(text: str) -> str:
    """Give a path of this monitor as it was stated, and the first page for anything that leads elsewhere."""
    # Browsers read a backslash as a slash, and leave out tabs and line breaks.
    return text if text.startswith("/") and not re.match(r"//|/\\|.*[\x00-\x1f]", text, re.DOTALL) else "/"


def login_address(path: str) -> str:
    """Give the address of the log-in that leads back to a page."""
    return "/login" if path == "/" else f"/login?back={quote(path, safe='/')}"
