"""Run the code blocks of a page, in their order, as a reader would who types them into one folder.

``python -m tests.docs.pages docs/tutorials/*.md`` runs tutorials and puts the pictures that their code writes beside
the pages, where the pages show them.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from prismseg.cli.main import run

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\(pictures/([^)]+)\)")
FORMER_NAME = ".* since 0.2.0; the old name goes"  # a page uses today's names
# What installs, or takes an hour, is run by CI itself or by hand.
NOT_HERE = ("make ", "source ", "python benchmarks/")


def run_page(page: Path) -> dict[str, Any]:
    """Run a page's blocks in the present folder.

    Blocks of ``python`` share their names; of ``bash`` each line must be a command of prismseg.

    Returns
    -------
    dict
        The names that the Python blocks have defined, and as ``"output"`` what all blocks have printed.
    """
    names: dict[str, Any] = {"__name__": "page"}
    printed = io.StringIO()
    for kind, block in BLOCK.findall(page.read_text()):
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.filterwarnings("error", FORMER_NAME, DeprecationWarning)
            if kind == "python":
                exec(compile(block, page.name, "exec", dont_inherit=True), names)
            else:
                _run_commands(page.name, block)
    names["output"] = printed.getvalue()
    return names


def _run_commands(page: str, block: str) -> None:
    arguments = sys.argv
    for line in block.strip().splitlines():
        command = line.split("#")[0].strip()
        if not command or command.startswith(NOT_HERE):
            continue
        assert command.startswith("prismseg "), f"{page}: {command}"
        sys.argv = shlex.split(command)
        try:
            run()
        except SystemExit as stop:
            assert not stop.code, f"{page}: {command}"
        finally:
            sys.argv = arguments


def remake_pictures(page: Path) -> list[str]:
    """Run a page in a folder of its own and copy the pictures that it shows into ``pictures/`` beside it."""
    shown = PICTURE.findall(page.read_text())
    before, page = Path.cwd(), page.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            run_page(page)
            for name in shown:
                (page.parent / "pictures").mkdir(exist_ok=True)
                shutil.copyfile(name, page.parent / "pictures" / name)
        finally:
            os.chdir(before)
    return shown


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(argument, *remake_pictures(Path(argument)))
