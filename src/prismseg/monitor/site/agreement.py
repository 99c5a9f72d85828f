"""How well a change of temperature tells legs that feel no cold, or women without pain: curves with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.monitor.site.records import Observation

Reference = Literal["cold", "relieved"]
REFERENCES: tuple[Reference, ...] = ("cold", "relieved")
# With fewer of either kind the interval spans nearly everything: no number is given.
FEWEST = 10
_RESAMPLES = 1000
_SEED = 20_260_101


@dataclass(frozen=True)
class Agreement:
    """The curve of one minute against one reference.

    Attributes
    ----------
    reference : {"cold", "relieved"}
        Cold felt less or not at all on the leg, or pain of at most 3.
    minute : float
        After the test dose.
    positive, negative : int
        Sessions that have a sole of each kind; one session may count in both.
    auc, low, high : float or None
        Area under the curve with its 95 % interval by resampling sessions, since the soles of one session are not
        independent; None where there are too few.
    points : tuple of (float, float)
        False and true positive rates over all thresholds; empty where there are too few.
    """

    reference: Reference
    minute: float
    positive: int
    negative: int
    auc: float | None = None
    low: float | None = None
    high: float | None = None
    points: tuple[tuple[float, float], ...] = ()

    @property
    def enough(self) -> bool:
        """Whether there are sessions enough of both kinds."""
        return min(self.positive, self.negative) >= FEWEST


def agreements(observations: Sequence[Observation], minutes: Sequence[float]) -> list[Agreement]:
    """Compare the changes at each minute with each reference."""
    return [_agreement(observations, reference, minute) for reference in REFERENCES for minute in minutes]


def area(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    r"""Area under the curve: the probability that a positive's score is higher, ties counted half.

    By the rank sum of Mann and Whitney, :math:`(R_+ - n_+(n_+ + 1)/2) / (n_+ n_-)`.
    """
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positive = int(labels.sum())
    negative = labels.size - positive
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def curve(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Give false and true positive rates from (0, 0) to (1, 1), one point for each threshold."""
    points = [(0.0, 0.0)]
    for threshold in np.unique(scores)[::-1]:
        above = scores >= threshold
        points.append((float(above[~labels].mean()), float(above[labels].mean())))
    return tuple(points)


def _agreement(observations: Sequence[Observation], reference: Reference, minute: float) -> Agreement:
    used = [each for each in observations if minute in each.deltas and getattr(each, reference) is not None]
    kinds = [{each.session for each in used if getattr(each, reference) is kind} for kind in (True, False)]
    found = Agreement(reference, minute, len(kinds[0]), len(kinds[1]))
    if not found.enough:
        return found
    scores = np.array([each.deltas[minute] for each in used])
    labels = np.array([bool(getattr(each, reference)) for each in used])
    low, high = _interval(scores, labels, [each.session for each in used])
    return Agreement(
        reference, minute, found.positive, found.negative, area(scores, labels), low, high, curve(scores, labels)
    )


def _interval(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], sessions: Sequence[str]
) -> tuple[float, float]:
    """Percentiles over sessions drawn with replacement; draws without both kinds say nothing."""
    generator = np.random.default_rng(_SEED)
    rows: dict[str, list[int]] = {}
    for number, session in enumerate(sessions):
        rows.setdefault(session, []).append(number)
    parts = [np.array(numbers) for numbers in rows.values()]
    areas = []
    for _ in range(_RESAMPLES):
        drawn = np.concatenate([parts[number] for number in generator.integers(len(parts), size=len(parts))])
        if labels[drawn].any() and not labels[drawn].all():
            areas.append(area(scores[drawn], labels[drawn]))
    low, high = np.percentile(areas, (2.5, 97.5))
    return float(low), float(high)
