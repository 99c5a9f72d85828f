"""Which pieces of a mask are the soles: every reading of them has a price, and the cheapest one is taken.

A mask may hold more than two pieces: a knee, a pillow, a leg that enters at the top, a sheet between the feet, one sole
in two fragments, or both soles in one piece. Candidates for one sole are pieces, unions of two fragments and halves of
pieces with a neck. A reading names one or two of them; what is unlike a sole, unlike a pair, or away from where the soles
were seen before makes it dearer. A rival reading that is nearly as cheap is told, and too near a one leaves no choice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import regionprops

from prismseg.thermal.soles.choosing.likeness import Portrait
from prismseg.thermal.soles.pieces import Mask, aspect_ratio, bounding_window, split_touching
from prismseg.thermal.soles.sides import Track

Centre = tuple[float, float]


@dataclass(frozen=True)
class ChoiceSettings:
    """Prices of readings, in natural-log units: halves of squared standard deviations, or set amounts.

    Chosen on simulated frames of both framings, with and without planted third pieces (`benchmarks/thermal.py`).

    Attributes
    ----------
    most : int
        Pieces, the largest ones, of which readings are made.
    area, area_sd : float
        Usual share of the picture that one sole covers, and the standard deviation of its logarithm.
    two_wide : float
        Ratio of widths across and along from which a piece may be two soles.
    slender, slender_sd : float
        Ratio of widths across and along up to which a piece is a sole, and by how much one may be wider.
    solid, solid_sd : float
        Share of its convex hull that a sole fills, and by how much less it may be.
    top, border : float
        For each square root of its area that a piece touches the upper border, where legs enter, and another one.
    sure, unsure : float
        Mean probability of foot from which a piece costs nothing, and the price for each unit below.
    fragments, gap : float
        For taking two pieces as one sole, and for each picture height between them.
    halves : float
        For parting one piece.
    alike_sd, cut_alike_sd : float
        Standard deviation of the logarithm of the ratio of areas, and that where one sole is at the border.
    mirror, mirror_sd : float
        Intersection over union of one sole with the other one mirrored from which they are a pair, and by how much less
        it may be.
    level, level_sd : float
        Angle of the line between two soles with the horizontal up to which they lie side by side, and by how much more it
        may be, degrees.
    apart : float
        For each length of a sole that the centres are more than `far` lengths apart.
    far : float
        See `apart`.
    left_out : float
        For what is left out, in shares of one sole's area; a larger piece than the soles is hardly nothing.
    track_sd : float
        Standard deviation of a sole's shift since it was last seen, picture heights.
    most_each : float
        Highest price of one of these.
    dearest : float
        Price from which a reading is none.
    rival, unclear : float
        Difference of prices below which a rival is told, and below which there is no choice.
    """

    most: int = 6
    area: float = 0.08
    area_sd: float = 0.8
    two_wide: float = 0.45
    slender: float = 0.7
    slender_sd: float = 0.1
    solid: float = 0.83
    solid_sd: float = 0.06
    top: float = 4.0
    border: float = 1.0
    sure: float = 0.93
    unsure: float = 20.0
    fragments: float = 2.0
    gap: float = 50.0
    halves: float = 1.0
    alike_sd: float = 0.2
    cut_alike_sd: float = 0.45
    mirror: float = 0.8
    mirror_sd: float = 0.12
    level: float = 20.0
    level_sd: float = 12.0
    apart: float = 2.0
    far: float = 2.5
    left_out: float = 1.5
    track_sd: float = 0.12
    most_each: float = 6.0
    dearest: float = 16.0
    rival: float = 3.0
    unclear: float = 1.0


_CHOICE = ChoiceSettings()


@dataclass(frozen=True, eq=False)
class Candidate:
    """What may be one sole.

    Attributes
    ----------
    mask : (H, W) bool
        Its pixels.
    pieces : frozenset of int
        The pieces that they are from, by number.
    part : int
        0 for whole pieces, else 1 or 2 for the half of one.
    price : float
        Of taking it for a sole.
    """

    mask: Mask
    pieces: frozenset[int]
    part: int
    price: float
    area: int
    centre: Centre
    length: float
    at_border: bool
    portrait: Portrait

    def excludes(self, other: Candidate) -> bool:
        """Whether both cannot be soles of one reading."""
        if self.part and other.part and self.pieces == other.pieces:
            return self.part == other.part
        return bool(self.pieces & other.pieces)


@dataclass(frozen=True, eq=False)
class Reading:
    """Pieces taken for soles.

    Attributes
    ----------
    soles : tuple of Candidate
        One or two.
    price : float
        Of all that speaks against it.
    """

    soles: tuple[Candidate, ...]
    price: float

    @property
    def split(self) -> bool:
        """Whether it parts a piece."""
        return any(sole.part for sole in self.soles)

    @property
    def key(self) -> frozenset[tuple[frozenset[int], int]]:
        """The pieces and halves it takes."""
        return frozenset((sole.pieces, sole.part) for sole in self.soles)


@dataclass(frozen=True, eq=False)
class Choice:
    """The cheapest reading, and how much dearer the next one is.

    Attributes
    ----------
    reading : Reading or None
        None where every reading is too dear.
    margin : float
        Price of the next reading less that of this one; infinite without such.
    """

    reading: Reading | None
    margin: float = math.inf

    @property
    def unclear(self) -> bool:
        """Whether another reading is as good."""
        return self.reading is not None and self.margin < _CHOICE.unclear

    @property
    def rivalled(self) -> bool:
        """Whether another reading is nearly as good."""
        return self.reading is not None and self.margin < _CHOICE.rival


def choose_soles(
    pieces: Sequence[Mask],
    count: int,
    probability: NDArray[np.floating] | None = None,
    track: Track | None = None,
) -> Choice:
    """Choose one or two soles among the pieces of a mask.

    Parameters
    ----------
    pieces : sequence of (H, W) bool
        Those that are large enough, largest first.
    count : {1, 2}
        How many soles a reading has.
    probability : (H, W) float, optional
        The model's probability of foot.
    track : Track, optional
        Where the soles were last seen.

    Examples
    --------
    >>> mask = np.zeros((120, 160), bool)
    >>> mask[20:100, 25:55] = True
    >>> other, knee = np.roll(mask, 70, axis=1), np.zeros((120, 160), bool)
    >>> knee[0:20, 65:85] = True
    >>> choice = choose_soles([mask, other, knee], 2)
    >>> sorted(number for sole in choice.reading.soles for number in sole.pieces), choice.rivalled
    ([0, 1], False)
    """
    singles = list(_candidates(pieces[: _CHOICE.most], probability))
    areas = [int(piece.sum()) for piece in pieces]
    readings = sorted(_readings(singles, count, areas, track), key=lambda reading: reading.price)
    if not readings or readings[0].price > _CHOICE.dearest:
        return Choice(None)
    best = readings[0]
    rival = next((other for other in readings[1:] if _differs(best, other)), None)
    return Choice(best, math.inf if rival is None else rival.price - best.price)


def _readings(
    candidates: Sequence[Candidate], count: int, areas: Sequence[int], track: Track | None
) -> Iterator[Reading]:
    for soles in combinations(candidates, count):
        if count == 2 and soles[0].excludes(soles[1]):
            continue
        taken = frozenset().union(*(sole.pieces for sole in soles))
        left_out = sum(area for number, area in enumerate(areas) if number not in taken)
        mean = sum(sole.area for sole in soles) / count
        price = sum(sole.price for sole in soles) + min(_CHOICE.left_out * left_out / mean, _CHOICE.most_each)
        if count == 2:
            price += _pair_price(*soles)
        yield Reading(soles, price + _track_price(soles, track))


def _candidates(pieces: Sequence[Mask], probability: NDArray[np.floating] | None) -> Iterator[Candidate]:
    for number, piece in enumerate(pieces):
        yield _candidate(piece, {number}, probability)
        halves = split_touching(piece) if aspect_ratio(piece)[0] > _CHOICE.two_wide else None
        for part, half in enumerate(halves or (), start=1):
            yield _candidate(half, {number}, probability, part, _CHOICE.halves / 2)
    for (one, first), (other, second) in combinations(enumerate(pieces), 2):
        gap = _gap(first, second)
        if gap is not None:
            price = _CHOICE.fragments + _CHOICE.gap * gap
            yield _candidate(first | second, {one, other}, probability, price=price)


def _candidate(
    mask: Mask, pieces: set[int], probability: NDArray[np.floating] | None, part: int = 0, price: float = 0.0
) -> Candidate:
    window = bounding_window(mask)
    (shape,) = regionprops(mask[window].astype(np.uint8))
    area, height = int(shape.area), mask.shape[0]
    length = max(float(shape.axis_major_length), 1.0)
    slenderness = float(shape.axis_minor_length) / length
    contact = [int(edge.sum()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1])]
    at_border = max(contact) > 0
    against = [
        (math.log(area / mask.size / _CHOICE.area) / _CHOICE.area_sd) ** 2 / 2,
        (max(slenderness - _CHOICE.slender, 0.0) / _CHOICE.slender_sd) ** 2 / 2 * (0.25 if at_border else 1.0),
        (max(_CHOICE.solid - float(shape.solidity), 0.0) / _CHOICE.solid_sd) ** 2 / 2,
        (_CHOICE.top * contact[0] + _CHOICE.border * max(contact[1:])) / math.sqrt(area),
    ]
    if probability is not None:
        against.append(_CHOICE.unsure * max(_CHOICE.sure - float(probability[mask].mean()), 0.0))
    row, column = (float(at) + edge.start for at, edge in zip(shape.centroid, window, strict=True))
    total = price + sum(min(each, _CHOICE.most_each) for each in against)
    return Candidate(
        mask,
        frozenset(pieces),
        part,
        total,
        area,
        (row / height, column / height),
        length,
        at_border,
        Portrait.draw(mask),
    )


def _gap(first: Mask, second: Mask) -> float | None:
    """Distance of two pieces in picture heights; None where they are no two fragments of one sole."""
    height: int = first.shape[0]
    both = first | second
    window = bounding_window(both)
    (shape,) = regionprops(both[window].astype(np.uint8))
    longest = max(float(regionprops(each.astype(np.uint8))[0].axis_major_length) for each in (first, second))
    if shape.axis_minor_length > _CHOICE.slender * shape.axis_major_length or shape.solidity < _CHOICE.solid:
        return None
    if shape.axis_major_length < 1.1 * longest:
        return None  # beside each other, not one behind the other
    inner = ndimage.distance_transform_edt(~first[window])
    return float(inner[second[window]].min()) / height


def _pair_price(one: Candidate, other: Candidate) -> float:
    sd = _CHOICE.cut_alike_sd if one.at_border or other.at_border else _CHOICE.alike_sd
    down, across = other.centre[0] - one.centre[0], other.centre[1] - one.centre[1]
    angle = math.degrees(math.atan2(abs(down), abs(across)))
    height: int = one.mask.shape[0]
    lengths = (one.length + other.length) / 2 / height
    against = [
        (math.log(one.area / other.area) / sd) ** 2 / 2,
        (max(_CHOICE.mirror - one.portrait.overlap(other.portrait.mirrored()), 0.0) / _CHOICE.mirror_sd) ** 2
        / 2
        * (0.25 if one.at_border or other.at_border else 1.0),
        (max(angle - _CHOICE.level, 0.0) / _CHOICE.level_sd) ** 2 / 2,
        _CHOICE.apart * max(math.hypot(down, across) / lengths - _CHOICE.far, 0.0),
    ]
    return sum(min(each, _CHOICE.most_each) for each in against)


def _track_price(soles: Sequence[Candidate], track: Track | None) -> float:
    """Price of the soles' shifts since they were last seen, whichever of them is which."""
    if track is None:
        return 0.0
    seen = [place for place in (track.left, track.right) if place is not None]

    def shift(sole: Candidate, place: Centre) -> float:
        return min((math.dist(sole.centre, place) / _CHOICE.track_sd) ** 2 / 2, _CHOICE.most_each)

    if len(soles) == 1 or len(seen) == 1:
        return min(shift(sole, place) for sole in soles for place in seen)
    one, other = soles
    return min(
        shift(one, seen[0]) + shift(other, seen[1]),
        shift(one, seen[1]) + shift(other, seen[0]),
    )


def _differs(best: Reading, other: Reading) -> bool:
    """Whether another reading would give other soles, and not the same ones with a fragment more or less."""
    return best.key != other.key
