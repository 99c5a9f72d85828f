"""The loss of a run, and the weights of the classes in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prismseg.base import ConfigError, DataError
from prismseg.data import IGNORE, SegmentationDataset, Split
from prismseg.train.config import TrainConfig
from prismseg.train.optimization.losses import SegmentationLoss, create_loss


def make_loss(
    config: TrainConfig, dataset: SegmentationDataset, split: Split, notes: list[str]
) -> SegmentationLoss:
    """Make the loss of a run, with its class weights, see `find_class_weights`."""
    count = len(dataset.classes)
    logits = count - 1 if dataset.multilabel or count == 2 else count
    weights = find_class_weights(config, dataset, split, notes)
    return create_loss(config.optim.loss, logits, weights, multilabel=dataset.multilabel)


def find_class_weights(
    config: TrainConfig, dataset: SegmentationDataset, split: Split, notes: list[str]
) -> tuple[float, ...] | None:
    """Give the weights that `config` names, or those that balance the classes of the training part; None without any.

    Adds to `notes` what a user has to know.

    Raises
    ------
    ConfigError
        When they cannot be balanced, or all are 0.
    """
    chosen = config.optim.class_weights
    if chosen is None:
        return None
    if dataset.multilabel:
        raise ConfigError(
            "Classes that overlap have a loss each, and no class weights; leave out --class-weights."
        )
    if chosen != "balanced":
        if not any(chosen):
            raise ConfigError("All class weights are 0, so there is nothing to learn; give at least one above 0.")
        return chosen
    if not config.source.uses_cases:
        raise ConfigError(
            "Class weights are balanced by the pixels of training cases, and this run draws its images otherwise; name "
            "the weights instead."
        )
    counts = count_pixels(dataset, split.train)
    weights = balance(counts)
    shown = ", ".join(f"{name} {weight:.3g}" for name, weight in zip(dataset.classes, weights, strict=True))
    notes.append(f"Class weights, balanced: {shown}.")
    if absent := [name for name, count in zip(dataset.classes, counts, strict=True) if not count]:
        notes.append(f"No training mask shows {', '.join(absent)}; its weight is 1.")
    return weights


def count_pixels(dataset: SegmentationDataset, cases: Sequence[int]) -> list[int]:
    """Count the pixels of each class in the masks of `cases`.

    Raises
    ------
    DataError
        Naming a mask that cannot be read or is missing.
    """
    counts = np.zeros(IGNORE + 1, np.int64)
    for case in cases:
        sample = dataset[case]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so its pixels cannot be counted.")
        counts += np.bincount(sample.mask.ravel(), minlength=IGNORE + 1)
    return [int(count) for count in counts[: len(dataset.classes)]]


def balance(counts: Sequence[int]) -> tuple[float, ...]:
    """Weigh classes by one over their share of the pixels, over the number of classes; absent ones by 1.

    Examples
    --------
    >>> balance([90, 10])
    (0.5555555555555556, 5.0)
    """
    total, present = sum(counts), sum(count > 0 for count in counts)
    return tuple(total / (present * count) if count else 1.0 for count in counts)
