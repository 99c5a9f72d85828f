"""How fast a run goes on this machine, found by taking some steps; and a plan for a time that is stated."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory

from prismseg.base import ConfigError
from prismseg.data import SegmentationDataset
from prismseg.train.config import TrainConfig
from prismseg.train.loop import Trainer
from prismseg.train.plan.plan import Plan
from prismseg.train.plan.resources import Pace
from prismseg.train.runs.partition import make_partition

WARM_UP, PROBES = 1, 2  # steps before the clock runs, and on it
_LENGTH = ("optim.steps", "evaluate_every")


@dataclass(frozen=True)
class Timing:
    """What parts of a run take.

    Attributes
    ----------
    step, evaluation : float
        Seconds of a step, and of an evaluation on the validation part.
    """

    step: float
    evaluation: float

    def seconds(self, config: TrainConfig) -> float:
        """Seconds of a whole run, or of all runs of a cross-validation.

        Examples
        --------
        >>> from prismseg.train import make_config
        >>> run = {"data": {"path": "x"}, "evaluate_every": 30, "optim": {"steps": 80}}
        >>> Timing(1.0, 4.0).seconds(make_config(run))
        92.0
        """
        steps, split = config.optim.steps, config.split
        networks = split.folds if split.folds is not None and split.fold is None else 1
        return networks * (steps * self.step + math.ceil(steps / config.evaluate_every) * self.evaluation)


def time_run(plan: Plan, dataset: SegmentationDataset) -> Timing:
    """Take a few steps of the run that `plan` describes and evaluate once, on the clock; nothing is kept.

    Compiled runs are faster than that once they are compiled.

    Raises
    ------
    PrismsegError
        For data or settings that cannot be used.
    """
    config = plan.config().model_copy(update={"compile": "no", "tracking": ()})
    with TemporaryDirectory() as folder:
        trainer = Trainer(config, folder, dataset=dataset, split=make_partition(config, dataset).split)
        for step in range(WARM_UP + PROBES):
            if step == WARM_UP:
                began = time.perf_counter()
            trainer.step(step)
        ended = time.perf_counter()
        trainer.evaluate()
        return Timing((ended - began) / PROBES, time.perf_counter() - ended)


def fit_into_time(plan: Plan, dataset: SegmentationDataset) -> Plan:
    """Plan anew by the speed that is measured here, so that training takes no longer than `Resources.seconds`.

    What is planned anew may be of another speed: it is measured once more where more than its length has changed.

    Raises
    ------
    ConfigError
        When there is no time for a single step.
    """
    while True:
        found = time_run(plan, dataset)
        config, assumed = plan.config(), plan.resources
        optim, shape = config.optim, config.crop or config.size
        rate = assumed.pace.rate * assumed.step_seconds(optim.batch_size, shape, config.model.decoder) / found.step
        made = plan.on(replace(assumed, measured=Pace(rate, found.evaluation)))
        settled = _without_length(made) == _without_length(plan)
        if settled or assumed.measured is not None:
            break
        plan = made
    seconds = made.resources.seconds
    if seconds is not None and found.seconds(made.config()) > seconds:
        raise ConfigError(
            f"Training cannot be done within {seconds:g} s here: a step takes {found.step:.1f} s, an evaluation "
            f"{found.evaluation:.1f} s. Give it more time, or choose a smaller --size."
        )
    return made


def _without_length(plan: Plan) -> list[object]:
    return [each for each in plan.decisions if each.setting not in _LENGTH]
