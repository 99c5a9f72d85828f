"""Masks beside their images: `GROUP_ID.jpg` with `GROUP_ID_mask.png` in one folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.layouts.folders import pair
from prismseg.data.layouts.listing import Layout, Listing, image_files

SUFFIX = "_mask"


def fits(root: Path) -> bool:
    """Whether masks lie beside their images."""
    return any(path.stem.endswith(SUFFIX) for path in image_files(root))


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; the group is the text before the first underscore.

    Raises
    ------
    DataError
        When there is no image with a mask beside it.
    """
    suffix = mask_suffix or SUFFIX
    files = image_files(root)
    masks = [path for path in files if path.stem.endswith(suffix)]
    if not masks:
        raise DataError(f"There is no file that ends in {suffix} in {root}, as masks beside images do.")
    images = [path for path in files if not path.stem.endswith(suffix)]
    listing = pair("beside", images, masks, suffix, root)
    return replace(listing, cases=tuple(replace(case, group=case.id.split("_")[0]) for case in listing.cases))


BESIDE = Layout(fits, read)
