"""Territories of peripheral nerves as a set of regions."""

from __future__ import annotations

from prismseg.thermal.anatomy import TERRITORY_TABLE
from prismseg.thermal.regions.region_set import Region, RegionSet
from prismseg.thermal.soles.template import template_hash, territory_at

NERVES = RegionSet(
    tuple(Region(territory.name, (territory.label,)) for territory in TERRITORY_TABLE), territory_at, template_hash
)
