"""A folder for each patient, which holds `images/` and `masks/`, or masks beside their images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.folder import is_hidden
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts import beside, folders
from prismseg.data.layouts.affixes import find_affixes
from prismseg.data.layouts.listing import Case, Layout, Listing, image_files, part_named
from prismseg.data.layouts.roles import IMAGE_FOLDERS, MASK_FOLDERS, find_images, find_masks
from prismseg.data.masks.objects import ObjectMasks

# What says how its own images and masks belong together: a folder that holds it is a data set, not a patient.
_TABLES = (".csv", ".json", ".xml")
_SHOWN = 3


def fits(root: Path) -> bool:
    """Whether `root` holds folders, each with the images of a patient, and at least one of them their masks."""
    if not root.is_dir() or image_files(root):
        return False
    patients = _patients(root)
    return any(_has_masks(folder) for folder in patients) and all(map(_is_patient, patients))


def _patients(root: Path) -> list[Path]:
    """Folders directly in `root`, but for hidden ones and such without any file or folder."""
    return [
        path for path in sorted(root.iterdir()) if path.is_dir() and not is_hidden(path) and any(path.iterdir())
    ]


def _has_masks(folder: Path) -> bool:
    return folders.fits(folder) or beside.fits(folder)


def _is_patient(folder: Path) -> bool:
    """Whether a folder holds images (with masks or without), and nothing that makes it a data set of its own."""
    if any(path.suffix.lower() in _TABLES for path in folder.iterdir() if not is_hidden(path)):
        return False
    images = find_images(folder)
    if images is not None and not image_files(images) and any(part_named(path.name) for path in images.iterdir()):
        return False  # images/train beside masks/train: a data set with its split
    return _has_masks(folder) or images is not None or bool(image_files(folder))


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases of all folders; each folder is a group.

    Where each folder holds one image and several masks that are not called as it, as those of single nuclei, the masks
    are joined: what any of them marks is foreground. Where two folders have images of one name, all cases are called by
    their folder too.

    Raises
    ------
    DataError
        When there is no folder with images and masks, or those of one do not belong together.
    """
    patients = {path.name: path for path in _patients(root) if _is_patient(path)}
    if not any(map(_has_masks, patients.values())):
        raise DataError(
            f"{root} needs a folder for each patient, with {IMAGE_FOLDERS[0]}/ and {MASK_FOLDERS[0]}/, or with masks "
            "beside their images."
        )
    objects = _all_of_objects(patients.values())
    listings = {
        name: _list_objects(folder) if objects else _list_patient(folder, mask_suffix)
        for name, folder in patients.items()
    }
    return Listing(
        "patients",
        _name_cases(listings),
        orphans=tuple(path for listing in listings.values() for path in listing.orphans),
        folders=tuple(path for listing in listings.values() for path in listing.folders),
        findings=(_say_groups(root, list(listings), objects=objects),),
    )


def _list_patient(folder: Path, mask_suffix: str | None) -> Listing:
    if folders.fits(folder):
        return folders.read(folder, mask_suffix)
    if beside.fits(folder):
        return beside.read(folder, mask_suffix)
    images = find_images(folder) or folder
    return folders.pair("patients", image_files(images), [], mask_suffix, images)


def _all_of_objects(patients: Iterable[Path]) -> bool:
    """Whether each folder that has masks holds one image, and masks of which none is called as it; one has several."""
    several = False
    for folder in patients:
        images, masks = _find_files(folder)
        if not masks:
            continue
        if len(images) != 1 or find_affixes([stem_of(images[0])], list(map(stem_of, masks))).paired:
            return False
        several |= len(masks) > 1
    return several


def _find_files(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files in the folder of images and in that of masks."""
    places = find_images(folder), find_masks(folder)
    images, masks = (image_files(place) if place is not None else [] for place in places)
    return images, masks


def _list_objects(folder: Path) -> Listing:
    images, masks = _find_files(folder)
    if not images:
        raise DataError(f"There is no image in {folder}.")
    mask = ObjectMasks(tuple(masks)) if masks else None
    return Listing(
        "patients",
        (Case(stem_of(images[0]), (images[0],), mask),),
        folders=tuple(dict.fromkeys(path.parent for path in (*images, *masks))),
    )


def _name_cases(listings: Mapping[str, Listing]) -> tuple[Case, ...]:
    """All cases, each with its folder as group; names that are not their own get that of the folder too."""
    ids = [case.id for listing in listings.values() for case in listing.cases]
    alone = len(set(ids)) == len(ids)
    return tuple(
        replace(case, id=case.id if alone else f"{name}_{case.id}", group=name)
        for name, listing in listings.items()
        for case in listing.cases
    )


def _say_groups(root: Path, names: Sequence[str], *, objects: bool) -> Finding:
    shown = ", ".join(names[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
    joined = " All masks of a folder are joined to one: what any of them marks is foreground." if objects else ""
    return Finding(
        "info",
        "folders as groups",
        root,
        f"Each folder ({len(names)}: {shown}) is read as a patient, and so as a group that no split divides. If "
        f"they are something else, say how images are grouped (--group).{joined}",
    )


PATIENTS = Layout(fits, read)
