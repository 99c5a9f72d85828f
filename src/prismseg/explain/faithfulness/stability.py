"""Whether maps stay as they are: under little noise on the image, other seeds, and other trainings of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd
import torch

from prismseg.base import ConfigError, DataError
from prismseg.explain.atlas import Atlas
from prismseg.explain.checks.sanity import centred_ranks, correlation
from prismseg.explain.registries import is_slow, knows_layer
from prismseg.explain.report.summary import IMAGE_LAYER
from prismseg.explain.task import CaseBatch

RADIUS = (
    0.02  # of the noise, as a share of the image's standard deviation (Yeh et al. 2019, sec. 6: .02 of the range)
)
SAMPLES = 10


def max_sensitivity(
    atlas: Atlas,
    batches: Sequence[CaseBatch],
    *,
    radius: float = RADIUS,
    samples: int = SAMPLES,
    seed: int = 0,
    skip_slow: bool = False,
) -> pd.DataFrame:
    r"""Measure how far maps move under noise on the image that nobody sees (max-sensitivity, Yeh et al. 2019, def. 3).

    $$\max_\delta \lVert S(x + \delta) - S(x) \rVert \big/ \lVert S(x) \rVert, \quad
    \lvert \delta_i \rvert \le r\,\sigma(x)$$

    over random $\delta$. The region whose score is explained stays that of the image without noise.

    Parameters
    ----------
    atlas : Atlas
        Its network, layers, methods and region; it is not changed.
    batches : sequence of CaseBatch
    radius : float
        $r$, as a share of the standard deviation of each image.
    samples : int
        How many $\delta$.
    skip_slow : bool
        Leave out methods that run the network dozens of times a case.

    Returns
    -------
    DataFrame
        Columns case, group, method, layer, class, max_sensitivity; NaN for a map that is zero everywhere.

    Raises
    ------
    ConfigError
        For a radius or number of samples that is not above 0.
    """
    if not radius > 0 or samples < 1:
        raise ConfigError(f"Noise needs a radius above 0 and at least 1 sample, not {radius} and {samples}.")
    if skip_slow:
        atlas = atlas.with_methods([name for name in atlas.settings.methods if not is_slow(name)])
    rows, done = [], 0
    for batch in batches:
        before, regions = atlas.maps_and_regions(batch.images, batch.masks, first_case=done)
        worst: dict[tuple[str, str, int], torch.Tensor] = {}
        generator = torch.Generator().manual_seed(seed)
        size = radius * batch.images.flatten(1).std(1)[:, None, None, None]
        for _ in range(samples):
            noise = (2 * torch.rand(batch.images.shape, generator=generator) - 1).to(batch.images)
            after, _ = atlas.maps_and_regions(
                batch.images + size * noise, batch.masks, regions=regions, first_case=done
            )
            for key, values in after.items():
                start = before[key]
                moved = (values - start).flatten(1).norm(dim=1) / start.flatten(1).norm(dim=1)
                worst[key] = torch.maximum(worst.get(key, moved), moved)
        ids = [str(name) for name in batch.ids] or [str(done + number) for number in range(len(batch.images))]
        for (method, layer, cls), values in worst.items():
            if not (knows_layer(method) or layer == atlas.layers[0]):
                continue
            rows.append(
                pd.DataFrame(
                    {
                        "case": ids,
                        "group": list(batch.groups),
                        "method": method,
                        "layer": layer if knows_layer(method) else IMAGE_LAYER,
                        "class": atlas.settings.class_label(cls),
                        "max_sensitivity": torch.where(torch.isfinite(values), values, torch.nan).cpu().numpy(),
                    }
                )
            )
        done += len(batch.images)
    return pd.concat(rows, ignore_index=True)


def repeatability(atlases: Mapping[str, Atlas], batch: CaseBatch) -> pd.DataFrame:
    """Measure how alike the maps of several atlases are: one network with other seeds, or other trainings of it.

    Maps are compared by the rank correlation of their cells, on a grid of at most 64 x 64; all explain the region of the
    first atlas, lest maps differ because the score does.

    Parameters
    ----------
    atlases : mapping
        Two or more, by name, with the same methods and classes; layers are compared where two have one of that name.
    batch : CaseBatch

    Returns
    -------
    DataFrame
        Columns first, second, case, method, layer, class, correlation: 1 means the same order of cells; NaN where one of
        the maps is constant.

    Raises
    ------
    DataError
        When there are fewer than two, or they share no layer and method.
    """
    if len(atlases) < 2:
        raise DataError("Repeatability needs two or more atlases.")
    names = list(atlases)
    regions = atlases[names[0]].regions(batch.images, batch.masks)
    ranks = {}
    for name, atlas in atlases.items():
        maps = atlas.maps(batch.images, batch.masks, regions=regions)
        ranks[name] = {
            (method, layer if knows_layer(method) else IMAGE_LAYER, cls): centred_ranks(values)
            for (method, layer, cls), values in maps.items()
            if knows_layer(method) or layer == atlas.layers[0]
        }
    ids = [str(name) for name in batch.ids] or [str(number) for number in range(len(batch.images))]
    label = atlases[names[0]].settings.class_label
    rows = [
        pd.DataFrame(
            {
                "first": first,
                "second": second,
                "case": ids,
                "method": method,
                "layer": layer,
                "class": label(cls),
                "correlation": correlation(values, ranks[second][method, layer, cls]),
            }
        )
        for first, second in combinations(names, 2)
        for (method, layer, cls), values in ranks[first].items()
        if (method, layer, cls) in ranks[second]
    ]
    if not rows:
        raise DataError("The atlases share no method and layer, so their maps cannot be compared.")
    return pd.concat(rows, ignore_index=True)


def summarize_repeatability(table: pd.DataFrame) -> pd.DataFrame:
    """Average `repeatability` over pairs, cases and layers.

    Returns
    -------
    DataFrame
        Columns method, class, correlation, lowest (mean of the least alike pair), pairs, n (values), n_undefined.
    """
    rows = []
    for (method, cls), part in table.groupby(["method", "class"], sort=False):
        by_pair = part.groupby(["first", "second"])["correlation"].mean()
        rows.append(
            {
                "method": method,
                "class": cls,
                "correlation": float(part["correlation"].mean()),
                "lowest": float(by_pair.min()),
                "pairs": len(by_pair),
                "n": int(part["correlation"].notna().sum()),
                "n_undefined": int(part["correlation"].isna().sum()),
            }
        )
    return pd.DataFrame(rows)
