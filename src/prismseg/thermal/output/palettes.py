"""Colours for temperatures, and for outlines that stand out on them."""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.base.registry import Registry
from prismseg.thermal.anatomy import Side

# Okabe & Ito 2008: distinct with any colour vision.
SIDE_COLOURS: dict[Side, str] = {"left": "#0072B2", "right": "#009E73"}
NO_VALUE = "#7f7f7f"


@dataclass(frozen=True)
class Palette:
    """Colours of a picture.

    Attributes
    ----------
    colour_map : str
        Matplotlib's name of the colour map, cold to warm.
    left, right : str
        Outlines of the patient's soles, of hues that the map does not contain.
    other : tuple of str
        Outlines of anything else.
    line : str
        Borders of regions and isotherms.
    """

    colour_map: str
    left: str
    right: str
    other: tuple[str, ...]
    line: str

    @property
    def sides(self) -> dict[Side, str]:
        """Colours of the outlines by side."""
        return {"left": self.left, "right": self.right}


def _fiery(colour_map: str) -> Palette:
    """Give a map from black over red to yellow outlines in blue and green."""
    return Palette(colour_map, "#56B4E9", "#009E73", ("#FFFFFF", "#0072B2"), "#FFFFFF")


def _cool(colour_map: str) -> Palette:
    """Give a map of greys, or from blue to yellow, outlines in orange and pink."""
    return Palette(colour_map, "#E69F00", "#CC79A7", ("#FFFFFF", "#D55E00"), "#FFFFFF")


PALETTES: Registry[Palette] = Registry("palette")
"""Palettes by name. All but "turbo" are even in lightness, so that prints in grey keep the order of temperatures."""

PALETTES.register("inferno", _fiery("inferno"), summary="Black, red, yellow; evenly rising in lightness.")
PALETTES.register("magma", _fiery("magma"), summary="Black, purple, cream; evenly rising in lightness.")
PALETTES.register("grey", _cool("gray"), summary="White is warm.")
PALETTES.register("black-hot", _cool("gray_r"), summary="Black is warm.")
PALETTES.register("viridis", _cool("viridis"), summary="Blue, green, yellow; evenly rising in lightness.")
PALETTES.register(
    "cividis",
    _cool("cividis"),
    summary="Blue to yellow, alike for those who do not tell red from green.",
)
PALETTES.register(
    "turbo",
    Palette("turbo", "#FFFFFF", "#000000", ("#7f7f7f", "#CC79A7"), "#000000"),
    summary="Rainbow: many hues tell near temperatures apart, but make edges where there are none.",
)

DEFAULT_PALETTE = "inferno"
DEFAULT_COLOUR_MAP = PALETTES[DEFAULT_PALETTE].colour_map
