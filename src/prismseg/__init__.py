"""prismseg: semantic segmentation from scarce images, with evidence you can look through.

Importing this package is cheap: the names below load their room, and with it torch, on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from prismseg.base.version import VERSION as __version__

_ROOM_OF = {
    "Atlas": "prismseg.explain",
    "CRFFg2d": "prismseg.features",
    "RandomFourierFeatures": "prismseg.features",
    "check_criticality": "prismseg.features",
    "create_model": "prismseg.nets",
    "create_classifier": "prismseg.nets",
    "enhance_skips": "prismseg.nets",
    "list_models": "prismseg.nets",
    "load_model": "prismseg.nets",
    "open_dataset": "prismseg.data",
    "Predictor": "prismseg.train",
    "PrismsegError": "prismseg.base",
}

__all__ = ["__version__", *sorted(_ROOM_OF)]

if TYPE_CHECKING:
    from prismseg.base import PrismsegError as PrismsegError
    from prismseg.data import open_dataset as open_dataset
    from prismseg.explain import Atlas as Atlas
    from prismseg.features import CRFFg2d as CRFFg2d
    from prismseg.features import RandomFourierFeatures as RandomFourierFeatures
    from prismseg.features import check_criticality as check_criticality
    from prismseg.nets import create_classifier as create_classifier
    from prismseg.nets import create_model as create_model
    from prismseg.nets import enhance_skips as enhance_skips
    from prismseg.nets import list_models as list_models
    from prismseg.nets import load_model as load_model
    from prismseg.train import Predictor as Predictor


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'prismseg' has no attribute {name!r}")
    return getattr(importlib.import_module(_ROOM_OF[name]), name)


def __dir__() -> list[str]:
    return __all__
