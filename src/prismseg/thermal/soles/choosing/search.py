"""The search for the soles among the pieces of a mask, and their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from prismseg.thermal.anatomy import SIDES, Side
from prismseg.thermal.soles.choosing.choice import Candidate, Choice, choose_soles
from prismseg.thermal.soles.pieces import Mask, Pieces, aspect_ratio
from prismseg.thermal.soles.rows import MIN_PIXELS, handedness, measure_profile
from prismseg.thermal.soles.sides import Track, View, assign_sides, medial_direction, nearer_side
from prismseg.thermal.soles.status import Caution, Status


@dataclass(frozen=True)
class SearchSettings:
    """When two pieces are a pair of soles, and when one is a sole; chosen on phantoms.

    Attributes
    ----------
    wide_as_two : float
        Ratio of widths across and along from which a single piece is two soles that run together.
    no_pair, no_pair_cut : float
        Ratio of the smaller sole's area to the larger one's below which there is no pair: two soles of one person never
        differ so much, and what is smaller beside a sole is a piece of something else. The second holds where the border
        cuts one of them.
    both : float
        Price of a reading with two soles up to which a session of one foot takes both for seen.
    """

    wide_as_two: float = 0.6
    no_pair: float = 0.5
    no_pair_cut: float = 0.25
    both: float = 5.0


_SEARCH = SearchSettings()
# Log of the ratio of two fits' residuals from which one is clearly better. On simulated soles, also ragged and without
# toes, the right one wins by 0.3 or more.
CLEARLY = 0.3


@dataclass(frozen=True, eq=False)
class Found:
    """Named soles, also cut ones, or why there are none."""

    status: Status
    masks: Mapping[Side, Mask] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()
    track: Track | None = None


@dataclass(frozen=True, eq=False)
class Search:
    """The search for soles among the pieces of a mask."""

    pieces: Pieces
    height: int
    view: View
    track: Track | None
    probability: NDArray[np.floating] | None

    def both(self) -> Found:
        """Look for two soles, else for one that can be named."""
        masks = self.pieces.masks
        if not masks:
            return self._nothing()
        choice = self._choose(2)
        if choice.reading is None or not _is_pair(choice.reading.soles):
            return self._alone()
        if choice.unclear:
            return Found(Status.MORE_THAN_TWO)
        soles = choice.reading.soles
        assignment = assign_sides(np.array([sole.centre for sole in soles]), self.view, self.track)
        if assignment is None:
            return Found(Status.SIDES_UNCLEAR)
        left, right = soles[assignment.left], soles[assignment.right]
        cautions = {
            Caution.SPLIT: choice.reading.split,
            Caution.RIVAL: choice.rivalled,
            Caution.SIDES_SWAPPED: assignment.swapped,
        }
        return Found(
            Status.TWO_SOLES,
            {"left": left.mask, "right": right.mask},
            tuple(caution for caution, holds in cautions.items() if holds),
            Track(left=left.centre, right=right.centre),
        )

    def one(self, side: Side) -> Found:
        """Look for the one sole that the session is about."""
        if not self.pieces.masks:
            return self._nothing()
        pair = self._choose(2) if self.track is None else Choice(None)
        if pair.reading is not None and pair.reading.price < _SEARCH.both and _is_pair(pair.reading.soles):
            assignment = assign_sides(np.array([sole.centre for sole in pair.reading.soles]), self.view, None)
            if assignment is not None:
                sole = pair.reading.soles[assignment.left if side == "left" else assignment.right]
                return self._named(side, sole, (Caution.OTHER_FOOT,))
        choice = self._choose(1)
        if choice.reading is None:
            return Found(self._why_none())
        if choice.unclear:
            return Found(Status.MORE_THAN_TWO)
        return self._named(side, choice.reading.soles[0], (Caution.RIVAL,) if choice.rivalled else ())

    def _alone(self) -> Found:
        choice = self._choose(1)
        if choice.reading is None or aspect_ratio(self.pieces.masks[0])[0] > _SEARCH.wide_as_two:
            return Found(self._why_none())
        if choice.rivalled:  # nothing but its place tells that it is a sole
            return Found(Status.MORE_THAN_TWO)
        sole = choice.reading.soles[0]
        side = nearer_side(sole.centre, self.track)
        if side is None:
            return Found(Status.ONE_FOOT)
        if _shape_against(sole.mask, side, self.view):
            return Found(Status.SIDES_UNCLEAR)
        return self._named(side, sole, ())

    def _choose(self, count: int) -> Choice:
        return choose_soles(self.pieces.masks, count, self.probability, self.track)

    def _named(self, side: Side, sole: Candidate, cautions: tuple[Caution, ...]) -> Found:
        before = self.track or Track()
        places = {each: before.place(each) for each in SIDES} | {side: sole.centre}
        return Found(Status.ONE_SOLE, {side: sole.mask}, cautions, Track(**places))

    def _nothing(self) -> Found:
        return Found(Status.NO_FOOT if self.pieces.largest == 0 else Status.TOO_SMALL)

    def _why_none(self) -> Status:
        if aspect_ratio(self.pieces.masks[0])[0] > _SEARCH.wide_as_two:
            return Status.MERGED
        return Status.ONE_FOOT if len(self.pieces.masks) < 3 else Status.MORE_THAN_TWO


def _is_pair(soles: tuple[Candidate, ...]) -> bool:
    """Whether two soles are as alike in size as those of one person."""
    smaller, larger = sorted(sole.area for sole in soles)
    least = _SEARCH.no_pair_cut if any(sole.at_border for sole in soles) else _SEARCH.no_pair
    return smaller >= least * larger


def _shape_against(sole: Mask, side: Side, view: View) -> bool:
    """Whether a sole clearly has the shape of the other side's foot."""
    if sole.sum() < MIN_PIXELS:
        return False
    return handedness(measure_profile(sole, medial_direction(side, view))) < -CLEARLY
