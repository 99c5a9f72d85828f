"""Cases with the masks of several annotators: who drew what, and how their masks become one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from prismseg.base import ConfigError
from prismseg.data.layouts.listing import Case
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.consensus import CONSENSUS


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
