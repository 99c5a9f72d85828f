"""The address of `prismseg.thermal.phantom` in prismseg 0.1; deprecated since 0.2.0."""

import importlib
import warnings
from typing import Any

_MOVED = "prismseg.thermal.phantom"


def __getattr__(name: str) -> Any:
    # Python asks for __path__ and others itself.
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_MOVED), name)
    warnings.warn(
        f"Import {name} from {_MOVED}; {__name__} goes in 0.3.0.",
        DeprecationWarning,
        stacklevel=2,
    )
    return value
