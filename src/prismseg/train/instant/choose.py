"""Choices of a fit by groups that are left out: class weights and penalty, offsets, temperature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.data import IGNORE
from prismseg.features import ClassStatistics, LinearPosterior, fit_ridge, ridge_path
from prismseg.train.instant.dice import OFFSETS, DiceCurves, best_offsets, margin_dice
from prismseg.train.instant.gather import CellCache
from prismseg.train.instant.settings import InstantSettings

ABSENT = -100.0  # output of a class that was never seen
TRIED_PIXELS = 2**14  # labelled ones of an image, drawn at random, by which candidates are compared
PIXELS = 2**16  # by which the offsets of the best one are chosen
TEMPERATURE_PIXELS = 2**12  # and its temperature
TEMPERATURES = torch.logspace(-0.5, 2.5, 61)  # of which the most likely one is taken


@dataclass(frozen=True)
class Candidate:
    """A fit that is tried: the power of the class weights, and the penalty as a share of the trace."""

    balance: float
    penalty: float


@dataclass(frozen=True, eq=False)
class Trials:
    """What every candidate is worth on the images of the parts that were left out.

    Attributes
    ----------
    candidates : list of Candidate
    cases, parts : (N,) Tensor
        Which images were predicted, and the part of each.
    dice : (N, M, K - 1, T) Tensor
        Dice of each image, candidate, foreground class and offset of `OFFSETS`.
    """

    candidates: list[Candidate]
    cases: Tensor
    parts: Tensor
    dice: Tensor

    def scores(self, kept: Tensor | None = None) -> Tensor:
        """Dice (M,) of the candidates, each class at its best offset; of the images `kept` (N,) alone."""
        values = self.dice if kept is None else self.dice[kept]
        means: Tensor = values.mean(0).amax(-1).mean(-1)
        return means

    def best(self, without: int | None = None) -> Candidate:
        """Candidate with the highest Dice; of equal ones that with the largest penalty. `without` a part."""
        scores = self.scores(None if without is None else self.parts != without)
        equal = (scores >= scores.max() - 1e-6).nonzero().flatten().tolist()
        best: Candidate = max((self.candidates[place] for place in equal), key=lambda candidate: candidate.penalty)
        return best


def class_weights(statistics: ClassStatistics, balance: float) -> Tensor:
    """Weights (K,) of the classes: their balanced weights to a power, with mean weight 1 over all pixels."""
    weights = statistics.balanced_weights() ** balance
    weights = torch.where(statistics.counts > 0, weights, 0.0)
    return weights * statistics.counts.sum() / (weights * statistics.counts).sum()


def list_candidates(settings: InstantSettings) -> list[Candidate]:
    """List all that are tried."""
    return [Candidate(balance, penalty) for balance in settings.balances for penalty in settings.penalties]


def fit_weights(statistics: ClassStatistics, settings: InstantSettings) -> Tensor:
    """Weights (M, E, K) of all candidates, in the order of `list_candidates`."""
    fits = []
    for balance in settings.balances:
        regression = statistics.regression(class_weights(statistics, balance))
        trace = float(regression.gram.trace())
        fits.append(ridge_path(regression, [penalty * trace for penalty in settings.penalties]))
    return rule_out_absent(torch.cat(fits), statistics)


def fit_candidate(statistics: ClassStatistics, candidate: Candidate) -> LinearPosterior:
    """Fit one candidate, with its posterior."""
    regression = statistics.regression(class_weights(statistics, candidate.balance))
    posterior = fit_ridge(regression, candidate.penalty * float(regression.gram.trace()))
    return replace(posterior, weights=rule_out_absent(posterior.weights, statistics))


def rule_out_absent(weights: Tensor, statistics: ClassStatistics) -> Tensor:
    """Give classes without a pixel an output (of weights (..., E, K)) that no offset makes the largest."""
    weights = weights.clone()
    weights[..., -1, statistics.counts == 0] = ABSENT
    return weights


@torch.inference_mode()
def try_candidates(
    cache: CellCache,
    parts: Sequence[Sequence[int]],
    statistics: Sequence[ClassStatistics],
    judged: Sequence[int],
    settings: InstantSettings,
    done: Callable[[int], None] = lambda case: None,
) -> Trials:
    """Fit every candidate without each part in turn and predict that part's images.

    Parameters
    ----------
    cache : CellCache
        Cells of the images.
    parts : sequence of sequences of int
        Cases of each part.
    statistics : sequence of ClassStatistics
        Of each part.
    judged : sequence of int
        Cases that are predicted.
    settings : InstantSettings
        What is tried.
    done : callable
        Called with each case that has been predicted.
    """
    total = sum(statistics[1:], statistics[0])
    wanted = set(judged)
    cases, places, values = [], [], []
    for place, (part, own) in enumerate(zip(parts, statistics, strict=True)):
        chosen = [case for case in part if case in wanted]
        if not chosen:
            continue
        weights = fit_weights(total - own, settings).float()
        for case in chosen:
            outputs, truth = labelled_outputs(cache, case, weights, TRIED_PIXELS)
            if len(truth):
                cases.append(case)
                places.append(place)
                values.append(margin_dice(outputs, truth, OFFSETS))
            done(case)
    return Trials(list_candidates(settings), torch.tensor(cases), torch.tensor(places), torch.stack(values))


def predict(cache: CellCache, case: int, weights: Tensor) -> Tensor:
    """Predict outputs (M, K, H, W) of fits with weights (M, E, K) for an image, at the size of the network's input."""
    network, (height, width) = cache.network, cache.cases[case][0].shape[1:]
    inputs = cache[case].inputs
    outputs = torch.einsum("mek,ehw->mkhw", weights, inputs)
    left, _, top, _ = network.padding(height, width)
    full = outputs
    if network.options.grid > 1:
        full = F.interpolate(outputs, scale_factor=network.options.grid, mode="bilinear", align_corners=False)
    return full[..., top : top + height, left : left + width]


