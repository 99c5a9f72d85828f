"""Weights of an ensemble's members, chosen on cases that none of those who predict them has seen."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError, progress_bar
from prismseg.data import IGNORE, SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork

# Steps in which a weight is tried, the finest that makes no more than that many mixtures.
STEPS = (20, 10, 8, 6, 5, 4, 3, 2)
MOST_MIXTURES = 1001
PIXELS = 2**16  # of a case, evenly taken, on which mixtures are compared
FEWEST_GROUPS = 2
_CLOSE = 1e-9  # scores that differ by less are the same
_TINY = 1e-12  # probability below which a mistake costs no more


@dataclass(frozen=True, eq=False)
class WeightChoice:
    """Weights that were chosen, and what they are worth.

    Attributes
    ----------
    weights : tuple of float
        One a source, summing to 1.
    dice : float
        Mean Dice on held-out cases, each group with the weights that were chosen without it.
    alone : tuple of float
        Mean Dice of each source by itself.
    equal : float
        Mean Dice of equal weights.
    cases : tuple of int
        Positions in the data set of the cases that decided.
    groups : int
        Number of groups that they are of.
    """

    weights: tuple[float, ...]
    dice: float
    alone: tuple[float, ...]
    equal: float
    cases: tuple[int, ...]
    groups: int


def choose_weights(
    sources: Mapping[str, Sequence[EvaluatedNetwork]], dataset: SegmentationDataset, *, show_progress: bool = True
) -> WeightChoice:
    """Choose the weights with the best mean Dice on cases that no network which predicts them has seen.

    Mixtures of the sources' probabilities are tried on a grid of weights. Each case counts the same, and in it each
    foreground class. Of mixtures with the same Dice the one counts under which the true classes are most probable, and of
    those the most even one.

    Parameters
    ----------
    sources : mapping of str to sequence of EvaluatedNetwork
        Of each source, its networks with the cases that each has not seen: the folds of a cross-validation with the cases
        that each kept apart, say. Where several of them predict a case, their mean counts.
    dataset : SegmentationDataset
        That the cases are of.

    Raises
    ------
    DataError
        When no case is unseen by all sources, or all that are belong to one group.
    ConfigError
        When there are too many sources.
    """
    mixtures = weight_grid(len(sources))
    cases = _common_cases(sources, dataset)
    dice, likelihood = np.empty((len(cases), len(mixtures))), np.empty((len(cases), len(mixtures)))
    with progress_bar("weighting", len(cases), visible=show_progress) as advance:
        for row, (probabilities, truth) in enumerate(_predictions(sources, dataset, cases)):
            dice[row], likelihood[row] = score_mixtures(probabilities, truth, mixtures)
            advance(row + 1, dataset.ids[cases[row]])
    groups = np.array([dataset.groups[case] for case in cases])
    held_out = np.empty(len(cases))
    for group in np.unique(groups):
        without = groups != group
        best = _best(dice[without], likelihood[without], mixtures)
        held_out[~without] = dice[~without, best]
    best = _best(dice, likelihood, mixtures)
    means = dice.mean(0)
    return WeightChoice(
        weights=tuple(mixtures[best].tolist()),
        dice=float(held_out.mean()),
        alone=tuple(float(means[np.argmax(mixtures[:, source])]) for source in range(len(sources))),
        equal=float(means[_most_even(mixtures)]),
        cases=tuple(cases),
        groups=len(np.unique(groups)),
    )


def weight_grid(count: int) -> NDArray[np.float64]:
    """Mixtures (G, count) of so many sources, in equal steps of each weight; rows sum to 1.

    Raises
    ------
    ConfigError
        When even weights of 0, 1/2 and 1 are too many mixtures.

    Examples
    --------
    >>> len(weight_grid(2)), weight_grid(2)[0].tolist(), weight_grid(2)[-1].tolist()
    (21, [0.0, 1.0], [1.0, 0.0])
    >>> len(weight_grid(3)), len(weight_grid(5))
    (231, 1001)
    """
    steps = next((n for n in STEPS if math.comb(n + count - 1, count - 1) <= MOST_MIXTURES), None)
    if steps is None:
        raise ConfigError(f"The weights of {count} networks cannot be chosen; state them, or leave them equal.")
    bars = itertools.combinations(range(steps + count - 1), count - 1)
    parts = [np.diff([-1, *places, steps + count - 1]) - 1 for places in bars]
    return np.array(parts, np.float64) / steps


def score_mixtures(
    probabilities: NDArray[np.floating], truth: NDArray[np.integer], mixtures: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean Dice over the foreground classes, and mean log-probability of the true class, of each mixture for one case.

    Parameters
    ----------
    probabilities : (S, K, N) array
        Of each source, at N pixels.
    truth : (N,) array of int
        Class of each pixel; 255 for such as count nowhere.
    mixtures : (G, S) array
        Weights.

    Returns
    -------
    tuple of (G,) arrays
        The Dice of a class that is in neither mask is 1; both are 1 and 0 where no pixel counts.
    """
    counted = truth != IGNORE
    given, labels = probabilities[:, :, counted].astype(np.float32), truth[counted]
    sources, classes, pixels = given.shape
    dice, likelihood = np.ones(len(mixtures)), np.zeros(len(mixtures))
    if not pixels:
        return dice, likelihood
    for row, weights in enumerate(mixtures.astype(np.float32)):
        mixed = (weights @ given.reshape(sources, -1)).reshape(classes, pixels)
        found = mixed.argmax(0)
        overlaps = np.bincount(labels[found == labels], minlength=classes)
        totals = np.bincount(found, minlength=classes) + np.bincount(labels, minlength=classes)
        dice[row] = np.where(totals > 0, 2 * overlaps / np.maximum(totals, 1), 1.0)[1:].mean()
        likelihood[row] = np.log(np.maximum(mixed[labels, np.arange(pixels)], _TINY)).mean()
    return dice, likelihood


