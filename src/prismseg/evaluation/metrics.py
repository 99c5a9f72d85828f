"""Hard segmentation metrics of single cases at their original size, and their summary over cases and groups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import DataError
from prismseg.data import IGNORE
from prismseg.evaluation.statistics.intervals import SHARE, mean_interval

SMOOTH = 1.0  # added to both sides of the soft Dice, so that an image without the class has a value
DISTANCES = ("hd95", "hd95_mm", "assd_mm")  # all other metrics are shares

Mask = NDArray[np.bool_]
Empty = Literal["neither", "truth", "prediction", "both"]

# What a metric is worth where a mask is empty: (both, only the truth, only the prediction).
EMPTY_VALUES: dict[str, tuple[str, str, str]] = {
    "dice": ("1", "0", "0"),
    "jaccard": ("1", "0", "0"),
    "sensitivity": ("1", "0", "0"),
    "specificity": ("1", "its formula", "1"),
    "precision": ("1", "0", "0"),
    "hd95": ("0", "the image diagonal", "the image diagonal"),
    "hd95_mm": ("0", "the image diagonal", "the image diagonal"),
    "assd_mm": ("0", "the image diagonal", "the image diagonal"),
    "soft_dice": ("its formula", "its formula", "its formula"),
}
EMPTY_POLICY = (
    "no case is dropped. Where both masks are empty | only the truth | only the prediction: "
    + "; ".join(f"{name} {' | '.join(values)}" for name, values in EMPTY_VALUES.items())
    + f". Specificity is 1 where the class fills the image; soft_dice adds {SMOOTH:g} to both sides of its "
    "fraction; ignored pixels count nowhere."
)

# "class" is no name Python allows for an attribute, hence not the class syntax.
Row = TypedDict("Row", {"class": str, "metric": str, "value": float, "empty": Empty})


def case_metrics(
    prediction: NDArray[np.integer],
    truth: NDArray[np.integer],
    classes: Sequence[str],
    *,
    probabilities: NDArray[np.floating] | None = None,
    spacing: tuple[float, float] | None = None,
) -> list[Row]:
    """Measure one case, a row for each foreground class and metric.

    Parameters
    ----------
    prediction, truth : (H, W) integer
        Class indices at the original size; pixels whose truth is 255 are left out of both.
    classes : sequence of str
        Names of all classes, background first.
    probabilities : (K, H, W) float, optional
        Probability of each class, at the same size; with it the rows include ``soft_dice``.
    spacing : tuple of float, optional
        Height and width of a pixel in mm; with it the rows include ``hd95_mm`` and ``assd_mm``.

    Returns
    -------
    list of Row
        Metrics ``dice jaccard sensitivity specificity precision hd95 [hd95_mm assd_mm] [soft_dice]``, each with which
        mask was empty (`EMPTY_VALUES` says what the value then is). ``hd95`` is in pixels, what ends in ``_mm`` in
        mm, the rest are shares.

    Raises
    ------
    DataError
        When the sizes differ, or a mask holds a label that is no class.

    Examples
    --------
    >>> target = np.zeros((8, 8), int)
    >>> target[2:6, 2:6] = 1
    >>> rows = case_metrics(np.roll(target, 1, axis=1), target, ["background", "nerve"])
    >>> {row["metric"]: round(row["value"], 3) for row in rows}
    {'dice': 0.75, 'jaccard': 0.6, 'sensitivity': 0.75, 'specificity': 0.917, 'precision': 0.75, 'hd95': 1.0}
    """
    if prediction.shape != truth.shape:
        raise DataError(f"The prediction is {_size(prediction)} pixels, the true mask {_size(truth)}.")
    valid = truth != IGNORE
    for name, labels in (("prediction", prediction), ("true mask", truth)):
        highest = labels[valid].max(initial=0)
        if highest >= len(classes):
            raise DataError(f"The {name} holds label {highest}, but there are only {len(classes)} classes.")
    rows: list[Row] = []
    for label, name in enumerate(classes[1:], start=1):
        pred, target = (prediction == label) & valid, (truth == label) & valid
        values = _overlap_metrics(pred, target, int(valid.sum())) | {"hd95": hausdorff95(pred, target)}
        if spacing is not None:
            values |= {
                "hd95_mm": hausdorff95(pred, target, spacing),
                "assd_mm": average_surface_distance(pred, target, spacing),
            }
        if probabilities is not None:
            values["soft_dice"] = soft_dice(probabilities[label][valid], target[valid])
        empty = _which_empty(pred, target)
        rows += [
            Row({"class": name, "metric": key, "value": value, "empty": empty}) for key, value in values.items()
        ]
    return rows


def _overlap_metrics(pred: Mask, target: Mask, pixels: int) -> dict[str, float]:
    true_positives = int(np.count_nonzero(pred & target))
    false_positives, false_negatives = (
        int(np.count_nonzero(pred)) - true_positives,
        int(np.count_nonzero(target)) - true_positives,
    )
    true_negatives = pixels - true_positives - false_positives - false_negatives

    def share(part: int, whole: int) -> float:
        # 0/0 is right if there was nothing to find and nothing was found, else wrong.
        return part / whole if whole else float(false_positives + false_negatives == 0)

    return {
        "dice": share(2 * true_positives, 2 * true_positives + false_positives + false_negatives),
        "jaccard": share(true_positives, true_positives + false_positives + false_negatives),
        "sensitivity": share(true_positives, true_positives + false_negatives),
        "specificity": true_negatives / (true_negatives + false_positives)
        if true_negatives + false_positives
        else 1.0,
        "precision": share(true_positives, true_positives + false_positives),
    }


def _which_empty(pred: Mask, target: Mask) -> Empty:
    if pred.any():
        return "neither" if target.any() else "truth"
    return "prediction" if target.any() else "both"


def soft_dice(probability: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """(2 Σ m p + 1) / (Σ m + Σ p + 1), the number the thesis reports: no threshold, one minus its loss."""
    overlap = float(probability[truth].sum(dtype=np.float64))
    total = float(probability.sum(dtype=np.float64)) + int(np.count_nonzero(truth))
    return (2 * overlap + SMOOTH) / (total + SMOOTH)


def hausdorff95(first: Mask, second: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """95 % Hausdorff distance of two masks (H, W), in the unit of `spacing`, the height and width of a pixel.

    From every edge pixel of a mask the distance to the nearest edge pixel of the other; the 95th percentile of
    each direction, and the larger of the two (as MONAI; Huttenlocher et al. 1993 with a percentile for the
    maximum). Two empty masks are 0 apart; one empty mask is as far as anything can be, the image's diagonal.
    """
    distances = _edge_distances(first, second, spacing)
    if distances is None:
        return _distance_of_empty(first, second, spacing)
    return max(float(np.percentile(each, 95)) for each in distances)


def average_surface_distance(first: Mask, second: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> float:
    """Average symmetric surface distance of two masks (H, W), in the unit of `spacing`.

    The mean over the edge pixels of both masks of the distance to the nearest edge pixel of the other (as MONAI; Heimann
    et al. 2009). Empty masks as in `hausdorff95`.

    Examples
    --------
    >>> line = np.zeros((5, 8), bool)
    >>> line[:, 2] = True
    >>> average_surface_distance(line, np.roll(line, 3, axis=1), (2.0, 0.5))
    1.5
    """
    distances = _edge_distances(first, second, spacing)
    if distances is None:
        return _distance_of_empty(first, second, spacing)
    return float(np.concatenate(distances).mean())


def _distance_of_empty(first: Mask, second: Mask, spacing: tuple[float, float]) -> float:
    if not (first.any() or second.any()):
        return 0.0
    return math.hypot(first.shape[0] * spacing[0], first.shape[1] * spacing[1])


def _edge_distances(first: Mask, second: Mask, spacing: tuple[float, float]) -> list[NDArray[np.float64]] | None:
    """Distance of each edge pixel of either mask to the other's nearest; None where one is empty."""
    if not first.any() or not second.any():
        return None
    union = first | second
    rows, columns = (np.flatnonzero(union.any(axis=axis)) for axis in (1, 0))
    window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    edges = [_edges(mask[window]) for mask in (first, second)]
    return [ndimage.distance_transform_edt(~there, sampling=spacing)[here] for here, there in (edges, edges[::-1])]


