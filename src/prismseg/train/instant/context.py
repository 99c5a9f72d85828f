"""The second fit of an instant segmenter: from what the first one finds around each pixel of groups it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.data import IGNORE
from prismseg.features import ClassStatistics, median_scale
from prismseg.nets.instant.context import ContextStage
from prismseg.train.instant.cases import AS_IT_IS, Copy, all_copies, cell_shares, spread
from prismseg.train.instant.dice import image_dice
from prismseg.train.instant.gather import (
    REFERENCE_CASES,
    SAMPLED_CELLS,
    CellCache,
    Moments,
    PartStatistics,
    add_cells,
)
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.instant.stage import StageFit, fit_stage
from prismseg.train.instant.threads import map_on_threads

# Penalties that are tried, to one that adds nothing; sums of float32 rows are not positive definite with smaller ones.
PENALTIES = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0)
# Of the kernel, in units of the median distance between cells: 20 hearts and 20 ultrasound frames, one fold each, had a
# Dice of .719 and .460 at 1, and .729 and .460 at this.
LENGTH = 1.4
CELLS = 768  # of each class of an image that are learnt from at the most
JUDGED_CELLS = 4096  # of an image, drawn at random, by which fits are judged


def fit_context(
    cache: CellCache,
    parts: Sequence[Sequence[int]],
    first: StageFit,
    judged: Sequence[int],
    settings: InstantSettings,
    done: Callable[[int], None] = lambda case: None,
) -> StageFit:
    """Fit what is added to the outputs of the first fit.

    Every image is described by the first fit without its part, as an image is that nobody has labelled: a fit describes
    the images it has learnt from too well. Copies in another light have the weight that the first fit gives them.

    Parameters
    ----------
    cache : CellCache
        Cells of the images; its network gets the standardisation of the second fit.
    parts : sequence of sequences of int
        Cases of each part, at least two.
    first : StageFit
        The first fit.
    judged : sequence of int
        Cases that are predicted.
    settings : InstantSettings
        Those of the first fit.
    done : callable
        Called with each case that has been added or predicted.
    """
    light = first.candidate.light
    chosen = settings.model_copy(update={"lights": (light,), "penalties": PENALTIES})
    cells = ContextCells(cache, parts, first, chosen)
    wanted = set(judged)
    statistics = map_on_threads(lambda part: cells.gather(part, wanted, done), parts)
    second = fit_stage(cells, cache.cases, parts, statistics, judged, chosen, done)
    return replace(second, table=cells.measure(judged, second))


class ContextCells:
    """Cells of the second fit: facts about what the first one finds, and its outputs.

    Parameters
    ----------
    cache : CellCache
        Cells of the first fit.
    parts : sequence of sequences of int
        Cases of each part.
    first : StageFit
        The first fit, with a head without each part.
    settings : InstantSettings
        Copies that are learnt from.
    """

    def __init__(
        self, cache: CellCache, parts: Sequence[Sequence[int]], first: StageFit, settings: InstantSettings
    ) -> None:
        self._cache, self._settings = cache, settings
        network = cache.network
        assert network.context is not None
        self._stage: ContextStage = network.context
        self._place = {case: place for place, part in enumerate(parts) for case in part}
        without = [network.with_first_head(head) for head in first.heads]
        self._networks = {case: without[place] for case, place in self._place.items()}
        self._judged: dict[int, tuple[Tensor, Tensor, Tensor]] = {}
        self._standardize(spread(parts, REFERENCE_CASES))

    @torch.inference_mode()
    def gather(
        self, part: Sequence[int], judged: set[int], done: Callable[[int], None] = lambda case: None
    ) -> PartStatistics:
        """Sum over the cells of the cases of a part and of their copies; keep what `labelled` needs of those `judged`."""
        cases, settings = self._cache.cases, self._settings
        classes = len(cases.classes)
        sizes = classes + len(self._stage.weights), classes
        own, light = ClassStatistics(*sizes), ClassStatistics(*sizes) if any(settings.lights) else None
        for case in part:
            for copy in all_copies(*cases[case], case, settings):
                facts, outputs, shares = self._read(case, copy)
                statistics = light if copy.in_light else own
                assert statistics is not None
                add_cells(statistics, shares, partial(self._rows, facts, outputs), copy, CELLS)
                if copy.name == AS_IT_IS and case in judged:
                    self._judged[case] = _draw(case, facts, outputs, shares)
            done(case)
        return PartStatistics(own, light, added=True)

    @torch.inference_mode()
    def labelled(self, case: int, weights: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Predict labelled cells of an image, see `Judged`."""
        facts, outputs, truth = (values[:most] for values in self._judged[case])
        added = torch.einsum("ne,mek->mkn", self._stage.inputs(facts.float()), weights)
        return outputs.T + added, truth

    @torch.inference_mode()
    def measure(self, judged: Sequence[int], second: StageFit) -> pd.DataFrame:
        """Dice of each case at the network's size, by both fits without its part: columns case, group, class, dice."""
        measured = map_on_threads(partial(self._measure_case, second), judged)
        return pd.DataFrame([row for rows in measured for row in rows])

    def _measure_case(self, second: StageFit, case: int) -> list[dict[str, object]]:
        cases = self._cache.cases
        image, shares = cases[case]
        network = self._networks[case].with_context(second.heads[self._place[case]])
        x = network.pad(image[None])
        parts = self._cache.read(case, Copy(AS_IT_IS, image, shares, 1.0)).parts
        outputs = network.total(network.enlarged(network.outputs(parts, network.weights[None])), x)
        left, _, top, _ = network.padding(*image.shape[1:])
        found = outputs[0, :, top : top + image.shape[1], left : left + image.shape[2]]
        scores = image_dice(found.flatten(1), cases.truth(case).flatten())
        return [
            {"case": cases.ids[case], "group": cases.groups[case], "class": name, "dice": float(score)}
            for name, score in zip(cases.classes[1:], scores, strict=True)
        ]

    def _read(self, case: int, copy: Copy) -> tuple[Tensor, Tensor, Tensor]:
        """Facts (N, D) and outputs of the first fit (N, K) of all cells, and shares (K, h, w) of the classes."""
        network = self._networks[case]
        outputs = network.enlarged(network.outputs(self._cache.read(case, copy).parts, network.weights[None]))
        facts = network.context_maps(outputs, network.pad(copy.image[None]))
        grid = self._stage.grid
        mean = F.avg_pool2d(outputs, grid)
        return facts[0].flatten(1).T, mean[0].flatten(1).T, cell_shares(network, copy.shares, grid)

    def _rows(self, facts: Tensor, outputs: Tensor, cells: Tensor) -> Tensor:
        return torch.cat([outputs[cells], self._stage.inputs(facts[cells])], dim=1)

    @torch.inference_mode()
    def _standardize(self, chosen: Sequence[int]) -> None:
        """Set what the second fit subtracts and divides by, and the length scale, from some images."""
        stage, moments, sampled = self._stage, Moments(), []
        generator = torch.Generator().manual_seed(0)
        read = map_on_threads(lambda case: self._read(case, Copy(AS_IT_IS, *self._cache.cases[case], 1.0)), chosen)
        for facts, _, _ in read:
            moments.add(facts.T)
            sampled.append(facts[torch.randperm(len(facts), generator=generator)[:SAMPLED_CELLS]])
        mean, deviation = moments.result()
        constant = deviation <= 1e-6 * mean.abs()
        stage.mean.copy_(mean)
        stage.scale.copy_(torch.where(constant, 0.0, 1 / torch.where(constant, 1.0, deviation)) / len(mean) ** 0.5)
        rows = (torch.cat(sampled) - stage.mean) * stage.scale
        stage.fourier.set_scale_(LENGTH * median_scale(rows, generator=generator))


def _draw(case: int, facts: Tensor, outputs: Tensor, shares: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Facts (in half precision), outputs and classes of labelled cells of an image, drawn at random."""
    most, label = shares.flatten(1).max(0)
    known = (most > 0).nonzero().flatten()
    drawn = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(case))[:JUDGED_CELLS]]
    truth = torch.where(most > 0, label, IGNORE)
    return facts[drawn].half(), outputs[drawn], truth[drawn]
