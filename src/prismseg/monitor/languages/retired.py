"""Sentences that earlier versions stored with results and flags, and that this one words differently.

Stored sessions show them still, so that catalogues keep their translations. Whoever rewords a sentence of a check or of a
flag adds the old wording here.
"""

from __future__ import annotations

# Of 0.1.0.
RETIRED: tuple[str, ...] = (
    (
        "A sole of {pixels} pixels is too small for nerve territories; {least} are needed. Go nearer with the "
        "camera."
    ),
    (
        "Camera parameters differ from the session's: {changes}. Changes between them are not given: they "
        "would contain this one."
    ),
    "The calibration constant {name} is {value:g}, which cannot be.",
    (
        "The network is unsure of the {side} sole's outline: of pixels worth {share:.0%} of its area it "
        "cannot say whether they belong to it. Look at the outline."
    ),
    "The soles run together and no neck tells where one ends. Part the feet, or correct the mask by hand.",
    "The template of nerve territories fits the {side} sole badly: mistrust their means.",
    "The toes seem to look down. Check how the camera is held: sides and territories may be wrong.",
    "The {parameter} is {value:g}, which cannot be; it is {meaning}.",
    "Touching soles were parted at the neck between them.",
    "What was found is too small to be a sole. Go nearer with the camera.",
    "window transmission {value:.2g} supposes an infrared window before the lens",
)
