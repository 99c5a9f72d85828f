"""What the site's own records say of warming beside the cold test and pain."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from prismseg.monitor.site import agreements, collect_observations
from prismseg.monitor.site.agreement import FEWEST
from prismseg.monitor.web.dependencies import AccountDep, LanguageDep, RendererDep, SettingsDep, StoreDep

router = APIRouter()


@router.get("/site", response_class=HTMLResponse)
def site_page(
    request: Request,
    render: RendererDep,
    store: StoreDep,
    settings: SettingsDep,
    account: AccountDep,
    language: LanguageDep,
) -> HTMLResponse:
    """Curves of the change by minute, with intervals, or that there are too few sessions."""
    minutes = [minute for minute in settings.schedule if minute > 0]
    with store.read() as db:
        observations = collect_observations(db, minutes, account.sees_ward)
    return render(
        request,
        "site.html",
        language,
        found=agreements(observations, minutes),
        sessions=len({each.session for each in observations}),
        fewest=FEWEST,
    )
