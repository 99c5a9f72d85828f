"""Layer randomisation: how maps change when layers are scrambled, from the output down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from prismseg.base import ConfigError
from prismseg.evaluation import column_intervals
from prismseg.explain.atlas import Atlas
from prismseg.explain.checks.scramble import (
    Cascade,
    copy_network,
    estimate_statistics_,
    find_cascade,
    learned_tensors,
    scramble_,
)
from prismseg.explain.measures.masks import Array
from prismseg.explain.measures.relevance import divide
from prismseg.explain.registries import REGION_MAP, knows_layer
from prismseg.explain.task import CaseBatch
from prismseg.explain.tensors import as_images
from prismseg.explain.trace.running import evaluation_context, unwrap

UNSCRAMBLED = "(trained)"  # stands for the trained network among the scrambled modules of a table
CONTROL = "region (control)"  # stands for the region, taken as a map, among the methods of a table
POINTS = 12  # steps on the way at which maps are compared; enough to draw a curve
GRID = 64  # cells a side on which maps are compared; ranking more takes longer

# Centred ranks (n, cells) of the maps of all cases by method, layer and number of class.
Ranks = dict[tuple[str, str, int], Array]


def randomize_layers(
    atlas: Atlas, batches: Sequence[CaseBatch], *, seed: int = 0, repeats: int = 3, points: int | None = POINTS
) -> pd.DataFrame:
    """Compare maps while layers are randomised in a cascade (Adebayo et al. 2018, sec. 4.1).

    From the output down, in the order of execution, the parameters of module after module are scrambled
    (`prismseg.explain.checks.scramble`): all that the logits depend on, whether they are explained as layers or not.
    Every map is then compared with that of the trained network by the rank correlation of its cells, on a grid of at
    most 64 x 64. A method whose maps stay the same shows the image, not the network.

    The region whose score is explained stays that of the trained network throughout; otherwise maps would change
    because the score does. As a control the region itself is taken as a map: its correlation must stay at 1.

    Parameters
    ----------
    atlas : Atlas
        Its network, layers, methods and region are used; it is not changed.
    batches : sequence of CaseBatch
        Cases to compare on; 8 to 16 are enough.
    seed : int
        Of the first scrambling; further ones take the next numbers.
    repeats : int
        How many times everything is scrambled.
    points : int, optional
        At how many steps maps are compared, the last always among them; None: after every module.

    Returns
    -------
    DataFrame
        Columns step (how many modules are scrambled), scrambled (name of the last one), share (of the network's
        parameters that are scrambled), method (the control is called "region (control)"), class, correlation (mean
        over repeats, cases and layers), spread (standard deviation over repeats), ci_low, ci_high, range_low,
        range_high (over groups, see `prismseg.evaluation.column_intervals`), n (cases), n_undefined (maps of the
        trained network without any order, with which nothing can be compared, such as those of a class without a
        region; not in the mean), n_constant (maps that lost all order when scrambled, whose correlation counts as 0;
        both counts over cases and layers, n_constant over repeats too), repeats. Modules that are not scrambled,
        with the reason, are in ``attrs["not_scrambled"]``.

    Raises
    ------
    ConfigError
        When `repeats` or `points` is below 1.
    ModelError
        When the logits depend on no parameter.
    """
    if repeats < 1 or (points is not None and points < 1):
        raise ConfigError(f"Repeats and points must be at least 1, not {repeats} and {points}.")
    model = unwrap(atlas.model)
    batches = [replace(each, images=as_images(each.images, model)) for each in batches]
    groups = [group for each in batches for group in each.groups]
    first = batches[0].images
    cascade = find_cascade(model, first[:1], lambda net, images: _logits(atlas, net, images))
    regions = [atlas.regions(each.images, each.masks) for each in batches]
    before = _ranked(atlas.with_model(model), batches, regions)
    ranks: dict[tuple[int, str], list[Ranks]] = {(0, UNSCRAMBLED): [before] * repeats}
    for number in range(repeats):
        for place, twin in _scrambled(atlas, model, cascade, batches, seed + number, points):
            ranks.setdefault(place, []).append(_ranked(twin, batches, regions))
    shares = _shares(model, cascade)
    table = pd.DataFrame(
        row | {"step": step, "scrambled": name, "share": shares[step]}
        for (step, name), after in ranks.items()
        for row in _rows(before, after, groups)
    )
    front = ["step", "scrambled", "share"]
    table = table[[*front, *table.columns.difference(front, sort=False)]]
    table.attrs["not_scrambled"] = cascade.left_out
    return table


def _logits(atlas: Atlas, model: nn.Module, images: Tensor) -> Tensor:
    return atlas.network.find_logits(model(images), images)


def _scrambled(
    atlas: Atlas, model: nn.Module, cascade: Cascade, batches: Sequence[CaseBatch], seed: int, points: int | None
) -> Iterator[tuple[tuple[int, str], Atlas]]:
    """Yield (step, module scrambled last) and an atlas of the scrambled network, at each step that is compared."""
    images = [each.images for each in batches]
    generator = torch.Generator().manual_seed(seed)
    count = len(cascade.steps)
    compared = set(np.linspace(1, count, min(points or count, count)).round().astype(int).tolist()) | {count}
    with evaluation_context(model, images[0]):
        twin = copy_network(model)
    done: list[str] = []
    for step, (name, parameters) in enumerate(cascade.steps, start=1):
        with evaluation_context(twin, images[0]):
            scramble_(twin, parameters, generator)
            done.append(name)
            if step in compared:
                estimate_statistics_(twin, done, images, lambda net, some: _logits(atlas, net, some))
        if step in compared:
            yield (step, name), atlas.with_model(twin)


def _shares(model: nn.Module, cascade: Cascade) -> list[float]:
    """Compute the share of the parameters that are scrambled after each step, from step 0 on."""
    sizes = {name: tensor.numel() for name, tensor in learned_tensors(model).items()}
    done = np.cumsum([0, *(sum(sizes[name] for name in names) for _, names in cascade.steps)])
    return [float(share) for share in done / sum(sizes.values())]


def _ranked(atlas: Atlas, batches: Sequence[CaseBatch], regions: Sequence[Tensor]) -> Ranks:
    """Rank the cells of all cases' maps, and of the regions whose scores are explained."""
    parts: list[Ranks] = []
    done = 0
    for each, region in zip(batches, regions, strict=True):
        maps, explained = atlas.maps_and_regions(each.images, each.masks, regions=region, first_case=done)
        classes = dict.fromkeys(cls for _, _, cls in maps)
        control = {(CONTROL, "", cls): explained[:, index] for index, cls in enumerate(classes)}
        kept = {key: values for key, values in maps.items() if _is_compared(*key[:2], first=atlas.layers[0])}
        parts.append({key: centred_ranks(values) for key, values in (kept | control).items()})
        done += len(each.images)
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _is_compared(method: str, layer: str, *, first: str) -> bool:
    """Whether a map is compared: the region as a map is the control, and a map of no layer is compared once."""
    return method != REGION_MAP and (layer == first or knows_layer(method))


