"""Oxford-IIIT Pet: `images/` with trimaps in `annotations/trimaps/` (or `trimaps/`).

Trimaps hold 1 pet, 2 background, 3 border. The border is neither in training nor in the metrics, since the authors
drew it where they could not decide (Parkhi et al., CVPR 2012).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.layouts.folders import pair
from prismseg.data.layouts.listing import TRIMAP, Layout, Listing, image_files

TRIMAP_FOLDERS = ("annotations/trimaps", "trimaps")


def fits(root: Path) -> bool:
    """Whether `root` has images and trimaps."""
    return (root / "images").is_dir() and any((root / name).is_dir() for name in TRIMAP_FOLDERS)


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; classes background and pet, border pixels count nowhere.

    Raises
    ------
    DataError
        When the folders are missing; the message says where to get the data.
    """
    folder = next((root / name for name in TRIMAP_FOLDERS if (root / name).is_dir()), None)
    if folder is None or not (root / "images").is_dir():
        raise DataError(
            f"{root} does not hold the Oxford-IIIT Pet data set. Download images.tar.gz and annotations.tar.gz from "
            "https://www.robots.ox.ac.uk/~vgg/data/pets/ and unpack both there, so that images/ and "
            "annotations/trimaps/ exist."
        )
    listing = pair("pets", image_files(root / "images"), image_files(folder), mask_suffix, root / "images")
    return replace(listing, classes=("background", "pet"), coding=TRIMAP)


PETS = Layout(fits, read)
