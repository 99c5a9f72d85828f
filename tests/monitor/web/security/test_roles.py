"""Every route with every role: who is let in where, and that no route was forgotten."""

from __future__ import annotations

from contextlib import ExitStack
from io import BytesIO

import pytest
import tifffile
from tests.monitor.web.conftest import PASSWORD, browsing
from tests.monitor.web.routes.test_imports import frame_file
from tests.monitor.web.routes.test_live import header_of, picture_of, watch

from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.security.roles import ROLES

STAFF, ALL, OFFICE, ADMINISTRATOR, NOBODY_NEEDED = (
    {"staff", "administrator"},
    {"staff", "reviewer", "administrator"},
    {"reviewer", "administrator"},
    {"administrator"},
    None,
)
# Who may ask for what, written by hand: a new route is not let through before somebody has thought of it.
READING = r"""/ /about /site /board /api/board /api/imports/{batch}/pictures/{number}.png
/sessions/{session} /sessions/{session}/captures/{number} /api/sessions /api/sessions/{session}
/api/status /api/codes /api/sessions/{session}/captures/{number}/picture.png /api/sessions/{session}/report.pdf
/api/sessions/{session}/captures/{number}/mask.png /api/sessions/{session}/captures/{number}/outlines
/api/sessions/{session}/captures/{number}/explanation/{kind}.png /api/sessions/{session}/table.csv
/api/sessions/{session}/fhir.json /api/sessions/{session}/redcap.csv
/api/sessions/{session}/table.xlsx /api/sessions/{session}/dicom.zip /api/sessions/{session}/patient.zip
/api/openapi.json"""
CHANGING = r"""/api/sessions /api/sessions/{session}/details /api/sessions/{session}/view /api/sessions/{session}/dose
/api/sessions/{session}/closing /api/sessions/{session}/signature /api/sessions/{session}/captures
/api/sessions/{session}/captures/{number}/removal /api/sessions/{session}/captures/{number}/remarks
/api/sessions/{session}/captures/{number}/mask /api/sessions/{session}/captures/{number}/mask/{step} /api/imports
/api/imports/{batch} /api/imports/{batch}/preview /api/sessions/{session}/camera /api/sessions/{session}/skips"""
TABLE: dict[tuple[str, str], set[str] | None] = {
    **{("GET", path): ALL for path in READING.split()},
    **{("change", path): STAFF for path in CHANGING.split()},
    ("GET", "/new"): STAFF,
    ("GET", "/import"): STAFF,
    ("GET", "/audit"): OFFICE,
    ("GET", "/api/audit.csv"): OFFICE,
    ("GET", "/api/audit/check"): OFFICE,
    ("GET", "/users"): ADMINISTRATOR,
    ("change", "/api/users"): ADMINISTRATOR,
    ("change", "/api/users/{name}"): ADMINISTRATOR,
    ("change", "/api/users/{name}/disabling"): ADMINISTRATOR,
    ("GET", "/erasures"): ADMINISTRATOR,
    ("change", "/api/erasures"): ADMINISTRATOR,
    ("change", "/api/touch"): ALL,
    ("GET", "/api/lock"): ALL,
    ("change", "/api/board/staying"): ALL,
    ("change", "/logout"): ALL,
    ("GET", "/login"): NOBODY_NEEDED,
    ("change", "/login"): NOBODY_NEEDED,
    ("GET", "/login/provider"): NOBODY_NEEDED,
    ("GET", "/login/callback"): NOBODY_NEEDED,
    ("GET", "/language/{code}"): NOBODY_NEEDED,
    ("GET", "/static/words/{code}.json"): NOBODY_NEEDED,
    ("GET", "/static/scale.json"): NOBODY_NEEDED,
    ("GET", "/health"): NOBODY_NEEDED,
}


def routes(services) -> list[tuple[str, str]]:
    """All methods and paths of the application, as it states them itself."""
    paths = create_app(services).openapi()["paths"]
    found = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    return sorted({*found, ("GET", "/api/openapi.json")})


