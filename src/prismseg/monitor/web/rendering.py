"""Pages made of templates."""

from __future__ import annotations

import json
from datetime import tzinfo
from pathlib import Path
from typing import Any

from babel.localtime import get_localzone
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from prismseg.base.constants import Z95
from prismseg.base.version import VERSION
from prismseg.monitor.languages import Language, languages
from prismseg.monitor.sessions.details import NO_PERSONS
from prismseg.monitor.web.security.guard import RequestGuard
from prismseg.monitor.web.security.roles import EVERYBODY
from prismseg.monitor.web.settings import MonitorSettings

_TEMPLATES = Path(__file__).parent / "templates"


class PageRenderer:
    """Makes pages, each with what all of them show.

    Parameters
    ----------
    settings : MonitorSettings
        Scale of the colours.
    guard : RequestGuard
        Whether and when the page is locked.
    """

    def __init__(self, settings: MonitorSettings, guard: RequestGuard) -> None:
        self._scale = list(settings.scale)
        self._guard = guard
        self._environment = Environment(
            loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters["data"] = _as_script_data

    def __call__(self, request: Request, template: str, language: Language, **values: Any) -> HTMLResponse:
        """Make a page of a template and its values."""
        browser = getattr(request.state, "browser", None)
        guard = self._guard
        text = self._environment.get_template(template).render(
            _=language,
            language=language,
            languages=languages().values(),
            path=request.scope["path"],
            csrf="" if browser is None else browser.csrf,
            who="" if browser is None or browser.proof is None else browser.who,
            named=browser is not None and browser.who not in NO_PERSONS,
            may=(EVERYBODY if browser is None else browser.account).may,
            open_to_all=not guard.login_required(),
            version=VERSION,
            scale=self._scale,
            z95=Z95,
            zone=zone_name(language.zone),
            # Where nobody is logged in there is nothing to lock: the log-in stays, and knows where it leads back to.
            lock_seconds=0 if browser is None or browser.proof is None else guard.browsers.lock_seconds,
            **values,
        )
        return HTMLResponse(text)


def zone_name(zone: tzinfo | None = None) -> str:
    """Name a time zone as browsers know it, by default the machine's; empty where it has none."""
    known = get_localzone() if zone is None else zone
    return str(getattr(known, "key", None) or getattr(known, "zone", None) or "")


def _as_script_data(value: Any) -> Markup:
    """Write a value as JSON that may stand in a page."""
    return Markup(json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026"))
