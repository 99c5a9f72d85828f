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
from prismseg.train.plan import limits
from prismseg.train.plan.plan import Plan, count_networks
from prismseg.train.plan.report import spoken_time
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
        steps = config.optim.steps
        return count_networks(config) * (
            steps * self.step + math.ceil(steps / config.evaluate_every) * self.evaluation
        )


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
        When there is no time for `limits.FEWEST_STEPS` steps.
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
    steps, fewest = made.config().optim.steps, limits.FEWEST_STEPS
    if steps < fewest:
        needed = found.seconds(_with_steps(made.config(), fewest)) / limits.USED_TIME
        raise ConfigError(
            f"In that time a network would learn in {steps} step{'s' * (steps != 1)} here, of {found.step:.1f} s each; "
            f"fewer than {fewest} do not pay. Give it about {spoken_time(needed)}, choose a smaller --size, or take "
            "`prismseg instant`, which needs no steps."
        )
    return made


def _without_length(plan: Plan) -> list[object]:
    return [each for each in plan.decisions if each.setting not in _LENGTH]


def _with_steps(config: TrainConfig, steps: int) -> TrainConfig:
    """Return the same run with so many steps and one evaluation."""
    optim = config.optim.model_copy(update={"steps": steps})
    return config.model_copy(update={"optim": optim, "evaluate_every": steps})
