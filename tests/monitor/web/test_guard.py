"""What stands before every request: host, visit, token, log-in, lock, headers."""

from __future__ import annotations

import json
import logging
import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.monitor.web.conftest import HERE, NAME, PASSWORD, Page, browsing

from prismseg.base import ConfigError, OutputError
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.guard import HEADERS
from prismseg.monitor.web.users import Attempts, add_user, disable_user
from prismseg.monitor.web.visits import COOKIE

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
def test_changes_need_the_token_of_the_same_visit(page, desk, token):
    if token == "other visit":
        token = desk.guard.visits.begin("staff").csrf
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


def test_the_token_alone_is_nothing_without_the_cookie(page, desk):
    with browsing(desk) as stranger:
        stranger.token = page.token
        assert stranger.post("/api/sessions", {"code": "E-1"}).status_code == 401


def test_the_api_gives_nothing_before_the_page_was_opened(desk):
    with browsing(desk) as stranger:
        for path in ("/api/sessions", "/api/status", "/api/openapi.json", "/api/nothing"):
            answer = stranger.get(path)
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers


def test_the_cookie_is_for_this_site_and_not_for_scripts(desk):
    with browsing(desk) as page:
        flags = {each.strip().lower() for each in page.open().headers["set-cookie"].split(";")[1:]}
    assert flags == {"httponly", "samesite=strict", "path=/"}


def test_the_cookie_is_only_sent_encrypted_where_the_page_is(open_monitor, tmp_path):
    for name in ("cert", "key"):
        (tmp_path / name).write_text("")
    desk = open_monitor(certificate=tmp_path / "cert", key=tmp_path / "key")
    with browsing(desk, "https://127.0.0.1:8080") as page:
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


def test_failures_of_our_own_have_the_headers_and_a_sentence(page, desk, monkeypatch, caplog):
    def broken(*_, **__):
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("prismseg.monitor.web.api.listed", broken)
    answer = page.get("/api/sessions")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert answer.json()["error"].startswith("The monitor failed")
    assert all(answer.headers[name] == value for name, value in HEADERS.items())


def test_a_store_that_cannot_be_read_lets_nobody_in(page, desk, monkeypatch):
    def broken():
        raise OutputError("The store cannot be read: gone.")

    monkeypatch.setattr(desk.guard, "users", broken)
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
        assert (answer.status_code, answer.headers["location"]) == (303, "/login"), path
        assert "set-cookie" not in answer.headers
    for path in ("/api/sessions", "/api/status", "/api/openapi.json", "/api/sessions/x/report.pdf"):
        assert visitor.get(path).status_code == 401
    for path in ("/login", "/health", "/static/page.js"):
        assert visitor.get(path).status_code == 200
    assert visitor.post("/api/sessions", {"code": "E-1"}).status_code == 401


def test_a_visit_from_before_there_were_users_is_worth_nothing_after(page, desk):
    assert page.get("/api/sessions").status_code == 200
    add_user(desk.store, NAME, PASSWORD)
    assert page.get("/api/sessions").status_code == 401
    assert page.post("/api/sessions", {"code": "E-1"}).status_code == 401


@pytest.mark.parametrize("name", ("staff", " Staff ", "prismseg", "console", "a\0b", "a\nb", "", "x" * 41))
def test_nobody_is_called_what_the_audit_trail_calls_no_person(desk, name):
    with pytest.raises(ConfigError):
        add_user(desk.store, name, PASSWORD)


