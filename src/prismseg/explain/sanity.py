"""Do maps depend on what the network has learnt? Layers are scrambled from the output down and maps compared."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from prismseg.evaluation import column_intervals
from prismseg.explain.atlas import Atlas
from prismseg.explain.batch import MapKey
from prismseg.explain.layers import split_call
from prismseg.explain.masks import Array
from prismseg.explain.measures import divide
from prismseg.explain.trace import unwrap

NOTHING = "(trained)"
GRID = 64


@dataclass(frozen=True)
class Batch:
    """Cases on which maps are compared: images (B, C, H, W), masks (B, H, W) and a group for each case."""

    images: Tensor
    masks: Tensor
    groups: Sequence[str]


def randomize_layers(atlas: Atlas, batches: Sequence[Batch], *, seed: int = 0) -> pd.DataFrame:
    """Cascading layer randomisation (Adebayo et al. 2018, sec. 4.1) for segmentation.

    From the output down, layer after layer has its weights put in random order (which keeps their distribution, so
    that activations keep their size); after each, every map is compared with that of the trained network by the
    rank correlation of its cells, on a grid of at most 64 x 64. A method whose maps stay alike shows the image, not
    the network.

    Parameters
    ----------
    atlas : Atlas
        Its network, layers, methods and region are used; it is not changed.
    batches : sequence of Batch
        Cases to compare on; 8 to 16 are enough.
    seed : int
        Of the scrambling.

    Returns
    -------
    DataFrame
        Columns step (how many layers are scrambled), scrambled (name of the last one), method, class, correlation
        (mean over layers and cases), ci_low, ci_high, range_low, range_high (see `prismseg.evaluation.column_intervals`),
        n_constant (maps without any order, whose
        correlation counts as 0).
    """
    model = copy.deepcopy(unwrap(atlas.model))
    twin = atlas.of(model)
    groups = [group for batch in batches for group in batch.groups]
    before = _ranked(twin, batches)
    rows = [*_rows(0, NOTHING, before, before, groups)]
    generator = torch.Generator().manual_seed(seed)
    for step, name in enumerate(_from_output(model, twin.layers), start=1):
        scramble_(model.get_submodule(name), generator)
        rows += _rows(step, name, before, _ranked(twin, batches), groups)
    return pd.DataFrame(rows)


def scramble_(module: nn.Module, generator: torch.Generator) -> None:
    """Put the entries of each parameter of `module` in random order."""
    with torch.no_grad():
        for parameter in module.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))


def _from_output(model: nn.Module, layers: Sequence[str]) -> list[str]:
    """Modules behind `layers` that have weights, the last in the network's definition first."""
    names = dict.fromkeys(split_call(layer)[0] for layer in layers)
    return [name for name in reversed(names) if any(True for _ in model.get_submodule(name).parameters())]


def _ranked(atlas: Atlas, batches: Sequence[Batch]) -> dict[MapKey, Array]:
    """Centred ranks (n, cells) of all cases' maps."""
    parts = [
        {key: centred_ranks(maps) for key, maps in atlas.maps(batch.images, batch.masks).items()}
        for batch in batches
    ]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _rows(
    step: int,
    scrambled: str,
    before: dict[MapKey, Array],
    after: dict[MapKey, Array],
    groups: Sequence[str],
) -> Iterator[dict[str, object]]:
    index = np.unique(groups, return_inverse=True)[1]
    for method, cls in dict.fromkeys((method, cls) for method, _, cls in before):
        keys = [key for key in before if (key[0], key[2]) == (method, cls)]
        values = np.stack([correlation(before[key], after[key]) for key in keys], axis=1)
        means = np.nan_to_num(values).mean(1, keepdims=True)
        found = column_intervals(means, index, bounds=(-1.0, 1.0))
        yield {
            "step": step,
            "scrambled": scrambled,
            "method": method,
            "class": cls,
            "correlation": float(means.mean()),
            **{name: float(ends[0]) for name, ends in found.columns().items()},
            "n_constant": int(np.isnan(values).sum()),
        }


def centred_ranks(maps: Tensor) -> Array:
    """Ranks (B, cells) of the cells of maps (B, H, W), less their mean."""
    size = (min(maps.shape[1], GRID), min(maps.shape[2], GRID))
    cells = F.adaptive_avg_pool2d(maps[:, None], size).flatten(1).cpu().numpy()
    ranks: Array = stats.rankdata(cells, axis=1)
    ranks -= ranks.mean(1, keepdims=True)
    return ranks


def correlation(first: Array, second: Array) -> Array:
    """Spearman's rank correlation (B,) from `centred_ranks`; NaN where one of the two maps is constant."""
    scale = np.sqrt((first**2).sum(1) * (second**2).sum(1))
    return divide((first * second).sum(1), scale, otherwise=np.nan)
