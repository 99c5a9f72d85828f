"""What the rules of a plan know, and what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prismseg.train.config import FRACTIONS
from prismseg.train.plan import limits
from prismseg.train.plan.fingerprint import Fingerprint
from prismseg.train.plan.resources import Resources


@dataclass(frozen=True)
class Decision:
    """A setting that a rule has chosen.

    Attributes
    ----------
    setting : str
        Its name, such as ``optim.lr``.
    value : object
        What was chosen.
    reason : str
        A sentence without its full stop.
    """

    setting: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Situation:
    """What a rule knows.

    Attributes
    ----------
    data : Fingerprint
        Of the data set.
    resources : Resources
        Of the machine.
    settled : mapping
        Settings that were chosen by somebody, or by an earlier rule, by name.
    """

    data: Fingerprint
    resources: Resources
    settled: Mapping[str, Any]

    def get(self, setting: str, default: Any = None) -> Any:
        """Return the value of a setting, or `default` where it is not settled."""
        return self.settled.get(setting, default)

    def has(self, *settings: str) -> bool:
        """Whether any of these settings is settled."""
        return any(setting in self.settled for setting in settings)

    @property
    def device(self) -> str:
        """Kind of device: "cpu" or "cuda"."""
        return self.resources.device

    @property
    def pretrained(self) -> bool:
        """Whether the encoder begins with pretrained weights."""
        return self.get("model.weights") is not None

    @property
    def seconds(self) -> float:
        """That one network may learn for; infinite where no time is stated."""
        if self.resources.seconds is None:
            return math.inf
        folds = 1 if self.has("split.fold") else self.get("split.folds") or 1
        return limits.USED_TIME * self.resources.seconds / folds

    def steps_within(self, seconds: float, batch: int, decoder: str | None) -> float:
        """Count the steps of `batch` images that so many seconds have room for."""
        shape = self.get("crop") or self.get("size") or (224, 224)
        return seconds / self.resources.step_seconds(batch, shape, decoder)

    @property
    def hurried(self) -> bool:
        """Whether a pretrained encoder gets fewer steps on a CPU, in the time that is stated, than pay."""
        steps = self.steps_within(self.seconds, limits.FEWEST_BATCH, self.get("model.decoder"))
        return self.pretrained and self.device == "cpu" and steps < limits.HURRIED_STEPS[self.device]

    @property
    def training_images(self) -> int:
        """Images that a run learns from, about: what the settings of the split leave of those with a mask."""
        count, folds = self.data.labelled, self.get("split.folds")
        share = (self.get("split.fractions") or FRACTIONS)[0] if folds is None else 1 - 1 / folds
        left = max(1, round(share * count))
        if self.get("split.limit") is not None:
            return min(left, int(self.get("split.limit")))
        fraction = self.get("split.fraction")
        return left if fraction is None else max(1, round(fraction * left))
