"""Measures of CRFFg layers before and after training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import stats

from prismseg.base import ModelError
from prismseg.features import CRFFg2d
from prismseg.nets import SegmentationModel
from prismseg.study.definition.columns import MEAN_LAYER
from prismseg.study.kinds.weights.statistics import (
    RadialLaw,
    effective_length_scale,
    power_spectrum,
    radial_law,
    radial_spectrum,
    rayleigh_test,
)

Array = NDArray[np.float64]
STATES = ("before", "after")
_P_VALUES = ("ks_p", "rayleigh_p")
_NORM_BINS, _PHASE_BINS = 24, 8  # of histograms
_TAILS = (0.005, 0.995)  # quantiles of the law between which the bins of norms lie, and half as far again beyond
_COLUMNS = ("case", "group", "class", "layer", "measure", "value", "x")


def compare_weights(before: SegmentationModel, after: SegmentationModel) -> pd.DataFrame:
    """Measure every CRFFg layer of a network and of the network it began from.

    Parameters
    ----------
    before, after : SegmentationModel
        The untrained and the trained network.

    Returns
    -------
    DataFrame
        Columns layer, measure, value, x, and empty case, group, class. Measures of `measure_layer` end in ``_before``,
        ``_after`` and (but for p-values) ``_change``; ``weight_change`` is ``|W1 - W0| / |W0|``, ``weight_cosine`` the
        cosine between them, ``phase_change`` the rms turn of a phase in radians, ``filters`` their number. The layer
        ``(mean)`` holds means over layers. Curves have an x (also their case): densities ``norms_…`` of frequency
        norms, with ``norms_law``, and ``phases_…``; ``spectrum_…``, see `radial_spectrum`.

    Raises
    ------
    ModelError
        When there is no CRFFg layer, or the networks have different ones.
    """
    rows: list[dict[str, Any]] = []
    for name, (first, last) in pair_layers(before, after).items():
        law, sigma = layer_law(first), float(first.scale)
        layers = dict(zip(STATES, (first, last), strict=True))
        scalars = {"filters": float(len(first.weight))} | _change(first, last) | _both_states(layers, law, sigma)
        rows += [{"layer": name, "measure": measure, "value": value} for measure, value in scalars.items()]
        for measure, (places, values) in _curves(layers, law, sigma).items():
            for x, value in zip(places, values, strict=True):
                point = f"x={x:.4g}"
                rows.append(
                    {"layer": name, "measure": measure, "x": x, "case": point, "group": point, "value": value}
                )
    table = pd.DataFrame(rows).assign(**{"class": ""}).fillna({"case": "", "group": ""})
    plain = table[table["x"].isna() & ~table["measure"].str.contains("_p_")]
    mean = plain.groupby("measure", sort=False)["value"].mean().reset_index()
    table = pd.concat([table, mean.assign(**{"case": "", "group": "", "class": "", "layer": MEAN_LAYER})])
    return table[list(_COLUMNS)].reset_index(drop=True)


def _both_states(layers: dict[str, CRFFg2d], law: RadialLaw, sigma: float) -> dict[str, float]:
    """Measures of a layer before and after training, and their change."""
    measured = {state: measure_layer(layer, law, sigma) for state, layer in layers.items()}
    values: dict[str, float] = {}
    for name, before in measured["before"].items():
        values |= {f"{name}_{state}": measured[state][name] for state in STATES}
        if name not in _P_VALUES:
            values[f"{name}_change"] = measured["after"][name] - before
    return values


def layer_law(layer: CRFFg2d) -> RadialLaw:
    """Law that the norms of the layer's filters were drawn from."""
    return radial_law(layer.settings.kernel, layer.fan_in, truncate=layer.settings.truncate)


