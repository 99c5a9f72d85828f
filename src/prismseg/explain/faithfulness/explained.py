"""Faithfulness of what an explanation shows: the fused map of each method, beside the nulls."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from prismseg.base import progress_bar
from prismseg.data.sample import IGNORE
from prismseg.evaluation import mean_interval
from prismseg.explain.atlas import MapKey
from prismseg.explain.checks.reach import pointwise_layers
from prismseg.explain.faithfulness.measure import FaithfulnessSettings, measure_faithfulness
from prismseg.explain.faithfulness.stability import max_sensitivity
from prismseg.explain.fusion import FUSED, scale_to_unit
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.registries import NULLS, REGION_MAP, knows_layer
from prismseg.explain.report.examples import fit_weights_without
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.explain.task import CaseBatch, ExplainTask, load_cases

NOISE_SAMPLES = 5  # of noise, for each case
MOST_CASES = 12  # whose pixels are hidden; each takes hundreds of forward passes


def explain_faithfulness(
    task: ExplainTask, sums: MapSums, reach: Mapping[str, float], *, show_progress: bool
) -> pd.DataFrame:
    """Measure the faithfulness of fused maps, of maps of the image and of the nulls, for the region shown large.

    At most `MOST_CASES` cases are taken, evenly from all. Weights of the layers are those of other groups; where all
    cases are of one group, and for random maps, layers have equal weights.

    Parameters
    ----------
    task : ExplainTask
        Its settings name the fills.
    sums : MapSums
        Of all cases for that region.
    reach : mapping
        Of the layers (`layer_reach`).

    Returns
    -------
    DataFrame
        Of `measure_faithfulness`; fused maps stand under the layer "(fused)", others under "(image)".
    """
    chosen = _choose_cases(task)
    settings = FaithfulnessSettings(fills=task.settings.faithfulness, seed=task.settings.seed)
    tables = []
    with progress_bar("hiding pixels", len(chosen), visible=show_progress) as advance:
        for done, case in enumerate(chosen, start=1):
            network = task.network_for(case)
            batch = load_cases(network.predictor, task.dataset, [task.dataset.ids.index(case)])
            atlas = task.atlas(network)

            def choose(maps: dict[MapKey, Tensor], batch: CaseBatch, case: str = case) -> dict[MapKey, Tensor]:
                return _fused(task, sums, reach, maps, batch, case)

            tables.append(measure_faithfulness(atlas, [batch], settings, choose=choose))
            advance(done, case)
    return pd.concat(tables, ignore_index=True)


def explain_stability(task: ExplainTask, *, show_progress: bool) -> pd.DataFrame:
    """Measure how far maps move under noise that nobody sees (`max_sensitivity`), on the cases of `explain_faithfulness`.

    Returns
    -------
    DataFrame
        Columns method, class, measure, mean (over cases of each one's mean over layers), ci_low, ci_high, range_low,
        range_high, n, n_groups. Slow methods and random maps are left out.
    """
    tables = []
    chosen = _choose_cases(task)
    with progress_bar("adding noise", len(chosen), visible=show_progress) as advance:
        for done, case in enumerate(chosen, start=1):
            network = task.network_for(case)
            batch = load_cases(network.predictor, task.dataset, [task.dataset.ids.index(case)])
            atlas = task.atlas(network).with_methods([*dict.fromkeys((*task.settings.methods, REGION_MAP))])
            tables.append(
                max_sensitivity(atlas, [batch], samples=NOISE_SAMPLES, seed=task.settings.seed, skip_slow=True)
            )
            advance(done, case)
    keys = ["method", "class", "case", "group"]
    cases = pd.concat(tables).groupby(keys, sort=False)["max_sensitivity"].mean().dropna().reset_index()
    rows = []
    for (method, cls), part in cases.groupby(["method", "class"], sort=False):
        interval = mean_interval(part["max_sensitivity"], part["group"])
        rows.append(
            {
                "method": method,
                "class": cls,
                "measure": "max_sensitivity",
                "mean": part["max_sensitivity"].mean(),
                **interval.columns(),
                "n": len(part),
                "n_groups": part["group"].nunique(),
            }
        )
    return pd.DataFrame(rows)


def _choose_cases(task: ExplainTask) -> list[str]:
    ids = task.ids
    return [ids[place] for place in np.unique(np.linspace(0, len(ids) - 1, MOST_CASES).round().astype(int))]


def _fused(
    task: ExplainTask,
    sums: MapSums,
    reach: Mapping[str, float],
    maps: Mapping[MapKey, Tensor],
    batch: CaseBatch,
    case: str,
) -> dict[MapKey, Tensor]:
    """Fuse the maps of each method over its layers, with weights of other groups than that of `case`."""
    valid = batch.masks != IGNORE
    classes = list(dict.fromkeys(cls for _, _, cls in maps))
    result: dict[MapKey, Tensor] = {}
    for method in task.settings.all_methods:
        layers = sums.axes.layers
        if not knows_layer(method):
            result |= {(method, IMAGE_LAYER, cls): maps[method, layers[0], cls] for cls in classes}
        elif method in NULLS or len(set(sums.groups)) < 2:
            result |= {
                (method, FUSED, cls): torch.stack(
                    [scale_to_unit(maps[method, layer, cls], valid) for layer in layers]
                ).mean(0)
                for cls in classes
            }
        else:
            without = pointwise_layers(reach, method)
            weights = fit_weights_without(sums, method, case, without=without, seed=task.settings.seed)
            fused = weights.fuse(maps, classes, valid)
            result |= {(method, FUSED, cls): values for cls, values in fused.items()}
    return result
