"""What became of the search for soles, and what a reader should know of those that were found."""

from __future__ import annotations

from enum import StrEnum

from prismseg.base import Message
from prismseg.base.deprecation import renamed


class Status(StrEnum):
    """Whether soles were found, and if not, why."""

    TWO_SOLES = "two soles"
    ONE_SOLE = "one sole"
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


SENTENCES = {
    Status.TWO_SOLES: Message("Two soles were found."),
    Status.ONE_SOLE: Message("One sole was found."),
    Status.NO_FOOT: Message("No foot is in the mask. Point the camera at both soles, or draw the mask by hand."),
    Status.TOO_SMALL: Message("What was found is too small to be a sole. Move the camera closer."),
    Status.ONE_FOOT: Message(
        "Only one sole was found, and nothing tells whether it is the left or the right one. Uncover the other one and "
        "keep both in the picture, or set the session to one foot."
    ),
    Status.MERGED: Message(
        "The soles run together and no neck tells where one ends. Move the feet apart, or correct the mask by hand."
    ),
    Status.MORE_THAN_TWO: Message(
        "More pieces than the soles are as large and of such a shape, and which of them are the soles is open. Correct "
        "the mask by hand."
    ),
    Status.CUT: Message(
        "Less than half of a sole is in the picture: too little to say anything. Move the camera back or sideways."
    ),
    Status.SIDES_UNCLEAR: Message(
        "Which sole is the left one is unclear from their places. Hold the camera level, with the soles side by side."
    ),
}


@renamed(SWAP="SIDES_SWAPPED")
class Caution(StrEnum):
    """What a reader should know of soles that were found."""

    SPLIT = "Touching soles were separated at the neck between them."
    AT_BORDER = "A sole touches the picture's border."
    UNEQUAL = (
        "One sole is clearly smaller in the picture than the other: a part of it may be covered or missed, or "
        "the other outline may hold more than the sole. Look at both outlines."
    )
    RIVAL = "Another piece could be a sole nearly as well as one that was taken. Look at the outlines."
    OTHER_FOOT = "Two soles were found though the session is set to one foot; the other one was left out."
    SIDES_SWAPPED = "The soles seem to have changed sides since the last picture; their names were kept."
    SHAPE = "The soles have the shape of the other sides' feet. Check the view setting, and whether the legs are crossed."
    TOES_DOWN = "The toes seem to point down. Check how the camera is held: sides and territories may be wrong."

    @property
    def message(self) -> Message:
        """The same, translatable."""
        return Message(self.value)
