"""One fit in closed form: chosen and measured on groups that are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import pandas as pd
import torch
from torch import Tensor

from prismseg.features import LinearPosterior
from prismseg.nets.instant.heads import LinearHead
from prismseg.train.instant.cases import PreparedCases
from prismseg.train.instant.choose import (
    PIXELS,
    TRIED_PIXELS,
    Candidate,
    Judged,
    Mixture,
    Trials,
    choose_temperature,
    fit_mixture,
    try_candidates,
)
from prismseg.train.instant.dice import best_offsets, image_dice
from prismseg.train.instant.gather import PartStatistics
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.instant.threads import map_on_threads


@dataclass(frozen=True, eq=False)
class StageFit:
    """A head, and what it is worth on groups that it has not seen.

    Attributes
    ----------
    head : LinearHead
        Fitted on all images.
    heads : list of LinearHead
        Of each part: the fit without it, with the average and the offsets that are best for the other parts.
    candidate : Candidate
        Choices with the best Dice on groups left out, which have the largest share.
    averaged : int
        Number of fits that were averaged.
    table : DataFrame
        Columns case, group, class, dice: each image predicted by the head without its part.
    curve : DataFrame
        Columns light, balance, penalty, dice: mean Dice of each fit that was tried, with each class at its best offset.
    """

    head: LinearHead
    heads: list[LinearHead]
    candidate: Candidate
    averaged: int
    table: pd.DataFrame
    curve: pd.DataFrame


def fit_stage(
    cells: Judged,
    cases: PreparedCases,
    parts: Sequence[Sequence[int]],
    statistics: Sequence[PartStatistics],
    judged: Sequence[int],
    settings: InstantSettings,
    done: Callable[[int], None] = lambda case: None,
) -> StageFit:
    """Fit a head on all parts, with what is best on parts that are left out.

    Parameters
    ----------
    cells : Judged
        Predicts the images.
    cases : PreparedCases
        The images.
    parts : sequence of sequences of int
        Cases of each part, at least two.
    statistics : sequence of PartStatistics
        Of each part.
    judged : sequence of int
        Cases that are predicted.
    settings : InstantSettings
        What is tried.
    done : callable
        Called with each case that has been predicted.
    """
    trials = try_candidates(cells, parts, statistics, judged, settings, done)
    mixture = trials.mixture()
    judgement = judge(cells, trials, mixture)
    offsets = best_offsets(judgement.outputs, len(cases.classes))
    temperature = choose_temperature(judgement.outputs, offsets)
    total = sum(statistics[1:], statistics[0])
    heads, table = leave_out(cases, statistics, trials, judgement, temperature)
    curve = pd.DataFrame([asdict(candidate) for candidate in trials.candidates])
    curve["dice"] = trials.scores().tolist()
    head = make_head(fit_mixture(total, mixture), offsets, temperature)
    return StageFit(head, heads, mixture.best, len(mixture.candidates), table, curve)


def make_head(posterior: LinearPosterior, offsets: Tensor, temperature: float) -> LinearHead:
    """Make a head of a fit."""
    return LinearHead(posterior.weights, posterior.factor, posterior.noise, offsets, temperature)


@dataclass(frozen=True, eq=False)
class Judgement:
    """Outputs for the images of the trials, each from fits without its part.

    Attributes
    ----------
    mixtures : list of Mixture
        For each part, what is best for the images of all others.
    outputs : list of ((K, N) Tensor, (N,) Tensor)
        Outputs and classes of labelled pixels of each image, by the mixture that is best for all.
    by_part : list of (P, K, n) Tensor
        Outputs for the first n of these pixels, by each of `mixtures`.
    own : list of (K, N) Tensor
        Outputs by the mixture of the image's own part.
    """

    mixtures: list[Mixture]
    outputs: list[tuple[Tensor, Tensor]]
    by_part: list[Tensor]
    own: list[Tensor]


def judge(cells: Judged, trials: Trials, mixture: Mixture) -> Judgement:
    """Predict the images of the trials by `mixture`, and by those that are best for the images of other parts."""
    mixtures = [trials.mixture(without=place) for place in range(len(trials.fits))]
    found = Judgement(mixtures, [], [], [])
    weights: dict[int, Tensor] = {}
    for case, place in zip(trials.cases.tolist(), trials.parts.tolist(), strict=True):
        if place not in weights:
            fits = trials.fits[place]
            weights = {
                place: torch.stack([each.average(fits[each.places]) for each in (mixture, *mixtures)]).float()
            }
        values, truth = cells.labelled(case, weights[place], PIXELS)
        found.outputs.append((values[0].clone(), truth))
        found.own.append(values[1 + place].clone())
        found.by_part.append(values[1:, :, :TRIED_PIXELS].clone())
    return found


def leave_out(
    cases: PreparedCases,
    statistics: Sequence[PartStatistics],
    trials: Trials,
    judgement: Judgement,
    temperature: float,
) -> tuple[list[LinearHead], pd.DataFrame]:
    """Measure each part by the fit without it, with all choices that are best for the others: heads and their Dice."""
    total = sum(statistics[1:], statistics[0])

    def leave_out_one(place: int) -> tuple[LinearHead, Tensor]:
        mixture = judgement.mixtures[place]
        others = [
            (values[place], truth[:TRIED_PIXELS])
            for values, (_, truth), part in zip(
                judgement.by_part, judgement.outputs, trials.parts.tolist(), strict=True
            )
            if part != place
        ]
        offsets = best_offsets(others, len(cases.classes))
        posterior = fit_mixture(total - statistics[place], mixture, trials.fits[place][mixture.places])
        return make_head(posterior, offsets, temperature), offsets

    left_out = map_on_threads(leave_out_one, range(len(statistics)))
    rows = {}
    for place, (_, offsets) in enumerate(left_out):
        for number in (trials.parts == place).nonzero().flatten().tolist():
            case, (_, truth) = int(trials.cases[number]), judgement.outputs[number]
            scores = image_dice(judgement.own[number] + offsets[:, None], truth)
            rows[case] = [
                {"case": cases.ids[case], "group": cases.groups[case], "class": name, "dice": float(score)}
                for name, score in zip(cases.classes[1:], scores, strict=True)
            ]
    return [head for head, _ in left_out], pd.DataFrame([row for case in sorted(rows) for row in rows[case]])
