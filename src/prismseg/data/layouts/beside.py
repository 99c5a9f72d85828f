"""Masks beside their images in one folder: `GROUP_ID.jpg` and `GROUP_ID_mask.png`, or `img_ID.png` and `mask_ID.png`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.affixes import MASK_AFFIXES, Affix, case_words, find_affixes
from prismseg.data.layouts.folders import pair
from prismseg.data.layouts.listing import Layout, Listing, image_files


def fits(root: Path) -> bool:
    """Whether masks lie beside their images."""
    return root.is_dir() and _mask_affix(image_files(root)) is not None


def _mask_affix(files: list[Path]) -> Affix | None:
    """Find what the names of masks add, such that most files are an image or its mask; None where none does."""
    best, most = None, 0
    for affix in MASK_AFFIXES:
        masks = [stem_of(path) for path in files if affix.strip(stem_of(path))]
        if not masks:
            continue
        images = [stem_of(path) for path in files if not affix.strip(stem_of(path))]
        paired = find_affixes(images, [f"{affix.strip(name)}_mask" for name in masks], "_mask").paired
        if paired > most:
            best, most = affix, paired
    return best


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; the group is the text before the first underscore (after `img_`).

    Raises
    ------
    DataError
        When there is no image with a mask beside it.
    """
    files = image_files(root)
    affix = _mask_affix(files) if mask_suffix is None else Affix(after=mask_suffix)
    masks = [path for path in files if affix is not None and affix.strip(stem_of(path))]
    if not masks:
        raise DataError(
            f"There is no file that ends in {mask_suffix or '_mask'} in {root}, as masks beside images do."
        )
    images = [path for path in files if path not in masks]
    listing = pair("beside", images, masks, mask_suffix, root)
    return replace(
        listing, cases=tuple(replace(case, group=case_words(case.id).split("_")[0]) for case in listing.cases)
    )


BESIDE = Layout(fits, read)
