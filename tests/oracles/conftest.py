"""Software of others: what needs torchvision is imported as the benchmarks do, or its tests are skipped."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


def import_peer(name):
    """Import a package of `benchmarks/requirements-peers.txt`, or skip the tests that need it."""
    from contest.methods.vision import import_vision

    from prismseg.base import ConfigError

    try:
        return import_vision(name)
    except ConfigError as error:
        pytest.skip(str(error), allow_module_level=True)
