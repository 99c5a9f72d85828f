"""How far the annotators of a data set agree, and where some drew a class and others nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.layouts import Case
from prismseg.data.layouts.annotators import annotators_of
from prismseg.data.masks.annotators import AnnotatorMasks
from prismseg.data.masks.consensus import CONSENSUS
from prismseg.data.sample import IGNORE

_SHOWN = 3  # images that a finding names
# Mean Dice of pairs below which people may have drawn different things, and below which they surely have.
_UNLIKE, _DISJOINT = 0.5, 0.1


@dataclass
class AnnotatorAgreement:
    """Agreement of the people who drew the images of a data set.

    Attributes
    ----------
    dice : dict
        Of each class, by image that two people or more drew: mean Dice of all pairs of people; images in which
        nobody drew the class are left out.
    split : dict
        Of each class, by image in which some drew it and others did not: who did, and who did not.
    """

    dice: dict[str, dict[str, float]] = field(default_factory=dict)
    split: dict[str, dict[str, tuple[list[str], list[str]]]] = field(default_factory=dict)

    def sentence(self) -> str:
        """Say how far people agree, class by class; empty where no image was drawn by two."""
        told = []
        for name, values in self.dice.items():
            if values:
                lowest = min(values, key=lambda case: values[case])
                told.append(f"{name} {np.mean(list(values.values())):.2f} (lowest {values[lowest]:.2f}, {lowest})")
        return f"Agreement between annotators, mean Dice of pairs: {', '.join(told)}." if told else ""


def measure_agreement(
    cases: Sequence[Case], read: Callable[[Path], NDArray[np.uint8]], classes: Sequence[str]
) -> AnnotatorAgreement:
    """Compare the masks of every pair of people, image by image.

    Parameters
    ----------
    cases : sequence of Case
    read : callable
        Reads the mask of one person as class indices (H, W), 255 where a pixel counts nowhere.
    classes : sequence of str
        Names, background first.
    """
    found = AnnotatorAgreement({name: {} for name in classes[1:]}, {name: {} for name in classes[1:]})
    for case in cases:
        if not isinstance(case.mask, AnnotatorMasks) or len(case.mask.masks) < 2:
            continue
        try:
            masks = {name: read(path) for name, path in case.mask.masks}
        except (DataError, OSError):
            continue  # told by the check of masks
        if len({mask.shape for mask in masks.values()}) > 1:
            continue
        for label, name in enumerate(classes[1:], start=1):
            drawn = {person: bool((mask == label).any()) for person, mask in masks.items()}
            if any(drawn.values()):
                pairs = combinations(masks.values(), 2)
                found.dice[name][case.id] = float(np.mean([_dice(one, other, label) for one, other in pairs]))
                if not all(drawn.values()):
                    found.split[name][case.id] = (
                        [person for person, is_there in drawn.items() if is_there],
                        [person for person, is_there in drawn.items() if not is_there],
                    )
    return found


def _dice(one: NDArray[np.uint8], other: NDArray[np.uint8], label: int) -> float:
    counted = (one != IGNORE) & (other != IGNORE)
    first, second = (one == label) & counted, (other == label) & counted
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def check_agreement(
    cases: Sequence[Case], agreement: AnnotatorAgreement, kept: Callable[[str, str], bool], root: Path
) -> Iterator[Finding]:
    """Name the images in which some people drew a class and others nothing of it.

    Parameters
    ----------
    cases : sequence of Case
    agreement : AnnotatorAgreement
        Of these.
    kept : callable
        Whether the one mask that is read of an image, by its name, has a class, by its name.
    root : Path
        Folder of the data set.
    """
    methods = {case.id: case.mask.method for case in cases if isinstance(case.mask, AnnotatorMasks)}
    for name, split in agreement.split.items():
        if not split:
            continue
        method = methods[next(iter(split))]
        reads = f"their {method} mask" if method in CONSENSUS else f"the mask of {method}, which is read,"
        shown = "; ".join(
            f"{case}: {', '.join(some)} drew it, {', '.join(others)} did not"
            for case, (some, others) in list(split.items())[:_SHOWN]
        )
        held = sum(kept(case, name) for case in split)
        yield Finding(
            "warning",
            "annotators disagree",
            root,
            f"In {len(split)} of {len(agreement.dice[name])} images some people drew {name} and others nothing of it "
            f"({shown}"
            f"{'; …' if len(split) > _SHOWN else ''}); {reads} has it in {held} of them. Ask them, or choose how their "
            "masks become one (--annotators).",
        )


def check_people(cases: Sequence[Case], agreement: AnnotatorAgreement, root: Path) -> Iterator[Finding]:
    """Doubt that folders of masks are those of people, where these hardly agree: they may be those of classes."""
    every = [
        value
        for name, found in agreement.dice.items()
        for case, value in found.items()
        if case not in agreement.split[name]  # something against nothing is told by itself
    ]
    if every and (mean := float(np.mean(every))) < _UNLIKE:
        yield Finding(
            "error" if mean < _DISJOINT else "warning",
            "annotators or classes",
            root,
            f"The masks of {', '.join(sorted(annotators_of(cases)))} are read as those of people who drew the same, "
            f"but they hardly agree (mean Dice of pairs {mean:.2f}). If they are of classes, add --multilabel, or write "
            "one mask an image; if they are of people, say how their masks become one (--annotators staple).",
        )
