"""Margins within an evaluation: scores gathered case by case, files, and their section of the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base import ConfigError, atomic_path
from prismseg.base.page import figure_uri
from prismseg.data import Sample, SegmentationDataset
from prismseg.evaluation.margins import MarginSettings, calibrate_margins, score_margins
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.inference.margins import Margins, draw_bands, fingerprint
from prismseg.inference.predictor import Prediction

MARGINS, MARGIN_SCORES = "margins.json", "margins_per_case.csv"
SHOWN_CASES = 3
_SEEN = ("train", "validation", "same-group")


class MarginScores:
    """Gathers the margins that each case needs while the cases of an evaluation are measured.

    Parameters
    ----------
    settings : MarginSettings
        How margins are calibrated.
    networks : sequence of EvaluatedNetwork
        Whose cases come.
    dataset : SegmentationDataset
        What they are cases of.
    part : str
        What the cases are where a network does not say so.

    Raises
    ------
    ConfigError
        When the networks have seen some of the cases or their groups: of these a margin would promise too much.
    DataError
        When there are too few groups.
    """

    def __init__(
        self,
        settings: MarginSettings,
        networks: Sequence[EvaluatedNetwork],
        dataset: SegmentationDataset,
        part: str,
    ) -> None:
        parts = {name for network in networks for name in network.parts or part.split(",")}
        if parts & {*_SEEN, "all"}:
            raise ConfigError(
                f"Margins hold for new groups, so they are calibrated on groups that the network has not seen, and these "
                f"cases are of the parts {', '.join(sorted(parts))}. Leave --part out."
            )
        settings.require_groups(len({dataset.groups[index] for network in networks for index in network.cases}))
        self.settings, self.networks, self.dataset = settings, networks, dataset
        self.rows: list[dict[str, object]] = []

    def __call__(self, case: Mapping[str, object], sample: Sample, prediction: Prediction) -> None:
        """Take the scores of a case."""
        assert sample.mask is not None  # what has none is not measured
        rows = score_margins(prediction.mask, sample.mask, self.dataset.classes, share=self.settings.share)
        self.rows += [{"case": case["case"], "group": case["group"], **row} for row in rows]

    def calibrate(self) -> CalibratedMargins:
        """Find the margins from what was gathered."""
        scores = pd.DataFrame(self.rows)
        networks = [fingerprint(network.predictor) for network in self.networks]
        margins = calibrate_margins(scores, self.settings, networks=networks)
        return CalibratedMargins(margins, scores, self.networks, self.dataset)


@dataclass(frozen=True)
class CalibratedMargins:
    """Margins with the scores that they come from.

    Attributes
    ----------
    margins : Margins
        The margins.
    scores : DataFrame
        Columns case, group, class, outer, inner, both.
    networks : sequence of EvaluatedNetwork
        Whose masks they surround.
    dataset : SegmentationDataset
        What was segmented.
    """

    margins: Margins
    scores: pd.DataFrame
    networks: Sequence[EvaluatedNetwork]
    dataset: SegmentationDataset

    def write(self, out: Path) -> None:
        """Write ``margins.json`` and ``margins_per_case.csv``."""
        with atomic_path(out / MARGIN_SCORES) as temporary:
            self.scores.to_csv(temporary, index=False)
        self.margins.save(out / MARGINS)

    @property
    def statement(self) -> str:
        """What the margins promise, and to whom."""
        margins = self.margins
        subject = (
            "the true masks of all images of a new group lie"
            if margins.per == "group"
            else "the true mask of an image of a new group lies"
        )
        counted = (
            "" if margins.share == 1 else f", but for {1 - margins.share:.2g} of the mask's pixels on either side,"
        )
        folds = (
            " The masks come from several networks, each on groups that it had left out; for one of them alone, or one "
            "trained on all groups, the promise is not strict."
            if len(margins.networks) > 1
            else ""
        )
        return (
            f"With probability at least {1 - margins.alpha:.3g} {subject}{counted} within the outer and around the inner "
            f"contour, class by class, if the new group is like the {margins.groups} groups of the calibration "
            f"({margins.cases} cases): same camera, same size of images, same kind of patients.{folds}"
        )

    def section(self) -> dict[str, Any]:
        """Content of the report's section."""
        rows = [{"class": name, **vars(margin)} for name, margin in self.margins.classes.items()]
        return {"rows": rows, "statement": self.statement, "figure": figure_uri(self.draw())}

    def draw(self) -> Figure:
        """Draw the cases that need the widest, a middling and the smallest margin, with both contours."""
        worst = self.scores.groupby("case", sort=False)["both"].max().sort_values(ascending=False)
        names = worst.index.tolist()
        places = [names[0], names[len(names) // 2], names[-1]] if len(names) >= SHOWN_CASES else names
        place_of = {
            self.dataset.ids[index]: (network, index) for network in self.networks for index in network.cases
        }
        figure = Figure(figsize=(8, 3), layout="constrained")
        for axes, name in zip(figure.subplots(1, len(places), squeeze=False)[0], places, strict=True):
            network, index = place_of[name]
            sample = self.dataset[index]
            assert sample.mask is not None  # measured before it is drawn
            mask = network.predictor(sample.image).mask
            axes.imshow(draw_bands(sample.image, mask, self.margins, self.dataset.classes))
            for cls in range(1, len(self.dataset.classes)):
                truth = sample.mask == cls
                if truth.any() and not truth.all():
                    axes.contour(truth, levels=[0.5], colors="white", linewidths=1)
            axes.set_title(f"{name}: needs {worst[name]:.3g} px", fontsize=8)
            axes.set_axis_off()
        return figure
