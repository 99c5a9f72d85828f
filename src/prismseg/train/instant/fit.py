"""The instant segmenter from labelled images: one pass to add them up, one to choose on groups that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd
import torch
from torch import Tensor

from prismseg.base import ConfigError, DataError, progress_bar
from prismseg.data import Preprocess, Sample
from prismseg.features import LinearPosterior
from prismseg.nets import InstantHead, InstantSegmenter
from prismseg.train.instant.cases import PreparedCases, part_groups, spread
from prismseg.train.instant.choose import (
    TRIED_PIXELS,
    Candidate,
    Mixture,
    Trials,
    choose_temperature,
    fit_candidate,
    fit_mixture,
    labelled_outputs,
    try_candidates,
)
from prismseg.train.instant.dice import best_offsets, image_dice
from prismseg.train.instant.gather import (
    CellCache,
    PartStatistics,
    gather_statistics,
    require_labels,
    standardize,
)
from prismseg.train.instant.settings import PENALTY, InstantSettings


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the fit is worth on groups that it has not seen.

    Attributes
    ----------
    parts : list of list of int
        Cases that were left out together: those of a group, or of several where there are many.
    heads : list of InstantHead
        Of each part: the fit without it, with the average and the offsets that are best for the other parts.
    table : DataFrame
        Columns case, group, class, dice: each image predicted by the head without its part, at the network's size.
    curve : DataFrame
        Columns light, balance, penalty, dice: mean Dice of each fit that was tried, with each class at its best offset.
    """

    parts: list[list[int]]
    heads: list[InstantHead]
    table: pd.DataFrame
    curve: pd.DataFrame


@dataclass(frozen=True, eq=False)
class InstantFit:
    """A fitted segmenter, and how it was chosen.

    Attributes
    ----------
    network : InstantSegmenter
        Fitted on all images.
    candidate : Candidate
        Class weights and penalty with the best Dice on groups left out, which have the largest share.
    averaged : int
        Number of fits that were averaged.
    held_out : HeldOut or None
        None where nothing could be left out.
    notes : list of str
        What a user has to know.
    """

    network: InstantSegmenter
    candidate: Candidate
    averaged: int
    held_out: HeldOut | None
    notes: list[str]


def fit_instant(
    network: InstantSegmenter,
    samples: Sequence[Sample],
    classes: Sequence[str],
    preprocess: Preprocess,
    settings: InstantSettings | None = None,
    *,
    show_progress: bool = True,
) -> InstantFit:
    """Fit an instant segmenter on labelled images.

    Images are added up one at a time, so that memory does not depend on their number: a Gram matrix for each class and
    each part that is left out. Fits with several penalties are averaged by their Dice on groups that are left out,
    exactly, by taking their statistics away; copies in another light get the largest weight that costs almost nothing
    there, and the classes the offsets that are best.

    Parameters
    ----------
    network : InstantSegmenter
        With its encoder's weights; its standardisation is set, its head is not used.
    samples : sequence of Sample
        Labelled images; 255 marks pixels whose class is unknown, which are left out.
    classes : sequence of str
        Names of the classes, background first.
    preprocess : Preprocess
        How images are prepared.
    settings : InstantSettings, optional
        Copies that are learnt from, and choices that are tried.

    Returns
    -------
    InstantFit

    Raises
    ------
    DataError
        When there is no image, a mask is missing or wrong, fewer than two classes are labelled, or features are not
        finite.
    ConfigError
        When there are not as many class names as the network tells classes apart.

    Examples
    --------
    >>> import numpy as np
    >>> from pathlib import Path
    >>> from prismseg.nets import create_model
    >>> samples = []
    >>> for number in range(4):
    ...     image = np.random.default_rng(number).normal(size=(64, 64, 1)).astype(np.float32)
    ...     mask = np.zeros((64, 64), np.uint8)
    ...     mask[20:50, 10 + 5 * number : 40 + 5 * number] = 1
    ...     image[mask == 1] += 4
    ...     samples.append(Sample(f"p{number}", f"p{number}", image, mask, Path(f"p{number}.npy"), None))
    >>> network = create_model("instant", seed=0)
    >>> fit = fit_instant(network, samples, ["background", "square"], Preprocess((64, 64), 1), show_progress=False)
    >>> bool(fit.held_out.table["dice"].mean() > 0.8)
    True
    """
    settings = settings or InstantSettings()
    if max(network.settings.classes, 2) != len(classes):
        raise ConfigError(
            f"There are {len(classes)} class names ({', '.join(classes)}), but the network tells "
            f"{max(network.settings.classes, 2)} classes apart; name each of its classes, background first."
        )
    if not samples:
        raise DataError("There is no labelled image, so there is nothing to fit.")
    cases = PreparedCases(samples, preprocess, classes)
    parts = part_groups(cases.groups, settings.folds)
    standardize(network, cases, parts)
    cache = CellCache(network, cases, settings.cache_mib)
    judged = spread(parts, settings.judged)
    with progress_bar("fitting", len(samples) + len(judged), visible=show_progress) as advance:
        steps = iter(range(1, len(samples) + len(judged) + 1))
        statistics = [
            gather_statistics(cache, part, settings, lambda case: advance(next(steps), cases.name(case)))
            for part in parts
        ]
        total = sum(statistics[1:], statistics[0])
        notes = require_labels(total.own, classes)
        # A part without a labelled pixel has nothing to leave out.
        labelled = [place for place, own in enumerate(statistics) if own.own.counts.any()]
        parts, statistics = [parts[place] for place in labelled], [statistics[place] for place in labelled]
        if len(parts) < 2:
            return _without_choice(cache, parts[0], total, judged, notes)
        trials = try_candidates(
            cache, parts, statistics, judged, settings, lambda case: advance(next(steps), cases.name(case))
        )
    mixture = trials.mixture()
    judgement = judge(cache, trials, mixture)
    offsets = best_offsets(judgement.outputs, len(classes))
    temperature = choose_temperature(judgement.outputs, offsets)
    head = make_head(fit_mixture(total, mixture), offsets, temperature)
    held_out = leave_out(cache, parts, statistics, trials, judgement, temperature)
    if len(judged) < len(samples):
        notes.append(f"Choices were made on {len(judged)} of the {len(samples)} images, evenly from all groups.")
    return InstantFit(network.with_head(head).eval(), mixture.best, len(mixture.candidates), held_out, notes)


