"""Settings of the spectrum study."""

from __future__ import annotations

from pydantic import Field

from prismseg.base.settings import Settings
from prismseg.nets.choices import Preset


class SpectrumSettings(Settings):
    """A U-Net with CRFFg skips that is trained on simulated feet, and how its frequencies are cut into bands.

    Attributes
    ----------
    preset : {"default", "thesis"}
        Form of the network.
    sessions : int
        Simulated patients.
    steps, size : int
        Of the training; side of the network's input.
    width : float
        Of the network.
    bands : int
        Bands a layer, of as many filters each.
    """

    preset: Preset = "default"
    sessions: int = Field(default=24, ge=3)
    steps: int = Field(default=600, ge=1)
    size: int = Field(default=96, ge=16)
    width: float = Field(default=1.0, gt=0)
    bands: int = Field(default=4, ge=2)
    seed: int = Field(default=0, ge=0)
