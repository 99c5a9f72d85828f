"""Importing timm and segmentation_models_pytorch where torchvision was built for another torch.

Both use a few pure-Python functions of torchvision alone. Its import fails where its compiled operators cannot be
loaded, since it describes two of them (`nms`, `qnms`) for tracing; an empty declaration of these is enough. Nothing
here calls them.
"""

from __future__ import annotations

import importlib
import re
from types import ModuleType

import torch

from prismseg.base import ConfigError

_MISSING = re.compile(r"operator torchvision::(\w+) does not exist")
_declared: list[torch.library.Library] = []  # an operator is gone when its library is


def import_vision(name: str) -> ModuleType:
    """Import a package that needs torchvision.

    Raises
    ------
    ConfigError
        When it is not installed.
    """
    while True:
        try:
            return importlib.import_module(name)
        except ImportError as error:
            raise ConfigError(
                f"{name} is not installed ({error}): pip install -r benchmarks/requirements-peers.txt"
            ) from error
        except RuntimeError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{missing[1]}() -> ()")
            _declared.append(library)