def _best(dice: NDArray[np.float64], likelihood: NDArray[np.float64], mixtures: NDArray[np.float64]) -> int:
    """Index of the mixture that is best over the cases (rows)."""
    left = np.arange(len(mixtures))
    for scores in (dice.mean(0), likelihood.mean(0), -np.square(mixtures).sum(1)):
        left = left[scores[left] >= scores[left].max() - _CLOSE]
    return int(left[0])


def _most_even(mixtures: NDArray[np.float64]) -> int:
    return int(np.square(mixtures).sum(1).argmin())


def _common_cases(sources: Mapping[str, Sequence[EvaluatedNetwork]], dataset: SegmentationDataset) -> list[int]:
    unseen = {name: {case for network in networks for case in network.cases} for name, networks in sources.items()}
    cases = sorted(set.intersection(*unseen.values()) - set(dataset.unlabelled))
    if not cases:
        counts = "; ".join(f"{name}: {len(own)}" for name, own in unseen.items())
        raise DataError(
            f"No case of {dataset.root} is unseen by all of these networks, so their weights cannot be chosen on it "
            f"(cases that each has not seen: {counts}). Name cross-validations (prismseg train --folds), other data "
            "(--data), or state the weights."
        )
    if len({dataset.groups[case] for case in cases}) < FEWEST_GROUPS:
        raise DataError(
            f"The cases of {dataset.root} that none of these networks has seen are of one group "
            f"({dataset.groups[cases[0]]}), on which no weights can be chosen for others. State the weights."
        )
    return cases


def _predictions(
    sources: Mapping[str, Sequence[EvaluatedNetwork]], dataset: SegmentationDataset, cases: Sequence[int]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.integer]]]:
    """Yield the probabilities (S, K, N) of each source and the true classes (N,) at some pixels of each case."""
    for case in cases:
        sample = dataset[case]
        assert sample.mask is not None
        step = max(1, math.ceil(math.sqrt(sample.mask.size / PIXELS)))
        kept = np.s_[..., step // 2 :: step, step // 2 :: step]
        mixed = []
        for networks in sources.values():
            asked = [network.predictor for network in networks if case in network.cases]
            mixed.append(np.mean([predictor(sample.image).probabilities[kept] for predictor in asked], axis=0))
        yield np.stack(mixed).reshape(len(mixed), len(dataset.classes), -1), sample.mask[kept].ravel()