def _edges(mask: Mask) -> Mask:
    """Pixels of `mask` with one of their four neighbours outside it or outside the image."""
    edges: Mask = mask & ~ndimage.binary_erosion(mask)
    return edges


def summarize(per_case: pd.DataFrame) -> pd.DataFrame:
    """Put the rows of many cases into one row for each class and metric.

    Parameters
    ----------
    per_case : DataFrame
        Columns ``case, group, class, metric, value, empty``, as `case_metrics` measures them.

    Returns
    -------
    DataFrame
        Columns ``class, metric, mean, sd, n, n_groups, n_empty, ci_low, ci_high, range_low, range_high``:
        mean and sample standard deviation over the n cases, how many of them had an empty mask, and the 95 %
        interval of the mean over groups (`mean_interval`), or, with fewer than 6 groups, their range; NaN for the
        other of the two, and for the deviation of one case.

    Raises
    ------
    DataError
        When a value is missing: no case is ever dropped.

    Examples
    --------
    >>> rows = [{"case": k, "group": k, "class": "nerve", "metric": "dice", "value": v, "empty": "neither"}
    ...         for k, v in enumerate([0.8, 0.9, 0.7])]
    >>> summarize(pd.DataFrame(rows))[["mean", "n_groups", "range_low", "range_high"]].round(3).values.tolist()
    [[0.8, 3.0, 0.7, 0.9]]
    """
    rows = []
    for (name, metric), part in per_case.groupby(["class", "metric"], sort=False):
        values = part["value"].to_numpy(float)
        interval = mean_interval(values, part["group"], bounds=None if metric in DISTANCES else SHARE)
        rows.append(
            {
                "class": name,
                "metric": metric,
                "mean": float(values.mean()),
                "sd": float(values.std(ddof=1)) if values.size > 1 else math.nan,
                "n": values.size,
                "n_groups": part["group"].nunique(),
                "n_empty": int((part["empty"] != "neither").sum()),
                **interval.columns(),
            }
        )
    return pd.DataFrame(rows)


def _size(mask: NDArray[np.integer]) -> str:
    return " x ".join(map(str, mask.shape))
