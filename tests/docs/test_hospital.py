"""What hospital IT is told to type exists: commands, options, extras; and an update is in an order that loses nothing."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import Any

import pytest
import typer

from prismseg.cli.main import app
from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "monitor" / "hospital.md"
BLOCKS = re.findall(r"^```(?:\w*)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCKS for line in block.replace("\\\n", " ").splitlines()]


def arguments(line: str) -> list[str] | None:
    """Give what stands after `prismseg` in a line, whatever starts it."""
    found = re.search(r"(?:^|[\s/=])prismseg (monitor .*)", line)
    return shlex.split(found.group(1), comments=True) if found else None


COMMANDS = [words for line in LINES if (words := arguments(line)) is not None]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_commands_and_options_exist(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command, words = command.commands[words[0]], words[1:]
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert [each for each in options if each not in known] == []
    # A word that no option takes and no argument is would be a command that is not there.
    if hasattr(command, "commands"):
        assert not words or words[0].startswith("-") or words[0] == "…"


def test_commands_are_found() -> None:
    assert len(COMMANDS) > 8


def test_extras_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {each for line in LINES for found in re.findall(r"\[([\w,]+)\]'", line) for each in found.split(",")}
    assert named >= {"monitor", "camera", "dicom"} and named <= set(extras)


def test_an_update_is_built_from_what_the_ward_gets_and_backed_up_first() -> None:
    part = PAGE.read_text(encoding="utf-8").split("## Update")[1].split("\n## ")[0]
    steps = (
        "pip wheel --wheel-dir wheels", "--no-index --find-links wheels", "monitor backup", "monitor verify",
        "systemctl stop", "ln -sfn", "systemctl start", "monitor verify",
    )  # fmt: skip
    place = 0
    for step in steps:
        place = part.index(step, place) + 1
    (built,) = re.findall(r"pip wheel .*'\.(\[.*?\])'", part)
    (installed,) = re.findall(r"--no-index .*'prismseg(\[.*?\])'", part)
    assert built == installed
