"""Settings of the uncertainty study."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prismseg.base.settings import Settings

SINGLE = "single"


class UncertaintySettings(Settings):
    """A kind of uncertainty of networks that are trained on simulated feet.

    Attributes
    ----------
    by : str
        "single": the network's own probabilities; or a name in `prismseg.inference.UNCERTAINTIES`.
    patients, others : int
        Simulated patients that are trained on (in three folds), and those that are tested.
    steps, size : int
        Of each training; side of the network's input.
    width : float
        Of the networks.
    """

    by: Literal["single", "last-layer", "variational", "ensemble"] = "single"
    patients: int = Field(default=24, ge=3)
    others: int = Field(default=12, ge=1)
    steps: int = Field(default=600, ge=1)
    size: int = Field(default=48, ge=16)
    width: float = Field(default=1.0, gt=0)
    seed: int = Field(default=0, ge=0)
