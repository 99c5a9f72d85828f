"""The house as docs/explanation/architecture.md draws it: no circles, small files, rooms that need no torch."""

import subprocess
import sys
from pathlib import Path

import grimp
import networkx
import pytest

SOURCES = Path(__file__).parents[1] / "src" / "prismseg"
MOST_LINES = 400
MOST_FILES = 13  # twelve modules and the __init__


def circles(graph: grimp.ImportGraph) -> list[list[str]]:
    """Modules that import each other around a corner, imports inside functions and for annotations included."""
    imports = networkx.DiGraph(
        (name, imported) for name in graph.modules for imported in graph.find_modules_directly_imported_by(name)
    )
    return sorted(sorted(found) for found in networkx.strongly_connected_components(imports) if len(found) > 1)


def test_no_circle_of_files():
    assert circles(grimp.build_graph("prismseg", cache_dir=None)) == []


def test_a_circle_is_found_also_where_an_annotation_or_a_function_closes_it(tmp_path, monkeypatch):
    package = tmp_path / "planted_circles"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from planted_circles import two\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from planted_circles.one import x\n"
    )
    (package / "three.py").write_text("def f():\n    from planted_circles.four import y\n")
    (package / "four.py").write_text("import planted_circles.three\n")
    (package / "five.py").write_text("import planted_circles.one\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert circles(grimp.build_graph("planted_circles", cache_dir=None)) == [
        ["planted_circles.four", "planted_circles.three"],
        ["planted_circles.one", "planted_circles.two"],
    ]


def test_files_and_folders_stay_small():
    long = {
        str(path.relative_to(SOURCES)): lines
        for path in SOURCES.rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    folders = [path for path in (SOURCES, *SOURCES.rglob("*")) if path.is_dir() and path.name != "__pycache__"]
    # The verbs of the command line are a flat list, one file each.
    crowded = {
        str(folder.relative_to(SOURCES)): count
        for folder in folders
        if folder != SOURCES / "cli" and (count := len(list(folder.glob("*.py")))) > MOST_FILES
    }
    assert (long, crowded) == ({}, {})


@pytest.mark.parametrize(
    "room", ["base", "thermal.frames", "thermal.soles", "thermal.sessions", "thermal.output", "thermal.phantom"]
)
def test_rooms_that_need_no_torch(room):
    code = (
        "import importlib, pkgutil, sys\n"
        f"room = importlib.import_module('prismseg.{room}')\n"
        "for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
