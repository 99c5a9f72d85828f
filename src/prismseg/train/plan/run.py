"""The settings of a run, by what is stated and by a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError
from prismseg.data.dataset import open_with
from prismseg.train.config import TrainConfig, flat_settings, make_config
from prismseg.train.configure import merge_settings
from prismseg.train.plan.plan import Plan, make_plan
from prismseg.train.runs.network import is_fitted
from prismseg.train.runs.requirements import check_data

# What a file has to state to be a whole recipe, as the config.yaml of every run does.
WHOLE_RECIPE = ("model.arch", "model.skip", "size", "augmentation", "optim.lr", "optim.steps", "optim.batch_size")


def plan_run(
    chosen: dict[str, Any],
    base: str | Path | None = None,
    *,
    initial: dict[str, Any] | None = None,
    seconds: float | None = None,
    show_progress: bool = False,
) -> tuple[TrainConfig, Plan | None]:
    """Put together the settings of a run: the `chosen` ones, over the file `base`, over a plan, over the defaults.

    There is no plan where the recipe is given: by a file that states the whole of it (`WHOLE_RECIPE`), such as the
    ``config.yaml`` of a run; by the thesis' preset; by a network to go on from, unless it stays as it is and is
    corrected; where nothing is trained, but fitted in closed form; or by another source of batches than the data's own
    cases.

    Parameters
    ----------
    chosen, base, initial
        As `prismseg.train.configure` takes them.
    seconds : float, optional
        That training may take at most on this machine, whose speed is measured for it; a cross-validation as a whole.
    show_progress : bool
        Whether a progress bar is drawn while the data are looked over for faults.

    Returns
    -------
    config : TrainConfig
        With every setting.
    plan : Plan or None
        None where there is none.

    Raises
    ------
    PrismsegError
        For settings or data that cannot be used, among them data in which `prismseg check` finds errors; for a time in
        which nothing can be learnt, or where there is no plan or the steps are stated.
    """
    stated = merge_settings(chosen, base, initial=initial)
    config = make_config(stated)
    given = (
        base is not None
        and set(WHOLE_RECIPE) <= flat_settings(merge_settings({"data": {"path": "."}}, base)).keys()
    )
    trained = config.source.uses_cases and not is_fitted(config)
    goes_on = initial is not None and not config.model.refines
    if given or goes_on or config.model.preset == "thesis" or not trained:
        if seconds is not None:
            raise ConfigError(
                "A time is planned for, and this recipe leaves nothing to a plan; state its steps instead."
            )
        return config, None
    if seconds is not None and "optim.steps" in flat_settings(stated):
        raise ConfigError("Give either the steps or the time that training may take, not both.")
    dataset = open_with(config.data.path, config.data)
    check_data(config, dataset, show_progress=show_progress)
    plan = make_plan(dataset, stated)
    if seconds is not None:
        from prismseg.train.plan.timing import fit_into_time  # takes steps, for which it loads torch

        plan = fit_into_time(plan.on(replace(plan.resources, seconds=seconds)), dataset)
    return plan.config(), plan
