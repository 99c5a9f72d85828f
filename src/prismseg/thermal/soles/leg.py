"""Whether a leg goes on where an outlined foot ends, and how far each place of the foot is from there.

Seen from above, a foot ends at its ankle without a thermal edge. Where the line runs is a matter of anatomy and of habit,
so that an outline may hold a share of the leg, or end before the ankle does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.thermal.soles.pieces import Mask, Window


@dataclass(frozen=True)
class LegSettings:
    """When what lies above a foot is its leg; chosen on simulated frames of both framings.

    Attributes
    ----------
    near, far : float
        Distances above a foot, picture heights, between which its leg must be seen.
    long : float
        Distance up to which it must go on, as far as the picture reaches, where nothing else tells that there is a leg:
        toes that an outline lacks are shorter.
    reach : float
        Share of the foot's width, around the middle of its upper edge, in which the leg is looked for.
    least : float
        Share of the step from background to foot from which what lies above may be a leg.
    alike : float
        Share of that step by which foot and leg may differ where nothing else tells that there is a leg.
    step : float
        Step from background to foot below which nothing is told, °C.
    end : float
        Share of a foot, from its leg on, that may be leg.
    beside : float
        Share of a foot beyond which what lies outside it is no leg.
    narrow : float
        Least width of a leg that enters a foot at its side, as a share of the side of a square as large as the foot.
    wide : float
        Largest width of a leg, as a share of the same, over the length `long` above the foot.
    short : float
        Length of a leg, picture heights, where the toes point down: a sheet may cover the rest.
    warm : float
        What is warmer than the background by so much may be a leg, also where its foot is as cold as the bed, °C.
    upright : float
        Cosine between a foot's long axis and the picture's columns from which it is not turned out.
    across : float
        The same cosine below which a foot lies across the picture.
    shares, shares_across : tuple of (share, weight)
        Shares of a foot, from its leg on, that may be leg, and the weight of each, where the foot points down and where
        it lies across: networks draw the end of a foot higher than those who draw it by hand. Chosen on simulated feet
        outlined by `thermal-feet` (`benchmarks/thermal.py --framing above --seed 52000`; those that lie across are few,
        so that theirs are also of seed 31000). Other networks may draw it higher still.
    """

    near: float = 0.02
    far: float = 0.1
    long: float = 0.25
    reach: float = 0.5
    least: float = 0.4
    alike: float = 0.3
    step: float = 0.5
    end: float = 0.5
    beside: float = 0.2
    narrow: float = 0.3
    wide: float = 1.2
    short: float = 0.12
    warm: float = 1.0
    upright: float = 0.8
    across: float = 0.6
    shares: tuple[tuple[float, float], ...] = ((0.05, 0.2), (0.1, 0.25), (0.2, 0.25), (0.3, 0.2), (0.4, 0.1))
    shares_across: tuple[tuple[float, float], ...] = ((0.2, 0.2), (0.3, 0.3), (0.4, 0.3), (0.5, 0.2))


_LEG = LegSettings()
_ROUNDING = 1e-6  # pixels


@dataclass(frozen=True)
class LegSeen:
    """What lies above a foot.

    Attributes
    ----------
    possible : bool
        Whether it may be a leg: it is warmer than the background, as narrow as a leg, and goes up from the foot.
    clear : bool
        Whether foot and leg run into each other without a step, and the leg is long.
    """

    possible: bool
    clear: bool


def see_leg(celsius: NDArray[np.floating], foot: Mask, background: float) -> LegSeen:
    """Compare what lies above a foot with the foot's upper end.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures.
    foot : (H, W) bool
        One foot.
    background : float
        Temperature of what is no foot, °C.

    Examples
    --------
    >>> celsius = np.full((100, 80), 22.0)
    >>> celsius[:90, 20:50] = 30.0
    >>> foot = np.zeros((100, 80), bool)
    >>> foot[40:90, 20:50] = True
    >>> see_leg(celsius, foot, 22.0)
    LegSeen(possible=True, clear=True)
    """
    rows, columns = np.nonzero(foot)
    top, height = int(rows.min()), foot.shape[0]
    first, last = (max(top - round(share * height), 0) for share in (_LEG.far, _LEG.near))
    if last <= first:
        return LegSeen(possible=False, clear=False)  # the foot reaches the border, and nothing is seen above it
    end = float(np.median(celsius[foot & (np.arange(height) < top + 0.15 * height)[:, None]]))
    step = end - background
    possible = _touches_leg(celsius, foot, background)
    if not abs(step) > _LEG.step:
        return LegSeen(possible=possible, clear=False)
    upper = columns[rows <= top + 0.1 * height]
    middle, half = float(np.median(upper)), _LEG.reach * float(np.ptp(upper) + 1) / 2
    across = slice(max(round(middle - half), 0), round(middle + half) + 1)
    strip, above = celsius[first:last, across], celsius[max(top - round(_LEG.long * height), 0) : last, across]
    share = (float(np.nanmedian(strip)) - background) / step
    on = bool(((np.nanmedian(above, axis=1) - background) / step > _LEG.least).all())
    if share > _LEG.least:
        return LegSeen(possible=possible, clear=abs(share - 1) < _LEG.alike and on)
    return LegSeen(possible=possible, clear=_enters_aside((celsius - background) / step, foot))


def _touches_leg(celsius: NDArray[np.floating], foot: Mask, background: float) -> bool:
    """Whether something warm, as narrow as a leg, goes up from anywhere along a foot's upper edge.

    A leg is often much warmer than its foot, which may be as cold as the bed, and enters a turned foot at its end.
    """
    step = float(np.median(celsius[foot])) - background
    side, top = math.sqrt(foot.sum()), _upper_edge(foot)
    for piece, touching in _pieces_above(celsius - background > max(_LEG.least * step, _LEG.warm), foot):
        beside = touching.any(axis=0)
        end = int(top[beside].min())
        highest = int(np.nonzero(piece.any(axis=1))[0][0])
        # Farther up a calf is wider than an ankle, and than a foot whose toes were not found.
        widths = piece[max(highest, end - round(_LEG.long * len(foot))) : end].sum(axis=1)
        if (
            end - highest >= _LEG.short * len(foot)
            and beside.sum() >= _LEG.narrow * side
            and _LEG.narrow * side <= float(np.median(widths)) <= _LEG.wide * side
        ):
            return True
    return False


def _enters_aside(share: NDArray[np.floating], foot: Mask) -> bool:
    """Whether a leg enters a foot that is turned out, so that it lies above an end of the foot and not above its middle.

    Parameters
    ----------
    share : (H, W) float
        Temperatures, 0 where they are the background's and 1 where they are the foot's.
    foot : (H, W) bool
        One foot.
    """
    if abs(float(_long_axis(np.argwhere(foot).astype(np.float64))[0])) > _LEG.upright:
        return False  # what lies behind an upright sole is a knee, a hand or the other leg
    height, top = len(foot), _upper_edge(foot)
    highest = int(top.min()) - round(_LEG.long * height)
    close = np.arange(height)[:, None] >= top - _LEG.far * height
    for piece, touching in _pieces_above(share > _LEG.least, foot):
        beside = touching.any(axis=0)
        if beside.sum() < _LEG.narrow * math.sqrt(foot.sum()) or piece[: max(highest, 0) + 1].sum() == 0:
            continue
        if abs(float(np.median(share[piece & close & beside])) - 1) < _LEG.alike:
            return True
    return False


def find_leg_entry(celsius: NDArray[np.floating], foot: Mask, background: float) -> tuple[float, float] | None:
    """Find where a leg enters a foot: the middle of the widest piece of skin along the foot's upper edge.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures.
    foot : (H, W) bool
        One foot.
    background : float
        Temperature of what is no foot, °C.

    Returns
    -------
    (row, column) or None
        None where nothing above the foot is as warm as skin.

    Examples
    --------
    >>> celsius = np.full((100, 80), 22.0)
    >>> celsius[:90, 20:30] = 30.0
    >>> foot = np.zeros((100, 80), bool)
    >>> foot[70:90, 20:60] = True
    >>> celsius[foot] = 30.0
    >>> find_leg_entry(celsius, foot, 22.0)
    (68.5, 24.5)
    """
    step = float(np.median(celsius[foot])) - background
    if not abs(step) > _LEG.step:
        return None
    with np.errstate(invalid="ignore"):
        skin = (celsius - background) / step > _LEG.least
    found = [touching for _, touching in _pieces_above(skin, foot)]
    if not found:
        return None
    rows, columns = np.nonzero(max(found, key=lambda touching: int(touching.any(axis=0).sum())))
    return float(rows.mean()), float(columns.mean())


def _pieces_above(skin: Mask, foot: Mask) -> Iterator[tuple[Mask, Mask]]:
    """Give each piece of skin above a foot that touches its upper edge, and what of it lies along that edge."""
    rows, top = np.arange(len(foot))[:, None], _upper_edge(foot)
    above = rows < top
    near = above & (rows >= top - max(_LEG.near * len(foot), 1.0))
    labels, count = ndimage.label(skin & above)
    for number in np.unique(labels[near & (labels > 0)]) if count else ():
        piece = labels == number
        yield piece, piece & near


def _upper_edge(foot: Mask) -> NDArray[np.intp]:
    """First row of the foot in each column; the picture's height where there is none."""
    return np.where(foot.any(axis=0), foot.argmax(axis=0), len(foot))


