r"""How far probabilities can be trusted: reliability, expected calibration error, Brier score, risk and coverage.

For each class against all others a pixel's probability p is put into one of 15 equal bins. Where the network is
calibrated, the share of pixels of a bin that are of the class is the bin's mean probability; the **expected calibration
error** is the mean distance of the two, :math:`\sum_m \frac{n_m}{N} |\mathrm{share}_m - \bar p_m|` (Naeini et al. 2015).
In an image that is mostly background nearly all pixels are easy, so that it is also given over the **doubtful** ones,
with p between 0.01 and 0.99: that choice looks at the probability alone and leaves calibrated probabilities calibrated.
The **Brier score** is the mean of :math:`(p - y)^2` (Brier 1950).

**Risk and coverage** ask whether the network knows on which *cases* it fails: cases are taken in the order of a score of
confidence, and the mean of 1 - Dice of those that were taken so far is the risk at that coverage; its mean over all
coverages is the AURC (Geifman & El-Yaniv 2017), which is that of a random order where the score tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from prismseg.base import DataError
from prismseg.data import IGNORE

BINS = 15
DOUBTFUL = (0.01, 0.99)


@dataclass(frozen=True, eq=False)
class ReliabilityCounts:
    """What the bins of one class hold; sums over cases add up.

    Attributes
    ----------
    pixels : (2, BINS) float64
        Number of pixels: all of them, and the doubtful ones.
    probability, positives : (2, BINS) float64
        Sum of their probabilities, and number of those that are of the class.
    squares : float
        Sum of (p - y)² over all pixels.
    """

    pixels: NDArray[np.float64]
    probability: NDArray[np.float64]
    positives: NDArray[np.float64]
    squares: float

    @classmethod
    def of(cls, probability: NDArray[np.floating], truth: NDArray[np.bool_]) -> ReliabilityCounts:
        """Count the pixels (N,) of a class from their probability and whether they are of it.

        Examples
        --------
        >>> counts = ReliabilityCounts.of(np.array([0.8, 0.8, 0.8, 0.8]), np.array([True, True, True, False]))
        >>> round(counts.ece, 3), round(counts.brier, 3)
        (0.05, 0.19)
        """
        p, y = probability.astype(np.float64).ravel(), truth.ravel()
        place = np.minimum((p * BINS).astype(np.intp), BINS - 1)
        doubtful = (p > DOUBTFUL[0]) & (p < DOUBTFUL[1])

        def sums(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
            return np.stack(
                [
                    np.bincount(place[kept], None if weights is None else weights[kept], BINS)
                    for kept in (slice(None), doubtful)
                ]
            ).astype(np.float64)

        return cls(sums(None), sums(p), sums(y.astype(np.float64)), float(((p - y) ** 2).sum()))

    def __add__(self, other: ReliabilityCounts) -> ReliabilityCounts:
        """Count the pixels of both."""
        return ReliabilityCounts(
            self.pixels + other.pixels,
            self.probability + other.probability,
            self.positives + other.positives,
            self.squares + other.squares,
        )

    @property
    def ece(self) -> float:
        """Expected calibration error over all pixels; 0 where there is none."""
        return self._error(0)

    @property
    def ece_doubtful(self) -> float:
        """Expected calibration error over the pixels with a probability between 0.01 and 0.99; 0 where there is none."""
        return self._error(1)

    @property
    def brier(self) -> float:
        """Mean of (p - y)²; 0 without pixels."""
        return self.squares / max(float(self.pixels[0].sum()), 1.0)

    def diagram(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Mean probability, share of the class and number of pixels of the bins that are not empty."""
        kept = self.pixels[0] > 0
        count = self.pixels[0][kept]
        return self.probability[0][kept] / count, self.positives[0][kept] / count, count

    def _error(self, row: int) -> float:
        total = float(self.pixels[row].sum())
        return float(np.abs(self.probability[row] - self.positives[row]).sum()) / total if total else 0.0


