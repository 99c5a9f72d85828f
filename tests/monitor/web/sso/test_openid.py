"""Log-in at a provider: who comes back must be who was sent, and the token from whom it says."""

from __future__ import annotations

import time

import pytest
import yaml
from joserfc import jwk
from tests.monitor.web.conftest import HERE, browsing

COOKIE = "prismseg-8080-provider"


@pytest.fixture
def ward(open_monitor, provider, tmp_path):
    (tmp_path / "secret").write_text(provider.secret)
    stated = {
        "kind": "openid", "issuer": provider.issuer, "client": provider.client, "page": HERE,
        "secret_file": str(tmp_path / "secret"), "groups": [{"group": "birth", "role": "staff", "ward": "birth"}],
    }  # fmt: skip
    (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated))
    return open_monitor(sso=tmp_path / "sso.yaml")


def depart(page, back="/"):
    answer = page.get("/login/provider", params={"back": back}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def test_whom_the_provider_knows_comes_back_to_the_page_they_wanted(ward, provider):
    with browsing(ward) as page:
        assert "/login/provider?back=/audit" in page.get("/audit").text
        answer = page.get(provider.authorize(depart(page, "/sessions/x?y=1&z")), follow_redirects=False)
        assert answer.status_code == 200 and "url=/sessions/x?y=1&amp;z" in answer.text
        cookie = answer.headers.get_list("set-cookie")
        assert any("samesite=strict" in each.lower() and each.startswith("prismseg-8080=") for each in cookie)
        assert page.get("/api/sessions").status_code == 200
    account = ward.users.accounts()["ana"]
    assert (account.role, account.ward) == ("staff", "birth")
    assert provider.asked.count("/keys") == 1


def test_a_page_elsewhere_is_not_gone_to(ward, provider):
    with browsing(ward) as page:
        answer = page.get(provider.authorize(depart(page, "//evil.example")), follow_redirects=False)
    assert 'content="0;url=/"' in answer.text


def refused(page, address, why):
    answer = page.get(address, follow_redirects=False)
    assert answer.status_code == 403 and why in answer.text, answer.text
    assert page.get("/api/sessions").status_code == 401


def test_nobody_comes_back_with_the_log_in_of_another_browser(ward, provider):
    with browsing(ward) as page, browsing(ward) as victim:
        address = provider.authorize(depart(page))
        refused(victim, address, "did not work")
        refused(page, address, "did not work")  # it was tried once, and is worth nothing any more
        refused(page, f"{HERE}/login/callback?state=&code=x", "did not work")
        refused(page, f"{HERE}/login/callback?error=access_denied", "did not work")
        again = provider.authorize(depart(page))
        assert page.get(again, follow_redirects=False).status_code == 200
        page.client.cookies.clear()
        refused(page, again, "did not work")


def test_a_log_in_that_took_too_long(ward, provider, time):
    with browsing(ward) as page:
        address = provider.authorize(depart(page))
        time.wait(601)
        refused(page, address, "did not work")


OTHER = jwk.RSAKey.generate_key(2048, {"kid": "first"}, private=True)  # calls itself as the provider's
NOW = int(time.time())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"}, {"aud": "another client"}, {"aud": ["monitor", "another"]},
        {"exp": NOW - 3600}, {"nonce": "of another log-in"}, {"exp": None}, {"preferred_username": ""},
        {"preferred_username": 7}, {"preferred_username": "staff"}, {"preferred_username": "x" * 41},
    ],
)  # fmt: skip
def test_a_token_that_says_something_else(ward, provider, changes):
    provider.changes = changes
    with browsing(ward) as page:
        refused(page, provider.authorize(depart(page)), "did not work")
    assert ward.users.accounts() == {}


@pytest.mark.parametrize("key", [OTHER, jwk.OctKey.import_key("a shared secret of many bits", {"kid": "first"})])
def test_a_token_that_another_signed(ward, provider, key):
    provider.signed_with, provider.algorithm = key, "RS256" if key is OTHER else "HS256"
    with browsing(ward) as page:
        refused(page, provider.authorize(depart(page)), "did not work")


def test_a_new_key_of_the_provider_is_asked_for(ward, provider):
    with browsing(ward) as page:
        assert page.get(provider.authorize(depart(page)), follow_redirects=False).status_code == 200
        provider.key = provider.signed_with = jwk.RSAKey.generate_key(2048, {"kid": "second"}, private=True)
        assert page.get(provider.authorize(depart(page)), follow_redirects=False).status_code == 200


@pytest.mark.parametrize("groups", [[], ["kitchen"], "kitchen", None, {"birth": 1}])
def test_whose_groups_may_not_come_in(ward, provider, groups):
    provider.claims["groups"] = groups
    with browsing(ward) as page:
        refused(page, provider.authorize(depart(page)), "may not use")


def test_a_provider_that_does_not_answer(open_monitor, tmp_path):
    stated = {
        "kind": "openid",
        "issuer": "http://127.0.0.1:9",
        "client": "x",
        "page": HERE,
        "groups": [{"group": "a"}],
    }
    (tmp_path / "sso.yaml").write_text(yaml.safe_dump(stated))
    with browsing(open_monitor(sso=tmp_path / "sso.yaml")) as page:
        answer = page.get("/login/provider", follow_redirects=False)
        assert answer.status_code == 503 and "does not answer" in answer.text


def test_without_a_provider_there_is_no_such_page(visitor):
    for path in ("/login/provider", "/login/callback"):
        assert visitor.get(path).status_code == 404
    assert "/login/provider" not in visitor.get("/login").text
