"""Names and passwords of a hospital, checked by a real LDAP server."""

from __future__ import annotations

import pytest
import yaml
from sqlalchemy import select
from tests.monitor.web.conftest import NAME, PASSWORD, browsing

from prismseg.base import ConfigError, DataError
from prismseg.monitor.store.schema import AuditRow
from prismseg.monitor.web.security.users import UserDirectory
from prismseg.monitor.web.sso.ldap import LdapDirectory
from prismseg.monitor.web.sso.settings import LdapSettings, load_sso

BASE = "dc=ward,dc=example"
ANA = "a good password (1)"
RULES = [
    {"group": "birth", "role": "staff", "ward": "birth"},
    {"group": f"cn=quality,{BASE}", "role": "reviewer"},
]


def stated(url, **changes):
    return {"kind": "ldap", "url": url, "base": BASE, "groups_base": BASE, "groups": RULES[:1]} | changes


@pytest.fixture
def ward(open_monitor, ldap_url, tmp_path):
    """Open a monitor that asks the directory."""

    def make(**changes):
        (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated(ldap_url, **changes)))
        return open_monitor(sso=tmp_path / "sso.yaml")

    return make


def test_whom_the_directory_knows_comes_in_under_the_name_it_writes(ward):
    services = ward()
    with browsing(services) as page:
        assert (
            page.get("/", follow_redirects=False).status_code == 303
        )  # nobody is asked for a name on this machine only
        assert page.log_in("aNA", ANA).status_code == 303
        assert page.get("/api/sessions").status_code == 200
    account = services.users.accounts()["Ana"]
    assert (account.role, account.ward) == ("staff", "birth") and "aNA" not in services.users.accounts()
    with services.store.read() as db:
        rows = list(db.scalars(select(AuditRow).order_by(AuditRow.seq)))
    assert [(row.who, row.action) for row in rows if row.action in ("user may log in", "logged in")] == [
        ("directory", "user may log in"),
        ("Ana", "logged in"),
    ]
    assert not any(ANA in row.detail for row in rows)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("Ana", "wrong"), ("Ana", ""), ("", ANA), ("nobody", ANA), ("*", ANA), ("A*", ANA), ("Ana)(uid=*", ANA),
        ("console", "a name of the audit trail"),
        ("bea", "another password 2"), ("twin", "the password of twins"), ("Ana\0", ANA), ("Ana", f"{ANA}\0"),
        ("staff", "x"), (f"uid=Ana,{BASE}", ANA), ("A" * 199, ANA),
    ],
)  # fmt: skip
def test_who_does_not_come_in(ward, name, password):
    services = ward()
    with browsing(services) as page:
        assert page.log_in(name, password).status_code == 403
        assert page.get("/api/sessions").status_code == 401
    assert services.users.accounts() == {}


def test_the_role_is_that_of_the_groups_at_the_last_log_in(ward):
    services = ward(groups=RULES)
    with browsing(services) as page:
        assert page.log_in("Ana", ANA).status_code == 303
        assert services.users.accounts()["Ana"].role == "reviewer"  # the most that any of the groups allows
        services.users.assign("Ana", role="administrator", ward="")
        assert page.log_in("Ana", ANA).status_code == 303
    assert services.users.accounts()["Ana"].role == "reviewer"


def test_whoever_was_disabled_here_stays_out(ward):
    services = ward()
    with browsing(services) as page:
        page.log_in("Ana", ANA)
        services.users.disable("Ana")
        assert page.get("/api/sessions").status_code == 401
        assert page.log_in("Ana", ANA).status_code == 403


def test_a_user_of_the_monitor_is_nobody_of_the_directory(ward):
    services = ward()
    services.users.add("Ana", PASSWORD)
    with browsing(services) as page:
        assert page.log_in("Ana", ANA).status_code == 403
        assert page.log_in("Ana", PASSWORD).status_code == 303


def test_without_a_directory_users_of_the_monitor_still_come_in(open_monitor, tmp_path):
    (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated("ldap://127.0.0.1:9", timeout=1)))
    services = open_monitor(sso=tmp_path / "sso.yaml")
    services.users.add(NAME, PASSWORD)
    with browsing(services) as page:
        answer = page.log_in("Ana", ANA)
        assert answer.status_code == 503 and "does not answer" in answer.text
        assert page.log_in().status_code == 303


def test_an_account_that_may_search_has_its_password_in_a_file(ldap_url, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("another password 2\n")
    searching = stated(ldap_url, bind=f"uid=bea,{BASE}", bind_password_file=secret)
    directory = LdapDirectory(LdapSettings.model_validate(searching))
    assert directory.check("Ana", ANA).name == "Ana" and directory.check("Ana", "wrong") is None
    secret.write_text("not that of bea")
    with pytest.raises(DataError, match="cannot be asked"):
        LdapDirectory(LdapSettings.model_validate(searching)).check("Ana", ANA)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"url": "ldap://ldap.hospital.example"}, "unencrypted"),
        ({"url": "http://127.0.0.1"}, None),
        ({"groups": []}, "groups"),
        ({"groups": [{"group": "x", "role": "boss"}]}, "role"),
        ({"filter": "(uid=*)"}, "name"),
        ({"kind": "radius"}, "kind"),
        ({"bind_password_file": "/nowhere/secret"}, "no such file"),
        ({"spelling": 1}, "spelling"),
    ],
)
def test_settings_that_cannot_be_used_name_file_and_setting(tmp_path, changes, named):
    path = tmp_path / "sso.yaml"
    path.write_text(yaml.safe_dump(stated("ldaps://ldap.hospital.example") | changes))
    if named is None:
        load_sso(path)
        return
    with pytest.raises(ConfigError, match=named) as raised:
        load_sso(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("text", ["", "[]", "kind", "- kind: ldap"])
def test_a_file_without_settings_says_how_it_begins(tmp_path, text):
    (tmp_path / "sso.yaml").write_text(text)
    with pytest.raises(ConfigError, match="kind: ldap or kind: openid"):
        load_sso(tmp_path / "sso.yaml")


def test_a_pin_and_a_directory_exclude_each_other(open_monitor, services, tmp_path):
    services.users.set_pin("739164")
    services.close()
    (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated("ldaps://ldap.hospital.example")))
    with pytest.raises(ConfigError, match="PIN"):
        open_monitor(sso=tmp_path / "sso.yaml")


def test_a_pin_that_is_set_beside_a_running_monitor_lets_nobody_in(open_monitor, tmp_path):
    (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated("ldaps://127.0.0.1:9")))
    services = open_monitor(sso=tmp_path / "sso.yaml")
    UserDirectory(services.store).set_pin("739164")  # as `prismseg monitor user pin` does
    assert not services.users.pin_only() and services.users.has_pin()
    with browsing(services) as page:
        assert "PIN of this ward" not in page.get("/login").text
        assert (
            page.log_in("staff", "739164").status_code == 503
        )  # no such user: the directory is asked, and silent
        assert page.get("/api/sessions").status_code == 401
