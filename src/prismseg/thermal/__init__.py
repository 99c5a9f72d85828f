"""Temperature of two soles: radiometric frames, sides, nerve territories, sessions, flags. No torch.

The names load their module on first use, so that an extension of the library's registries costs next to nothing.
"""

from prismseg.base.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(__name__, deprecated={"WHOLE": "WHOLE_SOLE"})
