"""Which skip layer is best on real images? Five-fold cross-validation of six networks on two data sets.

    python benchmarks/variants.py --data ../shared/data --out runs/variants

Runs that are finished are not repeated, so the command can be stopped and started again. It prints a table a data set:
Dice of each class with its 95 % interval over groups, and the paired difference to the bare U-Net.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VARIANTS = {
    "baseline": ["--skip", "none"],
    "conv M3": ["--skip", "conv", "--multiplier", "3"],
    "crffg M1": ["--skip", "crffg", "--multiplier", "1"],
    "crffg M3": ["--skip", "crffg", "--multiplier", "3"],
    "thesis crffg M3": ["--skip", "crffg", "--multiplier", "3", "--preset", "thesis"],
}
DATA = {
    "usgra_seg": [
        "--group",
        "block:12",
        "--classes",
        "background,nerve,vessel",
        "--size",
        "128",
        "--batch-size",
        "8",
    ],
    "dsb2018_nuclei": ["--binary", "--group", "image", "--size", "192", "--batch-size", "4"],
}
FOLDS = 5


def prismseg(*arguments: str, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [str(Path(sys.executable).with_name("prismseg")), *arguments, "--quiet"]
    with log.open("a") as file:
        subprocess.run(command, check=True, stdout=file, stderr=file, env=environment)


def train_fold(data: Path, options: list[str], root: Path, fold: int, steps: int) -> None:
    out = root / f"fold-{fold}"
    resume = ["--resume"] if (out / "config.yaml").exists() else []
    prismseg(
        "train", str(data), *options, "--folds", str(FOLDS), "--fold", str(fold), "--steps", str(steps),
        "--evaluate-every", "50", "--compile", "no", "--out", str(out), *resume, log=root / f"fold-{fold}.log",
    )  # fmt: skip


def table(out: Path) -> str:
    lines = [
        "| network | class | Dice | 95 % CI | difference to baseline | 95 % CI | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for variant in VARIANTS:
        path = out / variant.replace(" ", "-") / "evaluation" / "summary.json"
        if not path.is_file():
            continue
        summary = json.loads(path.read_text())
        paired = {row["class"]: row for row in summary["comparison"] or [] if row["metric"] == "dice"}
        for row in summary["metrics"]:
            if row["metric"] != "dice":
                continue
            cells = [variant, row["class"], f"{row['mean']:.3f}", f"{row['ci_low']:.3f}–{row['ci_high']:.3f}"]
            if row["class"] in paired:
                other = paired[row["class"]]
                cells += [
                    f"{other['difference']:+.3f}",
                    f"{other['ci_low']:+.3f}–{other['ci_high']:+.3f}",
                    f"{other['p_value']:.2g}",
                ]
            else:
                cells += ["", "", ""]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder that holds the data sets"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/variants"))
    parser.add_argument("--only", choices=list(DATA), help="one data set alone")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at a time, one thread each")
    arguments = parser.parse_args()
    for name in [arguments.only] if arguments.only else list(DATA):
        out, data, options = arguments.out / name, arguments.data / name, DATA[name]
        with ThreadPoolExecutor(arguments.jobs) as pool:
            tasks = [
                pool.submit(
                    train_fold,
                    data,
                    [*options, *VARIANTS[variant]],
                    out / variant.replace(" ", "-"),
                    fold,
                    arguments.steps,
                )
                for variant in VARIANTS
                for fold in range(FOLDS)
            ]
            for task in tasks:
                task.result()
        for variant in VARIANTS:
            root = out / variant.replace(" ", "-")
            against = [] if variant == "baseline" else ["--against", str(out / "baseline" / "evaluation")]
            prismseg("evaluate", str(root), *against, log=root / "evaluate.log")
        print(f"\n{name}, {FOLDS} folds, {arguments.steps} steps\n\n{table(out)}", flush=True)


if __name__ == "__main__":
    main()
