"""Choices of a fit by groups that are left out: class weights and penalty, offsets, temperature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.features import ClassStatistics, LinearPosterior, fit_ridge, ridge_path
from prismseg.train.instant.dice import OFFSETS, margin_dice
from prismseg.train.instant.gather import PartStatistics
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.instant.threads import map_on_threads

ABSENT = -100.0  # output of a class that was never seen
TOLERANCE = 0.005  # difference in Dice that makes one fit count e times as much as another in an average
PREMIUM = 0.01  # Dice that copies in another light may cost
NEGLIGIBLE = 1e-3  # share of a fit, against the best one's, below which it is left out of the average
TRIED_PIXELS = 2**14  # labelled ones of an image, drawn at random, by which candidates are compared
PIXELS = 2**16  # by which the offsets of the best one are chosen
TEMPERATURE_PIXELS = 2**12  # and its temperature
TEMPERATURES = torch.logspace(-0.5, 2.5, 61)  # of which the most likely one is taken


class Judged(Protocol):
    """Images by whose labelled pixels fits are judged: `CellCache`, and `ContextCells` of the second fit."""

    def labelled(self, case: int, weights: Tensor, most: int) -> tuple[Tensor, Tensor]:
        """Predict labelled pixels of an image.

        Parameters
        ----------
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


@dataclass(frozen=True)
class Candidate:
    """A fit that is tried.

    Attributes
    ----------
    light : float
        Weight of the copies in another light.
    balance : float
        Power of the class weights.
    penalty : float
        As a share of the trace of the Gram matrix.
    """

    light: float
    balance: float
    penalty: float


@dataclass(frozen=True, eq=False)
class Mixture:
    """An average of fits. Outputs are linear in the weights, so that it is one fit too.

    Attributes
    ----------
    candidates : list of Candidate
        The M that have a share, the best one first.
    places : (M,) Tensor
        Where they stand among all that were tried.
    shares : (M,) Tensor
        They sum to 1.
    offsets : (M, K) Tensor
        What the outputs of each get before the average is taken, so that all mean the same by a number: how far its best
        offsets are above those of the best candidate.
    """

    candidates: list[Candidate]
    places: Tensor
    shares: Tensor
    offsets: Tensor

    @property
    def best(self) -> Candidate:
        """Candidate with the largest share."""
        return self.candidates[0]

    def average(self, weights: Tensor) -> Tensor:
        """Average (E, K) of the weights (M, E, K) of its candidates; the last input is the constant."""
        shifted = weights.clone()
        shifted[:, -1] += self.offsets.to(weights)
        return torch.einsum("m,mek->ek", self.shares.to(weights), shifted)


@dataclass(frozen=True, eq=False)
class Trials:
    """What every candidate is worth on the images of the parts that were left out.

    Attributes
    ----------
    candidates : list of Candidate
    fits : list of (M, E, K) Tensor
        Weights of the candidates, fitted without each part in turn.
    cases, parts : (N,) Tensor
        Which images were predicted, and the part of each.
    dice : (N, M, K - 1, T) Tensor
        Dice of each image, candidate, foreground class and offset of `OFFSETS`.
    """

    candidates: list[Candidate]
    fits: list[Tensor]
    cases: Tensor
    parts: Tensor
    dice: Tensor

    def scores(self) -> Tensor:
        """Dice (M,) of the candidates, each class at its best offset."""
        means: Tensor = self.dice.mean(0).amax(-1).mean(-1)
        return means

    def mixture(self, without: int | None = None) -> Mixture:
        """Average the candidates by their Dice, on all images or `without` those of a part.

        Copies in another light are an insurance against images that look unlike all that are at hand: they get the
        largest weight that costs at most `PREMIUM` here. Among the fits with that weight, differences in Dice that are
        smaller than chance are no reason to take one alone: a share is proportional to ``exp(Dice / TOLERANCE)``.
        """
        curves = (self.dice if without is None else self.dice[self.parts != without]).mean(0)
        values, best = curves.max(-1)
        dice = values.mean(-1).double()
        lights = torch.tensor([candidate.light for candidate in self.candidates])
        insured = lights[dice >= dice.max() - PREMIUM].max()
        shares = torch.softmax(torch.where(lights == insured, dice / TOLERANCE, -torch.inf), 0)
        # The best one first; of equal ones that with the largest penalty.
        order = sorted(
            range(len(shares)), key=lambda place: (-float(shares[place]), -self.candidates[place].penalty)
        )
        kept = torch.tensor([place for place in order if shares[place] >= NEGLIGIBLE * shares.max()])
        offsets = torch.cat([torch.zeros(len(kept), 1), OFFSETS[best[kept]]], dim=1)
        found = [self.candidates[place] for place in kept.tolist()]
        return Mixture(found, kept, (shares[kept] / shares[kept].sum()).float(), offsets - offsets[0])