def test_no_route_was_forgotten(services):
    known = {("GET" if method == "GET" else "change", path) for method, path in routes(services)}
    assert known == set(TABLE)


def test_every_route_asks_for_the_role_that_it_needs(guarded):
    names = {"staff": "midwife", "reviewer": "rev", "administrator": "boss"}
    for role, name in names.items():
        guarded.users.add(name, PASSWORD, role=role)
    with ExitStack() as stack:
        pages = {role: stack.enter_context(browsing(guarded)) for role in ROLES}
        stranger = stack.enter_context(browsing(guarded))
        for role, page in pages.items():
            assert page.log_in(names[role]).status_code == 303
        for method, path in routes(guarded):
            allowed = TABLE["GET" if method == "GET" else "change", path]
            address = path.format(
                session="none", number=1, kind="evidence", step="undo", batch="x", name="nobody", code="en"
            )
            if path.startswith(("/logout", "/login")):
                continue
            for role, page in pages.items():
                answer = page.ask(method, address, json={}, follow_redirects=False)
                refused = answer.status_code == 403 and "role" in answer.json()["error"]
                assert refused == (allowed is not None and role not in allowed), (method, path, role, answer.text)
            outside = stranger.ask(method, address, json={}, follow_redirects=False)
            turned_away = outside.status_code == 401 or outside.headers.get("location", "").startswith("/login")
            assert turned_away == (allowed is not None), (method, path, outside.status_code)


def test_staff_see_only_their_wards_sessions(guarded):
    guarded.users.add("anna", PASSWORD, ward="A")
    guarded.users.add("berta", PASSWORD, ward="B")
    guarded.users.add("rev", PASSWORD, role="reviewer", ward="A")
    with ExitStack() as stack:
        pages = {name: stack.enter_context(browsing(guarded)) for name in ("anna", "berta", "rev", "midwife")}
        for name, page in pages.items():
            page.log_in(name)
        own, other = pages["anna"].begin("E-A"), pages["berta"].begin("E-B")
        common = pages["midwife"].begin("E-0")
        seen = {
            name: {each["code"] for each in page.get("/api/sessions").json()["sessions"]}
            for name, page in pages.items()
        }
        assert seen == {
            "anna": {"E-A", "E-0"},
            "berta": {"E-B", "E-0"},
            "rev": {"E-A", "E-B", "E-0"},
            "midwife": {"E-A", "E-B", "E-0"},
        }
        anna = pages["anna"]
        assert anna.get(own).status_code == 200 and anna.get(common).status_code == 200
        for path in (other, f"{other}/report.pdf", f"{other}/captures/1/picture.png", other.removeprefix("/api")):
            assert anna.get(path).status_code == 404, path
        assert anna.patch(f"{other}/details", {"changed": {"drug": "x"}}).status_code == 404
        assert anna.get("/api/codes?code=E-B").json()["warnings"] == []
        assert "E-B" not in anna.get("/").text and "E-B" in pages["rev"].get("/").text
        with watch(anna, session=other) as socket:
            data = socket.receive_bytes()
        assert "no such session" in header_of(data)["failure"] and picture_of(data) == b""


def test_an_imported_session_is_of_the_ward_of_whoever_imports_it(guarded, feet_still):
    guarded.users.add("anna", PASSWORD, ward="A")
    guarded.users.add("berta", PASSWORD, ward="B")
    picture = BytesIO()
    tifffile.imwrite(picture, feet_still[0].celsius)
    with browsing(guarded) as anna, browsing(guarded) as berta:
        anna.log_in("anna")
        berta.log_in("berta")
        sent = anna.ask("POST", "/api/imports", files=[("files", ("t0.tiff", picture.getvalue()))]).json()
        kept = anna.post(f"/api/imports/{sent['id']}", {"code": "E-A", "minutes": [0.0], "confirmed": []})
        assert kept.status_code == 201, kept.text
        assert [each["code"] for each in anna.get("/api/sessions").json()["sessions"]] == ["E-A"]
        assert berta.get("/api/sessions").json()["sessions"] == []
        assert berta.get(f"/api/sessions/{kept.json()['id']}").status_code == 404


