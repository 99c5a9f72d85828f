"""prismseg: semantic segmentation from scarce images, with evidence you can look through.

Importing this package is cheap: its names load their room, and with it torch, on first use.
"""

from prismseg.base.lazy import lazy_exports
from prismseg.base.version import VERSION as __version__  # noqa: F401 (declared in the stub)

__getattr__, __dir__, __all__ = lazy_exports(__name__)
