"""The part of a sole that two frames both show, where the picture's border cuts it in one of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import WHOLE_SOLE, Side
from prismseg.thermal.regions.region_set import REGION_SETS, RegionSet
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.means.estimate import Estimate
from prismseg.thermal.soles.choosing.outside import Placement, place_same_foot

Pair = tuple[Estimate, Estimate]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SharedSettings:
    """When the part that two frames both show can stand for a region.

    Attributes
    ----------
    least : float
        Share of the region's pixels, in the frame that shows more of it, that both must show.
    placing : float
        Standard deviation of the place of the cut, picture heights: 1.5 pixels of a picture 240 pixels tall.
    """

    least: float = 0.4
    placing: float = 1.5 / 240


_SHARED = SharedSettings()


def shared_estimates(entry: Entry, other: Entry, side: Side, region: str, estimates: Pair) -> Pair | None:
    """Give a region's temperatures over the part that both frames show.

    Parameters
    ----------
    entry, other : Entry
        Measured frames.
    side, region : str
        Which region.
    estimates : (Estimate, Estimate)
        Of the region in each of them.

    Returns
    -------
    (Estimate, Estimate) or None
        The same where neither sole is cut; None where too little is seen in both.
    """
    if not any(frame.soles is not None and side in frame.soles.outside for frame in (entry, other)):
        return estimates
    known = entry.shared.setdefault(other, {})
    if side not in known:
        known[side] = _measure_shared(entry, other, side)
    return known[side].get(region)


def _measure_shared(entry: Entry, other: Entry, side: Side) -> dict[str, Pair]:
    views = [_View.of(frame, side) for frame in (entry, other)]
    if any(view is None for view in views):
        return {}
    now, before = (view for view in views if view is not None)
    if now.size != before.size:
        return {}
    placement = place_same_foot(now.sole, before.sole)
    shared = _Shared(now, before, placement)
    found = {}
    for region, estimate in entry.estimates[side].items():
        pair = shared.pair(region, estimate, other.estimates[side].get(region))
        if pair is not None:
            found[region] = pair
    return found


@dataclass(frozen=True, eq=False)
class _View:
    """Pixels of one sole in one frame: places (N, 2), temperatures (N,), sole coordinates (2, N) if any."""

    sole: NDArray[np.bool_]
    points: Floats
    celsius: Floats
    sole_coordinates: Floats | None
    drawn: Sequence[RegionSet]

    @property
    def size(self) -> tuple[int, ...]:
        return self.sole.shape

    @classmethod
    def of(cls, entry: Entry, side: Side) -> _View | None:
        sole = None if entry.soles is None else entry.soles.side(side)
        if sole is None or entry.frame is None:
            return None
        territories = entry.territories.get(side)
        points = np.argwhere(sole).astype(np.float64)
        found = None if territories is None else territories.registration.to_sole(points).T
        return cls(sole, points, entry.frame.celsius[sole].astype(np.float64), found, entry.drawn.get(side, ()))

    def on(self, region: str) -> NDArray[np.bool_]:
        if region == WHOLE_SOLE:
            return np.ones(len(self.points), bool)
        regions = _set_of(region, self.drawn)
        if regions is None or self.sole_coordinates is None:
            return np.zeros(len(self.points), bool)
        labels = regions.label_at(*self.sole_coordinates)
        return next(each for each in regions.regions if each.name == region).within(labels)


def _set_of(region: str, drawn: Sequence[RegionSet]) -> RegionSet | None:
    """Find the set of a region, registered or drawn; None for one that was drawn on the other sole."""
    sets = (*drawn, *REGION_SETS.values())
    return next((each for each in sets if any(member.name == region for member in each.regions)), None)


@dataclass(frozen=True, eq=False)
class _Shared:
    """Two views of one sole, and where the earlier one lies in the later one's picture."""

    now: _View
    before: _View
    placement: Placement

    def pair(self, region: str, now: Estimate | None, before: Estimate | None) -> Pair | None:
        """Temperatures of a region over what both show; None where this is too little."""
        if now is None or before is None:
            return None
        kept = self._kept(region, np.zeros(2))
        counts = [int(part.sum()) for part in kept]
        if min(counts) < max(_SHARED.least * max(now.pixels, before.pixels), 1):
            return None
        means = self._means(kept)
        step = _SHARED.placing * self.now.size[0]
        moved = [
            self._means(self._kept(region, step * np.array(way))) for way in ((1, 0), (-1, 0), (0, 1), (0, -1))
        ]
        changes = [(one - other) - (means[0] - means[1]) for one, other in moved]
        placing = math.sqrt(sum(change**2 for change in changes if math.isfinite(change)) / 2)
        return (
            _over(now, means[0], counts[0], math.hypot(now.mask, placing)),
            _over(before, means[1], counts[1], before.mask),
        )

    def _kept(self, region: str, shift: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        here = _within(self.placement.backward(self.now.points + shift), self.before.size) & self.now.on(region)
        there = _within(self.placement.forward(self.before.points) + shift, self.now.size) & self.before.on(region)
        return here, there

    def _means(self, kept: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> tuple[float, float]:
        if not all(part.any() for part in kept):
            return math.nan, math.nan
        return float(self.now.celsius[kept[0]].mean()), float(self.before.celsius[kept[1]].mean())


def _within(points: Floats, size: tuple[int, ...]) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = np.all((points > -0.5) & (points < np.array(size) - 0.5), axis=1)
    return within


def _over(estimate: Estimate, mean: float, pixels: int, mask: float) -> Estimate:
    noise = estimate.noise * math.sqrt(estimate.pixels / pixels)
    return replace(estimate, mean=mean, pixels=pixels, noise=noise, mask=mask)
