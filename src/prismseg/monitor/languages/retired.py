"""Sentences that earlier versions stored with results and flags, and that this one words differently.

Stored sessions show them still, so that catalogues keep their translations. Whoever rewords a sentence of a check or of a
flag adds the old wording here.
"""

from __future__ import annotations

from collections.abc import Mapping

_CROSSED = (
    "{question} Each sole looks like the other one at t0 (outline, pattern and level of temperature), so that "
    "changes are not given. Take the frame again as at t0; in a recorded session say which frames are crossed "
    "(--crossed {minute:g}), or that none is (--crossed none)."
)
_DOUBTFUL = (
    "The file's parameters are doubtful: {doubts}. State the true ones (--reflected, --atmosphere; --window 1 where "
    "there is no window), so that its temperatures are computed anew."
)
# Options of the command line are nothing for a page: in English, too, these are said as they are now.
REWORDED: Mapping[str, str] = {
    _CROSSED: _CROSSED.replace(" (--crossed {minute:g}), or that none is (--crossed none).", ", or that none is."),
    _DOUBTFUL: _DOUBTFUL.replace(" (--reflected, --atmosphere; --window 1 where there is no window)", ""),
}
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
    # Of 0.2.0.
    (
        "A second look at the frame, with its cold parts brightened, finds another outline of the {side} sole, whose "
        "mean differs by {change:+.1f} °C: cold toes may be missed, or the outline may hold more than the sole. Look at "
        "the outline."
    ),
    "A sole is cut off by the picture's border. Move the camera back or sideways.",
    (
        "At {minute:g} min neither sole is warmer than at baseline by {threshold:g} °C (left {left:+.1f} ± "
        "{left_error:.1f}, right {right:+.1f} ± {right_error:.1f} °C). This does NOT exclude a working block: in one "
        "study the toes had warmed at 20 min in only 14 of 29 working blocks."
    ),
    "More than two pieces are as large as a sole. Correct the mask by hand.",
    "Only one sole was found. Uncover the other one and keep both in the picture.",
    (
        "The background has changed by {value:+.1f} ± {error:.1f} °C since t0: the camera drifted, or the room's "
        "temperature changed. Beyond it the left sole changed by {left:+.1f} ± {left_error:.1f} and the right one by "
        "{right:+.1f} ± {right_error:.1f} °C."
    ),
    (
        "The network is unsure of the {side} sole's outline: pixels amounting to {share:.0%} of its area may or may not "
        "belong to it. Look at the outline."
    ),
    _CROSSED,
    _DOUBTFUL,
    "{count} frames, most at {minute:g} min: {sentence}",
    "left {left}, right {right}",
)
