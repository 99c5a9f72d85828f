"""Data sets, group-wise splits, checks and augmentation.

The names load their module on first use, so that looking at files needs neither torch nor kornia.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__)
