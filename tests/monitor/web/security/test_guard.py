"""What stands before every request: host, visit, token, log-in, lock, headers."""

from __future__ import annotations

from itertools import product

import pytest
from starlette.testclient import TestClient
from tests.monitor.web.conftest import HERE, Page, browsing, make_certificate

from prismseg.base import OutputError
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.security.responses import HEADERS

FOREIGN_HOSTS = (
    "attacker.example",
    "attacker.example:8080",
    "127.0.0.1.attacker.example",
    "localhost.attacker.example",
    "attacker@localhost",
    "localhost/static/x",
    "localhost\\static",
    "localhost:8080:1",
    "[::2]",
    "[::1",
    "0.0.0.0",
    "169.254.169.254",
    "localhos\xe9",
)


@pytest.mark.parametrize("host", ("127.0.0.1", "127.0.0.1:8080", "LOCALHOST:1", "[::1]:8080"))
def test_its_own_names_are_answered(page, host):
    assert page.get("/", headers={"Host": host}).status_code == 200


def test_other_names_are_refused(page):
    for host, path in product(FOREIGN_HOSTS, ("/", "/health", "/static/page.js", "/api/sessions")):
        answer = page.get(path, headers={"Host": host.encode("latin-1")})
        assert answer.status_code == 421, (host, path)
        assert "set-cookie" not in answer.headers


def test_stated_names_are_known_in_any_case(open_monitor):
    with browsing(open_monitor(names=("Ward-3.hospital",))) as page:
        assert page.get("/", headers={"Host": "ward-3.Hospital:8080"}).status_code == 200


@pytest.mark.parametrize("token", ("", "x", "\xe9\xff", "other visit", None))
def test_changes_need_the_token_of_the_same_visit(page, services, token):
    if token == "other visit":
        token = services.guard.browsers.visit("staff").csrf
    headers = {} if token is None else {"X-CSRF-Token": token.encode("latin-1")}
    for method, path in (
        ("POST", "/api/sessions"),
        ("PATCH", "/api/sessions/x/details"),
        ("POST", "/api/touch"),
        ("POST", "/logout"),
        ("PUT", "/api/sessions"),
        ("DELETE", "/api/sessions/x"),
        ("POST", "/"),
    ):
        answer = page.client.request(method, path, headers=headers, json={"code": "E-1"})
        assert answer.status_code == 403, (method, path)
        assert "does not come from this page" in answer.json()["error"]
    assert page.get("/api/sessions").json()["total"] == 0


def test_the_token_alone_is_nothing_without_the_cookie(page, services):
    with browsing(services) as stranger:
        stranger.token = page.token
        assert stranger.post("/api/sessions", {"code": "E-1"}).status_code == 401


def test_the_api_gives_nothing_before_the_page_was_opened(services):
    with browsing(services) as stranger:
        for path in ("/api/sessions", "/api/status", "/api/openapi.json", "/api/nothing"):
            answer = stranger.get(path)
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers


def test_the_cookie_is_for_this_site_and_not_for_scripts(services):
    with browsing(services) as page:
        flags = {each.strip().lower() for each in page.open().headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/"}


def test_the_cookie_is_only_sent_encrypted_where_the_page_is(open_monitor, tmp_path):
    services = open_monitor(**make_certificate(tmp_path))
    with browsing(services, "https://127.0.0.1:8080") as page:
        assert "secure" in page.open().headers["set-cookie"].lower()


ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/health", 200),
    ("GET", "/static/page.js", 200),
    ("GET", "/static/nothing.js", 404),
    ("GET", "/static/../app.py", 404),
    ("GET", "/static/%2e%2e/app.py", 404),
    ("GET", "/static/..%2fapp.py", 404),
    ("GET", "/nothing", 404),
    ("GET", "/sessions/nothing", 404),
    ("GET", "/api/sessions", 200),
    ("GET", "/api/sessions?page=x", 422),
    ("GET", "/api/sessions/%00", 400),
    ("GET", "/language/es", 303),
    ("POST", "/api/sessions", 403),
    ("BREW", "/", 405),
    ("OPTIONS", "/api/sessions", 405),
]


def test_every_answer_has_the_headers(page):
    for method, path, status in ANSWERS:
        answer = page.client.request(method, path, follow_redirects=False)
        assert answer.status_code == status, (method, path)
        wanted = dict(HEADERS)
        if answer.request.url.path.startswith("/static/"):
            wanted["Cache-Control"] = "no-cache"
        assert {name: answer.headers.get(name) for name in wanted} == wanted, (method, path)


