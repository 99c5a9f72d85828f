"""Example cases, with the map of every layer and class drawn over the image."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.data.sample import IGNORE
from prismseg.explain.fusion import FUSED, LayerWeights, fit_weights, folds
from prismseg.explain.inputs.packing import PLAIN
from prismseg.explain.measures.sums import MapSums
from prismseg.explain.registries import knows_layer
from prismseg.explain.report.pictures import Pixels, background, choose_scale, overlay_map, overlay_masks
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.explain.target.logits import predicted_mask
from prismseg.explain.task import ExplainTask, load_cases

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

MOST_TILES = 600  # of a page, which stays below 15 MB
# Quantiles of the cases, ranked by rho, that are shown.
_RANKS = ((0.9, "much relevance inside"), (0.5, "typical"), (0.1, "little relevance inside"))


class Tile(NamedTuple):
    """A map drawn over its image.

    Attributes
    ----------
    layer : str
    rho : float
        Of this case.
    picture : (h, w, 3) uint8
    top : str
        What the upper end of its colour scale is, see `Scale`.
    agreement : float or None
        Of the fused map: its correlation, pixel by pixel, with the predicted mask of the class; None for layers, and
        where the class is predicted nowhere.
    """

    layer: str
    rho: float
    picture: Pixels
    top: str
    agreement: float | None = None


@dataclass(frozen=True)
class Example:
    """A case with its tiles.

    Attributes
    ----------
    title, note : str
        Name of the case, and why it is shown.
    masks : (h, w, 3) uint8
        The image with true and predicted contours.
    tiles : dict
        ``{class: [Tile, …]}``, the fused map first.
    """

    title: str
    note: str
    masks: Pixels
    tiles: dict[str, list[Tile]]


def choose_examples(judged: pd.DataFrame, tiles: int) -> list[tuple[str, str]]:
    """Choose a few cases by rho, ranked within each foreground class and averaged over the classes.

    Parameters
    ----------
    judged : DataFrame
        One row a case and class, with columns case, class, absent, rho.
    tiles : int
        How many pictures a case takes; where they are many, fewer cases are chosen.

    Returns
    -------
    list of (case, note)
        Cases that have all classes, if there are any, with the reason why each is shown.
    """
    table = judged.assign(rank=judged.groupby("class")["rho"].rank(pct=True))
    classes = list(dict.fromkeys(judged["class"]))
    foreground = table[table["class"].isin(classes[1:] or classes)]
    complete = ~foreground.groupby("case", sort=False)["absent"].any()
    score = foreground[~foreground["absent"]].groupby("case", sort=False)["rank"].mean()
    usable = [case for case in score.index if complete[case]] or list(score.index)
    # Where no case has a foreground class at all, any case shows what there is.
    ordered = score[usable].sort_values().index.tolist() or list(dict.fromkeys(judged["case"]))
    count = max(1, min(len(_RANKS), len(ordered), MOST_TILES // max(1, tiles)))
    chosen: dict[str, str] = {}
    for share, note in [_RANKS[1], _RANKS[0], _RANKS[2]][:count]:
        chosen.setdefault(ordered[round(share * (len(ordered) - 1))], note)
    return list(chosen.items())


def fit_weights_without(
    cases: MapSums, method: str, case: str, *, without: Collection[str], seed: int
) -> LayerWeights:
    """Fit weights of the layers on the folds that `case` is not in."""
    place = cases.ids.index(case)
    fitted = next(fitted for fitted, judged in folds(cases, seed=seed) if place in judged)
    return fit_weights(cases.take(fitted), method, without=without)


def make_example(task: ExplainTask, sums: MapSums, case: str, note: str, *, without: Collection[str]) -> Example:
    """Compute and draw the maps of one case, for the method and region that are shown large.

    Parameters
    ----------
    task : ExplainTask
    sums : MapSums
        Of all cases for that region; fused maps are made with weights of other groups.
    case, note : str
        Name of the case, and why it is shown.
    without : collection of str
        Layers that fused maps leave out.
    """
    network, index, settings = task.network_for(case), task.dataset.ids.index(case), task.settings
    batch = load_cases(network.predictor, task.dataset, [index])
    atlas = task.atlas(network)
    classes = network.predictor.classes
    maps = atlas.maps(batch.images, batch.masks)
    with torch.inference_mode():
        logits = atlas.network.find_logits(atlas.model(batch.images), batch.images)
        pred = predicted_mask(logits)[0].cpu().numpy()
    truth = batch.masks[0].cpu().numpy()
    valid = truth != IGNORE
    depth = atlas.network.depth
    rows = _shown_rows(truth, pred, depth)
    shown = getattr(network.predictor, "packing", PLAIN).shown()
    picture = background(
        task.dataset[index].image[rows][..., shown], ((rows.stop - rows.start), batch.images.shape[-1])
    )
    fused = None
    if len(set(sums.groups)) > 1 and knows_layer(settings.method):
        weights = fit_weights_without(sums, settings.method, case, without=without, seed=settings.seed)
        fused = weights.fuse(maps, range(len(classes)), batch.masks != IGNORE)
    tiles = {}
    for cls, name in enumerate(classes):
        layers = {
            layer: values for (method, layer, of), values in maps.items() if (method, of) == (settings.method, cls)
        }
        if not knows_layer(settings.method):
            layers = {IMAGE_LAYER: next(iter(layers.values()))}
        tiles[name] = [
            _tile(layer, picture, values[0], truth == cls, valid, rows) for layer, values in layers.items()
        ]
        if fused:
            tile = _tile(FUSED, picture, fused[cls][0], truth == cls, valid, rows)
            agreement = correlation_with(fused[cls][0].cpu().numpy()[valid], (pred == cls)[valid])
            tiles[name].insert(0, tile._replace(agreement=agreement))
    title = case if depth == 1 else f"{case}, slice {rows.start // (rows.stop - rows.start) + 1} of {depth}"
    return Example(title, note, overlay_masks(picture, truth[rows], pred[rows]), tiles)


def _shown_rows(truth: NDArray[np.uint8], pred: NDArray[np.integer], depth: int) -> slice:
    """Rows of a volume (D H, W) that are drawn: the slice with most of any foreground class; of an image, all."""
    high = len(truth) // depth
    held = (((truth > 0) & (truth != IGNORE)) | (pred > 0)).reshape(depth, -1).sum(1)
    best = int(held.argmax()) if held.any() else depth // 2
    return slice(best * high, (best + 1) * high)


def _tile(
    layer: str,
    picture: Pixels,
    values: Tensor,
    mask: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    rows: slice,
) -> Tile:
    plane = values.float().cpu().numpy()
    scale = choose_scale(plane, valid)
    drawn = overlay_map(picture, scale.unit(plane)[rows], mask[rows])
    return Tile(layer, share_inside(values, mask, valid), drawn, scale.top)


def correlation_with(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float | None:
    """Compute Pearson's correlation of a map (n,) with a mask (n,); None where one of them is constant."""
    if not values.size or np.ptp(values) == 0 or mask.all() or not mask.any():
        return None
    return float(np.corrcoef(values.ravel().astype(np.float64), mask.ravel().astype(np.float64))[0, 1])


def share_inside(values: Tensor, mask: NDArray[np.bool_], valid: NDArray[np.bool_]) -> float:
    """Compute rho of one map (H, W): the share on `mask` of its relevance on `valid` pixels; 0 for an empty map."""
    relevance = values.cpu().numpy() * valid
    total = float(relevance.sum())
    return float(relevance[mask].sum()) / total if total > 0 else 0.0
