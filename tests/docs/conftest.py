"""The examples of the documentation register things of their own; no later test may meet them."""

import gc
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import prismseg
from prismseg.base.registry import Registry

SOURCES = Path(prismseg.__file__).parent


@pytest.fixture(scope="session")
def registries() -> list[Registry]:
    """Every registry of prismseg, with all its own entries."""
    for path in SOURCES.rglob("*.py"):
        if "Registry(" in path.read_text(encoding="utf-8"):
            importlib.import_module(".".join(path.relative_to(SOURCES.parent).with_suffix("").parts))
    return [found for found in gc.get_objects() if isinstance(found, Registry)]


@pytest.fixture(autouse=True)
def registries_stay_as_they_were(registries: list[Registry]) -> Iterator[None]:
    before = [set(registry.names()) for registry in registries]
    yield
    for registry, names in zip(registries, before, strict=True):
        for name in set(registry.names()) - names:
            registry.unregister(name)