def lies_across(foot: Mask) -> bool:
    """Tell whether a foot lies across the picture, so that its leg enters at its side and hides where it ends.

    Parameters
    ----------
    foot : (H, W) bool
        One foot.

    Examples
    --------
    >>> foot = np.zeros((50, 30), bool)
    >>> foot[10:50, 10:20] = True
    >>> lies_across(foot), lies_across(foot.T)
    (False, True)
    """
    return abs(float(_long_axis(np.argwhere(foot).astype(np.float64))[0])) < _LEG.across


def leg_shares(foot: Mask) -> tuple[tuple[float, float], ...]:
    """Give the shares of a foot, from its leg on, that may be leg, and the weight of each.

    Parameters
    ----------
    foot : (H, W) bool
        One foot whose leg goes on where it ends.
    """
    return _LEG.shares_across if lies_across(foot) else _LEG.shares


def _long_axis(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the unit vector (row, column) along which points (N, 2) spread most; its sign means nothing."""
    along: NDArray[np.float64] = np.linalg.eigh(np.cov(points.T))[1][:, 1]
    return along


def shares_from_leg(foot: Mask, window: Window, entry: tuple[float, float] | None = None) -> NDArray[np.float64]:
    """Give the share of a foot that is nearer to its leg than each place.

    Parameters
    ----------
    foot : (H, W) bool
        One foot whose leg goes on above it.
    window : (slice, slice)
        Rows and columns (h, w) of the places.
    entry : (row, column), optional
        Where the leg enters, which tells the foot's ends apart; without it the upper one is the leg's.

    Returns
    -------
    (h, w) float64
        0 where the leg begins and beyond it, 1 at the tips of the toes and beyond.

    Examples
    --------
    >>> foot = np.zeros((50, 30), bool)
    >>> foot[10:50, 10:20] = True
    >>> shares_from_leg(foot, (slice(0, 50), slice(15, 16)))[[5, 20, 40], 0].tolist()
    [0.0, 0.25, 0.75]
    """
    points = np.argwhere(foot).astype(np.float64)
    centre = points.mean(axis=0)
    along = _long_axis(points)
    away = float(along[0]) if entry is None else float((centre - entry) @ along)
    along = along if away > 0 else -along
    order = np.sort((points - centre) @ along)
    rows, columns = (
        np.arange(edge.start, edge.stop) - middle for edge, middle in zip(window, centre, strict=True)
    )
    places = rows[:, None] * along[0] + columns * along[1]
    shares: NDArray[np.float64] = np.searchsorted(order, places - _ROUNDING) / len(order)
    return shares


def on_leg(celsius: NDArray[np.floating], foot: Mask, from_leg: NDArray[np.float64]) -> Mask:
    """Find the places at the leg's end of a foot that are more like the foot there than like what lies beside it.

    Whether they are foot or leg no edge tells; nor do a model's probabilities.

    Parameters
    ----------
    celsius : (H, W) float
        Temperatures.
    foot : (H, W) bool
        One foot.
    from_leg : (H, W) float
        See `shares_from_leg`.
    """
    beside = ~foot & (from_leg >= _LEG.beside) & np.isfinite(celsius)
    near: Mask = from_leg < _LEG.end
    if not beside.any():
        return near
    skin = float(np.median(celsius[foot & near]))
    found: Mask = near & (abs(celsius - skin) < abs(celsius - float(np.median(celsius[beside]))))
    return found
