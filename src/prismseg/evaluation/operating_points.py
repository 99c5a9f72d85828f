"""Sensitivity at a fixed precision: what is found of a class where as many of the finds are right.

A loss or sampling that weighs misses more finds more and errs more, which a threshold does too, for nothing. At one
precision networks are compared by what they find alone: for each class the lowest threshold on its probability is taken
at which the precision over all pixels of all cases is reached, and the sensitivity of each case is that at this
threshold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.data import IGNORE, Sample
from prismseg.inference.predictor import Prediction

BINS = 2000  # of probabilities; finer thresholds are not told apart
PRECISIONS = (0.5, 0.8)


class OperatingPoints:
    """Gathers, case by case while cases are measured, how many pixels of each class lie above each probability.

    Parameters
    ----------
    classes : sequence of str
        Names of all classes, background first.

    Examples
    --------
    >>> from types import SimpleNamespace as Case
    >>> points = OperatingPoints(["background", "nerve"])
    >>> p = np.array([[0.9, 0.6, 0.4, 0.2]])
    >>> sample, found = Case(mask=np.array([[1, 0, 1, 0]])), Case(probabilities=np.stack([1 - p, p]))
    >>> points({"case": "a", "group": "A"}, sample, found)
    >>> points.table((0.6, 0.8))[["measure", "value"]].to_dict("list")
    {'measure': ['sensitivity_p60', 'sensitivity_p80'], 'value': [1.0, 0.5]}
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)
        self._cases: list[dict[str, Any]] = []
        # By case: pixels at or above each threshold that are of the class and that are not, (2, K - 1, BINS).
        self._above: list[NDArray[np.int64]] = []

    def __call__(self, case: Mapping[str, object], sample: Sample, prediction: Prediction) -> None:
        """Take a case."""
        assert sample.mask is not None  # what has none is not measured
        valid = sample.mask != IGNORE
        counts = np.zeros((2, len(self.classes) - 1, BINS), np.int64)
        for label in range(1, len(self.classes)):
            place = np.minimum((prediction.probabilities[label][valid] * BINS).astype(np.intp), BINS - 1)
            truth = sample.mask[valid] == label
            for row, kept in enumerate((truth, ~truth)):
                counts[row, label - 1] = np.bincount(place[kept], minlength=BINS)
        self._above.append(counts[..., ::-1].cumsum(-1)[..., ::-1])
        self._cases.append({"case": str(case["case"]), "group": str(case["group"])})

    def table(self, precisions: Sequence[float] = PRECISIONS) -> pd.DataFrame:
        """Make a table with the sensitivity of each case and class at each precision.

        Returns
        -------
        DataFrame
            Columns case, group, class, measure (``sensitivity_p80`` at a precision of .8) and value. Where no threshold
            reaches the precision nothing may be found, and the value is 0; a case without the class has 1 where
            nothing is found in it either, else 0, as other metrics have.
        """
        rows: list[dict[str, Any]] = []
        pooled = sum(self._above[1:], self._above[0])
        for label, name in enumerate(self.classes[1:]):
            right, wrong = pooled[:, label]
            for precision in precisions:
                reached = np.flatnonzero((right > 0) & (right >= precision * (right + wrong)))
                for case, above in zip(self._cases, self._above, strict=True):
                    found = above[:, label, reached[0]] if len(reached) else np.zeros(2)
                    total = above[0, label, 0]
                    value = found[0] / total if total else float(found[1] == 0)
                    measure = f"sensitivity_p{100 * precision:.0f}"
                    rows.append({**case, "class": name, "measure": measure, "value": float(value)})
        return pd.DataFrame(rows)
