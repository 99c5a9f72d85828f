"""Several pictures of one image in one folder: masks of annotators, masks whose union is meant, superpixels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.affixes import MASK_WORDS

# Image_01L_1stHO and _2ndHO (CHASE_DB1), im0001.ah and .vk (STARE), 7_annotator1 and _annotator2.
_PERSON = re.compile(
    r"[._-](?:\d(?:st|nd|rd|th)[ _-]?(?:HO|observer|annotator|rater|reader|expert|manual)|ah|vk"
    r"|(?:observer|annotator|rater|reader|expert|grader|manual)[ _-]?(?:\d+|[a-d]))$",
    re.IGNORECASE,
)
# benign (4)_mask_1 beside benign (4)_mask (BUSI).
_FURTHER = re.compile(rf"(?P<first>.+[_-](?:{'|'.join(MASK_WORDS)}))[_-]\d+$", re.IGNORECASE)
# Both eyes of a child of CHASE_DB1.
_EYE = re.compile(r"Image_(?P<child>\d+)[LR]", re.IGNORECASE)


def by_annotator(masks: Sequence[Path]) -> dict[str, list[Path]]:
    """Masks by what their names add for the person who drew them; empty unless all say so.

    Examples
    --------
    >>> sorted(by_annotator([Path("Image_01L_1stHO.png"), Path("Image_01L_2ndHO.png")]))
    ['_1stHO', '_2ndHO']
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for path in masks:
        if (match := _PERSON.search(stem_of(path))) is None:
            return {}
        found[match[0]].append(path)
    return dict(found)


def names_annotator(path: Path) -> bool:
    """Whether a file's name ends in who drew it."""
    return _PERSON.search(stem_of(path)) is not None


def child_of(name: str) -> str | None:
    """Child whose eye a picture of CHASE_DB1 shows; None for other names.

    Examples
    --------
    >>> child_of("Image_07R"), child_of("7R")
    ('07', None)
    """
    return eye["child"] if (eye := _EYE.fullmatch(name)) else None


def further_masks(masks: Sequence[Path]) -> dict[Path, list[Path]]:
    """Masks that are numbered after another one of the same image, by that one.

    Examples
    --------
    >>> names = ["a_mask.png", "a_mask_1.png", "b_mask_1.png"]
    >>> {first.name: [path.name for path in more] for first, more in further_masks([Path(n) for n in names]).items()}
    {'a_mask.png': ['a_mask_1.png']}
    """
    by_stem = {stem_of(path): path for path in masks}
    further: dict[Path, list[Path]] = defaultdict(list)
    for stem, path in by_stem.items():
        if (match := _FURTHER.fullmatch(stem)) and match["first"] in by_stem:
            further[by_stem[match["first"]]].append(path)
    return dict(further)


def without_superpixels(images: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Images, and apart from them the superpixels that ISIC puts beside each: `ISIC_0000000_superpixels.png`."""
    stems = {stem_of(path) for path in images}
    apart = [
        path
        for path in images
        if (name := stem_of(path).removesuffix("_superpixels")) in stems and name != stem_of(path)
    ]
    return [path for path in images if path not in apart], apart
