"""How long a step takes on this machine, found by taking some."""

from __future__ import annotations

import time
from tempfile import TemporaryDirectory

from prismseg.data import SegmentationDataset, Split
from prismseg.train.loop import Trainer
from prismseg.train.plan.plan import Plan

WARM_UP, PROBES = 1, 2  # steps before the clock runs, and on it


def time_step(plan: Plan, dataset: SegmentationDataset) -> float:
    """Take a few steps of the run that `plan` describes and measure the seconds of one; nothing is kept.

    Compiled runs are faster than that once they are compiled.

    Raises
    ------
    PrismsegError
        For data or settings that cannot be used.
    """
    unlabelled = set(dataset.unlabelled)
    cases = tuple(case for case in range(len(dataset)) if case not in unlabelled)
    config = plan.config().model_copy(update={"compile": "no", "tracking": ()})
    with TemporaryDirectory() as folder:
        trainer = Trainer(config, folder, dataset=dataset, split=Split(train=cases, validation=(), test=()))
        for step in range(WARM_UP + PROBES):
            if step == WARM_UP:
                began = time.perf_counter()
            trainer.step(step)
        return (time.perf_counter() - began) / PROBES