def test_failures_of_our_own_have_the_headers_and_a_sentence(page, services, monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("prismseg.monitor.web.routes.sessions.list_sessions", broken)
    answer = page.get("/api/sessions")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.json()["error"].startswith("The monitor failed")
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_a_store_that_cannot_be_read_lets_nobody_in(page, services, monkeypatch):
    def broken():
        raise OutputError("The store cannot be read: gone.")

    monkeypatch.setattr(services.users, "accounts", broken)
    answer = page.get("/api/sessions")
    assert (answer.status_code, answer.json()["error"]) == (503, "The store cannot be read: gone.")
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_without_log_in_nothing_but_the_log_in_is_shown(visitor):
    begun = (
        "/",
        "/new",
        "/import",
        "/about",
        "/sessions/x",
        "/sessions/x/captures/1",
        "/nothing",
        "/logout",
        "//x",
    )
    for path in begun:
        answer = visitor.get(path, follow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/login"), path
        assert "set-cookie" not in answer.headers
    for path in ("/api/sessions", "/api/status", "/api/openapi.json", "/api/sessions/x/report.pdf"):
        assert visitor.get(path).status_code == 401
    for path in ("/login", "/health", "/static/page.js"):
        assert visitor.get(path).status_code == 200
    assert visitor.post("/api/sessions", {"code": "E-1"}).status_code == 401


@pytest.mark.parametrize(
    "back",
    [
        "https://attacker.example/",
        "//attacker.example",
        "/\\attacker.example",
        "\\\\attacker.example",
        "/\t/attacker.example",
        "/\n/attacker.example",
        "\t//attacker.example",
        "javascript:alert(1)",
        "attacker.example",
        "/%09/attacker.example\r\nSet-Cookie: a=b",
        "",
    ],
)
def test_choosing_a_language_leads_nowhere_else(page, back):
    answer = page.get("/language/es", params={"back": back}, follow_redirects=False)
    assert answer.status_code in (303, 400)
    target = answer.headers.get("location", "/")
    assert target.startswith("/")
    assert not target.startswith(("//", "/\\", "/\t", "/\n"))
    assert "a=b" not in answer.headers.get("set-cookie", "")


def test_choosing_a_language_leads_back(page):
    answer = page.get("/language/es?back=/sessions/x%3Fa=b", follow_redirects=False)
    assert answer.headers["location"] == "/sessions/x?a=b"
    assert page.get("/nothing/else", headers={"Accept-Language": "en"}).status_code == 404
    assert 'lang="es"' in page.get("/").text
    assert "language" not in page.get("/language/xx?back=/", follow_redirects=False).headers.get("set-cookie", "")


def test_visits_without_log_in_fill_no_memory_and_take_nobodys_place(page, services):
    page.begin()
    for _ in range(600):
        services.guard.browsers.visit("staff")
    for _ in range(3):
        Page(TestClient(create_app(services), HERE)).open()
    assert len(services.guard.browsers) == 0
    assert page.get("/api/sessions").json()["total"] == 1


def test_strangers_and_one_user_alone_log_nobody_out(midwife, guarded):
    Page(TestClient(create_app(guarded), HERE)).open()
    for _ in range(600):
        guarded.guard.browsers.visit("staff")
        guarded.guard.browsers.begin("ana", "proof")
    assert midwife.get("/api/sessions").status_code == 200
    assert len(guarded.guard.browsers) == 21


def test_two_monitors_of_one_machine_have_cookies_of_their_own(open_monitor, tmp_path):
    with browsing(open_monitor(port=8080)) as page:
        first = page.open().headers["set-cookie"]
    with browsing(open_monitor(port=8081, data=tmp_path / "other")) as page:
        second = page.open().headers["set-cookie"]
    assert first.partition("=")[0] == "prismseg-8080" and second.partition("=")[0] == "prismseg-8081"


@pytest.mark.parametrize("cookie", ["x", "x.y", ".", "a.\xe9", "." * 5000])
def test_a_visit_cannot_be_made_up(page, services, cookie):
    with browsing(services) as stranger:
        sent = {"Cookie": f"prismseg-8080={cookie}".encode("latin-1")}
        assert stranger.get("/api/sessions", headers=sent).status_code == 401


def test_over_tls_browsers_are_told_to_ask_in_no_other_way(open_monitor, tmp_path, page):
    assert "strict-transport-security" not in page.get("/").headers
    services = open_monitor(data=tmp_path / "other", **make_certificate(tmp_path))
    with browsing(services, "https://127.0.0.1:8080") as secure:
        for path, status in (("/", 200), ("/static/page.js", 200), ("/nothing", 404)):
            answer = secure.get(path)
            assert (answer.status_code, answer.headers["strict-transport-security"]) == (
                status,
                "max-age=31536000",
            )
        refused = secure.get("/", headers={"Host": "attacker.example"})
        assert refused.headers["strict-transport-security"] == "max-age=31536000"
