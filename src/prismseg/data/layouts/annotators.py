"""Cases with several masks: of annotators, whose masks become one, or of classes that overlap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prismseg.base import ConfigError
from prismseg.data.layouts.listing import Case, Listing
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.consensus import CONSENSUS
from prismseg.data.masks.overlapping import MOST, ClassMasks, RegionMask, codes_of


def annotators_of(cases: Sequence[Case]) -> Counter[str]:
    """How many masks each annotator has drawn of these cases; empty where each image has one mask.

    Examples
    --------
    >>> from prismseg.data.layouts import Case
    >>> mask = AnnotatorMasks((("anna", Path("a.png")), ("ben", Path("b.png"))))
    >>> annotators_of([Case("p1", (Path("p1.png"),), mask)])
    Counter({'anna': 1, 'ben': 1})
    """
    return Counter(name for case in cases if isinstance(case.mask, AnnotatorMasks) for name, _ in case.mask.masks)


def choose_masks(cases: Sequence[Case], method: str | None, root: Path) -> tuple[Case, ...]:
    """Say how several annotators' masks become one; cases that the named annotator did not draw lose their mask.

    Raises
    ------
    ConfigError
        When there are no annotators, or none of that name.
    """
    if method is None:
        return tuple(cases)
    known = annotators_of(cases)
    if not known:
        raise ConfigError(
            f"Each image of {root} has one mask, so there are no annotators; leave out --annotators."
        )
    if method not in CONSENSUS and method not in known:
        raise ConfigError(
            f"There is no annotator {method!r} in {root}; choose {', '.join(CONSENSUS)}, or one of {', '.join(known)}."
        )
    return tuple(_with_method(case, method) for case in cases)


def _with_method(case: Case, method: str) -> Case:
    if not isinstance(case.mask, AnnotatorMasks):
        return case
    drawn = method in CONSENSUS or any(name == method for name, _ in case.mask.masks)
    return replace(case, mask=replace(case.mask, method=method) if drawn else None)


def as_multilabel(listing: Listing, root: Path) -> Listing:
    """Read the masks of a listing as those of classes that overlap.

    What the layouts take for the masks of several annotators (folders ``masks/NAME/``, columns ``mask_NAME``) are those
    of several classes then.

    Raises
    ------
    ConfigError
        When the data hold one mask an image and no regions, or more classes than there are bits.
    """
    if listing.regions is not None:
        regions, ignored = tuple(listing.regions.values()), listing.ignored
        names = tuple(listing.regions)
        cases = tuple(
            case if case.mask is None else replace(case, mask=RegionMask(case.mask, regions, ignored))
            for case in listing.cases
        )
    else:
        names = tuple(annotators_of(listing.cases))
        if not names:
            raise ConfigError(
                f"Each image of {root} has one mask, in which a pixel has one class. Classes that overlap need a folder "
                "each (masks/tumour/, masks/vessel/), a column each of a table (mask_tumour), or regions of nnU-Net; "
                "else leave out --multilabel."
            )
        cases = tuple(_of_classes(case, names) for case in listing.cases)
    if len(names) > MOST:
        raise ConfigError(f"{root} has {len(names)} classes that overlap; at most {MOST} are read.")
    classes = ("background", *names)
    return replace(listing, cases=cases, classes=classes, coding=codes_of(classes), colours=None)


def _of_classes(case: Case, names: tuple[str, ...]) -> Case:
    return (
        replace(case, mask=ClassMasks(case.mask.masks, names)) if isinstance(case.mask, AnnotatorMasks) else case
    )
