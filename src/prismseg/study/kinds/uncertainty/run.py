"""Train on simulated feet, and measure what one kind of uncertainty says of other patients and of foreign images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock

from prismseg.base import make_folder
from prismseg.base.provenance.sources import code_of
from prismseg.data import SegmentationDataset, open_dataset
from prismseg.evaluation import ReliabilityCounts, aurc
from prismseg.evaluation.networks import EvaluatedNetwork
from prismseg.evaluation.unfamiliar import Ask, UnfamiliarCheck, check_unfamiliar
from prismseg.inference import BayesianPredictor, Predictor, maps_of_draws
from prismseg.inference.disagreement import pair_dice
from prismseg.inference.images import find_images
from prismseg.study.kinds.uncertainty.settings import SINGLE, UncertaintySettings
from prismseg.train import configure, fit_uncertainty, make_ensemble, train

MEASURES = (
    "nll", "brier", "ece_doubtful", "dice", "aurc", "aurc_information", "noise", "blank", "legs", "distance",
)  # fmt: skip
_FOREIGN, _INFORMATION = ("noise", "blank", "legs", "distance"), "_information"
_FRAME = (120, 160)
_FOLDS = 3


def run_uncertainty(settings: UncertaintySettings, folder: Path) -> pd.DataFrame:
    """Train, unless another run of the study has, and measure.

    Runs of other kinds of uncertainty and the same training share it: it lies beside the runs' folders, and is resumed.

    Returns
    -------
    DataFrame
        Columns case, group (patient), measure, value: ``nll`` (of a pixel), ``brier`` and ``dice`` of each case; of all
        ``ece``, ``ece_doubtful``, ``aurc`` (failures ordered by entropy), ``aurc_information`` (by mutual information);
        ``noise``, ``blank``, ``legs`` (seen from above; AUROC of the entropy, see
        `prismseg.evaluation.unfamiliar`) and ``distance``; the same of the mutual information as ``noise_information``
        and so on.
    """
    root = _train(settings, folder.parents[2] / "shared" if len(folder.parents) > 2 else folder)
    predictor, ask = _make_ask(settings.by, root)
    data = open_dataset(root / "others", classes=predictor.classes)
    rows: list[dict[str, Any]] = []
    counts, risks, scores = [], [], []
    for sample in data:
        maps, truth = ask(sample.image), np.asarray(sample.mask)
        counted = ReliabilityCounts.of(maps.probabilities[1], truth == 1)
        chosen = np.take_along_axis(maps.probabilities, truth[None].astype(np.intp), 0)
        dice = pair_dice(maps.mask == 1, truth == 1)
        nll = float(-np.log(np.maximum(chosen, 1e-12)).mean())
        rows += [
            {"case": sample.id, "group": sample.group, "measure": name, "value": value}
            for name, value in (("nll", nll), ("brier", counted.brier), ("dice", dice))
        ]
        counts.append(counted)
        risks.append(1 - dice)
        scores.append((float(maps.entropy.mean()), float(maps.mutual_information.mean())))
    total, order = sum(counts[1:], counts[0]), np.array(scores)
    whole = {
        "ece": total.ece,
        "ece_doubtful": total.ece_doubtful,
        "aurc": aurc(risks, -order[:, 0]),
        "aurc_information": aurc(risks, -order[:, 1]),
        **_foreign(predictor, ask, data, root),
    }
    rows += [{"case": "", "group": "", "measure": name, "value": value} for name, value in whole.items()]
    return pd.DataFrame(rows)


def _foreign(predictor: Predictor, ask: Ask, data: SegmentationDataset, root: Path) -> dict[str, float]:
    """AUROC of foreign images, and distance awareness, by entropy and by mutual information."""
    legs = [*find_images([root / "above" / "images"]).names]
    network = EvaluatedNetwork(predictor, tuple(range(len(data))))
    found = check_unfamiliar([network], data, UnfamiliarCheck("study", [ask], {"legs": legs}), show_progress=False)
    by_kind = {row["kind"]: row for row in found.summary()}
    return {
        f"{kind}{end}": float(by_kind[kind][score])
        for kind in _FOREIGN
        for end, score in (("", "entropy"), (_INFORMATION, "mutual_information"))
    }


def _make_ask(by: str, root: Path) -> tuple[Predictor, Ask]:
    """Make the network, and what asks it: the first fold, or the ensemble of all."""
    fold = root / "cv" / "fold-0"
    if by == "ensemble":
        members = Predictor.from_pretrained(root / "all")
        return members, BayesianPredictor(members, by)
    single = Predictor.from_pretrained(fold)
    if by == SINGLE:
        return single, lambda image: maps_of_draws(single(image).probabilities[None])
    with FileLock(root / "fitted.lock"):
        fitted, _ = fit_uncertainty(fold, by)
    return single, BayesianPredictor(single, by, fitted)


def _train(settings: UncertaintySettings, shared: Path) -> Path:
    """Simulate and train what these settings name, but for `by`, unless that is done; return its folder."""
    from prismseg.thermal.phantom import write_sessions

    # The code is in the name: trainings of another version are other trainings.
    facts = [settings.model_copy(update={"by": SINGLE}).model_dump(), code_of(_train.__module__)]
    name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]
    root = make_folder(shared / name)
    with FileLock(root / "lock"):
        for name, count, seed, framing in (
            ("own", settings.patients, 0, "soles"),
            ("others", settings.others, 1000, "soles"),
            ("above", settings.others, 2000, "above"),
        ):
            if not (root / name / "dataset.csv").exists():
                write_sessions(
                    root / name, sessions=count, size=_FRAME, seed=settings.seed + seed, framings=(framing,)
                )
        training = {
            "data": {"path": str(root / "own")},
            "split": {"folds": _FOLDS},
            "model": {"arch": "unet", "skip": "crffg", "width": settings.width},
            "size": str(settings.size),
            "optim": {"steps": settings.steps, "batch_size": 8, "lr": 3e-3},
            "evaluate_every": settings.steps,
            "compile": "no",
            "seed": settings.seed,
        }
        if not (root / "all" / "config.json").exists():
            train(configure(training), root / "cv", resume=(root / "cv").exists(), show_progress=False)
            make_ensemble([root / "cv"], root / "all", show_progress=False)
    return root
