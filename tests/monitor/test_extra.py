"""Without the packages of the extra `[monitor]` everything else works, and the monitor says what to install."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MODULES = {"python-multipart": "python_multipart", "argon2-cffi": "argon2"}
EXTRA = [re.split("[<>=]", text)[0] for text in PROJECT["optional-dependencies"]["monitor"]]
PACKAGES = [name for name in EXTRA if name != "packaging"]  # matplotlib brings it along
WITHOUT = """
import importlib.abc, sys
class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
IMPORT_ALL = """
import importlib, pkgutil, prismseg
names = [module.name for module in pkgutil.walk_packages(prismseg.__path__, "prismseg.")]
others = [name for name in names if not name.startswith("prismseg.monitor") and not name.endswith("__main__")]
assert len(others) > 100, others
for name in others:
    importlib.import_module(name)
"""
RUN = """
sys.argv = ["prismseg", *{words!r}]
from prismseg.cli.main import run
run()
"""


def without(missing: list[str], code: str) -> subprocess.CompletedProcess[str]:
    names = [MODULES.get(name, name) for name in missing]
    code = WITHOUT.format(missing=set(names)) + code
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def command(missing: list[str], *words: object) -> subprocess.CompletedProcess[str]:
    return without(missing, RUN.format(words=[str(word) for word in words]))


def test_no_package_of_the_monitor_is_one_of_the_library() -> None:
    assert {"fastapi", "sqlalchemy", "babel", "reportlab"} <= set(PACKAGES)
    assert not set(EXTRA) & {re.split("[<>=]", text)[0] for text in PROJECT["dependencies"]}


def test_all_other_rooms_can_be_imported() -> None:
    done = without(PACKAGES, IMPORT_ALL)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["--help"], ["monitor", "--help"], ["monitor", "user", "--help"]])
def test_help_and_other_verbs_work(words: list[str]) -> None:
    done = command(PACKAGES, *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout


@pytest.mark.parametrize("missing", [PACKAGES, ["python-multipart"], ["openpyxl"]], ids=["all", "forms", "tables"])
def test_the_monitor_names_the_extra(missing: list[str], tmp_path: Path) -> None:
    """It does not begin, also when only forms or reports lack something."""
    done = command(missing, "monitor", "--no-open", "--data", tmp_path / "data")
    assert done.returncode == 2, done.stderr
    assert "pip install 'prismseg[monitor]'" in done.stderr and "Traceback" not in done.stderr
    (named,) = re.findall(r"not installed \((.*)\)", done.stderr)
    assert named in {MODULES.get(name, name) for name in missing}
    assert not (tmp_path / "data").exists()
