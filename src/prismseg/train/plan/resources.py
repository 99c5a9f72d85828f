"""What a run can compute with, and which pretrained weights are at hand."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass
from typing import Any

from prismseg.nets import ENCODERS
from prismseg.train.plan.limits import DECODER, DECODER_COST, ENCODER, PIXEL_RATE, WEIGHTS


@dataclass(frozen=True)
class Pace:
    """How fast a machine trains.

    Attributes
    ----------
    rate : float
        Pixels that steps of a network with the usual decoder learn from in a second.
    evaluation : float
        Seconds of an evaluation on the validation part; 0 where it was not measured.
    """

    rate: float
    evaluation: float = 0.0


@dataclass(frozen=True)
class Resources:
    """What rules of a plan know of the machine.

    Attributes
    ----------
    device : {"cpu", "cuda"}
        Kind of device; every accelerator counts as "cuda".
    cores : int
        Of the processor, that this process may use.
    weights : bool
        Whether the pretrained weights of the planned encoder are installed.
    install : str
        Command that installs them.
    seconds : float or None
        That training may take; None: as long as pays.
    measured : Pace or None
        How fast a run goes here; None: as `limits.PIXEL_RATE` says, which is right to a factor of 3.
    """

    device: str = "cpu"
    cores: int = 1
    weights: bool = False
    install: str = ""
    seconds: float | None = None
    measured: Pace | None = None

    @property
    def pace(self) -> Pace:
        """How fast a run goes, as measured or else as estimated."""
        if self.measured is not None:
            return self.measured
        return Pace(PIXEL_RATE[self.device] * (self.cores if self.device == "cpu" else 1))

    def step_seconds(self, batch: int, shape: tuple[int, int], decoder: str | None) -> float:
        """Seconds of a step of `batch` images of `shape`, by a network with this decoder.

        Examples
        --------
        >>> machine = Resources(measured=Pace(rate=1e6))
        >>> machine.step_seconds(10, (100, 100), None), machine.step_seconds(10, (100, 100), "wide")
        (0.1, 0.25)
        """
        cost = DECODER_COST if decoder == DECODER and self.device == "cpu" else 1.0
        return cost * batch * math.prod(shape) / self.pace.rate

    def to_dict(self) -> dict[str, Any]:
        """Turn it into values that JSON can hold."""
        return asdict(self)


def find_resources(device: str = "auto") -> Resources:
    """Look at this machine.

    Parameters
    ----------
    device : str
        Where the run computes, as a run's settings name it.
    """
    import torch

    accelerated = torch.accelerator.is_available() if device == "auto" else not device.startswith("cpu")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    published = ENCODERS[ENCODER].published[WEIGHTS]  # type: ignore[attr-defined]
    return Resources(
        device="cuda" if accelerated else "cpu",
        cores=min(cores, torch.get_num_threads()),
        weights=published.find() is not None,
        install=published.install,
    )
