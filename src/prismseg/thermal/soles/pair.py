"""Two soles from a mask, named left and right, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.base.deprecation import renamed
from prismseg.thermal.anatomy import SIDE_LABELS, SIDES, Side
from prismseg.thermal.soles.pieces import (
    Cleaning,
    Mask,
    Pieces,
    as_mask,
    aspect_ratio,
    border_contact,
    find_pieces,
    split_touching,
)
from prismseg.thermal.soles.rows import MIN_PIXELS, handedness, measure_profile, toes_up
from prismseg.thermal.soles.sides import Track, View, assign_sides, check_view, medial_direction


@dataclass(frozen=True)
class PairSettings:
    """When two pieces are a pair of soles; chosen on phantoms.

    Attributes
    ----------
    wide_as_two : float
        Ratio of widths across and along from which a single piece is two soles that run together.
    unequal : float
        Of the smaller sole's area to the larger one's, below which a caution is given. Of pairs whose outlines are right,
        one in twenty is more unequal than this; of pairs with a part missing most are.
    no_pair : float
        Of the same, below which there is no pair: two soles of one person never differ so much, and what is smaller
        beside a sole is a piece of something else.
    clearly : float
        Log of the ratio of two fits' residuals from which one is clearly better. On simulated soles, also ragged and
        without toes, the right one wins by 0.3 or more.
    """

    wide_as_two: float = 0.6
    unequal: float = 0.87
    no_pair: float = 0.5
    clearly: float = 0.3


_PAIR = PairSettings()


class Status(StrEnum):
    """Whether two soles were found, and if not, why."""

    TWO_SOLES = "two soles"
    NO_FOOT = "no foot"
    TOO_SMALL = "too small"
    ONE_FOOT = "one foot"
    MERGED = "merged"
    MORE_THAN_TWO = "more than two"
    CUT = "cut at the border"
    SIDES_UNCLEAR = "sides unclear"

    @property
    def message(self) -> Message:
        """The same, translatable."""
        return Message(self.value)


_SENTENCES = {
    Status.TWO_SOLES: Message("Two soles were found."),
    Status.NO_FOOT: Message("No foot is in the mask. Point the camera at both soles, or draw the mask by hand."),
    Status.TOO_SMALL: Message("What was found is too small to be a sole. Move the camera closer."),
    Status.ONE_FOOT: Message("Only one sole was found. Uncover the other one and keep both in the picture."),
    Status.MERGED: Message(
        "The soles run together and no neck tells where one ends. Move the feet apart, or correct the mask by hand."
    ),
    Status.MORE_THAN_TWO: Message("More than two pieces are as large as a sole. Correct the mask by hand."),
    Status.CUT: Message("A sole is cut off by the picture's border. Move the camera back or sideways."),
    Status.SIDES_UNCLEAR: Message(
        "Which sole is the left one is unclear from their places. Hold the camera level, with the soles side by side."
    ),
}


@renamed(SWAP="SIDES_SWAPPED")
class Caution(StrEnum):
    """What a reader should know of two soles that were found."""

    SPLIT = "Touching soles were separated at the neck between them."
    AT_BORDER = "A sole touches the picture's border."
    UNEQUAL = (
        "One sole is clearly smaller in the picture than the other: a part of it may be covered or missed, or "
        "the other outline may hold more than the sole. Look at both outlines."
    )
    SIDES_SWAPPED = "The soles seem to have changed sides since the last picture; their names were kept."
    SHAPE = "The soles have the shape of the other sides' feet. Check the view setting, and whether the legs are crossed."
    TOES_DOWN = "The toes seem to point down. Check how the camera is held: sides and territories may be wrong."

    @property
    def message(self) -> Message:
        """The same, translatable."""
        return Message(self.value)


@dataclass(frozen=True, eq=False)
class Soles:
    """Both soles of a frame, or why there are none.

    Attributes
    ----------
    status : Status
        `Status.TWO_SOLES`, or why there are none.
    left, right : (H, W) bool or None
        The patient's left and right sole; None after a failure.
    cleaned : (H, W) bool
        The cleaned mask, for drawing, also after a failure.
    view : View
        How the camera saw the soles.
    cautions : tuple of Caution
        What is not quite as it should be.
    track : Track or None
        Where both soles were last seen, in this frame or before.
    dropped : int
        Pixels of pieces that were left out as too small.
    """

    status: Status
    left: Mask | None
    right: Mask | None
    cleaned: Mask
    view: View
    cautions: tuple[Caution, ...] = field(default=())
    track: Track | None = None
    dropped: int = 0

    @classmethod
    def from_mask(
        cls,
        mask: NDArray[np.generic],
        view: View = "soles-to-camera",
        previous: Soles | None = None,
        *,
        cleaning: Cleaning | None = None,
    ) -> Soles:
        """Clean a mask and find the two soles in it.

        Parameters
        ----------
        mask : (H, W) bool or integer
            Every label but 0 is sole; labels have no influence on the names.
        view : {"soles-to-camera", "mirrored"}
            With soles to the camera the patient's right foot is on the image's left.
        previous : Soles, optional
            Of the frame before, in the same session: soles keep their names, also over frames without two soles.
        cleaning : Cleaning, optional
            Sizes.

        Raises
        ------
        DataError
            When `mask` is no (H, W) array of labels. A mask without two soles is no error: `status` says why.
        ConfigError
            When there is no such view.

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
        array, checked, sizes = as_mask(mask), check_view(view), cleaning or Cleaning()
        pieces = find_pieces(array, sizes)
        cautions: list[Caution] = []
        masks = pieces.masks
        if len(masks) == 1 and (parts := split_touching(masks[0])) is not None:
            masks, cautions = parts, [Caution.SPLIT]
        cleaned = np.logical_or.reduce(pieces.masks) if pieces.masks else np.zeros(array.shape, bool)
        track = previous.track if previous is not None else None
        failure = _failure(pieces, masks, sizes)
        if failure is None:
            height = array.shape[0]
            centres = np.array([np.argwhere(piece).mean(axis=0) / height for piece in masks])
            assignment = assign_sides(centres, checked, track)
            if assignment is not None:
                left, right = masks[assignment.left], masks[assignment.right]
                cautions += _cautions(left, right, checked, swapped=assignment.swapped)
                seen = Track(
                    left=(float(centres[assignment.left, 0]), float(centres[assignment.left, 1])),
                    right=(float(centres[assignment.right, 0]), float(centres[assignment.right, 1])),
                )
                return cls(Status.TWO_SOLES, left, right, cleaned, checked, tuple(cautions), seen, pieces.dropped)
            failure = Status.SIDES_UNCLEAR
        return cls(failure, None, None, cleaned, checked, tuple(cautions), track, pieces.dropped)

    @property
    def ok(self) -> bool:
        """Whether two soles were found."""
        return self.status is Status.TWO_SOLES

    @property
    def message(self) -> Message:
        """What was found, what was wrong and what to do, in a few sentences."""
        return Message.joined([_SENTENCES[self.status], *(caution.message for caution in self.cautions)])

    @property
    def masks(self) -> Mapping[Side, Mask] | None:
        """Masks of both sides, None after a failure."""
        return None if self.left is None or self.right is None else {"left": self.left, "right": self.right}

    def side(self, side: Side) -> Mask | None:
        """Mask of one side, None after a failure."""
        return self.left if side == "left" else self.right

    def labels(self) -> NDArray[np.uint8]:
        """Return a map (H, W): 0 background, 1 the patient's left sole, 2 the right one (`SIDE_LABELS`)."""
        labels = np.zeros(self.cleaned.shape, np.uint8)
        for side, sole in (self.masks or {}).items():
            labels[sole] = SIDE_LABELS[side]
        return labels


