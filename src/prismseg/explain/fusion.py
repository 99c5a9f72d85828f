"""Fusing the maps of all layers into one, with weights of the layers that are fitted on other cases."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy import special
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.base.deprecation import renamed
from prismseg.explain.measures.masks import EQUAL, Array
from prismseg.explain.measures.relevance import MEASURES, Measure, Relevance, mask_relevance, rho
from prismseg.explain.measures.sums import MapSums

MAIN_MODE = "rho"  # layers weighted by their mean rho; its fused maps are the ones that are shown
THESIS_MODE = "thesis"  # the published weighting
MODES = (MAIN_MODE, THESIS_MODE)
BETAS = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)  # from equal weights to nearly a single layer
FOLDS = 5  # in which groups are kept apart; fewer where there are fewer groups
FUSED = "(fused)"  # stands for the fused map among the layers of a table


def fused_measures() -> dict[str, Measure]:
    """Measures that are known of fused maps, by name."""
    return {name: measure for name, measure in MEASURES.items() if measure.of_fused}


@dataclass(frozen=True)
class LayerWeights:
    """Weights of the layers for each class.

    Attributes
    ----------
    method, mode : str
        Of the maps, and of the weighting: one of `MODES`.
    layers, classes : tuple of str
    weights : (L, K) array
        Nowhere negative; sums to 1 over the layers.
    betas : (K,) array
        Sharpness of the softmax; NaN in the thesis's mode.
    cases, groups : int
        How many the weights were fitted on.
    """

    method: str
    mode: str
    layers: tuple[str, ...]
    classes: tuple[str, ...]
    weights: Array
    betas: Array
    cases: int
    groups: int

    def table(self) -> pd.DataFrame:
        """Make a table with the columns method, mode, layer, class, weight, beta."""
        index = pd.MultiIndex.from_product([self.layers, self.classes], names=["layer", "class"])
        table = pd.DataFrame({"weight": self.weights.reshape(-1)}, index=index).reset_index()
        table.insert(0, "method", self.method)
        table.insert(1, "mode", self.mode)
        table["beta"] = np.tile(self.betas, len(self.layers))
        return table

    @renamed(counts="valid")
    def fuse(
        self, maps: Mapping[tuple[str, str, int], Tensor], classes: Sequence[int], valid: Tensor | None = None
    ) -> dict[int, Tensor]:
        """Fuse the maps of a batch: each is scaled to [0, 1] first; their weighted sum is not scaled again.

        Measures of the fused maps over the valid pixels are those of `cross_fit`.

        Parameters
        ----------
        maps : dict
            Of `Atlas.maps`.
        classes : sequence of int
            Class indices that the columns of the weights stand for.
        valid : (B, H, W) bool Tensor, optional
            Pixels, by default all, whose least and largest value a map is scaled by.

        Returns
        -------
        dict
            ``{class: (B, H, W) Tensor}`` with values in [0, 1].
        """
        return {
            cls: torch.stack(
                [
                    float(weight) * scale_to_unit(maps[self.method, layer, cls], valid)
                    for layer, weight in zip(self.layers, self.weights[:, column], strict=True)
                ]
            ).sum(0)
            for column, cls in enumerate(classes)
        }


def scale_to_unit(maps: Tensor, valid: Tensor | None = None) -> Tensor:
    """Scale each map to [0, 1] by its least and largest value.

    Parameters
    ----------
    maps : (B, H, W) Tensor
    valid : (B, H, W) bool Tensor, optional
        Pixels that are looked at, by default all. A map that is constant there becomes 0.

    Examples
    --------
    >>> scale_to_unit(torch.tensor([[[1.0, 2.0, 3.0]]]))
    tensor([[[0.0000, 0.5000, 1.0000]]])
    """
    below = maps if valid is None else torch.where(valid, maps, torch.inf)
    above = maps if valid is None else torch.where(valid, maps, -torch.inf)
    low, high = below.amin((1, 2), keepdim=True), above.amax((1, 2), keepdim=True)
    return torch.where(high - low > EQUAL * high, (maps - low) / (high - low), 0.0).clamp(0, 1)


def fit_weights(
    cases: MapSums,
    method: str,
    mode: str = MAIN_MODE,
    *,
    betas: Sequence[float] = BETAS,
    without: Collection[str] = (),
) -> LayerWeights:
    r"""Fit the weights of the layers on the cases of an atlas.

    Parameters
    ----------
    cases : MapSums
        Of cases that the fused maps will not be judged on.
    method : str
        One of its methods.
    mode : {"rho", "thesis"}
        ``rho``: for each class $w_l = \operatorname{softmax}_l(\beta \bar\rho_l)$, with the $\beta$ of `betas` for
        which the fused maps have the best mean CAM-Dice. ``thesis``: $w_l = \operatorname{softmax}_l(\bar\varrho'_l
        / \max_j \bar\varrho'_j)$ of maps that are not normalised.
    betas : sequence of float
        Values to choose from; 0 is the plain mean of all layers.
    without : collection of str
        Layers that get no weight, such as those whose maps lie on the region by construction (`layer_reach`).

    Returns
    -------
    LayerWeights
        A class that no case has gets equal weights.

    Raises
    ------
    ConfigError
        When there is no such method or mode, or no layer is left.
    """
    if method not in cases.axes.methods:
        raise ConfigError(f"The atlas has no maps of {method!r}, only of {', '.join(cases.axes.methods)}.")
    if mode not in MODES:
        raise ConfigError(f"The mode must be one of {', '.join(MODES)}, not {mode!r}.")
    sums = cases.relevance(cases.axes.methods.index(method))
    classes = len(cases.axes.classes)
    used = np.array([layer not in without for layer in cases.axes.layers])
    if not used.any():
        raise ConfigError("Every layer is left out of the fusion; nothing is left to weight.")
    weights, chosen = np.tile((used / used.sum())[:, None], classes), np.full(classes, np.nan)
    unit = sums.normalized("map")
    for column in range(classes):
        present = ~cases.absent[:, column]
        if not present.any():
            continue
        if mode == THESIS_MODE:
            raw = mask_relevance(sums)[present, :, column].mean(0)
            weights[:, column] = _softmax(raw / raw.max() if raw.max() > 0 else raw, used)
            continue
        value = rho(sums)[present, :, column].mean(0)
        candidates = [_softmax(beta * value, used) for beta in betas]
        scores = [_measure_fused(unit, candidate, column)["cam_dice"][present].mean() for candidate in candidates]
        best = int(np.argmax(scores))
        weights[:, column], chosen[column] = candidates[best], betas[best]
    return LayerWeights(
        method,
        mode,
        cases.axes.layers,
        cases.axes.classes,
        weights,
        chosen,
        len(cases.ids),
        len(set(cases.groups)),
    )


def _softmax(values: Array, used: NDArray[np.bool_]) -> Array:
    weights: Array = special.softmax(np.where(used, values, -np.inf))
    return weights


def _measure_fused(unit: Relevance, weights: Array, column: int) -> dict[str, Array]:
    """Measure the fused maps of class number `column`, (n,) each; exact, since sums are linear in the maps."""

    def mixed(sums: Array) -> Array:
        return sums[:, :, column] @ weights

    unknown = np.zeros(len(unit.total))  # not linear in the maps, and used by none of these measures
    fused = Relevance(
        total=mixed(unit.total),
        inside=mixed(unit.inside),
        border=mixed(unit.border),
        on_region=mixed(unit.on_region),
        lowest=unknown,
        highest=unknown,
        pointing=unknown,
        rank=unknown,
        area=unit.area[:, 0, column],
        band=unit.band[:, 0, column],
        region=unit.region[:, 0, column],
        hit=unit.hit[:, 0, column],
        pixels=unit.pixels[:, 0, 0],
    )
    return {name: measure.compute(fused) for name, measure in fused_measures().items()}


def cross_fit(
    cases: MapSums, method: str, mode: str = MAIN_MODE, *, without: Collection[str] = (), seed: int = 0
) -> pd.DataFrame:
    """Measure the fused map of each case, with weights fitted on other groups; arguments as in `fit_weights`.

    Returns
    -------
    DataFrame
        Columns case, group, method, mode, class, area, absent, and the measures of fused maps (`Measure.of_fused`).

    Raises
    ------
    DataError
        When there is only one group.
    """
    tables = []
    for fitted, judged in folds(cases, seed=seed):
        weights = fit_weights(cases.take(fitted), method, mode, without=without)
        part = cases.take(judged)
        unit = part.relevance(part.axes.methods.index(method)).normalized("map")
        for column, name in enumerate(part.axes.classes):
            facts = {
                "case": part.ids,
                "group": part.groups,
                "method": method,
                "mode": mode,
                "class": name,
                "area": part.area[:, column] / part.pixels,
                "absent": part.absent[:, column],
            }
            tables.append(pd.DataFrame(facts | _measure_fused(unit, weights.weights[:, column], column)))
    return pd.concat(tables, ignore_index=True)


def folds(cases: MapSums, *, seed: int = 0) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the positions of the cases to fit on and to judge: each is judged once, and no group is in both."""
    count = len(set(cases.groups))
    if count < 2:
        raise DataError("Weights of layers are fitted on other patients than they are judged on; two are needed.")
    names, index = np.unique(cases.groups, return_inverse=True)
    part = np.random.default_rng(seed).permutation(len(names))[index] % min(FOLDS, count)
    for number in range(min(FOLDS, count)):
        yield np.flatnonzero(part != number).tolist(), np.flatnonzero(part == number).tolist()
