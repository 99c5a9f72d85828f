"""Sets of regions in sole coordinates, and their registry: one registration adds a set to tables and files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError
from prismseg.base.registry import Registry
from prismseg.thermal.anatomy import WHOLE_SOLE

Places = NDArray[np.float64]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Region:
    """Part of a sole.

    Attributes
    ----------
    name : str
        In tables and files.
    labels : tuple of int
        Labels of its set that it consists of.
    """

    name: str
    labels: tuple[int, ...]

    def within(self, labels: Labels) -> NDArray[np.bool_]:
        """Tell which of some labels are of this region."""
        chosen = np.zeros(np.iinfo(np.uint8).max + 1, bool)
        chosen[list(self.labels)] = True
        return chosen[labels]


@dataclass(frozen=True, eq=False)
class RegionSet:
    """Regions that one map of labels in sole coordinates defines; they may share labels.

    Attributes
    ----------
    regions : tuple of Region
        In the order of tables.
    label_at : callable
        Gives the labels (uint8, 0 for none) of places ``u`` along and ``v`` across the sole, arrays of any one shape, as
        `prismseg.thermal.soles.template` defines them: foot lengths, also beyond the outline.
    digest : callable
        Gives a hash of what defines the set: numbers are comparable only under the same one.

    Examples
    --------
    >>> halves = RegionSet(
    ...     (Region("rear half", (1,)), Region("front half", (2,))),
    ...     label_at=lambda u, v: np.where(u < 0.5, 1, 2).astype(np.uint8),
    ...     digest=lambda: "halves-1",
    ... )
    >>> rear, front = halves.regions
    >>> front.within(halves.label_at(np.array([0.2, 0.7]), np.array([0.0, 0.0]))).tolist()
    [False, True]
    """

    regions: tuple[Region, ...]
    label_at: Callable[[Places, Places], Labels]
    digest: Callable[[], str]


REGION_SETS: Registry[RegionSet] = Registry("region set")
"""Sets of regions by name; every session measures all of them unless it is told otherwise."""

REGION_SETS.register(
    "nerves",
    "prismseg.thermal.regions.nerves:NERVES",
    summary="Territories of peripheral nerves: medial and lateral plantar, medial calcaneal, sural, saphenous.",
)
REGION_SETS.register(
    "zones", "prismseg.thermal.regions.zones:ZONES", summary="Toes, hallux, forefoot, arch and heel."
)


def region_names(sets: Sequence[RegionSet]) -> tuple[str, ...]:
    """List the regions of some sets by name, the whole sole first.

    Raises
    ------
    ConfigError
        When two regions share a name.

    Examples
    --------
    >>> region_names([REGION_SETS["zones"]])
    ('whole sole', 'toes', 'hallux', 'forefoot', 'arch', 'heel')
    """
    names = [WHOLE_SOLE, *(region.name for each in sets for region in each.regions)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise ConfigError(f"Two regions are called {doubled[0]!r}; give each a name of its own.")
    return tuple(names)