def _failure(pieces: Pieces, masks: tuple[Mask, ...], cleaning: Cleaning) -> Status | None:
    if not masks:
        return Status.NO_FOOT if pieces.largest == 0 else Status.TOO_SMALL
    if len(masks) > 2:
        return Status.MORE_THAN_TWO
    *smaller, largest = sorted(masks, key=np.count_nonzero)
    if not smaller or smaller[0].sum() < _PAIR.no_pair * largest.sum():
        return Status.MERGED if aspect_ratio(largest)[0] > _PAIR.wide_as_two else Status.ONE_FOOT
    if any(border_contact(piece) > cleaning.cut * np.sqrt(piece.sum()) for piece in masks):
        return Status.CUT
    return None


def _cautions(left: Mask, right: Mask, view: View, *, swapped: bool) -> list[Caution]:
    areas = sorted((int(left.sum()), int(right.sum())))
    shape_doubted, toes_down = (False, False) if areas[0] < MIN_PIXELS else _doubts(left, right, view)
    found = {
        Caution.AT_BORDER: border_contact(left | right) > 0,
        Caution.UNEQUAL: areas[0] < _PAIR.unequal * areas[1],
        Caution.SIDES_SWAPPED: swapped,
        Caution.SHAPE: shape_doubted,
        Caution.TOES_DOWN: toes_down,
    }
    return [caution for caution, holds in found.items() if holds]


def _doubts(left: Mask, right: Mask, view: View) -> tuple[bool, bool]:
    """Whether both soles' shapes contradict their sides, and whether both have their toes below."""
    profiles = [
        measure_profile(sole, medial_direction(side, view))
        for side, sole in zip(SIDES, (left, right), strict=True)
    ]
    if all(toes_up(profile) < -_PAIR.clearly for profile in profiles):
        return False, True
    return all(handedness(profile) < -_PAIR.clearly for profile in profiles), False
