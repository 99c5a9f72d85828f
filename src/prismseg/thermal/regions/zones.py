"""Toes, hallux, forefoot, arch and heel as closed outlines in sole coordinates (`prismseg.thermal.soles.template`).

- Forefoot, arch and heel are the thirds of the sole without its toes along its axis, as for the arch index (Cavanagh &
  Rodgers 1987, Journal of Biomechanics 20:547). The axis ends where the second toe begins, at 0.82 foot lengths.
- The toes begin at the creases of their roots, in front of the metatarsophalangeal joints, which lie at 0.73 (first)
  and 0.63 (fifth) of the foot's length (ANSUR II, Gordon et al. 2014). Own drawing on the template's outline, of which
  the toes are the part that is most unlike from person to person.

Like those of the nerves, the lines are a convention that makes means comparable. A cold toe may be missing from a mask:
the number of pixels tells how much of the toes was seen.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import ARCH, FOREFOOT, HALLUX, HEEL, LESSER_TOES, ZONE_TABLE
from prismseg.thermal.regions.region_set import Labels, Places, Region, RegionSet
from prismseg.thermal.soles.raster import look_up, rasterize

# Where the axis of the sole without its toes ends, and its thirds.
_TOELESS = 0.82
_HEEL_END, _ARCH_END = _TOELESS / 3, 2 * _TOELESS / 3
# Roots of the toes, from the lateral to the medial side.
_ROOTS = (
    (0.690, -0.40), (0.715, -0.190), (0.738, -0.155), (0.768, -0.110), (0.795, -0.050), (0.815, 0.010),
    (0.822, 0.074), (0.815, 0.120), (0.805, 0.190), (0.800, 0.40),
)  # fmt: skip
_CLEFT = 0.074  # `v` between the first and the second toe

# Outlines reach beyond the sole, so that a wider sole's margin belongs to the same zone. The first that holds a point has
# it.
ZONE_OUTLINES = MappingProxyType(
    {
        HALLUX: np.array([*(root for root in _ROOTS if root[1] >= _CLEFT), (1.40, 0.40), (1.40, _CLEFT)]),
        LESSER_TOES: np.array([*_ROOTS, (1.40, 0.40), (1.40, -0.40)]),
        HEEL: np.array([(-0.40, -0.40), (_HEEL_END, -0.40), (_HEEL_END, 0.40), (-0.40, 0.40)]),
        ARCH: np.array([(-0.40, -0.40), (_ARCH_END, -0.40), (_ARCH_END, 0.40), (-0.40, 0.40)]),
        FOREFOOT: np.array([(-0.40, -0.40), (1.40, -0.40), (1.40, 0.40), (-0.40, 0.40)]),
    }
)


def zone_at(u: Places, v: Places) -> Labels:
    """Look up the zone of points in sole coordinates, also beyond the sole's outline.

    Parameters
    ----------
    u, v : array of any shape
        Places along and across the sole, foot lengths; rounded to 0.004.

    Returns
    -------
    uint8 array of the same shape
        Labels 1 to 5, of which `prismseg.thermal.anatomy.ZONE_TABLE` makes zones.

    Examples
    --------
    >>> zone_at(np.array([0.95, 0.9, 0.7, 0.4, 0.1]), np.array([0.13, -0.05, 0.0, 0.0, 0.0])).tolist()
    [1, 2, 3, 4, 5]
    """
    return look_up(_raster(), u, v)


@lru_cache(maxsize=1)
def zones_hash() -> str:
    """Give the SHA-256 of all outlines: results are comparable only under the same ones."""
    digest = hashlib.sha256()
    for label, outline in ZONE_OUTLINES.items():
        digest.update(label.to_bytes(1, "little"))
        digest.update(outline.astype("<f8").tobytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _raster() -> NDArray[np.uint8]:
    return rasterize(ZONE_OUTLINES.items(), fill=True)


ZONES = RegionSet(tuple(Region(zone.name, zone.labels) for zone in ZONE_TABLE), zone_at, zones_hash)
