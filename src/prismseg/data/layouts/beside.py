"""Masks beside their images in one folder: `GROUP_ID.jpg` and `GROUP_ID_mask.png`, or `img_ID.png` and `mask_ID.png`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.affixes import MASK_AFFIXES, Affix, case_words, find_affixes
from prismseg.data.layouts.folders import pair
from prismseg.data.layouts.listing import Layout, Listing, image_files
from prismseg.data.layouts.several import by_annotator, further_masks, names_annotator


def fits(root: Path) -> bool:
    """Whether masks lie beside their images."""
    return root.is_dir() and bool(_find_masks(image_files(root)))


def _find_masks(files: list[Path]) -> list[Path]:
    """Files that are masks of others: what their names add says so of most; empty where none does."""
    drawn = [path for path in files if names_annotator(path)]
    others = [stem_of(path) for path in files if path not in drawn]
    if any(
        find_affixes(others, list(map(stem_of, paths)), person).paired
        for person, paths in by_annotator(drawn).items()
        if others
    ):
        return drawn
    best, most = [], 0
    joined = {path for paths in further_masks(files).values() for path in paths}
    single = [path for path in files if path not in joined]
    for affix in MASK_AFFIXES:
        masks = [path for path in single if affix.strip(stem_of(path))]
        if not masks:
            continue
        images = [stem_of(path) for path in single if path not in masks]
        paired = find_affixes(images, [f"{affix.strip(stem_of(path))}_mask" for path in masks], "_mask").paired
        if paired > most:
            best, most = masks, paired
    return [*best, *sorted(joined)] if best else []


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; the group is the text before the first underscore (after `img_`), of CHASE_DB1 the child.

    Raises
    ------
    DataError
        When there is no image with a mask beside it.
    """
    files = image_files(root)
    if mask_suffix is None:
        masks = _find_masks(files)
    else:
        masks = [path for path in files if Affix(after=mask_suffix).strip(stem_of(path))]
    if not masks:
        raise DataError(
            f"There is no file that ends in {mask_suffix or '_mask'} in {root}, as masks beside images do."
        )
    images = [path for path in files if path not in masks]
    listing = pair("beside", images, masks, mask_suffix, root)
    return replace(
        listing,
        cases=tuple(
            replace(case, group=case.group or case_words(case.id).split("_")[0]) for case in listing.cases
        ),
    )


BESIDE = Layout(fits, read)