def make_head(posterior: LinearPosterior, offsets: Tensor, temperature: float) -> InstantHead:
    """Make a head of a fit."""
    return InstantHead(posterior.weights, posterior.factor, posterior.noise, offsets, temperature)


def _without_choice(
    cache: CellCache, part: Sequence[int], total: PartStatistics, judged: Sequence[int], notes: list[str]
) -> InstantFit:
    """Fit where nothing can be left out: nothing is chosen but the temperature, by the images themselves."""
    candidate = Candidate(0.0, 1.0, PENALTY)
    posterior = fit_candidate(total, candidate)
    offsets = torch.zeros(len(cache.cases.classes))
    outputs = []
    for case in (case for case in part if case in set(judged)):
        values, truth = labelled_outputs(cache, case, posterior.weights.float()[None])
        if len(truth):
            outputs.append((values[0], truth))
    temperature = choose_temperature(outputs, offsets)
    group = cache.cases.groups[part[0]]
    notes = [
        *notes,
        f"All labelled pixels are of one group ({group}), so none could be left out: there is no measure of how good "
        "this network is on others, and class weights, penalty and offsets are the defaults. Label an image of another "
        "group, or say what a group is (--group).",
    ]
    head = make_head(posterior, offsets, temperature)
    return InstantFit(cache.network.with_head(head).eval(), candidate, 1, None, notes)


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


def judge(cache: CellCache, trials: Trials, mixture: Mixture) -> Judgement:
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
        values, truth = labelled_outputs(cache, case, weights[place])
        found.outputs.append((values[0].clone(), truth))
        found.own.append(values[1 + place].clone())
        found.by_part.append(values[1:, :, :TRIED_PIXELS].clone())
    return found


def leave_out(
    cache: CellCache,
    parts: list[list[int]],
    statistics: Sequence[PartStatistics],
    trials: Trials,
    judgement: Judgement,
    temperature: float,
) -> HeldOut:
    """Measure each part by the fit without it, with all choices that are best for the others."""
    cases, total = cache.cases, sum(statistics[1:], statistics[0])
    heads, rows = [], {}
    for place, (own, mixture) in enumerate(zip(statistics, judgement.mixtures, strict=True)):
        others = [
            (values[place], truth[:TRIED_PIXELS])
            for values, (_, truth), part in zip(
                judgement.by_part, judgement.outputs, trials.parts.tolist(), strict=True
            )
            if part != place
        ]
        offsets = best_offsets(others, len(cases.classes))
        posterior = fit_mixture(total - own, mixture, trials.fits[place][mixture.places])
        heads.append(make_head(posterior, offsets, temperature))
        for number in (trials.parts == place).nonzero().flatten().tolist():
            case, (_, truth) = int(trials.cases[number]), judgement.outputs[number]
            scores = image_dice(judgement.own[number] + offsets[:, None], truth)
            rows[case] = [
                {"case": cases.ids[case], "group": cases.groups[case], "class": name, "dice": float(score)}
                for name, score in zip(cases.classes[1:], scores, strict=True)
            ]
    table = pd.DataFrame([row for case in sorted(rows) for row in rows[case]])
    curve = pd.DataFrame([asdict(candidate) for candidate in trials.candidates])
    curve["dice"] = trials.scores().tolist()
    return HeldOut(parts, heads, table, curve)