def count_case(
    probabilities: NDArray[np.floating], truth: NDArray[np.integer], classes: Sequence[str]
) -> dict[str, ReliabilityCounts]:
    """Count the pixels of one case, by foreground class against all others.

    Parameters
    ----------
    probabilities : (K, H, W) float
        Of all classes, background first.
    truth : (H, W) integer
        Class indices; pixels that are 255 do not count.
    classes : sequence of str
        Names of the K classes.

    Raises
    ------
    DataError
        When the shapes differ.
    """
    if probabilities.shape != (len(classes), *truth.shape):
        raise DataError(
            f"Probabilities must be ({len(classes)}, {truth.shape[0]}, {truth.shape[1]}); "
            f"they are {probabilities.shape}."
        )
    valid = truth != IGNORE
    return {
        name: ReliabilityCounts.of(probabilities[label][valid], truth[valid] == label)
        for label, name in enumerate(classes)
        if label
    }


def soft_dice_confidence(
    probabilities: NDArray[np.floating], mask: NDArray[np.integer], classes: Sequence[str]
) -> float:
    r"""Dice that a network's own probabilities promise for its mask, the mean over foreground classes.

    :math:`2 \sum m p / (\sum m + \sum p)` of each (Borges et al. 2024); 1 where both are empty.

    Examples
    --------
    >>> p = np.full((1, 4), 0.75)
    >>> soft_dice_confidence(np.stack([1 - p, p]), np.ones((1, 4), int), ["background", "nerve"])
    0.8571428571428571
    """
    values = []
    for label in range(1, len(classes)):
        chosen, p = mask == label, probabilities[label]
        total = float(np.count_nonzero(chosen)) + float(p.sum(dtype=np.float64))
        values.append(2 * float(p[chosen].sum(dtype=np.float64)) / total if total else 1.0)
    return float(np.mean(values))


def risk_coverage(risk: ArrayLike, confidence: ArrayLike) -> pd.DataFrame:
    """Mean risk of the most confident cases, by how many are taken.

    Parameters
    ----------
    risk : (n,) array_like
        What each case loses, such as 1 - Dice.
    confidence : (n,) array_like
        The higher, the earlier a case is taken. Cases with the same one are taken in any order: each counts with their
        mean risk.

    Returns
    -------
    DataFrame
        Columns coverage (1/n to 1), risk, and oracle: the risk in the order that knows it.

    Raises
    ------
    DataError
        When there is no case, or the lengths differ.

    Examples
    --------
    >>> risk_coverage([0.1, 0.3, 0.2], [0.9, 0.5, 0.8]).round(3).values.tolist()
    [[0.333, 0.1, 0.1], [0.667, 0.15, 0.15], [1.0, 0.2, 0.2]]
    """
    losses, scores = np.asarray(risk, float), np.asarray(confidence, float)
    if losses.ndim != 1 or losses.shape != scores.shape or not losses.size:
        raise DataError(f"Risks and confidences must be as many; there are {losses.size} and {scores.size}.")
    _, ties = np.unique(-scores, return_inverse=True)
    mean_of_ties = (np.bincount(ties, losses) / np.bincount(ties))[ties]
    taken = np.arange(1, len(losses) + 1)
    return pd.DataFrame(
        {
            "coverage": taken / len(losses),
            "risk": mean_of_ties[np.argsort(ties, kind="stable")].cumsum() / taken,
            "oracle": np.sort(losses).cumsum() / taken,
        }
    )


def aurc(risk: ArrayLike, confidence: ArrayLike) -> float:
    """Area under the risk-coverage curve: the mean of its risks.

    Examples
    --------
    >>> round(aurc([0.1, 0.3, 0.2], [0.9, 0.5, 0.8]), 3), round(aurc([0.1, 0.3, 0.2], [1, 1, 1]), 3)
    (0.15, 0.2)
    """
    return float(risk_coverage(risk, confidence)["risk"].mean())