def class_weights(statistics: ClassStatistics, balance: float) -> Tensor:
    """Weights (K,) of the classes: their balanced weights to a power, with mean weight 1 over all pixels."""
    weights = statistics.balanced_weights() ** balance
    weights = torch.where(statistics.counts > 0, weights, 0.0)
    return weights * statistics.counts.sum() / (weights * statistics.counts).sum()


def list_candidates(settings: InstantSettings) -> list[Candidate]:
    """List all that are tried."""
    lights = sorted(set(settings.lights))
    return [Candidate(*each) for each in product(lights, settings.balances, settings.penalties)]


def fit_weights(statistics: PartStatistics, candidates: Sequence[Candidate]) -> Tensor:
    """Weights (M, E, K) of candidates, from one decomposition for each light and balance."""
    fits: dict[Candidate, Tensor] = {}
    for light, by_light in _by(candidates, "light"):
        sums = statistics.mixed(light)
        for balance, alike in _by(by_light, "balance"):
            regression = statistics.regression(sums, class_weights(sums, balance))
            trace = float(regression.gram.trace())
            path = ridge_path(regression, [candidate.penalty * trace for candidate in alike])
            fits |= zip(alike, rule_out_absent(path, sums), strict=True)
    return torch.stack([fits[candidate] for candidate in candidates])


def _by(candidates: Sequence[Candidate], name: str) -> Iterator[tuple[float, list[Candidate]]]:
    """Candidates by the value of one of their choices."""
    for value in dict.fromkeys(getattr(each, name) for each in candidates):
        yield value, [each for each in candidates if getattr(each, name) == value]


def fit_candidate(statistics: PartStatistics, candidate: Candidate) -> LinearPosterior:
    """Fit one candidate, with its posterior."""
    sums = statistics.mixed(candidate.light)
    regression = statistics.regression(sums, class_weights(sums, candidate.balance))
    posterior = fit_ridge(regression, candidate.penalty * float(regression.gram.trace()))
    return replace(posterior, weights=rule_out_absent(posterior.weights, sums))


def fit_mixture(statistics: PartStatistics, mixture: Mixture, fits: Tensor | None = None) -> LinearPosterior:
    """Fit the candidates of a mixture and average their weights, with the variance and the noise of the best one.

    `fits` (M, E, K) are the weights of the candidates where they are known.
    """
    if fits is None:
        fits = fit_weights(statistics, mixture.candidates)
    return replace(fit_candidate(statistics, mixture.best), weights=mixture.average(fits))


def rule_out_absent(weights: Tensor, statistics: ClassStatistics) -> Tensor:
    """Give classes without a pixel an output (of weights (..., E, K)) that no offset makes the largest."""
    weights = weights.clone()
    weights[..., -1, statistics.counts == 0] = ABSENT
    return weights


@torch.inference_mode()
def try_candidates(
    cells: Judged,
    parts: Sequence[Sequence[int]],
    statistics: Sequence[PartStatistics],
    judged: Sequence[int],
    settings: InstantSettings,
    done: Callable[[int], None] = lambda case: None,
) -> Trials:
    """Fit every candidate without each part in turn and predict that part's images.

    Parameters
    ----------
    cells : Judged
        Predicts the images.
    parts : sequence of sequences of int
        Cases of each part.
    statistics : sequence of PartStatistics
        Of each part.
    judged : sequence of int
        Cases that are predicted.
    settings : InstantSettings
        What is tried.
    done : callable
        Called with each case that has been predicted.
    """
    total = sum(statistics[1:], statistics[0])
    wanted, candidates = set(judged), list_candidates(settings)

    def try_without(place: int) -> tuple[Tensor, dict[int, Tensor]]:
        fits, dice = fit_weights(total - statistics[place], candidates), {}
        for case in (case for case in parts[place] if case in wanted):
            outputs, truth = cells.labelled(case, fits.float(), TRIED_PIXELS)
            if len(truth):
                dice[case] = margin_dice(outputs, truth, OFFSETS)
            done(case)
        return fits, dice

    tried = map_on_threads(try_without, range(len(parts)))
    found = [(case, place, each) for place, (_, dice) in enumerate(tried) for case, each in dice.items()]
    cases, places, values = zip(*found, strict=True)
    return Trials(
        candidates, [fits for fits, _ in tried], torch.tensor(cases), torch.tensor(places), torch.stack(values)
    )


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
