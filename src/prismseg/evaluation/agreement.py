"""How far annotators agree, beside how far the network agrees with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from prismseg.data.sample import IGNORE
from prismseg.evaluation.metrics import Row

BETWEEN = "annotators_dice"  # of pairs of annotators: no property of the network
NETWORK = "dice_to_annotators"


def agreement_rows(
    prediction: NDArray[np.integer],
    annotations: Mapping[str, NDArray[np.integer]],
    classes: Sequence[str],
) -> list[Row]:
    """Measure how far annotators agree with each other on a case, and the network with each of them.

    Parameters
    ----------
    prediction : (H, W) integer
        Class indices of the network.
    annotations : mapping of str to (H, W) integer
        Each annotator's own mask; with fewer than two there is nothing to measure.
    classes : sequence of str
        Names of all classes, background first.

    Returns
    -------
    list of Row
        For each foreground class ``annotators_dice``, the mean Dice over all pairs of annotators, and
        ``dice_to_annotators``, the mean Dice of the network over the annotators. Where the first is no higher than the
        second, the network differs from people no more than they do from each other.

    Examples
    --------
    >>> one, other = np.array([[0, 1, 1, 0]]), np.array([[0, 1, 0, 0]])
    >>> rows = agreement_rows(one, {"anna": one, "ben": other}, ["background", "nerve"])
    >>> {row["metric"]: round(row["value"], 3) for row in rows}
    {'annotators_dice': 0.667, 'dice_to_annotators': 0.833}
    """
    if len(annotations) < 2:
        return []
    pairs = [_dice_rows(first, second, classes) for first, second in combinations(annotations.values(), 2)]
    network = [_dice_rows(prediction, mask, classes) for mask in annotations.values()]
    rows: list[Row] = []
    for label, name in enumerate(classes[1:], start=1):
        drawn = [bool((mask == label).any()) for mask in annotations.values()]
        found = bool((prediction == label).any())
        for metric, measured, empty in (
            (BETWEEN, pairs, not any(drawn)),
            (NETWORK, network, not any(drawn) and not found),
        ):
            value = float(np.mean([each[label - 1] for each in measured]))
            rows.append(
                Row({"class": name, "metric": metric, "value": value, "empty": "both" if empty else "neither"})
            )
    return rows


def _dice_rows(first: NDArray[np.integer], second: NDArray[np.integer], classes: Sequence[str]) -> list[float]:
    """Dice of each foreground class over the pixels that both leave in."""
    counted = (first != IGNORE) & (second != IGNORE)
    values = []
    for label in range(1, len(classes)):
        one, other = (first == label) & counted, (second == label) & counted
        total = int(one.sum()) + int(other.sum())
        values.append(2 * int((one & other).sum()) / total if total else 1.0)
    return values
