"""Faithfulness of the maps of an atlas: measured case by case, beside the nulls, and summed up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.evaluation import column_intervals
from prismseg.explain.atlas import Atlas, MapKey
from prismseg.explain.batch import BatchMaps
from prismseg.explain.faithfulness.curves import SHARES, HidingCurves, PixelHiding
from prismseg.explain.faithfulness.infidelity import SQUARES, hide_squares, unexplained_share
from prismseg.explain.inputs.volumes import PLANAR_FILLS, check_volume
from prismseg.explain.measures.masks import Array
from prismseg.explain.registries import FILLS, METHODS, NULLS, REGION_MAP, knows_layer
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.explain.task import LARGEST_BATCH, CaseBatch
from prismseg.explain.trace.running import evaluation_context

# Measures of faithfulness: what they are called, and whether a high value is good.
FAITHFULNESS = {
    "deletion": ("deletion", False),
    "insertion": ("insertion", True),
    "gap": ("insertion less deletion", True),
    "infidelity": ("infidelity", False),
}
SCORES = ("probability", "logit")

# Takes the maps {(method, layer, class): (B, H, W)} of a batch and returns those that are to be measured.
ChooseMaps = Callable[[dict[MapKey, Tensor], CaseBatch], Mapping[MapKey, Tensor]]


@dataclass(frozen=True)
class FaithfulnessSettings:
    """How faithfulness is measured.

    Attributes
    ----------
    fills : tuple of str
        Of `prismseg.explain.FILLS`: what comes in the place of hidden pixels. With "inpaint" the gap is ROAD.
    shares : tuple of float
        Shares of the pixels that are hidden, besides 0 and 1.
    score : {"probability", "logit"}
        What is averaged over the region and watched.
    squares : int
        Random squares that are hidden for the infidelity.
    seed : int
        Of the order of equal pixels, noise and squares.

    Raises
    ------
    ConfigError
        For a fill or score that does not exist.
    """

    fills: tuple[str, ...] = ("mean", "blur", "inpaint")
    shares: tuple[float, ...] = SHARES
    score: str = "probability"
    squares: int = SQUARES
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.fills:
            raise ConfigError(f"Name at least one fill of hidden pixels, of {', '.join(FILLS)}.")
        for fill in self.fills:
            FILLS.require(fill)
        if self.score not in SCORES:
            raise ConfigError(f"The score is one of {', '.join(SCORES)}, not {self.score!r}.")
        if self.squares < 2:
            raise ConfigError(f"Infidelity needs at least 2 squares, not {self.squares}.")


def measure_faithfulness(
    atlas: Atlas,
    batches: Sequence[CaseBatch],
    settings: FaithfulnessSettings | None = None,
    *,
    choose: ChooseMaps | None = None,
    advance: Callable[[int], None] = lambda done: None,
) -> pd.DataFrame:
    """Measure whether the network uses what its maps light, case by case.

    The region whose score is watched is the one that is explained on the whole image; it stays where it is while pixels
    are hidden.

    Parameters
    ----------
    atlas : Atlas
        Its network, layers, methods and region; it is not changed. With the methods "random" and "region" the nulls
        stand beside the others.
    batches : sequence of CaseBatch
    settings : FaithfulnessSettings, optional
    choose : callable, optional
        Picks or fuses maps, see `ChooseMaps`; by default every layer's map is measured. Each costs 2 forward passes a
        share and fill.
    advance : callable, optional
        Told how many cases are done.

    Returns
    -------
    DataFrame
        Columns case, group, method, layer, class, fill, deletion, insertion, gap, infidelity (`hiding_curves`,
        `unexplained_share`); NaN for a class without a region, whose score is nothing to watch.
    """
    settings = settings or FaithfulnessSettings()
    if atlas.network.depth > 1:
        check_volume("fill", settings.fills, PLANAR_FILLS)
    rows: list[pd.DataFrame] = []
    done = 0
    for batch in batches:
        rows += _measure_batch(atlas, batch, settings, choose, done)
        done += len(batch.images)
        advance(done)
    return pd.concat(rows, ignore_index=True)


def _measure_batch(
    atlas: Atlas, batch: CaseBatch, settings: FaithfulnessSettings, choose: ChooseMaps | None, first: int
) -> Iterator[pd.DataFrame]:
    ids = [str(name) for name in batch.ids] or [str(first + number) for number in range(len(batch.images))]
    made, regions = atlas.maps_and_regions(batch.images, batch.masks, first_case=first)
    maps = _once(made, atlas.layers) if choose is None else choose(made, batch)
    scorer = BatchMaps(atlas.network, atlas.settings, batch.images, batch.masks, ids=ids, regions=regions)
    scorer.settle()
    images = batch.images.to(scorer.images)
    absent = (regions.sum((2, 3)) == 0).cpu().numpy()
    at_once = max(1, min(LARGEST_BATCH, scorer.chunk) // len(images))

    def scores(seen: Tensor) -> Tensor:
        padded = atlas.network.pad(seen).images
        return scorer.confidence(padded) if settings.score == "probability" else scorer.scores(padded)

    with evaluation_context(atlas.network.model, images):
        for fill in settings.fills:
            squares = hide_squares(
                images, scores, fill, settings.squares, settings.seed, depth=atlas.network.depth,
                at_once=at_once,
            )  # fmt: skip
            hiding = PixelHiding(
                images, scores, fill=fill, shares=settings.shares, seed=settings.seed, at_once=at_once
            )
            shared: dict[tuple[str, str], tuple[Array, Array]] = {}  # of maps that are the same for all classes
            for (method, layer, cls), values in maps.items():
                index = scorer.classes.index(cls)
                columns = {name: np.full(len(ids), np.nan) for name in FAITHFULNESS}
                if not absent[:, index].all():
                    most, least = shared.get((method, layer)) or hiding.scores(values)
                    if method in METHODS and not METHODS[method].knows_class:
                        shared[method, layer] = most, least
                    curves = HidingCurves(hiding.shares, most[..., index], least[..., index])
                    columns = {
                        "deletion": curves.deletion,
                        "insertion": curves.insertion,
                        "gap": curves.gap,
                        "infidelity": unexplained_share(values, squares, index),
                    }
                yield pd.DataFrame(
                    {
                        "case": ids,
                        "group": list(batch.groups),
                        "method": method,
                        "layer": layer,
                        "class": atlas.settings.class_label(cls),
                        "fill": fill,
                        **{name: np.where(absent[:, index], np.nan, value) for name, value in columns.items()},
                    }
                )


def _once(maps: Mapping[MapKey, Tensor], layers: Sequence[str]) -> dict[MapKey, Tensor]:
    """Leave one map in place of those of all layers where a method's maps are of no layer."""
    chosen = {}
    for (method, layer, cls), values in maps.items():
        if knows_layer(method):
            chosen[method, layer, cls] = values
        elif layer == layers[0]:
            chosen[method, IMAGE_LAYER, cls] = values
    return chosen


