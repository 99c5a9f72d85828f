"""Whether each image has its mask, each mask its image, both exist, and no folder of pictures was passed over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from prismseg.data.checks.findings import Finding
from prismseg.data.images.folder import is_hidden, scan_folder
from prismseg.data.images.source import file_of, files_of, place_of
from prismseg.data.layouts import LAYOUTS, Listing
from prismseg.data.layouts.roles import role_of


def check_pairs(listing: Listing) -> Iterator[Finding]:
    """Name images and masks that are missing, and who lists them."""
    for case in listing.cases:
        for path in map(file_of, case.images):
            if not path.is_file():
                yield Finding("error", "missing image", path, _say_missing(listing, path))
        if case.mask is None:
            yield Finding(
                "error",
                "missing mask",
                place_of(case.images[0]),
                f"{case.images[0]} has no mask; add it or leave the image out.",
            )
            continue
        for path in files_of(case.mask):
            if not path.is_file():
                yield Finding("error", "missing mask", path, _say_missing(listing, path))
    for path in listing.orphans:
        yield Finding("warning", "missing image", path, f"The mask {path} belongs to no image.")


def _say_missing(listing: Listing, path: Path) -> str:
    return listing.absent.get(path, f"{path} is listed but does not exist.")


def check_passed_over(listing: Listing, root: Path) -> Iterator[Finding]:
    """Name folders of pictures that belong to no case, where the layout goes by folders.

    Where one of them may hold the masks as well as the one that was read, the data do not say which are meant.
    """
    if not root.is_dir() or listing.layout not in LAYOUTS or LAYOUTS[listing.layout].states_masks:
        return
    read = {folder.resolve() for folder in listing.folders}
    masks = {path.parent for case in listing.cases if case.mask is not None for path in files_of(case.mask)}
    for place, names, _ in os.walk(root):
        names[:] = sorted(name for name in names if not is_hidden(name))
        folder = Path(place)
        if folder.resolve() in read or folder == root or not (count := len(scan_folder(folder).images)):
            continue
        rival = next((mask for mask in sorted(masks) if mask.parent == folder.parent), None)
        if rival is not None and role_of(folder.name).kind == "masks":
            yield Finding(
                "error",
                "two folders of masks",
                folder,
                f"{rival} was read as the folder of masks, but {folder} may be it too ({count} files). Move the one that "
                "is not meant elsewhere, or write a dataset.csv.",
            )
        else:
            yield Finding(
                "warning",
                "folder left out",
                folder,
                f"{folder} holds {count} pictures that belong to no case. If they are meant, put them where those "
                "that were read are, or write a dataset.csv.",
            )
