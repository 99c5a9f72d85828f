from __future__ import annotations

import ast
import importlib
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import prismseg
from prismseg.base.lazy import lazy_exports

ROOT = Path(prismseg.__file__).parent
STUBS = sorted(ROOT.rglob("__init__.pyi"))
INIT = """'''A package.'''

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={deprecated})
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def package(
    site: Path, name: str, stub: str, modules: dict[str, str], deprecated: dict[str, str] | None = None
) -> None:
    folder = site / name
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT.format(deprecated=deprecated or {}))
    (folder / "__init__.pyi").write_text(stub)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)


def test_names_are_imported_at_first_use(site: Path) -> None:
    package(site, "shapes", "from shapes.round import disc as disc\n", {"round": "disc = 'disc'\n"})
    shapes = importlib.import_module("shapes")
    assert shapes.__all__ == ["disc"]
    assert "disc" in dir(shapes)
    assert "__doc__" in dir(shapes)
    assert "shapes.round" not in sys.modules
    assert shapes.disc == "disc"
    assert "shapes.round" in sys.modules


def test_unknown_names_are_attribute_errors(site: Path) -> None:
    package(site, "shapes", "from shapes.round import disc as disc\n", {"round": "disc = 'disc'\n"})
    shapes = importlib.import_module("shapes")
    with pytest.raises(AttributeError, match="module 'shapes' has no attribute 'square'"):
        _ = shapes.square
    assert not hasattr(shapes, "square")
    with pytest.raises(ImportError, match="square"):
        exec("from shapes import square")


def test_what_the_package_defines_itself_is_declared(site: Path) -> None:
    stub = "from shapes.round import disc as disc\n\nedges: int\n"
    package(site, "shapes", stub, {"round": "disc = 'disc'\n"})
    with (site / "shapes" / "__init__.py").open("a") as file:
        file.write("edges = 4\n")
    shapes = importlib.import_module("shapes")
    assert shapes.__all__ == ["disc", "edges"]
    assert shapes.edges == 4


def test_a_module_of_the_same_name_does_not_hide_an_export(site: Path) -> None:
    package(site, "shapes", "from shapes.disc import disc as disc\n", {"disc": "def disc(): return 'disc'\n"})
    shapes = importlib.import_module("shapes")
    assert shapes.disc() == "disc"
    importlib.import_module("shapes.disc")
    assert shapes.disc() == "disc"
    del sys.modules["shapes.disc"]
    importlib.import_module("shapes.disc")
    assert shapes.disc() == "disc"
    from shapes import disc  # type: ignore[import-not-found]

    assert disc() == "disc"


def test_other_modules_and_patches_are_set_as_ever(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(
        site,
        "shapes",
        "from shapes.round import disc as disc\n",
        {"round": "disc = 'disc'\n", "plain": "line = 'line'\n"},
    )
    shapes = importlib.import_module("shapes")
    importlib.import_module("shapes.plain")
    assert shapes.plain.line == "line"
    with monkeypatch.context() as patched:
        patched.setattr(shapes, "disc", "patched")
        assert shapes.disc == "patched"
    assert shapes.disc == "disc"


def test_old_names_warn_and_are_not_listed(site: Path) -> None:
    stub = "from shapes.round import disc as disc\n"
    old = {"circle": "disc", "joined": "os.path.join"}
    package(site, "shapes", stub, {"round": "disc = 'disc'\n"}, old)
    shapes = importlib.import_module("shapes")
    with pytest.warns(DeprecationWarning) as caught:
        assert shapes.circle == "disc"
    assert str(caught[0].message) == "shapes.circle is called shapes.disc since 0.2.0; the old name goes in 0.3.0."
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"shapes\.joined is called os\.path\.join since"):
        assert shapes.joined("a", "b") == str(Path("a") / "b")
    assert shapes.__all__ == ["disc"]
    assert "circle" not in dir(shapes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert shapes.disc == "disc"


@pytest.mark.parametrize("old", [{"disc": "disc"}, {"circle": "dsc"}])
def test_a_deprecated_name_leads_to_an_exported_one(site: Path, old: dict[str, str]) -> None:
    package(site, "shapes", "from shapes.round import disc as disc\n", {"round": "disc = 'disc'\n"}, old)
    with pytest.raises(ValueError, match="cannot deprecate"):
        importlib.import_module("shapes")


@pytest.mark.parametrize(
    "line",
    [
        "from shapes.round import disc\n",
        "from shapes.round import disc as circle\n",
        "from .round import disc as disc\n",
        "disc: str = 'disc'\n",
        "import os\n",
    ],
)
def test_a_stub_holds_imports_only(site: Path, line: str) -> None:
    package(site, "shapes", line, {"round": "disc = 'disc'\n"})
    with pytest.raises(ValueError, match="line 1"):
        importlib.import_module("shapes")


def test_threads_get_the_same_object(site: Path) -> None:
    package(site, "shapes", "from shapes.round import disc as disc\n", {"round": "disc = object()\n"})
    shapes = importlib.import_module("shapes")
    barrier = threading.Barrier(8)
    got: list[object] = []

    def use() -> None:
        barrier.wait()
        got.append(shapes.disc)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    assert len(set(got)) == 1


@pytest.mark.parametrize("stub", STUBS, ids=[str(stub.parent.relative_to(ROOT.parent)) for stub in STUBS])
def test_every_name_in_a_stub_exists(stub: Path) -> None:
    name = ".".join(stub.parent.relative_to(ROOT.parent).parts)
    made = importlib.import_module(name)
    assert made.__all__
    for exported in made.__all__:
        assert getattr(made, exported) is not None


def test_packages_with_lazy_names_all_use_the_helper() -> None:
    """A second table of names beside a stub, or a stub that nothing reads, could drift."""
    using = set()
    for path in ROOT.rglob("__init__.py"):
        source = path.read_text()
        tree = ast.parse(source)
        assert not any(isinstance(line, ast.FunctionDef) and line.name == "__getattr__" for line in tree.body), (
            path
        )
        if "lazy_exports(" in source:
            using.add(path.with_suffix(".pyi"))
    assert using == set(STUBS)
    assert using, "the search above finds nothing"


def test_the_helper_needs_a_stub() -> None:
    with pytest.raises(FileNotFoundError):
        lazy_exports("prismseg.base")
