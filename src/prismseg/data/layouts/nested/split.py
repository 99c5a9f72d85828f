"""Folders train, val and perhaps test, each with images and masks; or images/train beside masks/train."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.layouts import beside, folders
from prismseg.data.layouts.folders import pair, require_pictures
from prismseg.data.layouts.listing import PART_WORDS, Layout, Listing, image_files
from prismseg.data.layouts.nested import patients
from prismseg.data.layouts.roles import find_images, find_masks, find_part


def fits(root: Path) -> bool:
    """Whether `root` has a folder of images and masks for at least one part, and none that is of no part."""
    if not root.is_dir():
        return False
    images = find_images(root)
    apart = images is not None and find_masks(root) is not None and image_files(images)
    return not apart and any(True for _ in _find_parts(root))


def _find_parts(root: Path) -> Iterator[tuple[str, Callable[[str | None], Listing]]]:
    """Name each part that has images and masks, with what lists it."""
    images, masks = find_images(root), find_masks(root)
    for part in PART_WORDS:
        folder = find_part(root, part)
        within = [place and find_part(place, part) for place in (images, masks)]
        named = find_part(root, part, "images"), find_part(root, part, "masks")
        if folder and folders.fits(folder):
            yield part, _list_with(folders.read, folder)
        elif within[0] and within[1]:
            yield part, _list_pair(within[0], within[1])
        elif named[0] and named[1]:
            yield part, _list_pair(named[0], named[1])
        elif folder and named[1] and image_files(folder):
            yield part, _list_pair(folder, named[1])
        elif folder and beside.fits(folder):
            yield part, _list_with(beside.read, folder)
        elif folder and patients.fits(folder):
            yield part, _list_with(patients.read, folder)


def _list_with(reader: Callable[[Path, str | None], Listing], folder: Path) -> Callable[[str | None], Listing]:
    return lambda mask_suffix: reader(folder, mask_suffix)


def _list_pair(images: Path, masks: Path) -> Callable[[str | None], Listing]:
    def listed(mask_suffix: str | None) -> Listing:
        require_pictures(images, masks)
        if not image_files(images) and (groups := folders.folders_of_images(images)):
            return folders.join_groups(groups, masks, mask_suffix)
        return pair("split", image_files(images), image_files(masks), mask_suffix, images)

    return listed


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases of all parts, and the split that the folders make; to names that two parts share the part is added.

    Raises
    ------
    DataError
        When there is no part with images and masks.
    """
    listings = {part: listed(mask_suffix) for part, listed in _find_parts(root)}
    if not listings:
        raise DataError(
            f"{root} needs folders train, val and perhaps test, each with images/ and masks/, or images/train beside "
            "masks/train."
        )
    taken = Counter(case.id for listing in listings.values() for case in listing.cases)
    cases = {
        part: [replace(case, id=f"{case.id}_{part}" if taken[case.id] > 1 else case.id) for case in listing.cases]
        for part, listing in listings.items()
    }
    return Listing(
        "split",
        tuple(case for part in cases.values() for case in part),
        orphans=tuple(path for listing in listings.values() for path in listing.orphans),
        folders=tuple(path for listing in listings.values() for path in listing.folders),
        findings=tuple(finding for listing in listings.values() for finding in listing.findings),
        splits=({part: [case.id for case in cases.get(part, [])] for part in PART_WORDS},),
    )


SPLIT = Layout(fits, read)
