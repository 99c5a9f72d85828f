"""Prediction with a trained network: one image, files, post-processing.

The names load their module on first use.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__)
