"""A run that fits an instant segmenter: what it is fitted on, and the files it writes."""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import cycle
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base import ConfigError, DataError, atomic_path, make_folder, write_json
from prismseg.base.page import COLOURS
from prismseg.data import SegmentationDataset, Split
from prismseg.evaluation import EvaluatedNetwork, evaluate
from prismseg.inference import Predictor
from prismseg.nets import InstantSegmenter
from prismseg.train.config import TrainConfig
from prismseg.train.instant.cases import LIGHT_COPIES
from prismseg.train.instant.fit import HeldOut, InstantFit, fit_instant
from prismseg.train.instant.settings import InstantSettings
from prismseg.train.runs.folder import RunFolder
from prismseg.train.runs.network import describe, make_network, make_preprocess
from prismseg.train.runs.partition import make_partition
from prismseg.train.runs.seen import SeenCases


class InstantRun:
    """One run: `InstantRun(config, folder).fit()` fits a network in closed form and writes it, with what it is worth.

    All labelled images are learnt from unless the data bring a split along or the settings name one. Its validation part
    is learnt from too: what it is for, groups that are left out do better.

    Parameters
    ----------
    config : TrainConfig
        With the architecture "instant".
    out : path
        Folder of the run (see `RunFolder`). Nothing is written into it before everything is checked.
    dataset : SegmentationDataset
        What ``config.data`` names.
    resume : bool
        Leave a finished run as it is; one that was cut is fitted anew.

    Attributes
    ----------
    notes : list of str
        What a user has to know about this run before it starts.

    Raises
    ------
    PrismsegError
        For data, settings, weights or folders that cannot be used.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: str | Path,
        *,
        dataset: SegmentationDataset,
        resume: bool = False,
    ) -> None:
        config = with_all_images(config, dataset)
        self.config, self.folder = config, RunFolder(Path(out))
        self.settings = config.instant or InstantSettings()
        self.notes: list[str] = []
        if config.initial is not None:
            raise ConfigError(
                f"An instant segmenter is fitted from the start, so it cannot go on from {config.initial}."
            )
        if dataset.unlabelled:
            labelled = sorted(set(range(len(dataset))) - set(dataset.unlabelled))
            self.notes.append(f"{len(dataset.unlabelled)} images without a mask are left out.")
            dataset = dataset.subset(labelled)
        self.dataset = dataset
        self.finished = resume and (self.folder.model / "config.json").is_file()
        if resume and self.folder.config.exists():
            self.folder.refuse_other(config, dataset)
        else:
            self.folder.refuse_existing()
        partition = make_partition(config, dataset)
        self.notes += partition.notes
        split = partition.split
        self.split = Split(train=tuple(sorted(split.train + split.validation)), validation=(), test=split.test)
        if not self.split.train:
            raise DataError(f"The training part of {dataset.root} is empty, so there is nothing to fit.")
        network = make_network(config, dataset, pretrained=not self.finished)
        if not isinstance(network, InstantSegmenter):
            raise ConfigError(
                f"The architecture {config.model.arch!r} is no instant segmenter, and cannot be fitted."
            )
        self.network = network

    def summary(self) -> list[str]:
        """Sentences about a run that is about to start."""
        dataset, config = self.dataset, self.config
        made_up = "" if dataset.names_stated else " (names made up)"
        groups = len({dataset.groups[case] for case in self.split.train})
        test = f"{len(self.split.test)} images are kept apart for a test." if self.split.test else ""
        light = LIGHT_COPIES if any(self.settings.lights) else 0
        weights = "random weights" if config.model.weights is None else f"weights {config.model.weights}"
        return [
            f"Data: {dataset.root}, {len(self.split.train)} labelled images of {groups} groups (--group "
            f"{config.data.group}); classes {', '.join(dataset.classes)}{made_up}; {dataset.channels} "
            f"channel{'s' * (dataset.channels != 1)}. {test}".rstrip(),
            f"Network: instant, encoder {config.model.encoder or self.network.own_encoder} ({weights}), input "
            f"{config.size[0]} x {config.size[1]}; each image learnt from {self.settings.copies + light} times.",
            *self.notes,
        ]

    def fit(self, *, show_progress: bool = True) -> InstantFit | None:
        """Fit, and write the run; None where it was finished before."""
        if self.finished:
            return None
        samples = self.dataset.subset(self.split.train)
        start = time.monotonic()
        fit = fit_instant(
            self.network,
            samples,
            self.dataset.classes,
            make_preprocess(self.config, self.dataset),
            self.settings,
            show_progress=show_progress,
        )
        fit.network.metadata = self._describe(fit, time.monotonic() - start)
        with self.folder.locked():
            if not self.folder.config.exists():
                self.folder.start(self.config, self.dataset, self.split)
            fit.network.save_pretrained(self.folder.model)
            if fit.held_out is not None:
                self._write_held_out(fit, fit.held_out, samples, show_progress=show_progress)
        return fit

    def _describe(self, fit: InstantFit, seconds: float) -> dict[str, Any]:
        seen = SeenCases.from_split(self.dataset, self.split)
        metadata = describe(self.config, self.dataset, self.split, seen)
        training = metadata["training"]
        for name in ("optim", "augmentation", "source", "weight_streams"):
            del training[name]
        training["fit"] = {
            **self.settings.model_dump(mode="json"),
            **asdict(fit.candidate),
            "averaged": fit.averaged,
            "seconds": round(seconds, 1),
            "notes": fit.notes,
            "held_out_dice": None if fit.held_out is None else mean_dice(fit.held_out),
        }
        metadata.pop("mirror_vertical", None)  # of the augmentation, which has no part in a fit
        return metadata | {"mirror": self.settings.mirror}

    def _write_held_out(
        self, fit: InstantFit, held_out: HeldOut, samples: SegmentationDataset, *, show_progress: bool
    ) -> None:
        out = make_folder(self.folder.held_out)
        for name, table in (("dice.csv", held_out.table), ("penalties.csv", held_out.curve)):
            with atomic_path(out / name) as temporary:
                table.to_csv(temporary, index=False)
        with atomic_path(out / "penalties.png") as temporary:
            draw_penalties(held_out.curve).savefig(temporary, dpi=130)
        write_json(out / "choice.json", fit.network.metadata["training"]["fit"])
        if not self.settings.report:
            return
        networks = []
        for number, (part, head) in enumerate(zip(held_out.parts, held_out.heads, strict=True)):
            network = fit.network.with_head(head)
            name = f"without part {number + 1}"
            networks.append(EvaluatedNetwork(Predictor(network), tuple(part), ("left out",) * len(part), name))
        notes = [
            "Each case is predicted by a fit that has not seen its group, nor the other groups of its part; class "
            "weights, penalty and offsets are those that are best for all other parts.",
            *fit.notes,
        ]
        evaluate(networks, samples, out, part="left out", notes=notes, show_progress=show_progress)


def with_all_images(config: TrainConfig, dataset: SegmentationDataset) -> TrainConfig:
    """Fit all labelled images where the settings name no split and the data bring none along."""
    plan = config.split
    brought = bool(dataset.predefined_splits) and plan.predefined is not False
    if brought or plan.predefined or plan.fractions is not None or plan.folds is not None:
        return config
    return config.model_copy(update={"split": plan.model_copy(update={"fractions": (1.0, 0.0, 0.0)})})


def mean_dice(held_out: HeldOut) -> dict[str, float]:
    """Mean Dice of each class over the images of groups that were left out."""
    means = held_out.table.groupby("class", sort=False)["dice"].mean()
    return {str(name): round(float(value), 4) for name, value in means.items()}


def draw_penalties(curve: pd.DataFrame) -> Figure:
    """Draw mean Dice of left-out groups against the penalty: a line for each fit and weight of copies."""
    figure = Figure(figsize=(6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for ((fit, light), rows), colour in zip(
        curve.groupby(["fit", "light"], sort=False), cycle(COLOURS), strict=False
    ):
        line = rows.groupby("penalty", as_index=False)["dice"].max()  # over the powers of the class weights
        axes.plot(line["penalty"], line["dice"], marker=".", color=colour, label=f"{fit}, {light:g}")
    for _, rows in curve.groupby("fit"):
        best = rows.sort_values("dice").tail(1)
        axes.plot(best["penalty"], best["dice"], "o", color="black", markerfacecolor="none", markersize=11)
    axes.set_xscale("log")
    axes.set_xlabel("penalty, as a share of the trace of the Gram matrix (circle: best)")
    axes.set_ylabel("Dice of groups left out")
    axes.legend(title="fit, weight of copies\nin another light", frameon=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
