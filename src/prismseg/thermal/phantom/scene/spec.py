"""What a scene has to show."""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.phantom.scene.temperatures import Temperatures

FRAMINGS = ("soles", "above")


@dataclass(frozen=True)
class SceneSpec:
    """What a scene has to show.

    Attributes
    ----------
    framing : str
        ``"soles"`` (A) or ``"above"`` (B).
    temperatures : Temperatures
        Temperatures.
    varied : bool
        Whether poses go beyond those of labour sessions.
    """

    framing: str
    temperatures: Temperatures
    varied: bool
