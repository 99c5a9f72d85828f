"""What a fit needs of its images, gathered one at a time: standardisation, and statistics of each part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock

import torch
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import IGNORE
from prismseg.features import ClassStatistics, RegressionStatistics, median_scale
from prismseg.nets import InstantSegmenter
from prismseg.nets.instant.sampling import corners, sample
from prismseg.train.instant.cases import (
    AS_IT_IS,
    Cells,
    Copy,
    PreparedCases,
    all_copies,
    cell_shares,
    read_cells,
    require_finite,
    spread,
)
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.instant.threads import map_on_threads

REFERENCE_CASES = 16  # whose features are standardised; they need no labels
SAMPLED_CELLS = 256  # of each, for the median distance of random Fourier features
MIB = 2**20


class CellCache:
    """Cells of the images and their copies, kept in half precision until `mib` are full; others are computed again.

    Parameters
    ----------
    network : InstantSegmenter
        Standardised.
    cases : PreparedCases
        The images.
    mib : int
        Memory for what is kept, MiB.

    Attributes
    ----------
    kept_bytes : int
        What is kept takes this much.
    """

    def __init__(self, network: InstantSegmenter, cases: PreparedCases, mib: int) -> None:
        self.network, self.cases = network, cases
        self._limit, self.kept_bytes, self._counting = mib * MIB, 0, Lock()
        self._kept: dict[tuple[int, str], dict[str, Tensor]] = {}
        self._read: set[tuple[int, str]] = set()

    def __getitem__(self, case: int) -> Cells:
        """Cells of a case as it is."""
        return self.read(case, Copy(AS_IT_IS, *self.cases[case], 1.0))

    def read(self, case: int, copy: Copy) -> Cells:
        """Cells of a copy of a case."""
        key = (case, copy.name)
        half = self._kept.get(key)
        if half is None:
            cells = read_cells(self.network, copy.image, copy.shares, self.cases.name(case))
            half = {part: values.half() for part, values in cells.parts.items()}
            size = sum(values.nbytes for values in half.values())
            with self._counting:
                if self.kept_bytes + size <= self._limit:
                    self._kept[key] = half
                    self.kept_bytes += size
                again = key in self._read
                self._read.add(key)
            if not again:
                return cells
        # Cells that are computed again are rounded as if they had been kept: for whose there was room is chance where
        # several threads read.
        parts = {part: values.float() for part, values in half.items()}
        return Cells(parts, cell_shares(self.network, copy.shares))

    @torch.inference_mode()
    def labelled(self, case: int, weights: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Predict labelled pixels of an image, at the size of the network's input, see `Judged`."""
        network, mask = self.network, self.cases.truth(case)
        known = (mask != IGNORE).flatten().nonzero().flatten()
        known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(case))[:most]]
        outputs = network.outputs(self[case].parts, weights)
        left, _, top, _ = network.padding(*mask.shape)
        rows, columns = known // mask.shape[1] + top, known % mask.shape[1] + left
        found = corners(outputs.shape[-2:], network.options.grid, rows, columns)
        sampled = sample(outputs.flatten(0, 1), found).T.contiguous()
        return sampled.reshape(*outputs.shape[:2], -1), mask.flatten()[known]


@torch.inference_mode()
def standardize(network: InstantSegmenter, cases: PreparedCases, parts: Sequence[Sequence[int]]) -> None:
    """Set what the network subtracts and divides by, from some images of all parts; labels are not looked at.

    Every feature gets mean 0 and variance 1 over ``channels`` of its part, so that no part counts more because it has
    more channels. A feature that is constant gets weight 0.
    """
    chosen = spread(parts, REFERENCE_CASES)
    images = [cases[case][0] for case in chosen]
    moments = Moments()
    for image in images:
        moments.add(image.flatten(1))
    mean, deviation = moments.result()
    network.input_mean.copy_(mean)
    network.input_deviation.copy_(torch.where(deviation > 0, deviation, 1.0))
    moments, generator, sampled = Moments(), torch.Generator().manual_seed(0), []
    for case, raw in zip(chosen, map_on_threads(partial(_raw, network), images), strict=True):
        require_finite({"all scales": raw[..., None]}, cases.name(case))
        moments.add(raw)
        sampled.append(raw[:, torch.randperm(raw.shape[1], generator=generator)[:SAMPLED_CELLS]])
    mean, deviation = moments.result()
    widths = torch.cat([torch.full((width,), float(width)) for width in network.features.widths.values()])
    constant = deviation <= 1e-6 * mean.abs()
    scale = torch.where(constant, 0.0, 1 / (torch.where(constant, 1.0, deviation) * widths.sqrt()))
    network.mean.copy_(mean)
    network.scale.copy_(scale)
    if network.fourier is not None:
        rows = ((torch.cat(sampled, dim=1).T - network.mean) * network.scale).contiguous()
        network.fourier.set_scale_(network.options.fourier_scale * median_scale(rows, generator=generator))


def _raw(network: InstantSegmenter, image: Tensor) -> Tensor:
    """Features (D, N) of the cells of an image (C, H, W), not standardised."""
    return network.raw(network.pad(image[None]))[0].flatten(1)


