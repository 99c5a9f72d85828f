"""BUSI, ultrasound of the breast: `benign/`, `malignant/`, `normal/` with `benign (1).png`, `benign (1)_mask.png`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts import beside
from prismseg.data.layouts.listing import Layout, Listing, image_files
from prismseg.data.layouts.roles import find_folder

FOLDERS = ("benign", "malignant", "normal")
_NAME = re.compile(rf"({'|'.join(FOLDERS)}) \(\d+\)(_mask(_\d+)?)?", re.IGNORECASE)


def fits(root: Path) -> bool:
    """Whether `root` has such folders, with files that are all called as they."""
    return root.is_dir() and bool(_folders(root))


def _folders(root: Path) -> list[Path]:
    named = [folder for name in FOLDERS if (folder := find_folder(root, (name,)))]
    files = [path for folder in named for path in image_files(folder)]
    return named if files and all(_NAME.fullmatch(stem_of(path)) for path in files) else []


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images of all folders; those are diagnoses, not patients, so that each image is its own group.

    Further masks of an image (`benign (4)_mask_1.png`) are joined to the first (Al-Dhabyani et al., Data in Brief 2020).

    Raises
    ------
    DataError
        When there is no such folder.
    """
    listings = [beside.read(folder) for folder in _folders(root)]
    if not listings:
        raise DataError(f"{root} needs the folders {', '.join(FOLDERS)} of BUSI (Dataset_BUSI_with_GT).")
    return Listing(
        "busi",
        tuple(replace(case, group=None) for listing in listings for case in listing.cases),
        classes=("background", "lesion"),
        coding={0: 0, 1: 1, 255: 1},
        orphans=tuple(path for listing in listings for path in listing.orphans),
        folders=tuple(path for listing in listings for path in listing.folders),
        findings=tuple(finding for listing in listings for finding in listing.findings),
    )


BUSI = Layout(fits, read, states_masks=True)
