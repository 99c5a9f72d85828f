"""Packages whose names are imported at first use, so that importing the package stays cheap."""

from __future__ import annotations

import ast
import importlib
import sys
import types
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

REMOVAL = "0.3.0"  # where names deprecated in 0.2.0 go


def lazy_exports(
    package: str, *, deprecated: Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Make a package export what the stub beside it imports, each name at its first use.

    The stub ``__init__.pyi`` holds nothing but lines such as ``from prismseg.train.loop import Trainer as Trainer``, and
    ``name: type`` for what the package defines itself. Type checkers and editors read the same file, so that a name
    stands in one place.

    Parameters
    ----------
    package : str
        ``__name__`` of the package that calls.
    deprecated : mapping of str to str, optional
        New name by old one. The old name gives what the new one does, with a `DeprecationWarning`, and is not listed. A
        new name with dots is the full address of what has left the package ("prismseg.inference.Predictor").

    Returns
    -------
    tuple
        For the package's ``__getattr__``, ``__dir__`` and ``__all__``.

    Raises
    ------
    ValueError
        When a stub has another kind of line, or a deprecated name is also exported or leads nowhere.

    Examples
    --------
    The whole ``__init__.py`` of a package, below its docstring, is::

        from prismseg.base.lazy import lazy_exports

        __getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={"old_name": "new_name"})
    """
    module = sys.modules[package]
    home_of, own = _read_stub(Path(str(module.__file__)).with_suffix(".pyi"))
    renamed = dict(deprecated or {})
    for old, new in renamed.items():
        if old in home_of or ("." not in new and new not in home_of):
            raise ValueError(f"{package} cannot deprecate {old!r} in favour of {new!r}; see its stub.")
    exported = sorted({*home_of, *own})
    _guard(module, frozenset(home_of))

    def load(name: str) -> Any:
        if name in renamed:
            new = renamed[name]
            home, _, attribute = (new if "." in new else f"{package}.{new}").rpartition(".")
            warnings.warn(
                f"{package}.{name} is called {home}.{attribute} since 0.2.0; the old name goes in {REMOVAL}.",
                DeprecationWarning,
                stacklevel=2,
            )
            return getattr(importlib.import_module(home), attribute)
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)
        return getattr(importlib.import_module(home_of[name]), name)

    def list_names() -> list[str]:
        return sorted({*vars(module), *exported})

    return load, list_names, exported


def moved_package(package: str, home: str) -> Callable[[str], Any]:
    """Keep the old address of a package that has moved for one version.

    Parameters
    ----------
    package : str
        The old address: `__name__` where this is called.
    home : str
        The new one.

    Returns
    -------
    callable
        For the old package's ``__getattr__``: gives what the new one does, with a `DeprecationWarning`.
    """

    def load(name: str) -> Any:
        # Python itself asks for __path__ and others.
        if name.startswith("__"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        value = getattr(importlib.import_module(home), name)
        warnings.warn(f"Import {name} from {home}; {package} goes in {REMOVAL}.", DeprecationWarning, stacklevel=2)
        return value

    return load


def _read_stub(stub: Path) -> tuple[dict[str, str], list[str]]:
    """Read the module of each name that a stub imports, and the names that the package defines itself."""
    home_of: dict[str, str] = {}
    own: list[str] = []
    for line in ast.parse(stub.read_text(encoding="utf-8"), stub.name).body:
        match line:
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                own.append(name)
            # Type checkers take a name for private that is not imported as itself.
            case ast.ImportFrom(module=str(home), names=names, level=0) if all(n.name == n.asname for n in names):
                home_of.update((name.name, home) for name in names)
            case _:
                raise ValueError(
                    f"{stub}, line {line.lineno}: write `from package.module import name as name` or `name: type`."
                )
    return home_of, own


class _Package(types.ModuleType):
    """A package whose exports are not replaced by its modules of the same name.

    Importing ``prismseg.train.train`` makes Python set the attribute ``train`` of ``prismseg.train`` to that module,
    which would hide an exported function ``train``.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        exported: frozenset[str] = self.__dict__.get("_exported", frozenset())
        if name not in exported or value is not sys.modules.get(f"{self.__name__}.{name}"):
            super().__setattr__(name, value)


def _guard(module: types.ModuleType, exported: frozenset[str]) -> None:
    module.__dict__["_exported"] = exported
    module.__class__ = _Package
