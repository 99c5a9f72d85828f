"""Extensions: modules that add entries to registries, found through Python entry points.

A package that adds a loss, an architecture or a camera names one module in its ``pyproject.toml``::

    [project.entry-points."prismseg.extensions"]
    mine = "my_package.prismseg_extension"

That module is imported for its side effect of registering, when a registry is first listed or asked for a name it does
not know. It should import nothing heavy and register by import strings (``"my_package.losses:focal"``).
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "prismseg.extensions"
PACKAGE = "prismseg"


def find_extensions() -> list[EntryPoint]:
    """Find the entry points of the group `GROUP`, those of prismseg itself first.

    In a source tree prismseg's own entry points are read from its ``pyproject.toml``: there the installed metadata may be
    missing, old, or those of another checkout.
    """
    from importlib.metadata import entry_points

    installed = sorted(entry_points(group=GROUP), key=lambda found: (_distribution(found), found.name))
    own = _source_tree_extensions()
    if own is None:
        own = [found for found in installed if _distribution(found) == PACKAGE]
    return [*own, *(found for found in installed if _distribution(found) != PACKAGE)]


def _source_tree_extensions() -> list[EntryPoint] | None:
    """Entry points in the ``pyproject.toml`` of the source tree that this file is in; None where it is installed."""
    import tomllib
    from importlib.metadata import EntryPoint

    package = Path(__file__).resolve().parents[2]
    settings = package.parents[1] / "pyproject.toml"
    if package.parent.name != "src" or not settings.is_file():
        return None
    project = tomllib.loads(settings.read_text(encoding="utf-8")).get("project", {})
    if project.get("name") != PACKAGE:
        return None
    return [
        EntryPoint(name, value, GROUP) for name, value in project.get("entry-points", {}).get(GROUP, {}).items()
    ]


def _distribution(entry_point: EntryPoint) -> str:
    """Name of the package that brings an entry point; those read from the source tree have no metadata."""
    return PACKAGE if entry_point.dist is None else entry_point.dist.name


class ExtensionLoader:
    """Imports every extension once, at its first call.

    It holds no lock: each thread imports what is missing itself, and Python's import system makes the second one wait.
    A lock of our own could deadlock with those of the modules that an extension imports.

    Parameters
    ----------
    find : callable, optional
        Returns the entry points to load.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = find_extensions) -> None:
        self._find = find
        self._complete = False
        self._broken: set[str] = set()
        self._thread = threading.local()

    def __call__(self) -> None:
        """Import the extensions that are not yet imported.

        A broken extension of another package is left out with a `RuntimeWarning` that names the package; one of
        prismseg itself raises.
        """
        # An extension may look into registries while it is imported; it then sees what is there so far.
        if self._complete or getattr(self._thread, "loading", False):
            return
        self._thread.loading = True
        try:
            for extension in self._find():
                self._load(extension)
            self._complete = True
        finally:
            self._thread.loading = False

    def _load(self, extension: EntryPoint) -> None:
        try:
            extension.load()
        except Exception as error:  # whatever a stranger's module raises must not take prismseg down
            package = _distribution(extension)
            if package == PACKAGE:
                raise
            if extension.value in self._broken:
                return
            self._broken.add(extension.value)
            warnings.warn(
                f"The package {package} extends prismseg with {extension.value}, which cannot be loaded "
                f"({type(error).__name__}: {error}). Its additions are missing; update or uninstall {package}.",
                RuntimeWarning,
                stacklevel=3,
            )


load_extensions = ExtensionLoader()
