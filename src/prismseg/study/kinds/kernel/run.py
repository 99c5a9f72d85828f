"""How well random Fourier features approximate their kernel, dense and convolutional, against theory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from prismseg.features import exact_kernel
from prismseg.study.kinds.kernel.features import (
    base_scale,
    convolutional_features,
    dense_features,
    map_generators,
    sample_patches,
)
from prismseg.study.kinds.kernel.settings import KernelSettings
from prismseg.study.kinds.kernel.theory import expected_errors

MEASURES = ("rmse", "mean_abs", "max_abs", "bias", "epsilon", "epsilon_pairs")


def run_kernel(settings: KernelSettings, folder: Path) -> pd.DataFrame:
    """Draw maps and measure how far their inner products are from the exact kernel, and from each other.

    Parameters
    ----------
    settings : KernelSettings
        Which maps of which patches.
    folder : Path
        Not used; the run writes no file of its own.

    Returns
    -------
    DataFrame
        Columns kernel, map, form, sampling, estimator (the last two in one), outputs, sigma, seed, case, group, measure,
        value. For each draw (a case) the measures of `measure_errors`, with an independent dense map of the same kind
        as the other one. Without case: ``scale``, sigma in the units of the patches, and ``theory_rmse``,
        ``theory_mean_abs`` and ``theory_epsilon`` from `expected_errors`.

    Examples
    --------
    >>> table = run_kernel(KernelSettings(outputs=64, draws=20), Path("unused"))
    >>> table.groupby("measure")["value"].mean().round(1)[["rmse", "theory_rmse"]].tolist()
    [0.1, 0.1]
    """
    labels = settings.row_labels()
    if settings.obstacle:
        missing = [_row("", measure, math.nan) for measure in MEASURES]
        return pd.DataFrame(missing).assign(**labels)
    patches = sample_patches(settings)
    points = patches.points
    scale = settings.sigma * base_scale(settings.kernel, points)
    exact = exact_kernel(settings.kernel, points.double(), points.double(), scale=scale)
    expected = expected_errors(settings, points, scale)
    rows = [_row("", "scale", scale), *(_row("", f"theory_{name}", value) for name, value in expected.items())]
    for draw in range(settings.draws):
        first, second = map_generators(settings, draw)
        if settings.map == "crffg":
            features = convolutional_features(settings, patches, scale, first)
        else:
            features = dense_features(settings, points, scale, first)
        other = dense_features(settings, points, scale, second)
        errors = measure_errors(features @ features.T, other @ other.T, exact)
        rows += [_row(f"{settings.seed}.{draw}", measure, value) for measure, value in errors.items()]
    return pd.DataFrame(rows).assign(**labels)


def measure_errors(gram: Tensor, other: Tensor, exact: Tensor) -> dict[str, float]:
    """Measure errors of a Gram matrix, self-products included.

    Parameters
    ----------
    gram, other : (N, N) Tensor
        Inner products ``z(x)'z(y)`` of the features of two independent maps.
    exact : (N, N) Tensor
        Values of the kernel.

    Returns
    -------
    dict of str to float
        rmse, mean_abs, max_abs and bias of `gram`; the thesis's ``epsilon``, the mean over points of
        ``| |z(x)|² - |z'(x)|² |`` with z' the other map, and ``epsilon_pairs``, that of ``|z(x)'z(y) - z'(x)'z'(y)|``
        over different points.
    """
    error, difference = gram - exact, (gram - other).abs()
    count = len(gram)
    values = {
        "rmse": error.square().mean().sqrt(),
        "mean_abs": error.abs().mean(),
        "max_abs": error.abs().max(),
        "bias": error.mean(),
        "epsilon": difference.diagonal().mean(),
        "epsilon_pairs": (difference.sum() - difference.trace()) / (count * (count - 1)),
    }
    return {name: float(value) for name, value in values.items()}


def _row(case: str, measure: str, value: float) -> dict[str, Any]:
    return {"case": case, "group": case, "measure": measure, "value": value}
