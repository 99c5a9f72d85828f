"""A network beside the cases it is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from prismseg.base import DataError
from prismseg.data import SegmentationDataset
from prismseg.inference.predictor import Predictor


@dataclass(frozen=True)
class EvaluatedNetwork:
    """A network and the cases it is evaluated on; a cross-validation has one a fold.

    Attributes
    ----------
    predictor : Predictor
        The network.
    cases : tuple of int
        Positions in the data set.
    parts : tuple of str
        What each of the cases is to the network, such as "test" or "new"; empty where that is not known.
    name : str
        What reports call it.
    history : DataFrame, optional
        How it was trained: columns step, loss, validation_dice.
    """

    predictor: Predictor
    cases: tuple[int, ...]
    parts: tuple[str, ...] = ()
    name: str = "network"
    history: pd.DataFrame | None = None


def match_classes(predictor: Predictor, dataset: SegmentationDataset) -> tuple[SegmentationDataset, list[str]]:
    """Bring the classes of `dataset` into the network's order, by name.

    Raises
    ------
    DataError
        When the names differ.
    """
    ours, theirs = predictor.classes, dataset.classes
    if predictor.multilabel != dataset.multilabel:
        kinds = {True: "overlap (--multilabel)", False: "do not overlap"}
        raise DataError(
            f"The classes of the network {kinds[predictor.multilabel]}, those of {dataset.root}, as they are read, "
            f"{kinds[dataset.multilabel]}; read the data as the network's were."
        )
    if ours == theirs:
        return dataset, []
    if not dataset.names_stated and len(ours) == len(theirs):
        labels = ", ".join(f"{label} {name}" for label, name in enumerate(ours))
        return dataset.named(ours), [
            f"The data do not name their classes; they are taken as the network's: {labels}."
        ]
    if sorted(ours) == sorted(theirs):
        return dataset.with_classes(ours), [
            f"The data name the network's classes in another order ({', '.join(theirs)}); they were matched by name."
        ]
    raise DataError(
        f"The network knows the classes {', '.join(ours)}, the data set {dataset.root} has {', '.join(theirs)}. Where "
        f"the same things are meant, say which label is which, in the order of the labels: --classes {','.join(ours)}. "
        "Else evaluate the network on data of its own classes."
    )
