"""The results of an explanation, as tables: its page and files are made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prismseg.evaluation import mean_interval
from prismseg.explain.checks.reach import pointwise_layers
from prismseg.explain.faithfulness.measure import summarize_faithfulness
from prismseg.explain.fusion import FUSED, MAIN_MODE, MODES, cross_fit, fit_weights, fused_measures
from prismseg.explain.measures.relevance import divide
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.report.compare import compare_cases
from prismseg.explain.report.examples import Example
from prismseg.explain.report.headline import headline
from prismseg.explain.report.summary import case_table, excess_over_nulls, summarize_layers
from prismseg.explain.settings import ExplainSettings


@dataclass(frozen=True)
class Explanation:
    """The results of an explanation.

    Attributes
    ----------
    settings : ExplainSettings
    sums : dict
        Sums of all cases, by region.
    cases, summary : DataFrame
        Of `Atlas.cases` and `Atlas.summary`, with a column region; the cases include fused maps.
    fused : DataFrame
        Means of the fused maps with intervals.
    weights : DataFrame
        Weights of the layers, fitted on all cases, for use on other cases.
    randomization : DataFrame or None
        Layer randomisation, see `randomize_layers`.
    faithfulness : DataFrame or None
        Faithfulness of the fused maps case by case, see `explain_faithfulness`.
    stability : DataFrame or None
        How far maps move under noise, see `explain_stability`.
    comparison : DataFrame or None
        Differences to another explanation.
    examples : list of Example
    reach : dict
        How far each layer's evidence reaches, pixels (`layer_reach`).
    headline : DataFrame
        One row a class, see `headline`.
    excess : DataFrame
        How far every measure lies above that of the nulls, see `excess_over_nulls`, with a column region.
    left_out : dict
        Layers met by a pattern that have no maps, with the reason (`Atlas.left_out`).
    """

    settings: ExplainSettings
    sums: dict[str, MapSums]
    cases: pd.DataFrame
    summary: pd.DataFrame
    fused: pd.DataFrame
    weights: pd.DataFrame
    randomization: pd.DataFrame | None
    faithfulness: pd.DataFrame | None
    stability: pd.DataFrame | None
    comparison: pd.DataFrame | None
    examples: list[Example]
    reach: dict[str, float]
    headline: pd.DataFrame
    excess: pd.DataFrame
    left_out: dict[str, str]

    @property
    def without(self) -> list[str]:
        """Layers that the fused maps shown leave out, since their maps lie on the region by construction."""
        return pointwise_layers(self.reach, self.settings.method)

    @property
    def shown_weights(self) -> pd.DataFrame:
        """Weights of the layers for the method and region that are shown large."""
        weights = self.weights
        return weights[(weights["method"] == self.settings.method) & (weights["region"] == self.settings.region)]

    @property
    def faithfulness_summary(self) -> pd.DataFrame | None:
        """Means of the faithfulness, and of what it has above the nulls (`summarize_faithfulness`)."""
        return None if self.faithfulness is None else summarize_faithfulness(self.faithfulness)

    def files(self) -> dict[str, pd.DataFrame | None]:
        """Tables by the names of their CSV files; None for one that is not of this explanation."""
        front = ["region", "case", "group", "method", "layer", "class"]
        rest = [name for name in self.cases if name not in front]
        return {
            "headline": self.headline,
            "measures": self.cases[[*front, *rest]],
            "summary": self.summary,
            "excess": self.excess,
            "fused": None if self.fused.empty else self.fused,
            "weights": self.weights,
            "randomization": self.randomization,
            "faithfulness": self.faithfulness_summary,
            "faithfulness_cases": self.faithfulness,
            "stability": self.stability,
            "comparison": self.comparison,
            "layers": pd.DataFrame({"layer": list(self.reach), "reach": list(self.reach.values())}),
        }


def make_tables(
    settings: ExplainSettings,
    sums: dict[str, MapSums],
    *,
    reach: dict[str, float],
    left_out: dict[str, str],
    other: pd.DataFrame | None,
) -> Explanation:
    """Make the tables of an explanation, without examples and randomization.

    Parameters
    ----------
    settings : ExplainSettings
    sums : dict
        Of all cases, by region.
    reach, left_out : dict
        As in `Explanation`.
    other : DataFrame, optional
        ``measures.csv`` of another explanation to compare with.
    """
    cases, summaries, fused, weights = [], [], [], []
    for region, part in sums.items():
        cases.append(case_table(part).assign(region=region))
        summaries.append(summarize_layers(part).assign(region=region))
        for method in settings.methods:
            for mode in MODES:
                # The published weighting takes all layers.
                without = pointwise_layers(reach, method) if mode == MAIN_MODE else []
                weights.append(fit_weights(part, method, mode, without=without).table().assign(region=region))
                if len(set(part.groups)) > 1:
                    judged = cross_fit(part, method, mode, without=without, seed=settings.seed)
                    fused.append(judged.assign(region=region))
    fused_cases = pd.concat(fused, ignore_index=True) if fused else pd.DataFrame()
    everything = cases
    if fused:
        own = fused_cases[fused_cases["mode"] == MAIN_MODE].drop(columns="mode")
        everything = [*cases, own.assign(layer=FUSED, empty=own["rho"] == 0)]
    table = pd.concat(everything, ignore_index=True)
    summary = pd.concat(summaries, ignore_index=True)
    fused_means = _summarize_fused(fused_cases) if fused else pd.DataFrame()
    method, region = settings.method, settings.region
    return Explanation(
        settings=settings,
        sums=sums,
        cases=table,
        summary=summary,
        fused=fused_means,
        weights=pd.concat(weights, ignore_index=True),
        randomization=None,
        faithfulness=None,
        stability=None,
        comparison=None if other is None else compare_cases(table, other),
        examples=[],
        reach=reach,
        headline=headline(
            fused_means,
            summary,
            mean_areas(sums[region]),
            method=method,
            region=region,
            without=pointwise_layers(reach, method),
        ),
        excess=pd.concat(
            [excess_over_nulls(part).assign(region=region) for region, part in sums.items()], ignore_index=True
        ),
        left_out=left_out,
    )


def mean_areas(cases: MapSums) -> dict[str, float]:
    """Average the share of the image that each class covers over the cases that have it; 0 for one that none has."""
    shares = np.where(cases.absent, np.nan, divide(cases.area, cases.pixels[:, None]))
    return {
        name: 0.0 if np.isnan(share).all() else float(np.nanmean(share))
        for name, share in zip(cases.axes.classes, shares.T, strict=True)
    }


def _summarize_fused(cases: pd.DataFrame) -> pd.DataFrame:
    rows = []
    keys = ["region", "method", "mode", "class"]
    for names, part in cases[~cases["absent"]].groupby(keys, sort=False):
        for measure, definition in fused_measures().items():
            interval = mean_interval(part[measure], part["group"], bounds=definition.bounds)
            rows.append(
                {
                    **dict(zip(keys, names, strict=True)),
                    "measure": measure,
                    "mean": part[measure].mean(),
                    **interval.columns(),
                    "n": len(part),
                    "n_groups": part["group"].nunique(),
                }
            )
    return pd.DataFrame(rows)
