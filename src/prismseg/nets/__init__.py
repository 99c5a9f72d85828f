"""Segmentation networks: architectures, encoders, skip layers, the classifier; their storage and export.

The names load their module on first use, so that the registries are at hand before torch is loaded.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__)