def test_who_only_reads_is_offered_nothing_else(guarded):
    guarded.users.add("rev", PASSWORD, role="reviewer")
    offers = ('href="/new"', 'href="/import"', 'name="may-write" content="yes"')
    with browsing(guarded) as reviewer, browsing(guarded) as midwife:
        reviewer.log_in("rev")
        midwife.log_in()
        assert all(offer in midwife.get("/").text for offer in offers)
        assert not any(offer in reviewer.get("/").text for offer in offers)


def test_a_role_that_is_taken_away_is_gone_at_once(guarded):
    guarded.users.add("boss", PASSWORD, role="administrator")
    with browsing(guarded) as boss:
        boss.log_in("boss")
        assert boss.get("/users").status_code == 200
        assert boss.patch("/api/users/boss", {"role": "staff"}).status_code == 409
        assert boss.post("/api/users/boss/disabling").status_code == 409
        assert boss.post("/api/users", {"name": "ana", "password": "hospital2026"}).status_code == 422
        assert (
            boss.post("/api/users", {"name": "ana", "password": "tibia-kolibri", "ward": "A"}).status_code == 204
        )
        assert guarded.users.accounts()["ana"].ward == "A"
        assert boss.post("/api/users/ana/disabling").status_code == 204
        guarded.users.assign("boss", role="staff")
        assert boss.get("/users").status_code == 403


def test_without_users_the_page_says_so_and_gives_no_roles(page):
    assert "There are no users" in page.get("/about").text
    assert page.get("/audit").status_code == 200
    for path in ("/users", "/erasures"):
        assert page.get(path).status_code == 403


def test_a_pin_closes_the_page_and_gives_way_to_users(services):
    services.users.set_pin("274915")
    with browsing(services) as page:
        assert "PIN of this ward" in page.get("/").text
        assert page.log_in("staff", "274916").status_code == 403
        assert page.log_in("staff", "274915").status_code == 303
        session = page.begin()
        assert "There are no users" not in page.get("/about").text
        services.users.add("ana", PASSWORD)
        assert page.get(session).status_code == 401
        assert page.log_in("staff", "274915").status_code == 403
        assert page.log_in("ana").status_code == 303


@pytest.mark.parametrize("pin", ["123456", "12345", "abcdef"])
def test_easy_pins_are_refused(services, pin):
    with pytest.raises(ValueError, match="PIN"):
        services.users.set_pin(pin)


def test_codes_of_another_ward_are_told_nowhere(guarded, camera):
    for name, ward in (("anna", "A"), ("berta", "B")):
        guarded.users.add(name, PASSWORD, ward=ward)
    guarded.users.add("chief", PASSWORD, role="administrator")
    sent = [("files", ("t0min.tiff", frame_file(camera.frame().celsius)))]
    with browsing(guarded) as anna, browsing(guarded) as berta, browsing(guarded) as chief:
        anna.log_in("anna"), berta.log_in("berta"), chief.log_in("chief")
        both = [each.ask("POST", "/api/imports", files=sent).json() for each in (berta, anna)]
        berta.post(f"/api/imports/{both[0]['id']}", {"code": "SECRET", "minutes": [0]})
        own = anna.begin("OWN")
        berta.post("/api/sessions", {"code": "SECRET", "take_camera": True})
        told = [
            anna.get(own).text,
            anna.get("/new").text,
            anna.post("/api/sessions", {"code": "OTHER"}).text,
            anna.post(f"{own}/captures").text,
            anna.ask("POST", "/api/imports", files=sent).text,
            anna.post(f"/api/imports/{both[1]['id']}", {"code": "OTHER", "minutes": [0]}).text,
        ]
        assert not any("SECRET" in each for each in told)
        assert anna.get(own).json()["camera_with"] == {"id": None, "code": None}
        assert all("a session of another ward" in each for each in told[1:])
        assert "session SECRET" in chief.get("/new").text
        assert chief.get(own).json()["camera_with"]["code"] == "SECRET"
