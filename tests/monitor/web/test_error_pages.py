from __future__ import annotations

import pytest

from prismseg.monitor.web.security.responses import login_address, safe_path

HTML = {"Accept": "text/html,application/xhtml+xml"}


@pytest.mark.parametrize("path", ["/nowhere", "/sessions/none", "/sessions/none/captures/1", "/?page=x"])
def test_an_address_with_nothing_is_a_page_for_people_and_json_for_scripts(page, path: str) -> None:
    answer = page.get(path, headers=HTML)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"].startswith("text/html") and 'href="/"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "error" in page.get(path, headers={"Accept": "application/json"}).json()
    spanish = page.get("/nowhere", headers={**HTML, "Accept-Language": "es"})
    assert "No hay nada en esta dirección." in spanish.text


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/api/sessions", {}, "Código: esto falta."),
        ("POST", "/api/sessions", {"code": ""}, "Código: esto falta."),
        ("POST", "/api/sessions", {"code": "x" * 41}, "Código: 40 caracteres como máximo."),
        ("POST", "/api/sessions", {"code": "E-1", "colour": "red"}, "No existe el dato colour."),
        ("POST", "/api/sessions", [1], "No se puede leer lo que se envió."),
        ("GET", "/?page=x", None, "Página: esto no se puede anotar aquí."),
        ("GET", "/audit?first=4.5.", None, "Desde: esto no se puede anotar aquí."),
        ("DELETE", "/new", None, "Esto no se puede hacer en esta dirección."),
    ],
)
def test_what_was_sent_wrongly_is_told_in_the_readers_language(page, method, path, body, told) -> None:
    answer = page.ask(method, path, json=body, headers={"Accept-Language": "es"})
    assert (answer.status_code, answer.json()["error"]) == (405 if method == "DELETE" else 422, told)


def test_what_was_asked_for_cannot_speak_on_the_error_page(page) -> None:
    assert "<script>alert" not in page.get("/sessions/<script>alert(1)</script>", headers=HTML).text


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/sessions/1?a=b", "/sessions/1?a=b"),
        ("/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("https://evil.example", "/"),
        ("", "/"),
    ],
)
def test_only_paths_of_this_monitor_are_gone_back_to(text: str, path: str) -> None:
    assert safe_path(text) == path


def test_the_login_leads_back(visitor) -> None:
    away = visitor.get("/sessions/1", follow_redirects=False)
    assert (
        away.status_code == 303
        and away.headers["location"] == login_address("/sessions/1") == "/login?back=/sessions/1"
    )
    shown = visitor.get("/login", params={"back": "/new"})
    assert 'name="back" value="/new"' in shown.text and "autofocus" in shown.text
    told = {"name": "midwife", "password": "wrong", "back": "/new"}
    assert 'value="/new"' in visitor.client.post("/login", data=told).text
    told["password"] = "correct horse battery"
    assert visitor.client.post("/login", data=told, follow_redirects=False).headers["location"] == "/new"
    assert (
        visitor.get("/login", params={"back": "//evil.example"}, follow_redirects=False).headers["location"] == "/"
    )
