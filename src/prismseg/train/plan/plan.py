"""A plan: what was found in the data, what was chosen of it and why; and the settings of a run that follows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prismseg.base.settings import Settings
from prismseg.data import SegmentationDataset
from prismseg.train.config import TrainConfig, make_config
from prismseg.train.plan.fingerprint import Fingerprint, take_fingerprint
from prismseg.train.plan.recipe import decide
from prismseg.train.plan.resources import Resources, find_resources
from prismseg.train.plan.situation import Decision


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
        """Seconds of all steps, also of each fold; right to a factor of 3 where the machine's pace was not measured."""
        config = self.config()
        optim, shape = config.optim, config.crop or config.size
        return (
            count_networks(config)
            * optim.steps
            * self.resources.step_seconds(optim.batch_size, shape, config.model.decoder)
        )

    def on(self, resources: Resources) -> Plan:
        """Plan the same for another machine, or for what is known of this one by now."""
        return Plan(self.data, resources, tuple(decide(self.data, resources, settle(self.stated))), self.stated)

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
    >>> from pathlib import Path
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


def count_networks(config: TrainConfig) -> int:
    """Count the networks that a run trains: one, or one a fold."""
    folds, fold = config.split.folds, config.split.fold
    return folds if folds is not None and fold is None else 1


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
