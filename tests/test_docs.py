"""Every code block of the README and of docs/ runs, in the order of its page."""

import re
import shlex
import sys
from pathlib import Path

import pytest

from prismseg.cli.main import run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# What installs, or takes an hour, is run by CI itself or by hand.
NOT_HERE = ("make ", "source ", "python benchmarks/")


# A page is a whole tour: a minute on an idle machine, several beside other work.
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for kind, block in BLOCK.findall(page.read_text()):
        if kind == "python":
            exec(compile(block, page.name, "exec"), names)
            continue
        for line in block.strip().splitlines():
            command = line.split("#")[0].strip()
            if not command or command.startswith(NOT_HERE):
                continue
            assert command.startswith("prismseg "), f"{page.name}: {command}"
            monkeypatch.setattr(sys, "argv", shlex.split(command))
            try:
                run()
            except SystemExit as stop:
                assert not stop.code, f"{page.name}: {command}"


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"(?:\]\(|src=\")(?!https?:)([^)#\"]+)[)\"]", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