def _rows(before: Ranks, after: Sequence[Ranks], groups: Sequence[str]) -> Iterator[dict[str, object]]:
    index = np.unique(groups, return_inverse=True)[1]
    for method, cls in dict.fromkeys((method, cls) for method, _, cls in before):
        keys = [key for key in before if (key[0], key[2]) == (method, cls)]
        ordered = np.stack([before[key].any(1) for key in keys], axis=1)
        values = np.stack(
            [np.stack([correlation(before[key], ranks[key]) for key in keys], axis=1) for ranks in after]
        )
        lost = np.isnan(values) & ordered
        values = np.where(ordered, np.nan_to_num(values), np.nan)
        by_case = _mean(values, (0, 2))
        intervals = column_intervals(np.clip(by_case, -1, 1)[:, None], index, bounds=(-1.0, 1.0))
        yield {
            "method": method,
            "class": cls,
            "correlation": float(_mean(by_case, (0,))),
            "spread": float(np.std(_mean(_mean(values, (2,)), (1,)), ddof=min(1, len(after) - 1))),
            **{name: float(ends[0]) for name, ends in intervals.columns().items()},
            "n": int((~np.isnan(by_case)).sum()),
            "n_undefined": int((~ordered).sum()),
            "n_constant": int(lost.sum()),
            "repeats": len(after),
        }


def _mean(values: Array, axes: tuple[int, ...]) -> Array:
    """Average over axes what is not NaN; NaN where there is nothing."""
    count = (~np.isnan(values)).sum(axes).astype(float)
    return divide(np.nansum(values, axis=axes), count, otherwise=np.nan)


def centred_ranks(maps: Tensor) -> Array:
    """Rank the cells of maps (B, H, W), less the mean rank: (B, cells)."""
    size = (min(maps.shape[1], GRID), min(maps.shape[2], GRID))
    cells = F.adaptive_avg_pool2d(maps[:, None], size).flatten(1).cpu().numpy()
    ranks: Array = stats.rankdata(cells, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    return ranks


def correlation(first: Array, second: Array) -> Array:
    """Compute Spearman's rank correlation (B,) from `centred_ranks`; NaN where one of the two maps is constant.

    Examples
    --------
    >>> correlation(np.array([[-1.0, 0.0, 1.0]]), np.array([[1.0, 0.0, -1.0]]))
    array([-1.])
    """
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    return divide((first * second).sum(1), scale, otherwise=np.nan)