class Moments:
    """Mean and standard deviation of rows, added up in float64."""

    def __init__(self) -> None:
        self._count, self._sum, self._squares = 0, torch.zeros(()), torch.zeros(())

    def add(self, rows: Tensor) -> None:
        """Add values (D, N)."""
        wide = rows.double()
        self._count += wide.shape[1]
        self._sum = self._sum + wide.sum(1)
        self._squares = self._squares + wide.square().sum(1)

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (D,)."""
        mean = self._sum / self._count
        return mean.float(), (self._squares / self._count - mean.square()).clamp(min=0).sqrt().float()


@dataclass(frozen=True, eq=False)
class PartStatistics:
    """Sums over the cells of some images as they are, and of their copies in another light.

    Attributes
    ----------
    own : ClassStatistics
        Of the images and their mirrored and scaled copies, which together count for one image each.
    light : ClassStatistics or None
        Of the copies in another light, which together count for one image each too; None where there are none.
    added : bool
        Whether the first K features are the outputs of another fit, to which this one is added.
    """

    own: ClassStatistics
    light: ClassStatistics | None
    added: bool = False

    def mixed(self, light: float) -> ClassStatistics:
        """Give sums in which copies count `light` times as much as the images, and both together for one image each."""
        if not light or self.light is None:
            return self.own
        return self.own.mixed(self.light, light / (1 + light))

    def regression(self, sums: ClassStatistics, weights: Tensor) -> RegressionStatistics:
        """Statistics of the regression with weights (K,) of the classes, for the sums of `mixed`."""
        found = sums.regression(weights)
        return found.residual() if self.added else found

    def __add__(self, other: PartStatistics) -> PartStatistics:
        light = None if self.light is None or other.light is None else self.light + other.light
        return PartStatistics(self.own + other.own, light, self.added)

    def __sub__(self, other: PartStatistics) -> PartStatistics:
        light = None if self.light is None or other.light is None else self.light - other.light
        return PartStatistics(self.own - other.own, light, self.added)


def gather_statistics(
    cache: CellCache,
    part: Sequence[int],
    settings: InstantSettings,
    done: Callable[[int], None] = lambda case: None,
) -> PartStatistics:
    """Sum over the cells of the cases of a part and of their copies.

    Parameters
    ----------
    cache : CellCache
        Where the cells of the unchanged images come from, and are kept.
    part : sequence of int
        Cases.
    settings : InstantSettings
        Which copies there are.
    done : callable
        Called with each case that has been added.
    """
    network, cases = cache.network, cache.cases
    sizes = len(network.weights), len(cases.classes)
    own, light = ClassStatistics(*sizes), ClassStatistics(*sizes) if any(settings.lights) else None
    for case in part:
        for copy in all_copies(*cases[case], case, settings):
            cells = cache.read(case, copy)
            statistics = light if copy.in_light else own
            assert statistics is not None
            add_cells(statistics, cells.shares, partial(network.rows, cells.parts), copy, settings.cells)
        done(case)
    return PartStatistics(own, light)


@torch.inference_mode()
def add_cells(
    statistics: ClassStatistics, shares: Tensor, rows: Callable[[Tensor], Tensor], copy: Copy, most: int
) -> None:
    """Add the cells of a copy of an image, each by its share of each class; all copies together count for one image.

    Parameters
    ----------
    statistics : ClassStatistics
        Gets them.
    shares : (K, h, w) Tensor
        Share of the area of each cell that is labelled as each class.
    rows : callable
        Gives the inputs (N, E) of some cells (N,) of the flattened grid.
    copy : Copy
        Which one.
    most : int
        Of a class with more cells so many are drawn, weighted so that the class keeps its area.
    """
    places, labels, weights = [], [], []
    for label, share in enumerate(shares.flatten(1)):
        found = share.nonzero().flatten()
        weight = copy.weight
        if len(found) > most:
            drawn = found[torch.randperm(len(found), generator=torch.Generator().manual_seed(copy.seed))[:most]]
            weight *= float(share[found].sum() / share[drawn].sum())
            found = drawn
        places.append(found)
        labels.append(torch.full((len(found),), label))
        weights.append(share[found] * weight)
    found = torch.cat(places)
    if len(found):
        statistics.update(rows(found), torch.cat(labels), weights=torch.cat(weights), blocks=torch.float32)


def require_labels(statistics: ClassStatistics, classes: Sequence[str]) -> list[str]:
    """Refuse statistics without two classes; return what has to be said about classes without a pixel.

    Raises
    ------
    DataError
        When no pixel, or those of one class alone, are labelled.
    """
    found = [name for name, count in zip(classes, statistics.counts.tolist(), strict=True) if count > 0]
    if len(found) < 2:
        what = f"All labelled pixels are of the class {found[0]!r}" if found else "No pixel is labelled"
        raise DataError(f"{what}, so there is nothing to tell apart; label pixels of two classes at least.")
    missing = [name for name in classes if name not in found]
    return [f"No pixel is labelled as {', '.join(missing)}, so it is never found."] if missing else []
