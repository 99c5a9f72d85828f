"""Data sets, group-wise splits, checks and augmentation.

The names load their module on first use, so that looking at files needs neither torch nor kornia.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_MODULE_OF = {
    "IGNORE": "sample",
    "IMAGE_SUFFIXES": "images",
    "Augmentation": "augment",
    "AugmentationConfig": "augment",
    "Finding": "findings",
    "Preprocess": "preprocess",
    "Sample": "sample",
    "SegmentationDataset": "dataset",
    "Split": "parts",
    "TensorCache": "cache",
    "check_dataset": "check",
    "check_split": "parts",
    "holdout": "splits",
    "join_groups": "parts",
    "kfold": "splits",
    "nested_kfold": "splits",
    "open_dataset": "dataset",
    "open_idx": "idx",
    "read_image": "images",
    "read_legend": "legend",
    "read_mask": "images",
    "scarce": "splits",
}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from prismseg.data.augment import Augmentation as Augmentation
    from prismseg.data.augment import AugmentationConfig as AugmentationConfig
    from prismseg.data.cache import TensorCache as TensorCache
    from prismseg.data.check import check_dataset as check_dataset
    from prismseg.data.dataset import SegmentationDataset as SegmentationDataset
    from prismseg.data.dataset import open_dataset as open_dataset
    from prismseg.data.findings import Finding as Finding
    from prismseg.data.idx import open_idx as open_idx
    from prismseg.data.images import IMAGE_SUFFIXES as IMAGE_SUFFIXES
    from prismseg.data.images import read_image as read_image
    from prismseg.data.images import read_mask as read_mask
    from prismseg.data.legend import read_legend as read_legend
    from prismseg.data.parts import Split as Split
    from prismseg.data.parts import check_split as check_split
    from prismseg.data.parts import join_groups as join_groups
    from prismseg.data.preprocess import Preprocess as Preprocess
    from prismseg.data.sample import IGNORE as IGNORE
    from prismseg.data.sample import Sample as Sample
    from prismseg.data.splits import holdout as holdout
    from prismseg.data.splits import kfold as kfold
    from prismseg.data.splits import nested_kfold as nested_kfold
    from prismseg.data.splits import scarce as scarce


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'prismseg.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"prismseg.data.{_MODULE_OF[name]}"), name)
