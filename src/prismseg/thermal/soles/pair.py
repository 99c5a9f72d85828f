"""Two soles from a mask, named left and right, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.thermal.anatomy import SIDE_LABELS, SIDES, Side
from prismseg.thermal.soles.choosing.outside import (
    is_cut,
    missing_end,
    place_other_foot,
    place_same_foot,
    place_template,
)
from prismseg.thermal.soles.choosing.search import CLEARLY, Search
from prismseg.thermal.soles.pieces import Cleaning, Mask, as_mask, find_pieces
from prismseg.thermal.soles.rows import MIN_PIXELS, handedness, measure_profile, toes_up
from prismseg.thermal.soles.sides import Feet, Track, View, check_feet, check_view, medial_direction
from prismseg.thermal.soles.status import SENTENCES, Caution, Status


@dataclass(frozen=True)
class PairSettings:
    """When soles that were found are doubted; chosen on phantoms.

    Attributes
    ----------
    unequal : float
        Of the smaller sole's area to the larger one's, below which a caution is given. Pairs whose outlines are right are
        hardly ever more unequal; in a session less is noticed as a change from t0.
    most_outside : float
        Share of a sole outside the picture from which too little is left to say anything of it.
    """

    unequal: float = 0.83
    most_outside: float = 0.5


_PAIR = PairSettings()


@dataclass(frozen=True, eq=False)
class Soles:
    """The soles of a frame, or why there are none.

    Attributes
    ----------
    status : Status
        `Status.TWO_SOLES`, `Status.ONE_SOLE`, or why there are none.
    left, right : (H, W) bool or None
        The patient's left and right sole; None where it was not found.
    cleaned : (H, W) bool
        The soles, or after a failure all that might be one, for drawing.
    view : View
        How the camera saw the soles.
    cautions : tuple of Caution
        What is not quite as it should be.
    track : Track or None
        Where both soles were last seen, in this frame or before.
    dropped : int
        Pixels of pieces that were left out.
    feet : Feet
        The feet that were looked for.
    outside : mapping of side to float
        Share of each sole that touches the border which lies outside the picture, estimated.
    too_little : tuple of Side
        Soles that were left out since less than half of them is in the picture.
    apart : (H, W) bool or None
        Parts of the soles that lie apart in the mask, as toes may; None without such.
    """

    status: Status
    left: Mask | None
    right: Mask | None
    cleaned: Mask
    view: View
    cautions: tuple[Caution, ...] = field(default=())
    track: Track | None = None
    dropped: int = 0
    feet: Feet = "both"
    outside: Mapping[Side, float] = field(default_factory=dict)
    too_little: tuple[Side, ...] = ()
    apart: Mask | None = None

    @classmethod
    def from_mask(
        cls,
        mask: NDArray[np.generic],
        view: View = "soles-to-camera",
        previous: Soles | None = None,
        *,
        feet: Feet = "both",
        probability: NDArray[np.floating] | None = None,
        whole: Soles | None = None,
        cleaning: Cleaning | None = None,
    ) -> Soles:
        """Clean a mask and find the soles in it.

        Of more pieces those are chosen that together are most like a pair of soles, by area, shape, mirror symmetry,
        place, probability and where the soles were seen before. Of a sole at the border what is visible is taken, with
        the share that lies outside as told by its shape in `whole`, else by the other sole, else by the template. One
        sole alone is taken where its place since `previous` tells which one it is.

        Parameters
        ----------
        mask : (H, W) bool or integer
            Every label but 0 is sole; labels have no influence on the names.
        view : {"soles-to-camera", "mirrored"}
            With soles to the camera the patient's right foot is on the image's left.
        previous : Soles, optional
            Of the frame before, in the same session: soles keep their names, also over frames without two soles.
        feet : {"both", "left", "right"}
            One side where the other foot is missing, in a cast or covered throughout.
        probability : (H, W) float, optional
            The model's probability of foot, where the mask is from one.
        whole : Soles, optional
            Of another frame of the same session, where the soles may be whole.
        cleaning : Cleaning, optional
            Sizes.

        Raises
        ------
        DataError
            When `mask` is no (H, W) array of labels. A mask without soles is no error: `status` says why.
        ConfigError
            When there is no such view, or `feet` is none of the three.

        Examples
        --------
        >>> mask = np.zeros((120, 160), bool)
        >>> mask[20:100, 25:55] = mask[20:100, 95:125] = True
        >>> soles = Soles.from_mask(mask)
        >>> soles.status, soles.ok
        (<Status.TWO_SOLES: 'two soles'>, True)
        >>> bool(soles.right[60, 40])  # the patient's right is on the image's left
        True
        >>> str(Soles.from_mask(np.zeros((120, 160), bool)).status)
        'no foot'
        """
        array, checked = as_mask(mask), check_view(view)
        pieces = find_pieces(array, cleaning or Cleaning())
        track = previous.track if previous is not None else None
        known = None if probability is None or probability.shape != array.shape else probability
        search = Search(pieces, array.shape[0], checked, track, known)
        chosen = check_feet(feet)
        found = search.both() if chosen == "both" else search.one(chosen)
        masks, outside, too_little = _within_picture(found.masks, checked, whole)
        status = found.status
        if found.masks:
            status = (Status.CUT, Status.ONE_SOLE, Status.TWO_SOLES)[len(masks)]
        cautions = (*found.cautions, *_cautions(masks, outside, checked))
        everything = list(masks.values()) or pieces.masks
        cleaned = np.logical_or.reduce(everything) if everything else np.zeros(array.shape, bool)
        taken = sum(int(sole.sum()) for sole in masks.values()) if masks else int(cleaned.sum())
        return cls(
            status=status,
            left=masks.get("left"),
            right=masks.get("right"),
            cleaned=cleaned,
            view=checked,
            cautions=cautions if masks else tuple(found.cautions),
            track=found.track if masks else track,
            dropped=pieces.dropped + sum(int(piece.sum()) for piece in pieces.masks) - taken,
            feet=feet,
            outside=outside,
            too_little=too_little,
            apart=pieces.apart,
        )

    @property
    def ok(self) -> bool:
        """Whether any sole was found."""
        return self.status in (Status.TWO_SOLES, Status.ONE_SOLE)

    @property
    def message(self) -> Message:
        """What was found, what was wrong and what to do, in a few sentences."""
        return Message.joined([SENTENCES[self.status], *(caution.message for caution in self.cautions)])

    @property
    def masks(self) -> Mapping[Side, Mask] | None:
        """Masks of the sides that were found, None after a failure."""
        found = {side: sole for side in SIDES if (sole := self.side(side)) is not None}
        return found or None

    def side(self, side: Side) -> Mask | None:
        """Mask of one side, None where it was not found."""
        return self.left if side == "left" else self.right

    def exchanged(self) -> Soles:
        """Return the same with left and right exchanged, for a picture with crossed legs."""
        other: dict[Side, Side] = {"left": "right", "right": "left"}
        track = None if self.track is None else Track(left=self.track.right, right=self.track.left)
        return replace(
            self,
            left=self.right,
            right=self.left,
            track=track,
            outside={other[side]: share for side, share in self.outside.items()},
            too_little=tuple(other[side] for side in self.too_little),
            cautions=tuple(caution for caution in self.cautions if caution is not Caution.SHAPE),
        )

    def labels(self) -> NDArray[np.uint8]:
        """Return a map (H, W): 0 background, 1 the patient's left sole, 2 the right one (`SIDE_LABELS`)."""
        labels = np.zeros(self.cleaned.shape, np.uint8)
        for side, sole in (self.masks or {}).items():
            labels[sole] = SIDE_LABELS[side]
        return labels


