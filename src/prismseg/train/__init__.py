"""Losses, metrics, the training loop, checkpoints, the predictor and the evaluation.

The names load their module on first use, so that wrong settings are refused before torch is loaded.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={"find_model": "prismseg.nets.find_model"})
