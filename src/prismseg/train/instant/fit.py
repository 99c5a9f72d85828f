"""The instant segmenter from labelled images: one pass to add them up, one to choose on groups that are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from prismseg.base import ConfigError, DataError, progress_bar
from prismseg.data import Preprocess, Sample
from prismseg.nets import InstantHead, InstantSegmenter
from prismseg.train.instant.cases import PreparedCases, part_groups, spread
from prismseg.train.instant.choose import PIXELS, PREMIUM, Candidate, choose_temperature, fit_candidate
from prismseg.train.instant.context import fit_context
from prismseg.train.instant.gather import (
    CellCache,
    PartStatistics,
    gather_statistics,
    require_labels,
    standardize,
)
from prismseg.train.instant.settings import PENALTY, InstantSettings
from prismseg.train.instant.stage import fit_stage, make_head
from prismseg.train.instant.threads import map_on_threads

FITS = ("first", "context")  # names of the fits of a network


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
        Columns light, balance, penalty, dice, fit: mean Dice of each fit that was tried, with each class at its best
        offset; `fit` tells those of the first one from those of the second.
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

    A network with a context is fitted once more, on what the first fit finds around each pixel of groups that were left
    out of it. The fit of a group's second head has not seen the group; the first heads of the others, whose predictions
    it learns from, have, so that the second fit's measure is exact but for that.

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
    with_context = bool(network.options.context)
    steps = (len(samples) + len(judged)) * (1 + with_context)
    # The threads of SciPy's BLAS wait by spinning, in the way of PyTorch's: with two of each all takes twice as long.
    with (
        threadpool_limits(1, user_api="blas"),
        progress_bar("fitting", steps, visible=show_progress) as advance,
    ):
        numbers, one_at_a_time = iter(range(1, steps + 1)), Lock()

        def done(case: int) -> None:
            with one_at_a_time:
                advance(next(numbers), cases.name(case))

        statistics = map_on_threads(lambda part: gather_statistics(cache, part, settings, done), parts)
        total = sum(statistics[1:], statistics[0])
        notes = require_labels(total.own, classes)
        # A part without a labelled pixel has nothing to leave out.
        labelled = [place for place, own in enumerate(statistics) if own.own.counts.any()]
        parts, statistics = [parts[place] for place in labelled], [statistics[place] for place in labelled]
        if len(parts) < 2:
            return _without_choice(cache, parts[0], total, judged, notes)
        stages = [fit_stage(cache, cases, parts, statistics, judged, settings, done)]
        tried = [*stages]
        if with_context:
            tried.append(fit_context(cache, parts, stages[0], judged, settings, done))
            alone, both = (each.table["dice"].mean() for each in tried)
            if both >= alone - PREMIUM:
                stages = tried
            else:
                notes.append(
                    f"The second fit is left out: with it the Dice of groups left out is {both:.3f}, without it "
                    f"{alone:.3f}."
                )
    head, *heads = (
        InstantHead(**vars(first), context=second[0] if second else None)
        for first, *second in zip(*([each.head, *each.heads] for each in stages), strict=True)
    )
    curve = pd.concat([each.curve.assign(fit=name) for each, name in zip(tried, FITS, strict=False)])
    held_out = HeldOut(parts, heads, stages[-1].table, curve.reset_index(drop=True))
    if len(judged) < len(samples):
        notes.append(f"Choices were made on {len(judged)} of the {len(samples)} images, evenly from all groups.")
    fitted = network.with_head(head).eval()
    return InstantFit(fitted, stages[0].candidate, stages[0].averaged, held_out, notes)


def _without_choice(
    cache: CellCache, part: Sequence[int], total: PartStatistics, judged: Sequence[int], notes: list[str]
) -> InstantFit:
    """Fit where nothing can be left out: nothing is chosen but the temperature, by the images themselves."""
    candidate = Candidate(0.0, 1.0, PENALTY)
    posterior = fit_candidate(total, candidate)
    offsets = torch.zeros(len(cache.cases.classes))
    outputs = []
    for case in (case for case in part if case in set(judged)):
        values, truth = cache.labelled(case, posterior.weights.float()[None], PIXELS)
        if len(truth):
            outputs.append((values[0], truth))
    temperature = choose_temperature(outputs, offsets)
    group = cache.cases.groups[part[0]]
    notes = [
        *notes,
        f"All labelled pixels are of one group ({group}), so none could be left out: there is no measure of how good "
        "this network is on others, class weights, penalty and offsets are the defaults, and there is no second fit. "
        "Label an image of another group, or say what a group is (--group).",
    ]
    head = InstantHead(**vars(make_head(posterior, offsets, temperature)))
    return InstantFit(cache.network.with_head(head).eval(), candidate, 1, None, notes)
