"""The networks of a cross-validation as one, without writing it down."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import ModelError
from prismseg.nets import Ensemble
from prismseg.train.ensemble.combine import combine
from prismseg.train.ensemble.sources import find_sources


def average_folds(path: str | Path) -> Ensemble:
    """Load all networks of a cross-validation as one that gives the mean of their probabilities.

    `make_ensemble` writes such a network into a folder.

    Parameters
    ----------
    path : path
        Folder of the cross-validation.

    Raises
    ------
    ModelError
        When it is none, or a fold has no network yet.
    """
    (source,) = find_sources([path])
    if len(source.folders) < 2:
        raise ModelError(f"{path} is no cross-validation; load its network with prismseg.nets.load_model.")
    return combine(source.members(1.0))
