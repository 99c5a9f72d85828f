"""What names of images and masks add to that of their case: `img_7.png` and `mask_7.png`, `7.png` and `7_seg.png`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from prismseg.data.layouts.listing import respell

MASK_WORDS = (
    "mask", "label", "labels", "seg", "segmentation", "gt", "groundtruth", "manual", "manual1", "annotation", "annot",
    "anno", "lesion", "segmented",
)  # fmt: skip
_IMAGE_WORDS = ("img", "image", "im")
# Words after the names of images only: DRIVE calls them 21_training and 01_test, their masks 21_manual1 and 01_manual1;
# ISPRS calls them top_potsdam_2_10_RGB, their masks top_potsdam_2_10_label.
_AFTER_IMAGES = ("training", "test", "rgb")
# Words that follow a name without a mark too: cell7mask, imgMask. Shorter ones may be the end of a name.
_MARKS = "_-. "
_JOINED_WORDS = ("mask", "label", "labels", "segmentation", "groundtruth")


@dataclass(frozen=True)
class Affix:
    """Text before and after a name, in small or capital letters."""

    before: str = ""
    after: str = ""

    def strip(self, stem: str) -> str | None:
        """Name without the affix; None where `stem` does not have it."""
        if len(stem) <= len(self.before) + len(self.after):
            return None
        low = stem.lower()
        if not (low.startswith(self.before.lower()) and low.endswith(self.after.lower())):
            return None
        return stem[len(self.before) : len(stem) - len(self.after)]


def _affixes(words: Sequence[str]) -> tuple[Affix, ...]:
    ends = [Affix(after=f"{mark}{word}") for word in words for mark in "_-"]
    return (*ends, *(Affix(before=f"{word}{mark}") for word in words for mark in "_-"))


PLAIN = Affix()
IMAGE_AFFIXES = (PLAIN, *_affixes(_IMAGE_WORDS), *(Affix(after=f"_{word}") for word in _AFTER_IMAGES))
MASK_AFFIXES = (*_affixes(MASK_WORDS), *(Affix(after=word) for word in _JOINED_WORDS))


@dataclass(frozen=True)
class Pairing:
    """How the names of masks follow from those of images.

    Attributes
    ----------
    image, mask : Affix
        What the names of images and of masks add to that of the case.
    masks : mapping
        Name of each mask, by that of its case.
    paired : int
        How many images have a mask.
    """

    image: Affix
    mask: Affix
    masks: Mapping[str, str]
    paired: int

    def mask_name(self, stem: str) -> str | None:
        """Name of the mask of the image `stem`; None where there is none."""
        name = self.image.strip(stem)
        return None if name is None else self.masks.get(name)


def find_affixes(
    images: Sequence[str], masks: Sequence[str], mask_suffix: str | None = None, *, plain: bool = True
) -> Pairing:
    """Find what names of images and masks add, such that most images have a mask; of equals the plainest.

    A mask whose name differs from the image's in capital letters only belongs to it, unless another has that very name.

    Parameters
    ----------
    images, masks : sequence of str
        Names of files, without suffix.
    mask_suffix : str, optional
        What the names of masks add; nothing else is tried for them.
    plain : bool
        Whether masks may be called as their cases.

    Examples
    --------
    >>> pairing = find_affixes(["img_1", "img_2"], ["MASK_1", "MASK_2"])
    >>> pairing.mask_name("img_2"), pairing.paired
    ('MASK_2', 2)
    """
    stated = (Affix(after=mask_suffix),) if mask_suffix is not None else ((PLAIN,) if plain else ()) + MASK_AFFIXES
    # An affix that no name has cannot pair anything.
    tried = [affix for affix in stated if any(affix.strip(name) for name in masks)] or [stated[0]]
    ours = [affix for affix in IMAGE_AFFIXES if affix is PLAIN or any(affix.strip(name) for name in images)]
    best: Pairing | None = None
    for mask, image in product(tried, ours):
        by_case = {case: name for name in masks if (case := mask.strip(name)) is not None}
        cases = [case for name in images if (case := image.strip(name)) is not None]
        spelt = respell(cases, list(by_case))
        by_case |= {case: by_case[name] for case, name in spelt.items() if name in by_case}
        paired = sum(case in by_case for case in cases)
        if best is None or paired > best.paired:
            best = Pairing(image, mask, by_case, paired)
        if paired == len(images):
            break
    assert best is not None  # there is always one to try
    return best


def find_addition(images: Sequence[str], masks: Sequence[str]) -> str | None:
    """Find what most masks add to the name of an image, whatever it says; None where they add different things.

    Parameters
    ----------
    images, masks : sequence of str
        Names of files, without suffix.

    Examples
    --------
    >>> find_addition(["0001TP_1", "0001TP_2"], ["0001TP_1_L", "0001TP_2_L"])
    '_L'
    >>> find_addition(["1", "2"], ["1_a", "2_b"]) is None
    True
    """
    names = {name.lower() for name in images}
    added = Counter(
        mask[place:]
        for mask in masks
        for place in range(1, len(mask))
        if mask[place] in _MARKS and mask[:place].lower() in names
    )
    found = [text for text, count in added.most_common(1) if 2 * count > len(masks)]
    return found[0] if found and len(masks) > 1 else None


def case_words(stem: str) -> str:
    """Name of a case without words that only say that it is an image, such as `img_` before it.

    Examples
    --------
    >>> case_words("img_p3_left"), case_words("p3_left")
    ('p3_left', 'p3_left')
    """
    return re.sub(rf"^({'|'.join(_IMAGE_WORDS)})[_-]", "", stem, flags=re.IGNORECASE) or stem
