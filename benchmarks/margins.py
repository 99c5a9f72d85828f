"""How often conformal margins hold for a new patient: random splits of simulated patients whom a network has segmented.

    python benchmarks/margins.py              # 40 patients, 6 frames each, `thermal-feet-small`: about 2 minutes
    python benchmarks/margins.py --quick      # 16 patients: under a minute

Of each split the margin is calibrated on some patients and looked at on one other. Beside it stands what an image-wise
calibration gives that takes images of a patient for independent ones.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prismseg.data import open_dataset
from prismseg.evaluation import MarginSettings, conformal_quantile, score_margins
from prismseg.inference import Predictor
from prismseg.thermal.phantom import write_sessions

SPLITS = 1000


def segment_patients(network: str, patients: int, seed: int) -> list[NDArray[np.float64]]:
    """Margins that the frames of each simulated patient need, in pixels."""
    predictor = Predictor.from_pretrained(network)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        write_sessions(Path(folder) / "feet", sessions=patients, size=(120, 160), seed=seed)
        data = open_dataset(Path(folder) / "feet", classes=predictor.classes)
        for sample in data:
            prediction = predictor(sample.image)
            rows += [
                {"group": sample.group, **row}
                for row in score_margins(prediction.mask, np.asarray(sample.mask), predictor.classes, share=0.99)
            ]
    return [scores.to_numpy(float) for _, scores in pd.DataFrame(rows).groupby("group")["both"]]


def split_often(
    groups: list[NDArray[np.float64]], calibrated: int, settings: MarginSettings
) -> tuple[float, float]:
    """Share of splits in which the margin holds for the patient left out, and the same of the image-wise one."""
    rng = np.random.default_rng(0)
    held, pooled_held = [], []
    for _ in range(SPLITS):
        *calibration, new = (groups[index] for index in rng.permutation(len(groups))[: calibrated + 1])
        value = float(new.max()) if settings.per == "group" else float(rng.choice(new))
        held.append(value <= conformal_quantile(calibration, settings))
        pooled = np.sort(np.concatenate(calibration))
        rank = min(math.ceil((len(pooled) + 1) * (1 - settings.alpha)), len(pooled))
        pooled_held.append(value <= pooled[rank - 1])
    return float(np.mean(held)), float(np.mean(pooled_held))


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="thermal-feet-small")
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="16 patients.")
    options = parser.parse_args()
    groups = segment_patients(options.network, 16 if options.quick else options.patients, options.seed)
    print(f"{len(groups)} patients, {sum(map(len, groups))} frames, {SPLITS} splits, 99 % of the mask, in %:\n")
    print("| alpha | for | calibration patients | held | ± (2 s.e.) | if images were independent |")
    print("| --- | --- | --- | --- | --- | --- |")
    for alpha in (0.1, 0.2):
        for per in ("group", "case"):
            settings = MarginSettings(alpha, per, 0.99)
            for calibrated in (settings.fewest_groups, len(groups) - 1):
                held, pooled = split_often(groups, calibrated, settings)
                error = 2 * math.sqrt(max(held * (1 - held), 1e-4) / SPLITS)
                print(
                    f"| {alpha:g} | {per} | {calibrated} | {100 * held:.1f} | {100 * error:.1f} | {100 * pooled:.1f} |"
                )


if __name__ == "__main__":
    main()