def _within_picture(
    masks: Mapping[Side, Mask], view: View, whole: Soles | None
) -> tuple[dict[Side, Mask], dict[Side, float], tuple[Side, ...]]:
    """Estimate which share of each sole lies outside, and leave out those of which too little is seen."""
    outside = {
        side: _share_outside(side, sole, masks, view, whole) for side, sole in masks.items() if is_cut(sole)
    }
    kept = {side: sole for side, sole in masks.items() if outside.get(side, 0.0) <= _PAIR.most_outside}
    return kept, outside, tuple(side for side in masks if side not in kept)


def _share_outside(side: Side, sole: Mask, masks: Mapping[Side, Mask], view: View, whole: Soles | None) -> float:
    other: Side = "right" if side == "left" else "left"
    for shape, place in (
        (_whole(whole, side), place_same_foot),
        (masks.get(other), place_other_foot),
        (_whole(whole, other), place_other_foot),
    ):
        if shape is not None and not is_cut(shape) and shape.shape == sole.shape:
            return place(sole, shape).outside
    return max(place_template(sole, medial_direction(side, view)).outside, missing_end(sole))


def _whole(soles: Soles | None, side: Side) -> Mask | None:
    return None if soles is None else soles.side(side)


def _cautions(masks: Mapping[Side, Mask], outside: Mapping[Side, float], view: View) -> list[Caution]:
    areas = sorted(float(sole.sum()) / (1 - min(outside.get(side, 0.0), 0.9)) for side, sole in masks.items())
    shape_doubted, toes_down = _doubts(masks, view)
    found = {
        Caution.AT_BORDER: bool(outside),
        Caution.UNEQUAL: len(areas) == 2 and areas[0] < _PAIR.unequal * areas[1],
        Caution.SHAPE: shape_doubted,
        Caution.TOES_DOWN: toes_down,
    }
    return [caution for caution, holds in found.items() if holds]


def _doubts(masks: Mapping[Side, Mask], view: View) -> tuple[bool, bool]:
    """Whether all soles' shapes contradict their sides, and whether all have their toes below."""
    if not masks or min(int(sole.sum()) for sole in masks.values()) < MIN_PIXELS:
        return False, False
    profiles = [measure_profile(sole, medial_direction(side, view)) for side, sole in masks.items()]
    if all(toes_up(profile) < -CLEARLY for profile in profiles):
        return False, True
    return all(handedness(profile) < -CLEARLY for profile in profiles), False
