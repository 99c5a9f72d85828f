"""What a page says is for people at a bedside: no options, commands or packages, which are for the console alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tifffile

import prismseg
from prismseg.base import DataError, Message
from prismseg.monitor.languages import languages
from prismseg.monitor.languages.extract import templates
from prismseg.monitor.web.routes import imports

ADVICE = re.compile(
    r"(?<![\w-])--[a-z]|`|\bprismseg (?:check|convert|explain|monitor|plan|predict|thermal|train)\b"
    r"|\bpip install\b|(?<![\w-])-[a-z] [A-Z]"
)
# Sentences of the console, by their beginnings, and why no page says them.
CONSOLE = {
    "When the frames were taken is not known": "of a folder; an import asks for the minutes in its preview",
    "{reason} Correct the names, state --minutes": "the same",
    "The names count in another order than the clock": "of a folder; an import takes only a plan's minutes",
    "The frames come from several cameras": "the same",
    "{file}, the first by its name, could not be read": "the same",
    "The copy {folder} cannot be restored": "of the log",
    "{file} is compressed as JPEG-LS": "raised for a missing package, which pages leave to IT",
    "DICOM needs packages that are not installed": "the same",
    "USB cameras need OpenCV": "the same, at the start",
}
ROOT = Path(prismseg.__file__).parent
ROOMS = (
    "base",
    "monitor",
    "thermal/anatomy.py",
    "thermal/frames",
    "thermal/regions",
    "thermal/sessions",
    "thermal/soles",
)
# What is said before the first page is served.
AT_THE_START = (
    "base/lazy.py",
    "monitor/web/serve.py",
    "monitor/web/security/exposure.py",
    "monitor/web/sso/settings.py",
    "monitor/web/sso/ldap.py",
    "monitor/web/sso/openid.py",
    "monitor/store/store.py",
    "monitor/store/database.py",
)


def is_advice(text: str) -> bool:
    return ADVICE.search(text) is not None and not text.startswith(tuple(CONSOLE))


@pytest.mark.parametrize(
    "advice", ["use --minutes 0,5", "run `x`", "prismseg monitor verify", "x -s IN", "pip install y"]
)
def test_advice_is_known(advice):
    assert is_advice(advice)


@pytest.mark.parametrize("code", languages())
def test_no_sentence_of_a_page_names_the_command_line(code):
    said = {text: languages()[code](Message(text)) for text in templates() if not text.startswith(tuple(CONSOLE))}
    assert [text for text, shown in said.items() if is_advice(shown)] == []


def raised_texts() -> Iterator[tuple[str, str]]:
    """Find the literals of errors that a request may end with."""
    for room in ROOMS:
        files = [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))
        for path in files:
            if path.relative_to(ROOT).as_posix() in AT_THE_START:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Raise) and node.exc is not None:
                    for each in ast.walk(node.exc):
                        if isinstance(each, ast.Constant) and isinstance(each.value, str):
                            yield path.relative_to(ROOT).as_posix(), each.value


def test_no_error_of_a_request_names_the_command_line():
    assert [found for found in raised_texts() if is_advice(found[1])] == []


def test_the_pin_is_not_taken_away_by_a_command_on_a_page(guarded, visitor):
    guarded.users.add("boss", "correct horse battery", role="administrator")
    visitor.log_in("boss")
    told = visitor.post("/api/users/staff/disabling").json()["error"]
    assert "PIN" in told and not is_advice(told)


def test_a_record_that_contradicts_itself_is_told_without_a_command(page, services):
    session = page.begin()
    lines = services.store.trail.path.read_text().splitlines(keepends=True)
    services.store.trail.path.write_text("".join(lines[:-1]) + lines[-1].replace('"sha256":"', '"sha256":"0'))
    page.patch(f"{session}/details", {"changed": {"drug": "x"}})
    told = page.get("/api/status", headers={"Accept-Language": "es"}).json()["trail_fault"]
    assert told.startswith("La entrada ") and not is_advice(told)


def test_a_missing_package_is_left_to_it(page, tmp_path, monkeypatch, feet_still):
    monkeypatch.setitem(sys.modules, "highdicom", None)
    session = page.begin()
    page.capture(session)
    told = page.get(f"{session}/dicom.zip").json()["error"]
    assert "Call IT" in told and not is_advice(told)

    def read(path, **_):
        raise DataError(Message("{file} needs it: pip install x", file=str(path))) from ModuleNotFoundError("x")

    monkeypatch.setattr(imports, "read_frame", read)
    tifffile.imwrite(tmp_path / "t0.tiff", feet_still[0].celsius)
    files = [("files", ("t0.tiff", (tmp_path / "t0.tiff").read_bytes()))]
    (sent,) = page.ask("POST", "/api/imports", files=files).json()["files"]
    assert "Call IT" in sent["reason"]