def summarize_faithfulness(cases: pd.DataFrame) -> pd.DataFrame:
    """Average faithfulness over cases, with what each method is better by than the nulls on the same case.

    Parameters
    ----------
    cases : DataFrame
        Of `measure_faithfulness`.

    Returns
    -------
    DataFrame
        Columns method, layer, class, fill, measure, null, mean, ci_low, ci_high, range_low, range_high, n, n_groups.
        With an empty null the mean is that of the measure; else it is that of the difference to the null ("random": of
        the same layer; "region"), positive where the method is the more faithful.
    """
    keys = ["case", "class", "fill"]
    measures = list(FAITHFULNESS)
    region = cases[cases["method"] == REGION_MAP].set_index(keys)[measures]
    random = cases[cases["method"] == NULLS[0]].set_index([*keys, "layer"])[measures]
    if random.index.get_level_values("layer").nunique() == 1:
        random = random.droplevel("layer")  # of fused maps; there is one random map for all
    rows = []
    for names, part in cases.groupby(["method", "layer", "class", "fill"], sort=False):
        facts = dict(zip(("method", "layer", "class", "fill"), names, strict=True))
        index = np.unique(part["group"], return_inverse=True)[1]
        values = part[measures].to_numpy(float)
        rows.append(_row(values, index, measures) | facts | {"null": ""})
        if facts["method"] in NULLS:
            continue
        better = np.array([1.0 if FAITHFULNESS[name][1] else -1.0 for name in measures])
        for null, table in ((NULLS[0], random), (REGION_MAP, region)):
            wanted = [*keys, "layer"] if table.index.nlevels > len(keys) else keys
            theirs = table.reindex(pd.MultiIndex.from_frame(part[wanted])).to_numpy(float)
            if np.isfinite(theirs).any():
                rows.append(_row(better * (values - theirs), index, measures) | facts | {"null": null})
    table = pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)
    front = ["method", "layer", "class", "fill", "measure", "null", "mean"]
    return table[[*front, *table.columns.difference(front, sort=False)]]


def _row(values: Array, index: NDArray[np.intp], measures: Sequence[str]) -> dict[str, object]:
    intervals = column_intervals(values, index)
    return {
        "measure": list(measures),
        "mean": intervals.means,
        **intervals.columns(),
        "n": (~np.isnan(values)).sum(0),
        "n_groups": intervals.n_groups,
    }
