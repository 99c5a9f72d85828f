r"""Margins around masks that hold for a new patient: split conformal prediction over groups.

Each case has two scores, the smallest outer and inner margin that hold for it (`needed_margins` of
`prismseg.inference.margins`); their larger one is the smallest margin that holds on both sides. The groups that the
network has not seen and the new group are exchangeable, so the margin that holds for
:math:`\lceil (n + 1)(1 - \alpha) \rceil` of n groups holds for the new one with probability at least :math:`1 - \alpha`
(Vovk et al. 2005; morphological sets as in Mossina & Friedrich 2025). Images of a group are alike and are never counted
as independent: with ``per="group"`` a group's score is its worst image's, with ``per="case"`` each group has weight one,
spread over its images (Lee, Barber & Willett 2023, hierarchical conformal prediction).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError
from prismseg.data import IGNORE
from prismseg.inference.margins import SIDES, UNITS, ClassMargin, Margins, Unit, needed_margins

_ROUNDING = 1e-9  # (n + 1)(1 - alpha) is whole where alpha is .1, which no float is


@dataclass(frozen=True)
class MarginSettings:
    """How margins are calibrated.

    Attributes
    ----------
    alpha : float
        A margin may fail with at most this probability.
    per : {"group", "case"}
        For all images of a new group at once, or for one image of a new group.
    share : float
        Share of the true mask that counts, see `prismseg.inference.margins.Margins`.

    Raises
    ------
    ConfigError
        When one is out of range.
    """

    alpha: float = 0.1
    per: Unit = "group"
    share: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ConfigError(
                f"Margins may fail with a probability between 0 and 1, such as 0.1, not {self.alpha:g}."
            )
        if self.per not in UNITS:
            raise ConfigError(f"Margins are calibrated per {' or '.join(UNITS)}, not per {self.per!r}.")
        if not 0 < self.share <= 1:
            raise ConfigError(f"The share of the mask that counts is above 0 and at most 1, not {self.share:g}.")

    @property
    def fewest_groups(self) -> int:
        """Groups below which no finite margin holds with the asked probability, ``ceil(1 / alpha) - 1``."""
        return math.ceil(1 / self.alpha - _ROUNDING) - 1

    def require_groups(self, count: int) -> None:
        """Make sure that there are enough groups.

        Raises
        ------
        DataError
            Saying how many it takes.
        """
        if count < self.fewest_groups:
            raise DataError(
                f"A margin that fails with probability {self.alpha:g} takes at least {self.fewest_groups} groups that "
                f"the network has not seen, and there are {count}. Cross-validate (prismseg train --folds), so that each "
                f"group is kept apart once, or allow more failures: --margins {_enough(count)}."
                if count
                else "There is no group that the network has not seen, so no margin can be calibrated."
            )


def _enough(count: int) -> str:
    """Smallest alpha, upwards to hundredths, that `count` groups allow."""
    return f"{math.ceil(100 / (count + 1) - _ROUNDING) / 100:g}"


def score_margins(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], classes: Sequence[str], *, share: float = 1.0
) -> list[dict[str, object]]:
    """Margins that one case needs, a row for each foreground class: ``class outer inner both``, in pixels.

    Parameters
    ----------
    prediction, truth : (H, W) integer
        Class indices at the original size; pixels whose truth is 255 contradict nothing.
    classes : sequence of str
        Names of all classes, background first.
    share : float
        See `MarginSettings`.

    Examples
    --------
    >>> truth = np.zeros((5, 20), int)
    >>> truth[:, 8:15] = 1
    >>> score_margins(np.roll(truth, -3, axis=1), truth, ["background", "nerve"])
    [{'class': 'nerve', 'outer': 3.0, 'inner': 3.0, 'both': 3.0}]
    """
    valid = truth != IGNORE
    rows: list[dict[str, object]] = []
    for label, name in enumerate(classes[1:], start=1):
        outer, inner = needed_margins(prediction == label, truth == label, valid=valid, share=share)
        rows.append({"class": name, "outer": outer, "inner": inner, "both": max(outer, inner)})
    return rows


def calibrate_margins(
    scores: pd.DataFrame, settings: MarginSettings | None = None, *, networks: Sequence[str] = ()
) -> Margins:
    """Find the margins of each class that hold for a new group with probability 1 - alpha.

    Parameters
    ----------
    scores : DataFrame
        Columns group, class, outer, inner, both (and case): rows of `score_margins` of cases **of groups that the
        network has not seen**.
    settings : MarginSettings, optional
        By default all images of a group, alpha 0.1.
    networks : sequence of str
        Fingerprints that the margins are for.

    Raises
    ------
    DataError
        When there are fewer than ``ceil(1 / alpha) - 1`` groups.

    Examples
    --------
    >>> groups = {"group": list("abcdefghi"), "class": "nerve"}
    >>> scores = pd.DataFrame({**groups, "outer": 1.0, "inner": range(9), "both": range(9)})
    >>> calibrate_margins(scores).classes["nerve"]
    ClassMargin(both=8.0, outer=1.0, inner=8.0, coverage=None)
    """
    settings = settings or MarginSettings()
    settings.require_groups(int(scores["group"].nunique()))
    found = {}
    for name, rows in scores.groupby("class", sort=False):
        by_side = {side: _by_group(rows, side) for side in SIDES}
        margins = {side: conformal_quantile(values, settings) for side, values in by_side.items()}
        found[str(name)] = ClassMargin(**margins, coverage=_left_out(by_side["both"], settings))
    cases = len(scores) // max(len(found), 1)
    return Margins(
        found,
        settings.alpha,
        settings.per,
        settings.share,
        int(scores["group"].nunique()),
        cases,
        tuple(dict.fromkeys(networks)),
    )


def conformal_quantile(groups: Sequence[NDArray[np.floating]], settings: MarginSettings) -> float:
    """Score that a new group exceeds with probability at most alpha.

    Parameters
    ----------
    groups : sequence of (cases,) arrays
        Scores of the cases of each calibration group.
    settings : MarginSettings
        Of which `alpha` and `per` count.

    Raises
    ------
    DataError
        When there are too few groups.

    Examples
    --------
    >>> conformal_quantile([np.array([x, x + 0.5]) for x in range(9)], MarginSettings(alpha=0.2))
    7.5
    """
    settings.require_groups(len(groups))
    if settings.per == "group":
        worst = np.sort([values.max() for values in groups])
        rank = math.ceil((len(groups) + 1) * (1 - settings.alpha) - _ROUNDING)
        return float(worst[rank - 1])
    scores = np.concatenate(groups)
    weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in groups]) / (len(groups) + 1)
    order = np.argsort(scores)
    place = np.searchsorted(weights[order].cumsum(), 1 - settings.alpha - _ROUNDING)
    return float(scores[order][min(int(place), len(scores) - 1)])


def covers(values: NDArray[np.floating], margin: float, per: Unit) -> float:
    """Whether a margin holds for a group, from the scores of its cases: 0 or 1, or the share of its cases."""
    held = values <= margin
    return float(held.all() if per == "group" else held.mean())


def _by_group(rows: pd.DataFrame, side: str) -> list[NDArray[np.floating]]:
    return [values.to_numpy(float) for _, values in rows.groupby("group", sort=False)[side]]


def _left_out(groups: Sequence[NDArray[np.floating]], settings: MarginSettings) -> float | None:
    """Share of groups for which the margin of all others holds; None where these are too few."""
    if len(groups) - 1 < settings.fewest_groups:
        return None
    held = [
        covers(values, conformal_quantile([*groups[:left], *groups[left + 1 :]], settings), settings.per)
        for left, values in enumerate(groups)
    ]
    return float(np.mean(held))
