"""Requests nobody thought of, over every route of the API: refused with a sentence, or answered; never a failure."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from prismseg.monitor.store import verify

EXAMPLES, EXAMPLES_OF_SLOW = 8, 3
SLOW = ("/captures", ".png")
DOWNLOADS = (".pdf", ".csv", ".xlsx", ".zip")
ODD = (
    "\0",
    "\ud800",
    "\udfff x",
    "\u202e",
    "\x7f",
    "a" * 100_000,
    "../..",
    "{0}",
    "%s%n",
    "'\"--",
    "\U0001f9b6",
    " ",
)
ODD_VALUES = (*ODD, None, True, -1, 10**30, 10**400, 1e308, float("nan"), float("inf"), [], {}, [[]], {"a": {}})


@pytest.fixture
def session(page):
    """A session with a capture, for the requests to be about something."""
    made = page.begin("E-FUZZ")
    page.capture(made)
    return made.rsplit("/", 1)[-1]


def operations(page):
    schema = page.get("/api/openapi.json").json()
    found = [each.ok() for each in schemathesis.openapi.from_dict(schema).get_all_operations()]
    return [each for each in found if each.path.startswith("/api/")]


def check(answer, about):
    assert answer.status_code < 500, (about, answer.status_code, answer.text[:300])
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert isinstance(error, str), about
        assert error.strip(), about
        assert "Traceback" not in error, about


def address(path, values, known):
    """Fill the fields of a path; what is known takes the place of what was made up."""
    for name, value in {**values, **known}.items():
        path = path.replace(f"{{{name}}}", quoted(value))
    return path


def quoted(value):
    return quote(str(value).encode("utf-8", "surrogatepass"), safe="")


def as_json(body):
    try:
        return json.dumps(body).encode()
    except (TypeError, ValueError):  # schemathesis also makes bodies that are no JSON
        return repr(body).encode()


def attack(page, operation, mode, known):
    slow = operation.path.endswith(SLOW)
    found = settings(
        max_examples=EXAMPLES_OF_SLOW if slow else EXAMPLES,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
        phases=(Phase.generate,),  # the answer is told; what in a request it hangs on costs minutes to find
    )
    reals = [False] if operation.path.endswith(DOWNLOADS) else [True, True, False]

    @found
    @given(case=operation.as_strategy(generation_mode=mode), real=some.sampled_from(reals))
    def send(case, real):
        path = address(operation.path, case.path_parameters or {}, known if real else {})
        options = {"params": {name: str(value) for name, value in (case.query or {}).items()}}
        if case.media_type == "application/json":
            options |= {"content": as_json(case.body), "headers": {"Content-Type": "application/json"}}
        check(page.ask(operation.method.upper(), path, **options), (operation.method, path, options))

    # Where nothing is asked for, nothing can be asked for wrongly.
    with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
        send()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_requests_by_the_schema_and_against_it(page, session, services, mode):
    for operation in operations(page):
        attack(page, operation, mode, {"session": session, "number": 1})
    assert verify(services.store).ok


def fields_of(operation, schema):
    """Names of the fields of an operation's JSON body."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = body.get("$ref", "").rsplit("/", 1)[-1]
    return list(schema["components"]["schemas"].get(name, {}).get("properties", {}))


def test_odd_values_in_every_field(page, session, services):
    schema = page.get("/api/openapi.json").json()
    asked = set()
    known = {"session": session, "number": 1, "step": "undo", "kind": "doubt", "batch": "x"}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            for name in fields_of(operation, schema):
                asked.add(name)
                for value in ODD_VALUES:
                    bodies = [{name: value}]
                    if name == "changed":
                        bodies += [{name: {key: value}} for key in ("code", "note", "age_years", "weeks", "x")]
                    for body in bodies:
                        headers = {"Content-Type": "application/json"}
                        answer = page.ask(
                            method.upper(), address(path, {}, known), content=as_json(body), headers=headers
                        )
                        check(answer, (method, path, str(body)[:100]))
    assert asked >= {"code", "changed", "key", "reason", "seconds_ago", "view", "closed", "pain", "note"}
    assert verify(services.store).ok


def test_odd_values_in_every_address(page, session):
    schema = page.get("/api/openapi.json").json()
    names = ("session", "number", "step", "kind", "batch", "code")
    for path, methods in schema["paths"].items():
        for method in methods:
            for name in (each for each in names if f"{{{each}}}" in path):
                for value in ODD:
                    known = {"session": session, "number": 1, "step": "undo", "kind": "doubt", name: value[:3000]}
                    answer = page.ask(method.upper(), address(path, {}, known), follow_redirects=False)
                    if path.startswith("/api/"):
                        check(answer, (method, path, name, value[:20]))
                    assert answer.status_code < 500, (method, path, name, value[:20])
    for value in ODD:
        for path in ("/api/sessions", "/", "/language/es"):
            query = f"text={quoted(value[:3000])}&back={quoted(value[:3000])}&page={quoted(value[:3000])}"
            assert page.get(f"{path}?{query}", follow_redirects=False).status_code < 500, (path, value[:20])


def test_every_method_on_every_address(page, session):
    schema = page.get("/api/openapi.json").json()
    for path in schema["paths"]:
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "PROPFIND"):
            known = {"session": "x", "number": 1, "step": "undo", "kind": "doubt", "code": "xx", "batch": "x"}
            answer = page.ask(method, address(path, {}, known), follow_redirects=False)
            assert answer.status_code < 500, (method, path)


def test_bodies_that_are_no_json(page, session):
    bodies = (
        b"",
        b"{",
        b"[]",
        b"null",
        b"1" * 5000,
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xff\xfe{}",
        b'{"code": "\xff"}',
        b'{"code": NaN}',
        b'{"code": "a", "code": "b"}',
        json.dumps({f"field{number}": number for number in range(20_000)}).encode(),
        "{}".encode("utf-16"),
    )
    for kind in (
        "application/json",
        "text/plain",
        "application/json; charset=utf-7",
        "multipart/form-data",
        "x",
        "",
    ):
        for body in bodies:
            for method, path in (
                ("POST", "/api/sessions"),
                ("PATCH", f"/api/sessions/{session}/details"),
                ("POST", f"/api/sessions/{session}/captures/1/removal"),
                ("POST", "/api/imports"),
                ("POST", "/api/imports/x"),
                ("POST", "/login"),
            ):
                answer = page.ask(method, path, content=body, headers={"Content-Type": kind})
                assert answer.status_code < 500, (kind, path, body[:40])
                if path.startswith("/api/"):
                    check(answer, (kind, path, body[:40]))