def measure_layer(layer: CRFFg2d, law: RadialLaw, sigma: float) -> dict[str, float]:
    """Compare frequencies and phases of a layer with the laws that they were drawn from.

    Parameters
    ----------
    layer : CRFFg2d
        The layer.
    law : RadialLaw
        Of the norms of ``sigma omega`` before training.
    sigma : float
        Length scale before training.

    Returns
    -------
    dict
        ``ks`` and ``ks_p``: Kolmogorov–Smirnov distance of the norms from `law`, and its p-value. ``resultant`` and
        ``rayleigh_p``: see `rayleigh_test` (a paired map has neither). ``length_scale`` and ``length_scale_error``: see
        `effective_length_scale`. ``centroid``: mean spatial frequency of the filters' power within the disc of
        1/2 cycle a pixel, relative to that of white filters. ``dimension``: number of directions among which the
        frequencies spread their power, ``(tr C)² / tr C²`` of their second moments C.
    """
    omega = scaled_frequencies(layer, sigma)
    norms = np.linalg.norm(omega, axis=1)
    test = stats.kstest(norms, law.cdf)
    length, error = effective_length_scale(norms, law)
    moments = omega @ omega.T
    measures = {
        "ks": float(test.statistic),
        "ks_p": float(test.pvalue),
        "length_scale": length,
        "length_scale_error": error,
        "centroid": _centroid(layer),
        "dimension": float(np.trace(moments) ** 2 / np.square(moments).sum()),
    }
    if layer.bias is not None:
        measures["resultant"], measures["rayleigh_p"] = rayleigh_test(to_array(layer.bias))
    return measures


def scaled_frequencies(layer: CRFFg2d, sigma: float) -> Array:
    """Frequencies of a layer times `sigma`, (Q, n): at the layer's own first sigma, what it was drawn as."""
    return to_array(layer.frequencies()).reshape(len(layer.weight), -1) * sigma


def _centroid(layer: CRFFg2d) -> float:
    radius, power = power_spectrum(to_array(layer.weight))
    disc = radius <= 0.5
    return float((radius * power)[disc].sum() / power[disc].sum() / radius[disc].mean())


def _curves(layers: dict[str, CRFFg2d], law: RadialLaw, sigma: float) -> dict[str, tuple[Array, Array]]:
    """Histograms and spectra. Bins depend on the law alone, so that seeds can be averaged; the last ones are open."""
    low, high = law.quantile(np.array(_TAILS))
    low, high = max(low - 0.5 * (high - low), 0), high + 0.5 * (high - low)
    edges = np.linspace(low, high, _NORM_BINS + 1)
    centres = (edges[:-1] + edges[1:]) / 2
    curves = {"norms_law": (centres, np.diff(law.cdf(edges)) / np.diff(edges))}
    turns = np.linspace(0, 2 * np.pi, _PHASE_BINS + 1)
    for state, layer in layers.items():
        omega = scaled_frequencies(layer, sigma)
        norms = np.clip(np.linalg.norm(omega, axis=1), low, high)
        curves[f"norms_{state}"] = (centres, np.histogram(norms, edges, density=True)[0])
        filters = omega.reshape(layer.weight.shape) / np.sqrt(law.second_moment / law.dim)
        curves[f"spectrum_{state}"] = radial_spectrum(filters)
        if layer.bias is not None:
            density = np.histogram(np.mod(to_array(layer.bias), 2 * np.pi), turns, density=True)[0]
            curves[f"phases_{state}"] = ((turns[:-1] + turns[1:]) / 2, density)
    return curves


def _change(first: CRFFg2d, last: CRFFg2d) -> dict[str, float]:
    start, end = to_array(first.weight).ravel(), to_array(last.weight).ravel()
    length = np.linalg.norm(start)
    changes = {
        "weight_change": float(np.linalg.norm(end - start) / length),
        "weight_cosine": float(start @ end / (length * np.linalg.norm(end))),
        "sigma_before": float(first.scale),
        "sigma_after": float(last.scale),
    }
    if first.bias is not None and last.bias is not None:
        turn = np.angle(np.exp(1j * (to_array(last.bias) - to_array(first.bias))))
        changes["phase_change"] = float(np.sqrt(np.square(turn).mean()))
    return changes


def pair_layers(before: SegmentationModel, after: SegmentationModel) -> dict[str, tuple[CRFFg2d, CRFFg2d]]:
    """Pair the CRFFg layers of two networks by name.

    Raises
    ------
    ModelError
        When there is no such layer, or the networks have different ones.
    """
    first, last = (
        {name: module for name, module in model.named_modules() if isinstance(module, CRFFg2d)}
        for model in (before, after)
    )
    if not last:
        raise ModelError("The network has no CRFFg layer whose weights could be measured; choose skip crffg.")
    if first.keys() != last.keys() or any(first[name].weight.shape != last[name].weight.shape for name in last):
        raise ModelError("The network and the one it began from have different CRFFg layers.")
    return {name: (first[name], layer) for name, layer in last.items()}


def to_array(tensor: torch.Tensor) -> Array:
    """Copy a tensor into a float64 array."""
    return tensor.detach().double().numpy()