@torch.inference_mode()
def labelled_outputs(cache: CellCache, case: int, weights: Tensor, most: int = PIXELS) -> tuple[Tensor, Tensor]:
    """Predict labelled pixels of an image.

    Parameters
    ----------
    cache : CellCache
        Cells of the images.
    case : int
        Which image.
    weights : (M, E, K) Tensor
        Of several fits.
    most : int
        Take this many pixels at the most.

    Returns
    -------
    outputs : (M, K, N) Tensor
    truth : (N,) Tensor
        Classes. Pixels are in random order, always the same one.
    """
    mask = cache.cases.truth(case)
    known = (mask != IGNORE).flatten().nonzero().flatten()
    known = known[torch.randperm(len(known), generator=torch.Generator().manual_seed(case))[:most]]
    return predict(cache, case, weights).flatten(2)[..., known], mask.flatten()[known]


@dataclass(frozen=True, eq=False)
class Offsets:
    """Offsets of the classes for one candidate: those that are best on all images, and by images left out.

    Attributes
    ----------
    offsets : (K,) Tensor
    curves : list of DiceCurves
        At these offsets, one for each foreground class, over the images of the trials.
    """

    offsets: Tensor
    curves: list[DiceCurves]

    def without(self, kept: Tensor) -> Tensor:
        """Offsets (K,) that the images `kept` (N,) alone choose, each class on its own."""
        return torch.tensor([0.0, *(curve.best(kept) for curve in self.curves)])


def choose_offsets(outputs: Sequence[tuple[Tensor, Tensor]], classes: int) -> Offsets:
    """Choose offsets from outputs (K, N) and classes (N,) of the labelled pixels of each image."""
    return Offsets(*best_offsets(outputs, classes))


def choose_temperature(outputs: Sequence[tuple[Tensor, Tensor]], offsets: Tensor) -> float:
    """Temperature with the highest mean log-likelihood over the labelled pixels, each image counting the same.

    Parameters
    ----------
    outputs : sequence of ((K, N) Tensor, (N,) Tensor)
        Outputs and classes of the labelled pixels of each image.
    offsets : (K,) Tensor
        Of the classes.

    Examples
    --------
    >>> outputs = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1]])
    >>> round(choose_temperature([(outputs, torch.tensor([1, 1, 1, 0]))], torch.zeros(2)))  # ln 3 / .1
    11
    """
    likelihood = torch.zeros(len(TEMPERATURES))
    for values, truth in outputs:
        # Pixels come in random order, so that the first ones stand for all.
        shifted = (values[:, :TEMPERATURE_PIXELS] + offsets[:, None]).T
        for place, temperature in enumerate(TEMPERATURES):
            likelihood[place] -= F.cross_entropy(shifted * temperature, truth[:TEMPERATURE_PIXELS])
    return float(TEMPERATURES[likelihood.argmax()])
