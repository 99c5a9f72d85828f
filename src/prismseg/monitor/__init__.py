"""The bedside monitor: thermal sessions on a local web page, stored, measured, shown and reported. Research use only."""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__)
