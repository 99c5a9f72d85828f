"""Equal CPU seconds, identical splits: a CRFFg U-Net against MONAI's DynUNet with nnU-Net's recipe.

    python benchmarks/accuracy.py --data DATA --out runs/accuracy

DATA is a folder with the data sets usgra_seg (github.com/tmkand/usgra-seg) and dsb2018_nuclei (Data Science Bowl 2018),
each with images/ and masks/.

Both sides get the same prepared images, the same training cases (nested subsets of the same folds), one thread, and
the same CPU time for training, set-up included. Neither sees a validation set: the last (for us: averaged) weights
are measured on the test fold at the original image size. DynUNet follows nnU-Net (Isensee et al. 2021): SGD 1e-2 with
Nesterov momentum 0.99, weight decay 3e-5, polynomial decay, Dice + cross-entropy with deep supervision, its
augmentation, batch 12. Its learning rate decays with the CPU time used, ours with steps whose number is set by timing
the first ones.
Finished runs are not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SIZES: tuple[int | None, ...] = (20, 40, None)
FOLDS = 5
DATA = {
    "usgra_seg": {"classes": ("background", "nerve", "vessel")},  # groups as its dataset.csv states them
    "dsb2018_nuclei": {"group": "image", "binary": True},
}


def one_run(arguments: argparse.Namespace) -> None:
    """Train and measure one network in this process; write ``result.json``."""
    import torch

    from prismseg.base import keep_freed_memory
    from prismseg.data import Preprocess, Split, TensorCache, kfold, open_dataset, scarce
    from prismseg.evaluation import case_metrics
    from prismseg.inference import Predictor

    torch.set_num_threads(1)
    keep_freed_memory()
    dataset = open_dataset(arguments.data / arguments.dataset, **DATA[arguments.dataset])
    fold = kfold(dataset.groups, FOLDS, seed=0)[arguments.fold]
    pool = tuple(sorted((*fold.train, *fold.validation)))
    limit = arguments.limit or len(pool)
    split = Split(train=tuple(scarce(pool, dataset.groups, limit=limit, seed=0)), validation=(), test=fold.test)
    preprocess = Preprocess(size=(arguments.size, arguments.size), channels=dataset.channels, intensity="zscore")
    cache = TensorCache(dataset, preprocess, max_mib=4096)
    cache.batch(split.train)  # reading is not what is compared
    method = train_ours if arguments.method == "prismseg" else train_dynunet
    start = time.process_time()
    model, steps = method(arguments, dataset, split, preprocess, cache)
    used = time.process_time() - start
    predictor = Predictor(model)
    rows = []
    for index in split.test:
        sample = dataset[index]
        prediction = predictor(sample.image)
        measured = case_metrics(prediction.mask, sample.mask, dataset.classes)
        rows += [
            {"case": sample.id, "group": sample.group, "class": row["class"], "dice": row["value"]}
            for row in measured
            if row["metric"] == "dice"
        ]
    arguments.out.mkdir(parents=True, exist_ok=True)
    result = {"cpu_seconds": used, "steps": steps, "train": len(split.train), "rows": rows}
    (arguments.out / "result.json").write_text(json.dumps(result))


def train_ours(arguments, dataset, split, preprocess, cache):
    import shutil
    import time

    from prismseg.nets import load_model
    from prismseg.train import Trainer, make_config

    def trainer(steps: int, out: Path) -> Trainer:
        shutil.rmtree(out, ignore_errors=True)
        config = make_config(
            {
                "data": {"path": str(dataset.root)},
                "model": {"arch": "unet", "skip": "crffg", "multiplier": arguments.multiplier},
                "optim": {
                    "steps": steps,
                    "batch_size": arguments.batch_size,
                    "lr": arguments.lr,
                    "loss": arguments.loss,
                },
                "size": preprocess.size,
                "compile": "no",
                "evaluate_every": 10**6,
                "checkpoint_every": 10**6,
            }
        )
        prepared = Trainer(config, out, dataset=dataset, split=split)
        prepared.cache = cache
        return prepared

    start = time.process_time()
    probe = trainer(10**6, arguments.out / "probe")
    for step in range(3):
        probe.step(step)
    before = time.process_time()
    for step in range(3, 9):
        probe.step(step)
    seconds = (time.process_time() - before) / 6
    remaining = arguments.seconds - (time.process_time() - start)
    steps = max(1, int(remaining / seconds * 0.97))
    shutil.rmtree(arguments.out / "probe")
    run = trainer(steps, arguments.out / "run")
    run.fit(show_progress=False)
    return load_model(run.folder.model), steps


def train_dynunet(arguments, dataset, split, preprocess, cache):
    import time

    import numpy as np
    import torch
    from monai.losses import DeepSupervisionLoss, DiceCELoss
    from monai.networks.nets import DynUNet
    from monai.transforms import (
        Compose,
        RandAdjustContrastd,
        RandFlipd,
        RandGaussianNoised,
        RandGaussianSmoothd,
        RandRotated,
        RandScaleIntensityd,
        RandSimulateLowResolutiond,
        RandZoomd,
    )
    from torch import nn

    torch.manual_seed(0)
    start = time.process_time()
    classes = len(dataset.classes)
    levels = min(6, int(np.log2(preprocess.size[0] / 4)) + 1)  # down to 4×4, as nnU-Net plans
    filters = [min(512, arguments.filters * 2**level) for level in range(levels)]
    network = DynUNet(
        2, preprocess.channels, classes, [3] * levels, [1] + [2] * (levels - 1), [2] * (levels - 1), filters=filters,
        norm_name=("INSTANCE", {"affine": True}), deep_supervision=True, deep_supr_num=min(3, levels - 2),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    keys, modes = ["image", "label"], ["bilinear", "nearest"]
    augment = Compose(
        [
            RandRotated(keys, range_x=np.pi, prob=0.2, mode=modes, padding_mode="zeros"),
            RandZoomd(
                keys, prob=0.2, min_zoom=0.7, max_zoom=1.4, mode=["bilinear", "nearest"], padding_mode="constant"
            ),
            RandGaussianNoised(["image"], prob=0.1, std=0.1),
            RandGaussianSmoothd(["image"], prob=0.2, sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0)),
            RandScaleIntensityd(["image"], prob=0.15, factors=0.25),
            RandSimulateLowResolutiond(["image"], prob=0.25, upsample_mode="bilinear", zoom_range=(0.5, 1.0)),
            RandAdjustContrastd(["image"], prob=0.3, gamma=(0.7, 1.5)),
            RandFlipd(keys, prob=0.5, spatial_axis=0),
            RandFlipd(keys, prob=0.5, spatial_axis=1),
        ]
    ).set_random_state(0)
    loss = DeepSupervisionLoss(DiceCELoss(softmax=True, to_onehot_y=True, batch=True, include_background=False))
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-2, momentum=0.99, nesterov=True, weight_decay=3e-5)
    rng, steps = np.random.default_rng(0), 0
    while (used := time.process_time() - start) < arguments.seconds:
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * (1 - used / arguments.seconds) ** 0.9
        images, masks = cache.batch(rng.choice(split.train, 12).tolist())
        pairs = [
            augment({"image": image, "label": mask[None].float()})
            for image, mask in zip(images, masks, strict=True)
        ]
        batch = torch.stack([torch.as_tensor(pair["image"]) for pair in pairs]).to(
            memory_format=torch.channels_last
        )
        truth = torch.stack([torch.as_tensor(pair["label"]) for pair in pairs])
        network.train()
        outputs = list(network(batch).unbind(1))
        optimizer.zero_grad()
        loss(outputs, truth).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 12)
        optimizer.step()
        steps += 1
    network.metadata = {"preprocess": preprocess.to_dict(), "classes": dataset.classes}
    return network.eval(), steps


def report(out: Path) -> None:
    import pandas as pd

    from prismseg.base.provenance.machine import describe_machine, this_machine
    from prismseg.evaluation import SHARE, mean_interval, paired_comparison
    from prismseg.evaluation.statistics.wording import show_interval

    print(describe_machine(this_machine()))
    print(
        "In brackets: 95 % CI over groups of two given networks, or the range of the groups where they are below 6.\n"
    )
    print("| data | training images | groups tested | prismseg Dice | DynUNet Dice | difference | steps |")
    print("|---|---|---|---|---|---|---|")
    for dataset in DATA:
        for limit in SIZES:
            tables, steps, trained = {}, {}, []
            for method in ("prismseg", "dynunet"):
                files = sorted(out.glob(f"{dataset}/{limit or 'all'}/{method}/fold-*/result.json"))
                results = [json.loads(path.read_text()) for path in files]
                steps[method] = ", ".join(str(result["steps"]) for result in results)
                trained += [result["train"] for result in results]
                rows = [row for result in results for row in result["rows"]]
                if rows:
                    frame = pd.DataFrame(rows)
                    tables[method] = frame.groupby(["case", "group"], as_index=False)["dice"].mean()
            if len(tables) < 2:
                continue
            both = tables["prismseg"].merge(tables["dynunet"], on=["case", "group"], suffixes=("", "_peer"))
            cells = []
            for column in ("dice", "dice_peer"):
                interval = mean_interval(both[column], both["group"], bounds=SHARE)
                cells.append(f"{both[column].mean():.3f} ({show_interval(interval.columns())})")
            paired = paired_comparison(both["dice"], both["dice_peer"], both["group"])
            cells.append(f"{paired['difference']:+.3f} ({show_interval(paired, '+.3f')})")
            counts = " / ".join(f"{steps[method]}" for method in ("prismseg", "dynunet"))
            groups = both["group"].nunique()
            print(f"| {dataset} | {min(trained)} | {groups} | {' | '.join(cells)} | {counts} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {' and '.join(DATA)}")
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy"))
    parser.add_argument("--seconds", type=float, default=120, help="CPU seconds of each training")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--folds", type=int, default=1, help="how many of the five folds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--loss", default="auto")
    parser.add_argument("--multiplier", type=int, default=3)
    parser.add_argument("--filters", type=int, default=32, help="first width of DynUNet (nnU-Net: 32)")
    parser.add_argument("--method", choices=["prismseg", "dynunet"], help=argparse.SUPPRESS)
    parser.add_argument("--dataset", choices=list(DATA), help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--fold", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.method:
        one_run(arguments)
        return
    passed = [
        f"--{name.replace('_', '-')}={getattr(arguments, name)}"
        for name in ("data", "seconds", "size", "batch_size", "lr", "loss", "multiplier", "filters")
    ]
    commands = []
    for fold in range(arguments.folds):
        for dataset in DATA:
            for limit in SIZES:
                for method in ("prismseg", "dynunet"):
                    out = arguments.out / dataset / str(limit or "all") / method / f"fold-{fold}"
                    if not (out / "result.json").exists():
                        chosen = ["--method", method, "--dataset", dataset, "--fold", str(fold), "--out", str(out)]
                        if limit:
                            chosen += ["--limit", str(limit)]
                        commands.append([sys.executable, __file__, *passed, *chosen])
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for task in [pool.submit(subprocess.run, command, check=True, env=environment) for command in commands]:
            task.result()
    report(arguments.out)


if __name__ == "__main__":
    main()
