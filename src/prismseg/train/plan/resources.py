"""What a run can compute with, and which pretrained weights are at hand."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from prismseg.nets import ENCODERS
from prismseg.train.plan.limits import ENCODER, WEIGHTS


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
    """

    device: str = "cpu"
    cores: int = 1
    weights: bool = False
    install: str = ""

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
