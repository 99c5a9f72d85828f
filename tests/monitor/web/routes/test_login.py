"""Who may come in, and for how long: users, log-in, lock."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from tests.monitor.web.conftest import HERE, NAME, PASSWORD, browsing

from prismseg.base import ConfigError
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.web.security.attempts import LoginAttempts


def test_a_visit_from_before_there_were_users_is_worth_nothing_after(page, services):
    assert page.get("/api/sessions").status_code == 200
    services.users.add(NAME, PASSWORD)
    assert page.get("/api/sessions").status_code == 401
    assert page.post("/api/sessions", {"code": "E-1"}).status_code == 401


@pytest.mark.parametrize("name", ("staff", " Staff ", "prismseg", "console", "a\0b", "a\nb", "", "x" * 41))
def test_nobody_is_called_what_the_audit_trail_calls_no_person(services, name):
    with pytest.raises(ConfigError):
        services.users.add(name, PASSWORD)


COOKIE = "prismseg-8080"


def token_of(answer):
    return answer.headers["set-cookie"].partition(f"{COOKIE}=")[2].partition(";")[0]


def known(services, token):
    return services.guard.browsers.find(token, "staff") is not None


def test_log_in_gives_a_new_token_and_ends_the_visit_before(guarded):
    with browsing(guarded) as page:
        page.client.cookies.set(COOKIE, "chosen by an attacker")
        first = token_of(page.log_in())
    assert first != "chosen by an attacker"
    assert not known(guarded, "chosen by an attacker")
    with browsing(guarded) as page:
        page.client.cookies.set(COOKIE, first)
        assert page.get("/api/sessions").status_code == 200
        assert token_of(page.log_in()) != first
    assert not known(guarded, first)


def test_after_log_out_the_cookie_is_worth_nothing(midwife, guarded):
    kept = next(iter(midwife.client.cookies.jar)).value
    assert midwife.post("/logout").status_code == 204
    assert midwife.get("/api/sessions").status_code == 401
    assert not known(guarded, kept)


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
    assert answer.headers["Retry-After"] == "30"
    assert "Try again in 30 seconds" in answer.text
    with browsing(guarded, client=("10.0.0.9", 1)) as elsewhere:
        assert elsewhere.log_in().status_code == 303  # nobody is locked out by who tries their name elsewhere
    time.wait(29)
    assert visitor.log_in().status_code == 429
    time.wait(1.5)
    assert visitor.log_in().status_code == 303


def test_five_wrong_passwords_of_one_lock_out_nobody_else(visitor, guarded):
    guarded.users.add("ana", "another long password")
    for _ in range(9):
        visitor.log_in("ana", "wrong password")
    assert visitor.log_in("ana", "another long password").status_code == 429
    assert visitor.log_in().status_code == 303


def test_thirty_wrong_names_make_an_address_wait(visitor, guarded, time):
    for number in range(30):
        headers = {"X-Forwarded-For": f"10.0.0.{number}"}  # anybody may write that
        assert visitor.log_in(f"name {number}", "wrong password", **headers).status_code == 403
    assert visitor.log_in().status_code == 429
    with browsing(guarded, client=("10.0.0.9", 1)) as elsewhere:
        assert elsewhere.log_in().status_code == 303


def test_each_wrong_password_doubles_the_wait_up_to_a_quarter_of_an_hour(time):
    attempts, waits = LoginAttempts(time), []
    for _ in range(4):
        assert attempts.begin("ana", "here")[0] == 0
    for _ in range(8):
        assert attempts.begin("ana", "here")[0] == 0
        waits.append(attempts.begin("ana", "here")[0])
        time.wait(waits[-1])
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    time.wait(3600)
    assert [attempts.begin("ana", "here")[0] for _ in range(6)] == [0] * 5 + [30]


@pytest.mark.parametrize(
    ("accounts", "addresses", "free"),
    [
        (["ana", "ANA", " Ana ", "aNa", "ａｎａ", "ana"], ["here"], 5),
        ([f"name {number}" for number in range(31)], [f"2001:db8::{number:x}" for number in range(31)], 30),
        ([f"name {number}" for number in range(31)], ["10.0.0.7", "::ffff:10.0.0.7"], 30),
    ],
)
def test_one_account_or_machine_has_not_many_names(time, accounts, addresses, free):
    attempts = LoginAttempts(time)
    waits = [
        attempts.begin(account, addresses[number % len(addresses)])[0] for number, account in enumerate(accounts)
    ]
    assert waits.index(30) == free and waits[:free] == [0] * free
    attempts = LoginAttempts(time)
    assert {attempts.begin("x", f"2001:db8:0:{number:x}::1")[0] for number in range(5)} == {0}


def test_wrong_pins_make_a_ward_wait_a_minute_at_most(open_monitor, time):
    services = open_monitor()
    services.users.set_pin("274915")
    waits = []
    with browsing(services) as page, browsing(services, client=("10.0.0.9", 1)) as elsewhere:
        for _ in range(12):
            answer = page.log_in("staff", "111112")
            waits.append(int(answer.headers.get("Retry-After", 0)))
            time.wait(waits[-1])
        assert page.log_in("staff", "274915").status_code in (303, 429)
        assert elsewhere.log_in("staff", "274915").status_code == 303, "another machine of the ward"
        time.wait(60)
        assert page.log_in("staff", "274915").status_code == 303
    assert waits[:5] == [0] * 5 and max(waits) == 60
    with services.store.read() as db:
        actions = list(db.scalars(select(AuditRow.action)))
    assert "log-in failed" in actions and "log-in refused" in actions


def test_an_account_that_many_machines_try_waits_a_minute_at_most(time):
    attempts = LoginAttempts(time)
    waits = []
    for number in range(400):
        waits.append(attempts.begin("ana", f"10.0.{number // 200}.{number % 200}")[0])
        time.wait(waits[-1])
    assert waits[:50] == [0] * 50 and max(waits) == 60
    assert sum(wait > 0 for wait in waits) > 150, "guessing from everywhere is slow all the same"


def test_a_wait_is_logged_without_the_password(visitor, caplog):
    for _ in range(6):
        visitor.log_in(password="a wrong one")
    assert "log-in refused for 30 s" in caplog.text and "a wrong one" not in caplog.text


def test_right_passwords_are_not_counted(visitor):
    for _ in range(8):
        assert visitor.log_in().status_code == 303


def test_attempts_at_the_same_moment_are_counted_too(time):
    attempts = LoginAttempts(time)
    with ThreadPoolExecutor(16) as pool:
        allowed = [wait == 0 for wait, _ in pool.map(lambda _: attempts.begin("midwife", "here"), range(64))]
    assert sum(allowed) == 5


def test_a_disabled_user_is_out_at_once(midwife, guarded):
    session = midwife.begin()
    guarded.users.disable(NAME)
    assert midwife.get(session).status_code == 401
    assert midwife.post(f"{session}/dose").status_code == 401
    assert midwife.get("/", follow_redirects=False).headers["location"] == "/login"
    assert midwife.log_in().status_code == 403


def test_a_new_password_ends_what_was_opened_with_the_old_one(midwife, guarded):
    guarded.users.add(NAME, "another long password")
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
    assert midwife.get("/new", follow_redirects=False).headers["location"] == "/login?back=/new"
    assert midwife.log_in().status_code == 303


def test_the_log_in_waits_for_ever_and_leads_back(visitor, midwife, guarded):
    assert 'name="lock" content="600.0"' in midwife.get("/").text
    midwife.post("/logout")
    shown = visitor.get("/login?back=/sessions/x").text
    assert 'name="lock" content="0"' in shown and 'value="/sessions/x"' in shown


def test_asking_how_long_is_left_touches_nothing(midwife, time):
    for left in (600, 240, 0):
        assert midwife.get("/api/lock").json() == {"seconds": left}
        time.wait(360 if left == 600 else 240)
    assert midwife.get("/api/lock").status_code == 401


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


def test_passwords_are_written_nowhere(visitor, guarded, tmp_path, caplog):
    secret = "a secret never written"
    with caplog.at_level(logging.DEBUG):
        guarded.users.add("ana", secret)
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
