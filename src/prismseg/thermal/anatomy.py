"""Sides, nerve territories, zones and regions of the soles: their names, order, label numbers and words to show.

The one place that names them; phantom, registration, sessions, tables, reports and pages take them from here.

The territories are those of peripheral nerves, not root dermatomes. The heel is supplied by the medial calcaneal branches
of the tibial nerve, so its territory is called *medial calcaneal* (Standring (ed.) 2021, Gray's Anatomy, 42nd ed., ankle
and foot). The zones are those of the foot's skeleton, as gait and thermography name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from prismseg.base import Message

Side = Literal["left", "right"]

SIDES: tuple[Side, Side] = ("left", "right")
"""The patient's sides, in the order of tables and pages."""

SIDE_NAMES: Mapping[Side, Message] = MappingProxyType({"left": Message("left"), "right": Message("right")})
"""Words for the sides, translatable."""

LEFT, RIGHT = 1, 2
SIDE_LABELS: Mapping[Side, int] = MappingProxyType({"left": LEFT, "right": RIGHT})
"""Labels of both soles in a mask (H, W); 0 is background."""


@dataclass(frozen=True)
class Territory:
    """Area of the sole that a peripheral nerve supplies.

    Attributes
    ----------
    name : str
        Name in tables and files.
    label : int
        Label in a territory map (H, W); 0 is background.
    supply : str
        Nerve and area.
    small : bool
        Whether it holds only 3 to 4 % of the sole, so that its mean is uncertain and raises no flag alone.
    """

    name: str
    label: int
    supply: str
    small: bool = False

    @property
    def words(self) -> Message:
        """Name to show, translatable."""
        return Message(self.name)


MEDIAL_PLANTAR, LATERAL_PLANTAR, MEDIAL_CALCANEAL, SURAL, SAPHENOUS = 1, 2, 3, 4, 5

TERRITORY_TABLE: tuple[Territory, ...] = (
    Territory(
        "medial plantar",
        MEDIAL_PLANTAR,
        "medial plantar nerve: medial three quarters of fore- and midsole, toes 1 to 3½",
    ),
    Territory(
        "lateral plantar",
        LATERAL_PLANTAR,
        "lateral plantar nerve: lateral quarter of fore- and midsole, toes 3½ to 5",
    ),
    Territory(
        "medial calcaneal",
        MEDIAL_CALCANEAL,
        "medial calcaneal branches of the tibial nerve: heel",
    ),
    Territory("sural", SURAL, "sural nerve: lateral edge", small=True),
    Territory("saphenous", SAPHENOUS, "saphenous nerve: medial edge", small=True),
)
"""All territories in the order of their labels."""

TERRITORIES: tuple[str, ...] = tuple(territory.name for territory in TERRITORY_TABLE)
"""Names of the territories; label k of a territory map is ``TERRITORIES[k - 1]``."""

SMALL_TERRITORIES: frozenset[str] = frozenset(territory.name for territory in TERRITORY_TABLE if territory.small)
"""Territories whose mean raises no flag alone."""


@dataclass(frozen=True)
class Zone:
    """Part of the sole by the bones under it.

    Attributes
    ----------
    name : str
        Name in tables and files.
    labels : tuple of int
        Labels in a map of zones (H, W) that it consists of; 0 is background.
    extent : str
        What it holds.
    """

    name: str
    labels: tuple[int, ...]
    extent: str

    @property
    def words(self) -> Message:
        """Name to show, translatable."""
        return Message(self.name)


HALLUX, LESSER_TOES, FOREFOOT, ARCH, HEEL = 1, 2, 3, 4, 5

ZONE_TABLE: tuple[Zone, ...] = (
    Zone("toes", (HALLUX, LESSER_TOES), "all five toes, from the creases at their roots"),
    Zone("hallux", (HALLUX,), "the big toe, which is part of the toes"),
    Zone("forefoot", (FOREFOOT,), "the ball: front third of the sole without its toes"),
    Zone("arch", (ARCH,), "middle third of the sole without its toes"),
    Zone("heel", (HEEL,), "rear third of the sole without its toes"),
)
"""All zones in the order of tables. The toes hold the hallux; but for it every pixel belongs to one zone."""

TOES = "toes"
"""Zone on which studies of sympathetic block look for a rise."""

WHOLE_SOLE = "whole sole"
"""Region of all pixels of a sole."""

REGIONS: tuple[str, ...] = (WHOLE_SOLE, *TERRITORIES)
"""The whole sole, then its territories; `prismseg.thermal.Session.regions` lists all that a session measures."""

REGION_NAMES: Mapping[str, Message] = MappingProxyType(
    {WHOLE_SOLE: Message(WHOLE_SOLE)}
    | {territory.name: territory.words for territory in TERRITORY_TABLE}
    | {zone.name: zone.words for zone in ZONE_TABLE}
)
"""Words for the regions and zones, translatable."""
