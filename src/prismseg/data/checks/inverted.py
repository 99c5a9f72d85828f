"""Masks whose objects may be stored as background."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from prismseg.data.checks.findings import Finding
from prismseg.data.masks.labels import LabelUses
from prismseg.data.sample import IGNORE

# A foreground of more pixels than this, and of more of the images' borders, may be a background.
_SHARE, _BORDER = 0.5, 0.9


def check_inverted(
    white_is_zero: Sequence[Path],
    border: Mapping[int, int],
    uses: LabelUses,
    coding: Mapping[int, int],
    *,
    binary: bool,
) -> Iterator[Finding]:
    """Ask whether background and foreground of two classes are meant the other way round.

    Parameters
    ----------
    white_is_zero : sequence of Path
        Masks that viewers show with their lowest number as white.
    border : mapping of int to int
        Pixels of each label along the borders of the masks.
    uses : mapping of int to LabelUse
        Of all labels.
    coding : mapping of int to int
        Class of each label.
    binary : bool
        Whether every label above 0 is foreground.
    """
    if white_is_zero:
        yield Finding(
            "warning",
            "white is zero",
            white_is_zero[0],
            f"{len(white_is_zero)} masks are shown by viewers with 0 as white and their highest number as black (in "
            "ImageJ: an inverting look-up table). Labels are read as the numbers that are stored, so that what is shown "
            "white is background. If it is meant the other way round, say so in a legend (--colours MAPFILE).",
        )

    def is_foreground(label: int) -> bool:
        return (label > 0) if binary else (coding.get(label) == 1)

    counted = {label: found.pixels for label, found in uses.items() if binary or coding.get(label) in (0, 1)}
    if not binary and set(coding.values()) - {0, 1, IGNORE}:
        return
    shares = [
        sum(pixels for label, pixels in each.items() if is_foreground(label)) / max(sum(each.values()), 1)
        for each in (counted, {label: pixels for label, pixels in border.items() if label in counted})
    ]
    if shares[0] > _SHARE and shares[1] > _BORDER:
        yield Finding(
            "warning",
            "masks may be inverted",
            uses[max(label for label in counted if is_foreground(label))].file,
            f"The foreground covers {shares[0]:.0%} of the pixels and {shares[1]:.0%} of the images' borders, as a "
            "background does. If the masks are drawn with objects as 0, say so in a legend (--colours MAPFILE with the "
            "lines '0: NAME' and the other number ': background').",
        )
