"""Which training cases make up a step: all alike, or those that show rare classes more often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError
from prismseg.data import SegmentationDataset, Split, TensorCache
from prismseg.data.masks.overlapping import region_of
from prismseg.train.batches import Draw, batch_cases
from prismseg.train.config import TrainConfig
from prismseg.train.registries import SAMPLERS
from prismseg.train.sources import Source, SourceInputs

SHUFFLED = "shuffled"
_STREAM = 1  # of random numbers, beside that of the shuffled decks


def open_source(
    config: TrainConfig, cache: TensorCache, dataset: SegmentationDataset, split: Split, notes: list[str]
) -> Source:
    """Open the source of a run's batches, with the sampling that `config` names; adds to `notes` what that means.

    Raises
    ------
    ConfigError
        For a sampling of training cases in a run that draws its images otherwise.
    """
    draw = None
    if config.optim.sampling != SHUFFLED:
        if not config.source.uses_cases:
            raise ConfigError(
                f"The sampling {config.optim.sampling!r} chooses among training cases, and this run draws its images "
                f"otherwise; leave it out (--sampling {SHUFFLED})."
            )
        draw = SAMPLERS[config.optim.sampling](dataset, split.train, notes)
    crops, annotators = config.crop is not None, config.soft_labels
    return config.source.open(
        SourceInputs(cache, split.train, config.optim.batch_size, config.seed, crops, annotators, draw)
    )


def shuffled(dataset: SegmentationDataset, cases: Sequence[int], notes: list[str]) -> Draw:
    """Deal cases from shuffled decks: each once before any twice; the entry "shuffled"."""
    return lambda batch_size, step, seed: batch_cases(len(cases), batch_size, step, seed)


def balanced(dataset: SegmentationDataset, cases: Sequence[int], notes: list[str]) -> Draw:
    """Draw a class first, the background among them, then one of the cases that show it; the entry "balanced".

    Raises
    ------
    DataError
        Naming a mask that cannot be read or is missing.
    """
    shown = find_classes(dataset, cases)
    weights = case_weights(shown)
    counts = shown.sum(0)
    rarest = min(
        (label for label in range(1, len(counts)) if counts[label]), key=lambda label: counts[label], default=0
    )
    if rarest:
        share = weights[shown[:, rarest]].sum()
        notes.append(
            f"Balanced sampling: the {counts[rarest]} of {len(cases)} training images that show "
            f"{dataset.classes[rarest]} make up {share:.0%} of the images of a step."
        )
    return lambda batch_size, step, seed: draw_cases(weights, batch_size, step, seed)


def find_classes(dataset: SegmentationDataset, cases: Sequence[int]) -> NDArray[np.bool_]:
    """Find which of the K classes each case's mask shows, (N, K).

    Raises
    ------
    DataError
        Naming a mask that cannot be read or is missing.
    """
    shown = np.zeros((len(cases), len(dataset.classes)), bool)
    for row, case in enumerate(cases):
        sample = dataset[case]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so it is not known which classes it shows.")
        for label in range(len(dataset.classes)):
            region = region_of(sample.mask, label, multilabel=dataset.multilabel) if label else sample.mask == 0
            shown[row, label] = region.any()
    return shown


def case_weights(shown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Probability (N,) of each case where a class is drawn first, then a case that shows it; `shown` is (N, K).

    Examples
    --------
    >>> case_weights(np.array([[True, True], [True, False], [True, False], [True, False]])).tolist()
    [0.625, 0.125, 0.125, 0.125]
    """
    counts = shown.sum(0)
    present = shown[:, counts > 0] / counts[counts > 0]
    return np.asarray(present.mean(1) if present.size else np.full(len(shown), 1 / len(shown)))


def draw_cases(weights: NDArray[np.float64], batch_size: int, step: int, seed: int) -> list[int]:
    """Draw the cases of a step, each `batch_size` times its weight on average and in no step one more than that.

    A pure function of seed and step, as `batch_cases` is, so that a resumed run draws what the uninterrupted one drew.

    Examples
    --------
    >>> sorted(draw_cases(np.array([0.5, 0.25, 0.25]), 4, step=7, seed=0))
    [0, 0, 1, 2]
    """
    rng = np.random.default_rng([seed, step, _STREAM])
    order = rng.permutation(len(weights))
    ends = np.cumsum(weights[order])
    places = (rng.random() + np.arange(batch_size)) / batch_size * ends[-1]
    chosen = np.minimum(np.searchsorted(ends, places, side="right"), len(weights) - 1)
    return [int(case) for case in rng.permutation(order[chosen])]
