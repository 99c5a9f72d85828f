"""What a data set was read as, in a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from prismseg.data.layouts import Listing
from prismseg.data.layouts.annotators import annotators_of
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.consensus import CONSENSUS

_SHOWN = 12


def describe_listing(
    listing: Listing,
    groups: Sequence[str],
    classes: Sequence[tuple[str, int]] | None,
    *,
    left_out: int = 0,
    agreement: str = "",
) -> str:
    """Say what was recognised: layout, counts, classes, groups, parts and what was left out.

    Parameters
    ----------
    listing : Listing
        The data set.
    groups : sequence of str
        Group of each case.
    classes : sequence of (str, int), optional
        Name of each class, background first, and in how many masks it is; None where the labels are not understood.
    left_out : int
        Files in the folders that are of no kind that is read.
    agreement : str
        How far the annotators agree, in a sentence (`AnnotatorAgreement.sentence`).
    """
    cases = listing.cases
    masks = sum(case.mask is not None for case in cases)
    with_mask = "all with a mask" if masks == len(cases) else f"{masks} with a mask"
    sentences = [f"Recognised as {listing.layout}: {_count(len(cases), 'image')}, {with_mask}."]
    if drawn := annotators_of(cases):
        method = next(case.mask.method for case in cases if isinstance(case.mask, AnnotatorMasks))
        people = ", ".join(f"{name} ({count})" for name, count in sorted(drawn.items()))
        read_as = f"their {method} mask is read" if method in CONSENSUS else f"those of {method} are read"
        sentences.append(f"Masks of {_count(len(drawn), 'annotator')}: {people}; {read_as}.")
    if agreement:
        sentences.append(agreement)
    if classes is not None:
        names = [classes[0][0], *(f"{name} (in {_count(held, 'mask')})" for name, held in classes[1:])]
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        sentences.append(f"Classes: {', '.join(names[:_SHOWN])}{more}.")
    sizes = Counter(groups)
    if len(sizes) == len(cases):
        sentences.append("Each image is its own group.")
    else:
        low, high = min(sizes.values()), max(sizes.values())
        span = f"{low} to {high} images" if low < high else _count(high, "image")
        sentences.append(f"Groups: {len(sizes)}, of {span} each.")
    if len(listing.splits) == 1:
        parts = ", ".join(f"{part} {len(names)}" for part, names in listing.splits[0].items() if names)
        sentences.append(f"Split of the data: {parts}.")
    elif listing.splits:
        sentences.append(f"Splits of the data: {len(listing.splits)}.")
    lost = [
        (len(listing.orphans), "mask without an image", "masks without an image"),
        (len(listing.left_out), "hidden file", "hidden files"),
        (left_out, "file of another kind", "files of other kinds"),
    ]
    listed = [f"{count} {one if count == 1 else many}" for count, one, many in lost if count]
    if listed:
        sentences.append(f"Left out: {', '.join(listed)}.")
    return " ".join(sentences)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