def token_of(answer):
    return answer.headers["set-cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]


def test_log_in_gives_a_new_token_and_ends_the_visit_before(guarded):
    with browsing(guarded) as page:
        page.client.cookies.set(COOKIE, "chosen by an attacker")
        first = token_of(page.log_in())
    assert first != "chosen by an attacker"
    assert guarded.guard.visits.find("chosen by an attacker") is None
    with browsing(guarded) as page:
        page.client.cookies.set(COOKIE, first)
        assert page.get("/api/sessions").status_code == 200
        assert token_of(page.log_in()) != first
    assert guarded.guard.visits.find(first) is None


def test_after_log_out_the_cookie_is_worth_nothing(midwife, guarded):
    kept = next(iter(midwife.client.cookies.jar)).value
    assert midwife.post("/logout").status_code == 204
    assert midwife.get("/api/sessions").status_code == 401
    assert guarded.guard.visits.find(kept) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [(NAME, "wrong password"), (NAME, ""), ("nobody", PASSWORD), (f"{NAME} ", PASSWORD), (NAME.upper(), PASSWORD)],
)
def test_wrong_names_and_passwords_are_answered_alike(visitor, name, password):
    answer = visitor.log_in(name, password)
    assert answer.status_code == 403
    assert "Name or password is wrong." in answer.text
    assert "set-cookie" not in answer.headers
    assert not password or password not in answer.text


@pytest.mark.parametrize("name", ("a\0b", "x" * 300, "\ud800".encode("utf-8", "surrogatepass")))
def test_odd_names_are_refused(visitor, name):
    assert visitor.log_in(name, "some password").status_code in (403, 422)


def test_the_name_is_shown_as_text(visitor):
    answer = visitor.log_in('"><script>alert(1)</script>', "wrong password")
    assert "<script>alert" not in answer.text


def test_other_sites_cannot_log_in(visitor):
    for origin in ("http://attacker.example", "null", "http://[", "http://127.0.0.1:8081", "", "file://"):
        assert visitor.log_in(origin=origin).status_code == 403, origin
    assert visitor.log_in(origin=HERE).status_code == 303


def test_five_wrong_passwords_make_a_name_wait(visitor, guarded, time):
    for _ in range(5):
        assert visitor.log_in(password="wrong password").status_code == 403
    answer = visitor.log_in()
    assert answer.status_code == 429
    wait = int(answer.headers["Retry-After"])
    assert 0 < wait <= 300
    with browsing(guarded, client=("10.0.0.9", 1)) as elsewhere:
        assert elsewhere.log_in().status_code == 429  # the name waits wherever it is tried
    time.wait(wait - 1)
    assert visitor.log_in().status_code == 429
    time.wait(1.5)
    assert visitor.log_in().status_code == 303


def test_five_wrong_names_make_an_address_wait(visitor, guarded, time):
    for number in range(5):
        headers = {"X-Forwarded-For": f"10.0.0.{number}"}  # anybody may write that
        assert visitor.log_in(f"name {number}", "wrong password", **headers).status_code == 403
    assert visitor.log_in().status_code == 429
    with browsing(guarded, client=("10.0.0.9", 1)) as elsewhere:
        assert elsewhere.log_in().status_code == 303


def test_right_passwords_are_not_counted(visitor):
    for _ in range(8):
        assert visitor.log_in().status_code == 303


def test_attempts_at_the_same_moment_are_counted_too(time):
    attempts = Attempts(time)
    with ThreadPoolExecutor(16) as pool:
        allowed = [wait == 0 for wait in pool.map(lambda _: attempts.begin("name midwife"), range(64))]
    assert sum(allowed) == 5


def test_a_disabled_user_is_out_at_once(midwife, guarded):
    session = midwife.begin()
    disable_user(guarded.store, NAME)
    assert midwife.get(session).status_code == 401
    assert midwife.post(f"{session}/dose").status_code == 401
    assert midwife.get("/", follow_redirects=False).headers["location"] == "/login"
    assert midwife.log_in().status_code == 403


def test_a_new_password_ends_what_was_opened_with_the_old_one(midwife, guarded):
    add_user(guarded.store, NAME, "another long password")
    assert midwife.get("/api/sessions").status_code == 401
    assert midwife.log_in().status_code == 403
    assert midwife.log_in(password="another long password").status_code == 303


def test_the_page_locks_unless_somebody_acts(midwife, time):
    for _ in range(3):
        time.wait(9 * 60)
        assert midwife.post("/api/touch").status_code == 204
    time.wait(9 * 60)
    assert midwife.get("/new").status_code == 200  # whoever turns to another page is there
    time.wait(10 * 60 + 1)
    assert midwife.get("/api/sessions").status_code == 401
    assert midwife.post("/api/touch").status_code == 401  # and cannot unlock it without the password
    assert midwife.get("/new", follow_redirects=False).headers["location"] == "/login"
    assert midwife.log_in().status_code == 303


