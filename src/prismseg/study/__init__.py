"""Studies: grids of runs from a file, on a laptop or a cluster, with statistics that hold.

The names load their module on first use, so that a study is checked before torch is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "BACKENDS": "runner",
    "KINDS": "kind",
    "Run": "grid",
    "Store": "store",
    "Study": "grid",
    "choose_runs": "grid",
    "execute": "runner",
    "expand": "grid",
    "read_study": "grid",
    "report_study": "report",
    "stale_runs": "stale",
}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from prismseg.study.grid import Run as Run
    from prismseg.study.grid import Study as Study
    from prismseg.study.grid import choose_runs as choose_runs
    from prismseg.study.grid import expand as expand
    from prismseg.study.grid import read_study as read_study
    from prismseg.study.kind import KINDS as KINDS
    from prismseg.study.report import report_study as report_study
    from prismseg.study.runner import BACKENDS as BACKENDS
    from prismseg.study.runner import execute as execute
    from prismseg.study.stale import stale_runs as stale_runs
    from prismseg.study.store import Store as Store


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'prismseg.study' has no attribute {name!r}")
    return getattr(importlib.import_module(f"prismseg.study.{_MODULE_OF[name]}"), name)
