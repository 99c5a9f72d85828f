"""What each band of learned frequencies is worth: Dice and relevance without it, beside as many random filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, progress_bar
from prismseg.data import IGNORE, SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork, mean_interval
from prismseg.explain.atlas import Atlas
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.task import ExplainTask, load_cases
from prismseg.features import CRFFg2d
from prismseg.inference.disagreement import pair_dice
from prismseg.inference.predictor import require_one_label
from prismseg.study.kinds.weights.layers import to_array

COLUMNS = (
    "case", "group", "layer", "band", "low", "high", "dice", "drop", "random_drop", "rho", "rho_drop", "random_rho_drop",
)  # fmt: skip


def split_bands(layer: CRFFg2d, bands: int) -> list[NDArray[np.intp]]:
    """Cut the indices of a layer's filters into bands of as many each, the shortest frequencies first.

    Raises
    ------
    ConfigError
        When there are fewer filters than bands.
    """
    if not 2 <= bands <= len(layer.weight):
        most = len(layer.weight)
        possible = "no bands" if most < 2 else "2 bands" if most == 2 else f"2 to {most} bands"
        raise ConfigError(
            f"The {most} filters of a layer make {possible}, not {bands} (--bands; 0 leaves none out)."
        )
    norms = np.linalg.norm(to_array(layer.weight).reshape(len(layer.weight), -1), axis=1)
    return np.array_split(np.argsort(norms, kind="stable"), bands)


@contextmanager
def without_filters(layer: CRFFg2d, filters: NDArray[np.intp]) -> Iterator[None]:
    """Replace the features of some filters by their mean over the image, so that they say nothing about places."""
    paired = layer.settings.mapping == "paired"
    chosen = torch.from_numpy(np.concatenate([filters, filters + len(layer.weight)]) if paired else filters)

    def flatten(_: nn.Module, __: Any, features: Tensor) -> Tensor:
        changed = features.clone()
        places = chosen.to(features.device)
        changed[:, places] = features[:, places].mean((2, 3), keepdim=True).expand_as(features[:, places])
        return changed

    handle = layer.register_forward_hook(flatten)
    try:
        yield
    finally:
        handle.remove()


def ablate_bands(
    network: EvaluatedNetwork,
    dataset: SegmentationDataset,
    *,
    bands: int = 4,
    seed: int = 0,
    show_progress: bool = False,
) -> pd.DataFrame:
    """Measure Dice and relevance without each band of each CRFFg layer.

    Relevance is that of Layer-CAM, of the class's score over its true mask; rho is the share of it that lies on the
    class, the mean over the layers of the decoder and the foreground classes.

    Parameters
    ----------
    network : EvaluatedNetwork
        A network with CRFFg layers, and the cases to measure.
    dataset : SegmentationDataset
        What they are cases of, its classes in the network's order.
    bands : int
        Bands a layer, of as many filters each.
    seed : int
        Of the filters that are drawn at random.

    Returns
    -------
    DataFrame
        Columns case, group, layer, band (1 has the shortest frequencies), low, high (norms of sigma omega in it), dice
        (mean of the foreground classes without the band), drop (of Dice) and random_drop (without as many filters
        drawn from all of the layer), and rho, rho_drop and random_rho_drop likewise; NaN of a case without a class.

    Raises
    ------
    ConfigError
        When a layer has too few filters.
    DataError
        When there is no case, or one has no mask.
    """
    require_one_label(network.predictor, "Dice without a band (--bands 0)")
    layers = {name: layer for name, layer in network.predictor.model.named_modules() if isinstance(layer, CRFFg2d)}
    parts = {name: split_bands(layer, bands) for name, layer in layers.items()}
    if not network.cases:
        raise DataError("There is no case on which bands could be left out.")
    samples = [dataset[index] for index in network.cases]
    missing = next((sample for sample in samples if sample.mask is None), None)
    if missing is not None:
        raise DataError(f"{missing.image_path} has no mask, so nothing can be measured on it.")
    whole, relevant = _dice(network, dataset, network.cases), _rho(network, dataset)
    rng, tables, done = np.random.default_rng(seed), [], 0
    with progress_bar("leaving bands out", bands * len(layers), visible=show_progress) as advance:
        for name, layer in layers.items():
            norms = np.linalg.norm(to_array(layer.frequencies()).reshape(len(layer.weight), -1), axis=1)
            for number, filters in enumerate(parts[name], start=1):
                with without_filters(layer, filters):
                    dice, rho = _dice(network, dataset, network.cases), _rho(network, dataset)
                drawn = rng.choice(len(layer.weight), len(filters), replace=False)
                with without_filters(layer, drawn):
                    control, rho_control = _dice(network, dataset, network.cases), _rho(network, dataset)
                inside = norms[filters] * float(layer.scale.detach())
                tables.append(
                    pd.DataFrame(
                        {
                            "case": [sample.id for sample in samples],
                            "group": [sample.group for sample in samples],
                            "layer": name,
                            "band": number,
                            "low": inside.min(),
                            "high": inside.max(),
                            "dice": dice,
                            "drop": whole - dice,
                            "random_drop": whole - control,
                            "rho": rho,
                            "rho_drop": relevant - rho,
                            "random_rho_drop": relevant - rho_control,
                        }
                    )
                )
                done += 1
                advance(done, name)
    return pd.concat(tables, ignore_index=True)


def summarize_bands(table: pd.DataFrame) -> pd.DataFrame:
    """Means over cases by layer and band, with the interval of `drop` over groups (or their range)."""
    rows = []
    for (layer, band), part in table.groupby(["layer", "band"], sort=False):
        interval = mean_interval(part["drop"].to_numpy(float), part["group"], bounds=(-1.0, 1.0))
        means = {name: float(part[name].mean()) for name in COLUMNS[4:]}
        rows.append({"layer": layer, "band": band, **means, "n_groups": interval.n_groups, **interval.columns()})
    return pd.DataFrame(rows)


def _rho(network: EvaluatedNetwork, dataset: SegmentationDataset) -> NDArray[np.float64]:
    """Share of the relevance of each case that lies on the foreground classes; NaN of a case without any."""
    predictor = network.predictor
    classes = range(1, len(predictor.classes))
    # A decoder's layers lie behind all layers on the skips; a network without one is looked at as a whole.
    has_decoder = any(name.startswith("decoder.") for name, _ in predictor.model.named_modules())
    atlas = Atlas(predictor.model, "decoder.*" if has_decoder else "all", ["layercam"], "truth", classes=classes)
    task = ExplainTask([network], dataset, ExplainSettings())
    for cases in task.batches(network):
        batch = load_cases(predictor, dataset, cases)
        atlas.update(batch.images, batch.masks, groups=batch.groups, ids=batch.ids)
    table = atlas.cases()
    means = table[~table["absent"]].groupby("case")["rho"].mean()
    return means.reindex([dataset.ids[index] for index in network.cases]).to_numpy(float)


def _dice(network: EvaluatedNetwork, dataset: SegmentationDataset, cases: Sequence[int]) -> NDArray[np.float64]:
    """Mean Dice of the foreground classes of each case."""
    values = []
    predictions = network.predictor.predict(dataset[index].image for index in cases)
    for index, prediction in zip(cases, predictions, strict=True):
        truth = dataset[index].mask
        assert truth is not None  # checked by the caller
        valid = truth != IGNORE
        values.append(
            np.mean(
                [
                    pair_dice((prediction.mask == label) & valid, (truth == label) & valid)
                    for label in range(1, len(dataset.classes))
                ]
            )
        )
    return np.array(values, float)
