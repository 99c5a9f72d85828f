"""Reliability within an evaluation: counts gathered case by case, tables, and their section of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prismseg.base import atomic_path
from prismseg.base.page import COLOURS, figure_uri
from prismseg.data import Sample
from prismseg.evaluation.reliability import (
    ReliabilityCounts,
    aurc,
    count_case,
    risk_coverage,
    soft_dice_confidence,
)
from prismseg.evaluation.statistics.intervals import SHARE, mean_interval
from prismseg.inference.disagreement import disagreement, pair_dice
from prismseg.inference.predictor import Prediction, Predictor
from prismseg.inference.render import class_colour
from prismseg.inference.uncertainty import entropy_of

PER_CASE, PER_GROUP, CURVE = "reliability_per_case.csv", "reliability_per_group.csv", "risk_coverage.csv"
MEASURES = ("ece", "ece_doubtful", "brier")
SCORES = {
    "soft_dice": "Dice that the probabilities promise for the mask",
    "entropy": "minus the mean entropy of the pixels",
    "agreement": "mean Dice of the masks of an ensemble's members, in pairs",
}


class ReliabilityScores:
    """Gathers the counts of each case while the cases of an evaluation are measured.

    Parameters
    ----------
    classes : sequence of str
        Names of all classes, background first.
    ensembles : mapping of str to Predictor
        By case: predictors of ensembles, whose members are then compared too.
    """

    def __init__(self, classes: Sequence[str], ensembles: Mapping[str, Predictor] | None = None) -> None:
        self.classes, self.ensembles = list(classes), dict(ensembles or {})
        self.counts: dict[tuple[str, str, str], ReliabilityCounts] = {}  # case, group, class
        self.cases: list[dict[str, Any]] = []

    def __call__(self, case: Mapping[str, object], sample: Sample, prediction: Prediction) -> None:
        """Take the counts of a case."""
        assert sample.mask is not None  # what has none is not measured
        name, group = str(case["case"]), str(case["group"])
        for cls, counts in count_case(prediction.probabilities, sample.mask, self.classes).items():
            self.counts[name, group, cls] = counts
        valid = sample.mask != 255
        dice = [
            pair_dice((prediction.mask == label) & valid, (sample.mask == label) & valid)
            for label in range(1, len(self.classes))
        ]
        agreement = (
            {"agreement": 1 - disagreement(self.ensembles[name], sample.image).score}
            if name in self.ensembles
            else {}
        )
        self.cases.append(
            {
                "case": name,
                "group": group,
                "risk": 1 - float(np.mean(dice)),
                "soft_dice": soft_dice_confidence(prediction.probabilities, prediction.mask, self.classes),
                "entropy": -float(entropy_of(prediction.probabilities).mean()),
                **agreement,
            }
        )

    def result(self) -> Reliability:
        """Put together what was gathered."""
        return Reliability(self.classes, self.counts, pd.DataFrame(self.cases))


@dataclass(frozen=True)
class Reliability:
    """Calibration of an evaluation's cases.

    Attributes
    ----------
    classes : list of str
        Names of all classes, background first.
    counts : dict
        By case, group and class.
    cases : DataFrame
        Columns case, group, risk (1 - mean Dice of the foreground classes), and a confidence each: soft_dice, entropy,
        agreement (only where all networks are ensembles; see `SCORES`).
    """

    classes: list[str]
    counts: Mapping[tuple[str, str, str], ReliabilityCounts]
    cases: pd.DataFrame

    @property
    def scores(self) -> list[str]:
        """Confidences that every case has."""
        return [name for name in SCORES if name in self.cases and self.cases[name].notna().all()]

    def pooled(self, cls: str, group: str | None = None) -> ReliabilityCounts:
        """Add up the counts of a class, of all groups or of one."""
        return reduce(add, (each for (_, g, c), each in self.counts.items() if c == cls and group in (None, g)))

    def per_case(self) -> pd.DataFrame:
        """Table with a row for each case and class: case, group, class, ece, ece_doubtful, brier."""
        return pd.DataFrame(
            [
                {"case": case, "group": group, "class": cls, **_measures(counts)}
                for (case, group, cls), counts in self.counts.items()
            ]
        )

    def per_group(self) -> pd.DataFrame:
        """Table with a row for each group and class, over all pixels of the group."""
        groups = list(dict.fromkeys(group for _, group, _ in self.counts))
        return pd.DataFrame(
            [
                {"group": group, "class": cls, **_measures(self.pooled(cls, group))}
                for group in groups
                for cls in self.classes[1:]
            ]
        )

    def summary(self) -> list[dict[str, Any]]:
        """Rows of class and measure: over all pixels (pooled), mean over cases, and its interval over groups."""
        per_case, rows = self.per_case(), []
        for cls in self.classes[1:]:
            part, pooled = per_case[per_case["class"] == cls], _measures(self.pooled(cls))
            for measure in MEASURES:
                interval = mean_interval(part[measure].to_numpy(float), part["group"], bounds=SHARE)
                ends = {key: None if value != value else value for key, value in interval.columns().items()}
                rows.append(
                    {
                        "class": cls,
                        "measure": measure,
                        "pooled": pooled[measure],
                        "mean": float(part[measure].mean()),
                        "n_groups": interval.n_groups,
                        **ends,
                    }
                )
        return rows

    def failure_detection(self) -> list[dict[str, Any]]:
        """Rows of score: AURC, beside that of a random order and of one that knows the risk."""
        risk = self.cases["risk"].to_numpy(float)
        return [
            {
                "score": name,
                "what": SCORES[name],
                "aurc": aurc(risk, self.cases[name]),
                "random": float(risk.mean()),
                "oracle": aurc(risk, -risk),
            }
            for name in self.scores
        ]

    def write(self, out: Path) -> None:
        """Write ``reliability_per_case.csv``, ``reliability_per_group.csv`` and ``risk_coverage.csv``."""
        curves = pd.concat(
            [risk_coverage(self.cases["risk"], self.cases[name]).assign(score=name) for name in self.scores]
        )
        for name, table in ((PER_CASE, self.per_case()), (PER_GROUP, self.per_group()), (CURVE, curves)):
            with atomic_path(out / name) as temporary:
                table.to_csv(temporary, index=False)

    def section(self) -> dict[str, Any]:
        """Content of the report's section."""
        return {
            "rows": self.summary(),
            "detection": self.failure_detection(),
            "figure": figure_uri(self.draw()),
        }

    def draw(self) -> Figure:
        """Draw the reliability diagram of each class beside the risk-coverage curves."""
        figure = Figure(figsize=(8, 3.4), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot([0, 1], [0, 1], color="grey", linewidth=1)
        for label, cls in enumerate(self.classes[1:], start=1):
            mean, share, _ = self.pooled(cls).diagram()
            left.plot(mean, share, marker="o", markersize=3, color=np.array(class_colour(label)) / 255, label=cls)
        left.set(xlabel="probability of the class", ylabel="share that is of it", xlim=(0, 1), ylim=(0, 1))
        left.legend(frameon=False, fontsize="small")
        self._draw_curves(right)
        for axes in (left, right):
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
        return figure

    def _draw_curves(self, axes: Axes) -> None:
        for number, name in enumerate(self.scores):
            curve = risk_coverage(self.cases["risk"], self.cases[name])
            axes.plot(curve["coverage"], curve["risk"], color=COLOURS[number], label=name)
        axes.plot(curve["coverage"], curve["oracle"], color="grey", linestyle=":", label="oracle")
        axes.axhline(float(self.cases["risk"].mean()), color="grey", linestyle="--", linewidth=1, label="random")
        axes.set(xlabel="share of cases kept, the surest first", ylabel="their mean of 1 - Dice")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, fontsize="small")


def _measures(counts: ReliabilityCounts) -> dict[str, float]:
    return {measure: float(getattr(counts, measure)) for measure in MEASURES}