def test_polling_does_not_keep_it_unlocked(midwife, time):
    session = midwife.begin()
    for _ in range(6):
        time.wait(100)
        assert midwife.get(session).status_code == 200
        assert midwife.get("/health").status_code == 200
        assert midwife.post("/api/touch", headers={"X-Unattended": "1"}).status_code == 204
    time.wait(1)
    assert midwife.get(session).status_code == 401


def test_refused_requests_do_not_keep_it_unlocked(midwife, time):
    time.wait(599)
    midwife.token = "wrong"
    assert midwife.post("/api/touch").status_code == 403
    time.wait(2)
    assert midwife.get("/api/sessions").status_code == 401


def watch(page, path="/live", origin=HERE, host="127.0.0.1:8080"):
    headers = {"host": host}
    if origin is not None:
        headers["origin"] = origin
    return page.client.websocket_connect(f"ws://127.0.0.1:8080{path}", headers=headers)


def header_of(data):
    (length,) = struct.unpack(">I", data[:4])
    return json.loads(data[4 : 4 + length])


def test_the_live_picture_is_for_this_page(page):
    with watch(page, "/live?view=mirrored&session=%00") as socket:
        header = header_of(socket.receive_bytes())
    assert header["size"] == [240, 320]
    assert set(header["outlines"]) == {"left", "right"}


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "127.0.0.1:8080"),
        ("", "127.0.0.1:8080"),
        ("null", "127.0.0.1:8080"),
        ("http://attacker.example", "127.0.0.1:8080"),
        ("http://127.0.0.1:3000", "127.0.0.1:8080"),
        ("http://[", "127.0.0.1:8080"),
        ("http://attacker.example", "attacker.example"),
    ],
)
def test_other_pages_do_not_see_it(page, origin, host):
    with watch(page, origin=origin, host=host) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_bytes()
    assert closed.value.code == 4401


def test_it_needs_a_log_in(visitor):
    with watch(visitor) as socket, pytest.raises(WebSocketDisconnect):
        socket.receive_bytes()


@pytest.mark.parametrize("end", ("lock", "disable", "log out"))
def test_it_ends_with_the_visit_and_does_not_prolong_it(midwife, guarded, time, end):
    with watch(midwife) as socket:
        for _ in range(2):
            time.wait(290)
            socket.receive_bytes()
        if end == "lock":
            time.wait(21)
        elif end == "disable":
            disable_user(guarded.store, NAME)
        else:
            midwife.post("/logout")
        with pytest.raises(WebSocketDisconnect) as closed:
            for _ in range(10):
                socket.receive_bytes()
    assert closed.value.code == 4401


def test_passwords_are_written_nowhere(visitor, guarded, tmp_path, caplog):
    secret = "a secret never written"
    with caplog.at_level(logging.DEBUG):
        add_user(guarded.store, "ana", secret)
        visitor.log_in("ana", secret + "!")
        visitor.log_in("ana", "x" * 500 + secret)
        assert visitor.log_in("ana", secret).status_code == 303
        visitor.begin()
    assert secret not in caplog.text
    with guarded.store.read() as db:
        assert all(secret not in f"{row.action} {row.detail} {row.who}" for row in db.scalars(select(AuditRow)))
    for path in (tmp_path / "data").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_what_is_done_is_signed_with_the_name(midwife, guarded):
    midwife.begin()
    with guarded.store.read() as db:
        assert db.scalars(select(AuditRow).where(AuditRow.action == "session begun")).one().who == NAME


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


def test_many_visits_do_not_fill_the_memory(desk):
    app = create_app(desk)
    for _ in range(600):
        desk.guard.visits.begin("staff")
    page = Page(TestClient(app, HERE))
    page.open()
    assert page.get("/api/sessions").status_code == 200
    assert len(desk.guard.visits._visits) == 500
