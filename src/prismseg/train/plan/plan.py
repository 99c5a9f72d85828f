"""A plan: what was found in the data, what was chosen of it and why; and the settings of a run that follows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from prismseg.base.settings import Settings
from prismseg.data import SegmentationDataset
from prismseg.data.dataset import open_with
from prismseg.train.config import TrainConfig, flat_settings, make_config
from prismseg.train.configure import merge_settings
from prismseg.train.plan import limits
from prismseg.train.plan.fingerprint import Fingerprint, take_fingerprint
from prismseg.train.plan.recipe import Decision, decide
from prismseg.train.plan.resources import Resources, find_resources
from prismseg.train.runs.network import is_fitted
from prismseg.train.runs.requirements import check_data

# What a file has to state to be a whole recipe, as the config.yaml of every run does.
WHOLE_RECIPE = ("model.arch", "model.skip", "size", "augmentation", "optim.lr", "optim.steps", "optim.batch_size")


@dataclass(frozen=True)
class Plan:
    """What a run does with a data set, and why.

    Attributes
    ----------
    data : Fingerprint
        What was found in the data.
    resources : Resources
        The machine that was planned for.
    decisions : tuple of Decision
        What was chosen, each with its reason.
    stated : dict
        Settings that somebody has chosen, nested; they stand over the decisions.
    """

    data: Fingerprint
    resources: Resources
    decisions: tuple[Decision, ...]
    stated: dict[str, Any]

    def config(self) -> TrainConfig:
        """Make the settings of a run that follows this plan.

        Raises
        ------
        ConfigError
            Naming each stated setting that is wrong.
        """
        values: dict[str, Any] = {}
        for decision in self.decisions:
            _put(values, decision.setting, decision.value)
        return make_config(_laid_over(values, self.stated))

    def seconds(self) -> float:
        """About how long the steps take, by `limits.PIXEL_RATE`; right to a factor of 3."""
        config = self.config()
        height, width = config.crop or config.size
        pixels = config.optim.steps * config.optim.batch_size * height * width
        cores = self.resources.cores if self.resources.device == "cpu" else 1
        return pixels / (limits.PIXEL_RATE[self.resources.device] * cores)

    def to_dict(self) -> dict[str, Any]:
        """Turn it into values that JSON can hold."""
        return {
            "fingerprint": self.data.to_dict(),
            "resources": self.resources.to_dict(),
            "decisions": [asdict(decision) for decision in self.decisions],
            "config": self.config().model_dump(mode="json"),
            "seconds": round(self.seconds(), 1),
        }


def make_plan(
    dataset: SegmentationDataset, settings: Mapping[str, Any] | None = None, *, resources: Resources | None = None
) -> Plan:
    """Plan a run on a data set.

    Parameters
    ----------
    dataset : SegmentationDataset
        To learn from.
    settings : mapping, optional
        What is settled already, nested as in a configuration file; it stays, and the rest follows from it.
    resources : Resources, optional
        The machine to plan for; by default this one.

    Raises
    ------
    PrismsegError
        When the data cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from tempfile import mkdtemp
    >>> from prismseg.data import open_dataset
    >>> folder = Path(mkdtemp())
    >>> for patient in range(4):
    ...     image = np.random.default_rng(patient).integers(0, 99, (64, 80), dtype=np.uint8)
    ...     np.save(folder / f"p{patient}.npy", image)
    ...     np.save(folder / f"p{patient}_mask.npy", np.kron(np.eye(4, 5), np.ones((16, 16))).astype(np.uint8))
    >>> plan = make_plan(open_dataset(folder), {"optim": {"steps": 50}}, resources=Resources())
    >>> plan.config().size, plan.config().optim.steps, plan.data.classes[0].thickness
    ((96, 128), 50, 15.5)
    """
    stated = {"data": {"path": str(dataset.root)}, **(settings or {})}
    found = take_fingerprint(dataset)
    machine = find_resources(stated.get("device", "auto")) if resources is None else resources
    return Plan(found, machine, tuple(decide(found, machine, settle(stated))), stated)


def settle(stated: dict[str, Any]) -> dict[str, Any]:
    """Name each setting that is stated, but those of data and source, with its checked value.

    Examples
    --------
    >>> settle({"data": {"path": "nerves"}, "split": {"limit": "20"}, "size": [64, 64]})
    {'split.limit': 20, 'size': (64, 64)}
    """
    config = make_config(stated)
    settled: dict[str, Any] = {}
    for name, value in stated.items():
        section = getattr(config, name, None)
        if isinstance(section, Settings) and isinstance(value, dict):
            settled |= {f"{name}.{setting}": getattr(section, setting) for setting in value}
        elif name in type(config).model_fields:
            settled[name] = section
    return {name: value for name, value in settled.items() if not name.startswith(("data.", "source"))}


def plan_run(
    chosen: dict[str, Any],
    base: str | Path | None = None,
    *,
    initial: dict[str, Any] | None = None,
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
        For settings or data that cannot be used, among them data in which `prismseg check` finds errors.
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
        return config, None
    dataset = open_with(config.data.path, config.data)
    check_data(config, dataset, show_progress=show_progress)
    plan = make_plan(dataset, stated)
    return plan.config(), plan


def _put(values: dict[str, Any], name: str, value: Any) -> None:
    *sections, last = name.split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[last] = value


def _laid_over(lower: dict[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(lower)
    for name, value in upper.items():
        below = merged.get(name)
        merged[name] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
