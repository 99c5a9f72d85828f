"""What a few labelled frames of one's own add to the shipped network, on a phantom domain that it has never seen.

    python benchmarks/finetune.py --network thermal-feet-small --out runs/finetune

Grey pictures of simulated sessions of the left-out domain; 5, 10 and 20 frames of ten people for training, the frames of
twenty others for testing. Compared: the network as it is, fine-tuned, and one trained from nothing on the same frames
with as many steps. Dice of both feet with 95 % intervals over people, differences paired.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prismseg import Predictor, open_dataset
from prismseg.data import SegmentationDataset, Split
from prismseg.evaluation import SHARE, mean_interval, paired_comparison
from prismseg.evaluation.statistics.wording import show_interval
from prismseg.nets import load_model
from prismseg.thermal.network.settings import trained_domains
from prismseg.thermal.phantom import DOMAINS, write_sessions
from prismseg.train import Trainer, configure
from prismseg.train.finetune import finetune_settings

PEOPLE, TRAINING_PEOPLE, MINUTES = 30, 10, (0, 20)
COUNTS = (5, 10, 20)


def make_data(out: Path, domain: str, seed: int) -> SegmentationDataset:
    """Grey pictures of one domain as a data set whose groups are people."""
    folder = out / "feet"
    if not (folder / "dataset.csv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_sessions(
            folder, sessions=PEOPLE, minutes=MINUTES, domains=[domain], framings=["soles", "above"], seed=seed
        )
        table = pd.read_csv(folder / "dataset.csv", dtype=str)
        table["image"] = table["image"].str.replace("images/", "grey/").str.replace(".tiff", ".png")
        table.to_csv(folder / "dataset.csv", index=False)
    return open_dataset(folder / "dataset.csv", classes=["background", "foot"], channels=1)


def split(dataset: SegmentationDataset, count: int) -> Split:
    people = sorted(set(dataset.groups))
    learning = [k for k, group in enumerate(dataset.groups) if group in people[:TRAINING_PEOPLE]]
    # One frame of each person before the second of any.
    learning = learning[:: len(MINUTES)] + learning[1 :: len(MINUTES)]
    testing = [k for k, group in enumerate(dataset.groups) if group not in people[:TRAINING_PEOPLE]]
    return Split(train=tuple(learning[:count]), validation=(), test=tuple(testing))


def dice(predictor: Predictor, dataset: SegmentationDataset, cases: tuple[int, ...]) -> np.ndarray:
    scores = []
    for case in cases:
        sample = dataset[case]
        found, truth = predictor(sample.image).mask > 0, sample.mask > 0
        total = int(found.sum() + truth.sum())
        scores.append(2 * int((found & truth).sum()) / total if total else 1.0)
    return np.array(scores)


def train(
    dataset: SegmentationDataset, parts: Split, out: Path, initial: dict[str, Any] | None, settings: dict[str, Any]
) -> Predictor:
    if not (out / "model" / "config.json").exists():
        shutil.rmtree(out, ignore_errors=True)
        config = configure({"data": {"path": str(dataset.root)}, **settings}, initial=initial)
        Trainer(config, out, dataset=dataset, split=parts).fit()
    return Predictor.from_pretrained(out / "model")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="thermal-feet-small")
    parser.add_argument("--domain", choices=DOMAINS, help="default: the one the network was not trained on")
    parser.add_argument("--out", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--seed", type=int, default=31)
    arguments = parser.parse_args()
    seen = trained_domains(load_model(arguments.network).metadata["training"])
    domain = arguments.domain or next(name for name in DOMAINS if name not in seen)
    dataset = make_data(arguments.out, domain, arguments.seed)
    test = split(dataset, 1).test
    groups = [dataset.groups[case] for case in test]
    start = finetune_settings(arguments.network)
    as_it_is = dice(Predictor.from_pretrained(arguments.network), dataset, test)
    rows = [("as it is", 0, as_it_is)]
    for count in COUNTS:
        parts = split(dataset, count)
        tuned = train(dataset, parts, arguments.out / f"tuned-{count}", start, {})
        rows.append(("fine-tuned", count, dice(tuned, dataset, test)))
        scratch = {key: start[key] for key in ("data", "model", "optim", "size", "intensity", "postprocess")}
        scratch["optim"] = scratch["optim"] | {"lr": 3e-3}
        fresh = train(
            dataset,
            parts,
            arguments.out / f"fresh-{count}",
            None,
            scratch | {"data": {"path": str(dataset.root), "channels": 1}},
        )
        rows.append(("from nothing", count, dice(fresh, dataset, test)))
    print(f"\nDomain {domain}; {len(test)} frames of {len(set(groups))} people\n")
    print(
        "| network | frames | Dice | 95 % CI | difference to it as it is | 95 % CI | p |\n|---|---|---|---|---|---|---|"
    )
    for name, count, scores in rows:
        shown = show_interval(mean_interval(scores, groups, bounds=SHARE).columns())
        line = f"| {name} | {count} | {scores.mean():.3f} | {shown} |"
        if count:
            found = paired_comparison(scores, as_it_is, groups)
            interval = show_interval(found, "+.3f")
            line += f" {found['difference']:+.3f} | {interval} | {found['p_value']:.2g} |"
        print(line + ("  |  |  |" if not count else ""))


if __name__ == "__main__":
    main()
