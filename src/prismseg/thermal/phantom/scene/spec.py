"""What a scene has to show."""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.thermal.anatomy import LEFT
from prismseg.thermal.phantom.scene.ingredients import SOLE, Extras
from prismseg.thermal.phantom.scene.temperatures import Temperatures

FRAMINGS = ("soles", "above")
"""What an image shows: soles from the foot end, or legs and feet from above."""


@dataclass(frozen=True)
class SceneSpec:
    """What a scene has to show.

    Attributes
    ----------
    framing : str
        ``"soles"``: to the camera, from the foot end; or ``"above"``: legs and feet.
    temperatures : Temperatures
        Of the surroundings and of both feet.
    varied : bool
        Whether poses go beyond those of labour sessions.
    extras : Extras
        What there is beside clean feet.
    """

    framing: str
    temperatures: Temperatures
    varied: bool
    extras: Extras = Extras()  # noqa: RUF009 (frozen)

    def shows_sole(self, label: int) -> bool:
        """Whether the foot `label` turns its sole to the camera."""
        return self.framing == "soles" or self.extras.facing[0 if label == LEFT else 1] == SOLE
