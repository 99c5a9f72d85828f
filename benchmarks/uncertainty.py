"""What kinds of uncertainty are worth: likelihood, calibration, failures found, and images that are none of the
network's.

    python benchmarks/uncertainty.py --quick      # 10 + 6 simulated patients, 120 steps a fold: about 3 minutes
    python benchmarks/uncertainty.py              # 24 + 12, 600 steps: about 20 minutes

Three folds are trained on simulated feet. On other simulated patients the first fold alone is compared with its
last layer and its frequencies as Bayesian ones, and with the ensemble of all folds. Images of noise, blank ones and
legs from above stand for what a network should not be sure of: AUROC is the share of pairs in which the foreign
image has the higher mean score.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from prismseg.data import SegmentationDataset, open_dataset
from prismseg.evaluation import ReliabilityCounts, aurc
from prismseg.inference import BayesianMaps, BayesianPredictor, Predictor, maps_of_draws
from prismseg.inference.disagreement import pair_dice
from prismseg.thermal.phantom import write_sessions
from prismseg.train import configure, fit_uncertainty, make_ensemble, train

Ask = Callable[[NDArray[np.generic]], BayesianMaps]
SIZE = (120, 160)


def auroc(foreign: list[float], own: list[float]) -> float:
    """Share of pairs in which the foreign image has the higher score; half for ties."""
    ranks = rankdata([*foreign, *own])
    return float((ranks[: len(foreign)].sum() - len(foreign) * (len(foreign) + 1) / 2) / (len(foreign) * len(own)))


def foreign_images(
    dataset: SegmentationDataset, above: SegmentationDataset
) -> dict[str, list[NDArray[np.generic]]]:
    """Noise and blank images with the mean and spread of the data's, and legs from above."""
    rng = np.random.default_rng(0)
    images = [dataset[index].image.astype(np.float32) for index in range(0, len(dataset), 3)]
    return {
        "noise": [rng.normal(each.mean(), each.std(), each.shape).astype(np.float32) for each in images],
        "blank": [np.full_like(each, each.mean()) + rng.normal(0, 0.05, each.shape) for each in images],
        "legs": [above[index].image for index in range(0, len(above), 3)],
    }


def measure(
    ask: Ask, data: SegmentationDataset, foreign: dict[str, list[NDArray[np.generic]]]
) -> dict[str, float]:
    """One row of the table."""
    counts, losses, risks, entropies, informations = [], [], [], [], []
    for sample in data:
        maps = ask(sample.image)
        truth = np.asarray(sample.mask)
        counts.append(ReliabilityCounts.of(maps.probabilities[1], truth == 1))
        chosen = np.take_along_axis(maps.probabilities, truth[None].astype(np.intp), 0)
        losses.append(float(-np.log(np.maximum(chosen, 1e-12)).mean()))
        risks.append(1 - pair_dice(maps.mask == 1, truth == 1))
        entropies.append(float(maps.entropy.mean()))
        informations.append(float(maps.mutual_information.mean()))
    total = sum(counts[1:], counts[0])
    row = {
        "nll": float(np.mean(losses)),
        "brier": total.brier,
        "ece": total.ece,
        "ece doubtful": total.ece_doubtful,
    }
    row |= {"dice": 1 - float(np.mean(risks)), "aurc (entropy)": aurc(risks, -np.array(entropies))}
    row |= {"aurc (mi)": aurc(risks, -np.array(informations))}
    for name, images in foreign.items():
        asked = [ask(image) for image in images]
        row[f"{name} (entropy)"] = auroc([float(maps.entropy.mean()) for maps in asked], entropies)
        row[f"{name} (mi)"] = auroc([float(maps.mutual_information.mean()) for maps in asked], informations)
    return row


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    patients, others, steps, width = (10, 6, 120, 0.5) if options.quick else (24, 12, 600, 1.0)
    with tempfile.TemporaryDirectory() as text:
        root = Path(text)
        for name, count, seed, framing in (
            ("own", patients, options.seed, "soles"),
            ("others", others, options.seed + 1000, "soles"),
            ("above", others, options.seed + 2000, "above"),
        ):
            write_sessions(root / name, sessions=count, size=SIZE, seed=seed, framings=(framing,))
        settings = {
            "data": {"path": str(root / "own")},
            "split": {"folds": 3},
            "model": {"arch": "unet", "skip": "crffg", "width": width},
            "size": "48",
            "optim": {"steps": steps, "batch_size": 8, "lr": 3e-3},
            "evaluate_every": steps,
            "compile": "no",
            "seed": options.seed,
        }
        train(configure(settings), root / "cv", show_progress=False)
        fold = root / "cv" / "fold-0"
        single = Predictor.from_pretrained(fold)
        asks: dict[str, Ask] = {"single": lambda image: maps_of_draws(single(image).probabilities[None])}
        for kind in ("last-layer", "variational"):
            fitted, notes = fit_uncertainty(fold, kind)
            print(f"{kind}: {' '.join(notes)}")
            asks[kind] = BayesianPredictor(single, kind, fitted)
        both = make_ensemble([root / "cv"], root / "all", show_progress=False)
        asks["ensemble"] = BayesianPredictor(Predictor.from_pretrained(both), "ensemble")
        data = open_dataset(root / "others", classes=single.classes)
        foreign = foreign_images(data, open_dataset(root / "above", classes=single.classes))
        rows = {name: measure(ask, data, foreign) for name, ask in asks.items()}
    print(f"\n{len(data)} images of {others} patients\n")
    print("| |", " | ".join(rows), "|")
    print("| --- |" + " --- |" * len(rows))
    for measure_name in next(iter(rows.values())):
        print(f"| {measure_name} |", " | ".join(f"{row[measure_name]:.3f}" for row in rows.values()), "|")


if __name__ == "__main__":
    main()
