"""Where the evidence of each class lies in each layer: activation maps, measures, atlases, reports.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "Atlas": "atlas",
    "ExplainSettings": "work",
    "LayerWeights": "fusion",
    "METHODS": "atlas",
    "compare_cases": "report.compare",
    "cross_fit": "fusion",
    "explain": "run",
    "explain_data": "run",
    "explain_run": "run",
    "fit_weights": "fusion",
    "randomize_layers": "checks.sanity",
    "swin_to_map": "trace.adapters",
    "tokens_to_map": "trace.adapters",
    "vit_to_map": "trace.adapters",
}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from prismseg.explain.atlas import METHODS as METHODS
    from prismseg.explain.atlas import Atlas as Atlas
    from prismseg.explain.checks.sanity import randomize_layers as randomize_layers
    from prismseg.explain.fusion import LayerWeights as LayerWeights
    from prismseg.explain.fusion import cross_fit as cross_fit
    from prismseg.explain.fusion import fit_weights as fit_weights
    from prismseg.explain.report.compare import compare_cases as compare_cases
    from prismseg.explain.run import explain as explain
    from prismseg.explain.run import explain_data as explain_data
    from prismseg.explain.run import explain_run as explain_run
    from prismseg.explain.trace.adapters import swin_to_map as swin_to_map
    from prismseg.explain.trace.adapters import tokens_to_map as tokens_to_map
    from prismseg.explain.trace.adapters import vit_to_map as vit_to_map
    from prismseg.explain.work import ExplainSettings as ExplainSettings


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'prismseg.explain' has no attribute {name!r}")
    return getattr(importlib.import_module(f"prismseg.explain.{_MODULE_OF[name]}"), name)
