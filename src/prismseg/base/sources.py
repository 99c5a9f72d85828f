"""Which sources of prismseg make a number: a hash of each module that is imported for it, near or far."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from functools import cache
from pathlib import Path

PACKAGE = "prismseg"
_ROOT = Path(__file__).resolve().parents[1]
# What a registry imports when it is first used, such as "prismseg.nets.unet:UNet".
_ADDRESS = re.compile(rf"({PACKAGE}(?:\.\w+)+):(\w+)")
# Modules that show numbers and make none. What they import themselves is not followed.
_SHOWING = {
    *(f"{PACKAGE}.base.{name}" for name in ("machine", "page", "progress", "sources", "version")),
    *(f"{PACKAGE}.explain.report.{name}" for name in ("examples", "figures", "page", "pictures")),
    *(f"{PACKAGE}.study.kinds.segmentation.{name}" for name in ("cases", "looks")),
    *(f"{PACKAGE}.{name}" for name in ("study.report", "inference.render", "evaluation.report")),
}


@cache
def code_of(module: str, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Hash the sources of a module and of all that it imports within the package.

    Addresses in strings (``"prismseg.nets.unet:UNet"``), by which registries import their entries, count as imports.
    Comments, docstrings and layout do not count, nor do modules that only draw or report, nor imports for annotations
    alone: a change of documentation leaves the hashes as they are, a change of a metric does not. A process hashes its
    code once: what is edited while it runs is not what it has loaded.

    Parameters
    ----------
    module : str
        Such as ``prismseg.study.kinds.segmentation.run``.
    without : tuple of str
        Rooms that a run does not enter, such as ``explain``.

    Returns
    -------
    dict of str to str
        Hash by module; empty where there is no such module.
    """
    found: dict[str, str] = {}
    waiting = [module]
    closed = tuple(f"{PACKAGE}.{room}" for room in without)
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name in found or path is None or (name != module and _shows(name)):
            continue
        if any(name == room or name.startswith(f"{room}.") for room in closed):
            continue
        digest, imported = _read(path)
        found[name] = digest
        waiting += imported
    return dict(sorted(found.items()))


def sources_digest(module: str) -> str:
    """Hash all that `code_of` finds in one string: another one means other code."""
    return hashlib.sha256(json.dumps(code_of(module)).encode()).hexdigest()


def _shows(name: str) -> bool:
    return name in _SHOWING or name.endswith(("_figures", ".figures"))


def _path(name: str) -> Path | None:
    """File of a module of the package; None where there is none."""
    if name != PACKAGE and not name.startswith(f"{PACKAGE}."):
        return None
    base = _ROOT.joinpath(*name.split(".")[1:])
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """Hash of a file, and the modules it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = tuple(dict.fromkeys(name for node in tree.body for name in _imports(node)))
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16], imported


def _imports(node: ast.AST) -> list[str]:
    """Modules of the package that a statement imports, also inside functions and by addresses in strings."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return [name for below in node.orelse for name in _imports(below)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if _path(alias.name)]
    if isinstance(node, ast.ImportFrom):
        return [found for alias in node.names for found in _resolved(node.module or "", alias.name)]
    if isinstance(node, ast.Constant):
        address = _ADDRESS.fullmatch(node.value) if isinstance(node.value, str) else None
        return _resolved(*address.groups()) if address else []
    return [name for below in ast.iter_child_nodes(node) for name in _imports(below)]


def _resolved(module: str, name: str) -> list[str]:
    """Find where a name that is imported from a module is defined: a submodule, or one its package takes it from."""
    path = _path(module)
    if path is None:
        return []
    if _path(f"{module}.{name}"):
        return [f"{module}.{name}"]
    if path.name != "__init__.py":
        return [module]
    sources = _offered(path).get(name)
    return [module] if sources is None else _resolved(*sources)


@cache
def _offered(path: Path) -> dict[str, tuple[str, str]]:
    """Names that a package takes from its modules, with module and name there.

    A package that loads its names at first use lists them in the stub beside it (`prismseg.base.lazy`).
    """
    files = [file for file in (path, path.with_suffix(".pyi")) if file.is_file()]
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for file in files
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
