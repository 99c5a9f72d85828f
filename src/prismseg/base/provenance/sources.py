"""Which sources make a number: a hash of each module that is imported for it, near or far.

A module that shows numbers and makes none says so with a top-level ``MAKES_NUMBERS = False``; a file called
``figures.py`` or ``…_figures.py`` needs not. Changes of such modules do not count, and what they import is not followed.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from prismseg.base.registry.extensions import find_extensions

PACKAGE = "prismseg"
MAKES_NUMBERS = False
_ROOT = Path(__file__).resolve().parents[2]
_MARK = "MAKES_NUMBERS"
_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
# "package.module:attribute", as registries take it
_ENDS_LIKE_ADDRESS = re.compile(r""":[A-Za-z_][\w.]*["']""")
_ADDRESS = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+):([A-Za-z_]\w*)(?:\.[A-Za-z_]\w*)*")


@cache
def code_of(module: str, *, without: tuple[str, ...] = ()) -> dict[str, str]:
    """Hash the sources of a module and of all that it imports within prismseg.

    What registries import from addresses ("package.module:attribute") counts as imported, and so does an extension (see
    `prismseg.base.registry.extensions`) that adds to a registry of one of the modules. Comments, docstrings and layout
    do not count, nor do modules that only draw or report, nor imports for annotations alone: a change of documentation
    leaves the hashes as they are, a change of a metric does not. A process hashes its code once: what is edited while
    it runs is not what it has loaded.

    A module of another package, such as an extension, is followed within its own package and prismseg. What it imports
    from further packages, and what is compiled, is not hashed.

    Parameters
    ----------
    module : str
        Such as ``prismseg.study.kinds.segmentation.run``.
    without : tuple of str
        Packages of prismseg that a run does not use, such as ``explain``.

    Returns
    -------
    dict of str to str
        Hash by module; empty where there is no such module.

    Examples
    --------
    >>> list(code_of("prismseg.base.memory"))
    ['prismseg.base.memory']
    """
    hashes: dict[str, str] = {}
    packages = {PACKAGE, module.partition(".")[0]}
    closed = tuple(f"{PACKAGE}.{name}" for name in without)

    def follow(names: Iterable[str]) -> None:
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in hashes or name.partition(".")[0] not in packages or _is_within(name, closed):
                continue
            source = _read(name)
            if source is None or (source.shows_only and name != module):
                continue
            hashes[name] = source.digest
            waiting += [*source.imports, *source.addresses]

    follow([module])
    extensions = {name: source for name in _extensions() if (source := _read(name)) is not None}
    while adding := [
        name
        for name, source in extensions.items()
        if name not in hashes and not hashes.keys().isdisjoint(source.imports)
    ]:
        for name in adding:
            del extensions[name]
        packages |= {name.partition(".")[0] for name in adding}
        follow(adding)
    return dict(sorted(hashes.items()))


def sources_digest(module: str) -> str:
    """Hash all that `code_of` finds in one string: another one means other code."""
    return hashlib.sha256(json.dumps(code_of(module)).encode()).hexdigest()


def _is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _find_file(name: str) -> Path | None:
    """File of a module, without importing it; None where there is none in Python."""
    top, *below = name.split(".")
    for root in _roots(top):
        base = root.joinpath(*below)
        candidates = (base.with_suffix(".py"), base / "__init__.py") if below else (base / "__init__.py", base)
        found = next((path for path in candidates if path.is_file() and path.suffix == ".py"), None)
        if found is not None:
            return found
    return None


@cache
def _installed_roots(top: str) -> tuple[Path, ...]:
    if top == "__main__":
        return tuple(Path(file) for file in [getattr(sys.modules[top], "__file__", None)] if file)
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return ()
    if spec is None:
        return ()
    places = spec.submodule_search_locations or [spec.origin or ""]
    return tuple(Path(place) for place in places)


def _roots(top: str) -> tuple[Path, ...]:
    """Folders of a package, or the file of a module that is none."""
    return (_ROOT,) if top == PACKAGE else _installed_roots(top)


def _extensions() -> list[str]:
    return [extension.module for extension in find_extensions()]


class _Source:
    """What counts of one file."""

    def __init__(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        self.shows_only = path.stem.endswith("figures") or any(_is_mark(node) for node in tree.body)
        self.imports = tuple(dict.fromkeys(name for node in tree.body for name in _imports(node)))
        # Few files have any, and searching the tree takes longer than reading it.
        self.addresses = tuple(dict.fromkeys(_addresses(tree))) if _ENDS_LIKE_ADDRESS.search(text) else ()
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and ast.get_docstring(node, clean=False) is not None
            ):
                node.body = node.body[1:] or [ast.Pass()]
        self.digest = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


def _read(name: str) -> _Source | None:
    """Read a module's file; None where there is none."""
    path = _find_file(name)
    return None if path is None else _read_version(path, path.stat().st_mtime_ns)


@cache
def _read_version(path: Path, changed: int) -> _Source:
    return _Source(path)


def _is_mark(node: ast.stmt) -> bool:
    """Whether a statement is ``MAKES_NUMBERS = False``."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=False)):
            return name == _MARK
    return False


def _imports(node: ast.AST) -> list[str]:
    """Modules that a statement imports, also inside functions; those that have no file are left out later."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        return [name for below in node.orelse for name in _imports(below)]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [found for alias in node.names for found in _resolve(node.module or "", alias.name)]
    inner = (below for below in ast.iter_child_nodes(node) if isinstance(below, _STATEMENTS))
    return [name for below in inner for name in _imports(below)]


def _resolve(module: str, name: str) -> list[str]:
    """Find where a name that is imported from a module is defined: a submodule, or one its package takes it from."""
    path = _find_file(module)
    if path is None:
        return []
    if _find_file(f"{module}.{name}"):
        return [f"{module}.{name}"]
    if path.name != "__init__.py":
        return [module]
    origin = _exports(path).get(name)
    return [module] if origin is None else _resolve(*origin)


@cache
def _exports(path: Path) -> dict[str, tuple[str, str]]:
    """Names that a package takes from its modules, with module and name there.

    The stub beside it says the same of names that are loaded on first use, see `prismseg.base.lazy`.
    """
    stub = path.with_suffix(".pyi")
    return {
        alias.asname or alias.name: (node.module or "", alias.name)
        for file in ([path, stub] if stub.is_file() else [path])
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def _addresses(tree: ast.Module) -> Iterator[str]:
    """Modules in addresses "package.module:attribute", also where a constant holds their beginning."""
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match = _ADDRESS.fullmatch(_text(node, constants))
        if match is not None:
            yield from _resolve(match[1], match[2])


def _text(node: ast.AST, constants: dict[str, str]) -> str:
    """Text of a string, with the module's constants put into an f-string; empty for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, constants) for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return constants.get(name, "")
    return ""
