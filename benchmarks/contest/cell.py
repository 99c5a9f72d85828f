"""One cell of the contest: a method learns from the images of a fold and is tested on the fold's own."""

from __future__ import annotations

import shutil
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from contest.methods.method import Method
from contest.sets import open_set, part_cases
from contest.task import Clock, Task, Watch
from prismseg.base import DataError, keep_freed_memory, make_folder, write_json
from prismseg.evaluation import case_metrics

if TYPE_CHECKING:  # it names all methods, and a cell depends on one
    from contest.settings import ContestSettings

MEASURES = ("dice", "hd95")
FACTS = "facts.json"


def measure_cell(settings: ContestSettings, method: Method, folder: Path, shared: Path) -> pd.DataFrame:
    """Train and test one method in `folder`; what others can use is kept in `shared`.

    Returns
    -------
    DataFrame
        Columns case, group, class, measure, value, x. Rows of cases hold Dice and HD95 of each class at the image's own
        size; rows without a case ``seconds``, ``steps``, ``images`` and ``prediction_seconds``, and the curve:
        ``watched`` (x: steps) and ``watched_by_seconds`` (x: seconds).
    """
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
    shutil.rmtree(folder, ignore_errors=True)  # a cell that was cut starts again
    folder.mkdir(parents=True)
    dataset, groups = open_set(Path(settings.data.path), settings.data.model_dump(exclude={"path"}))
    parts = part_cases(groups, settings.fold, settings.images, folds=settings.folds)
    if dataset.unlabelled:
        raise DataError(f"{dataset.root} has images without a mask; the contest needs one for each.")
    watched = [dataset[case] for case in parts.watched]
    clock = Clock(settings.device)
    watch = Watch(watched, len(dataset.classes), clock)
    task = Task(
        data=dataset.subset(parts.train),
        options=settings.data,
        size=settings.size,
        seconds=settings.seconds,
        stretch=settings.stretch,
        choice=settings.choice or next(iter(method.choices)),
        seed=settings.seed,
        device=settings.device,
        folder=folder,
        shared=make_folder(shared),
        clock=clock,
        watch=watch,
    )
    fitted = method.fit(task)
    used = clock.used()
    rows: list[dict[str, Any]] = []
    spent = 0.0
    for case in parts.test:
        sample = dataset[case]
        assert sample.mask is not None
        start = time.perf_counter()
        mask = fitted.segment(sample.image)
        spent += time.perf_counter() - start
        rows += [
            {
                "case": sample.id,
                "group": groups[case],
                "class": row["class"],
                "measure": row["metric"],
                "value": row["value"],
            }
            for row in case_metrics(mask, sample.mask, dataset.classes)
            if row["metric"] in MEASURES
        ]
    facts = {"seconds": used, "steps": fitted.steps, "images": len(parts.train)}
    facts["prediction_seconds"] = spent / len(parts.test)
    rows += [{"measure": name, "value": float(value)} for name, value in facts.items()]
    rows += [{"measure": "watched", "x": step, "value": dice} for step, _, dice in watch.points]
    rows += [{"measure": "watched_by_seconds", "x": seconds, "value": dice} for _, seconds, dice in watch.points]
    write_json(
        folder / FACTS,
        {
            "versions": {name: _version(name) for name in method.packages},
            "watched": "spare images of the training part" if parts.spare else "test images",
            "train": list(task.data.ids),
        },
    )
    table = pd.DataFrame(rows, columns=["case", "group", "class", "measure", "value", "x"])
    text = ["case", "group", "class"]
    table[text] = table[text].fillna("")
    return table


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"
