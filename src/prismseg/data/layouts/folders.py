"""`images/` beside `masks/` (or `labels/`, `annotations/` …), paired by file name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.layouts.affixes import find_affixes
from prismseg.data.layouts.listing import Case, Layout, Listing, by_stem, image_files
from prismseg.data.masks.annotators import AnnotatorMasks

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "frames", "scans", "pictures", "inputs")
MASK_FOLDERS = (
    "masks", "mask", "labels", "label", "annotations", "annotation", "segmentations", "segmentation", "gt", "groundtruth",
    "ground_truth", "targets", "manual", "1st_manual",
)  # fmt: skip


def fits(root: Path) -> bool:
    """Whether `root` has a folder of images and one of masks."""
    return find_folder(root, IMAGE_FOLDERS) is not None and find_folder(root, MASK_FOLDERS) is not None


def find_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """First of the folders `names` that exists below `root`, in small or capital letters."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases; where the folder of masks holds a folder for each annotator, with the masks of all of them.

    Where the folder of images holds a folder for each patient, as that of masks does, each patient is a group.

    Parameters
    ----------
    root : Path
        Folder that holds both folders.
    mask_suffix : str, optional
        What mask names add to image names; by default the usual suffix that pairs most.

    Raises
    ------
    DataError
        When a folder is missing or there is no image.
    """
    images, masks = find_folder(root, IMAGE_FOLDERS), find_folder(root, MASK_FOLDERS)
    if images is None or masks is None:
        raise DataError(
            f"{root} needs a folder of images ({', '.join(IMAGE_FOLDERS)}) and one of masks "
            f"({', '.join(MASK_FOLDERS)})."
        )
    if not image_files(images) and (patients := _folders_of_images(images)):
        return _join_patients(patients, masks, mask_suffix)
    drawn = image_files(masks)
    people = {} if drawn else {name: image_files(folder) for name, folder in _folders_of_images(masks).items()}
    if not people:
        require_pictures(images, masks)
        return pair("folders", image_files(images), drawn, mask_suffix, images)
    return _join(
        [
            (name, pair("folders", image_files(images), paths, mask_suffix, images))
            for name, paths in people.items()
        ]
    )


def require_pictures(images: Path, masks: Path) -> None:
    """Refuse a folder of masks that holds a text file for each image and no picture, as YOLO's programs write it."""
    texts = {path.stem: path for path in sorted(masks.glob("*.txt"))}
    if not image_files(masks) and (
        text := next((texts[p.stem] for p in image_files(images) if p.stem in texts), None)
    ):
        raise DataError(
            f"{masks} holds text files such as {text.name} and no masks: outlines in the form of YOLO are not read. "
            "Export the annotations as COCO (JSON), or as mask pictures."
        )


def _folders_of_images(folder: Path) -> dict[str, Path]:
    """Folders directly in `folder` that hold images, by name."""
    return {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and image_files(path)}


def _join_patients(images: Mapping[str, Path], masks: Path, mask_suffix: str | None) -> Listing:
    """Put the images and masks of several patients, each with a folder of theirs, together; each is a group.

    Where patients have images of one name, all cases are called by their patient too.
    """
    drawn = _folders_of_images(masks)
    listings = {
        name: pair(
            "folders", image_files(folder), image_files(drawn[name]) if name in drawn else [], mask_suffix, folder
        )
        for name, folder in images.items()
    }
    ids = [case.id for listing in listings.values() for case in listing.cases]
    alone = len(set(ids)) == len(ids)
    return Listing(
        "folders",
        tuple(
            replace(case, id=case.id if alone else f"{name}_{case.id}", group=name)
            for name, listing in listings.items()
            for case in listing.cases
        ),
        orphans=(
            *(path for listing in listings.values() for path in listing.orphans),
            *(path for name, folder in drawn.items() if name not in images for path in image_files(folder)),
        ),
        folders=(*images.values(), *drawn.values()),
    )


def _join(listings: list[tuple[str, Listing]]) -> Listing:
    """Put the masks of several annotators, each with the listing of theirs, together."""
    cases = []
    for same in zip(*(listing.cases for _, listing in listings), strict=True):
        drawn = tuple(
            (name, case.mask)
            for (name, _), case in zip(listings, same, strict=True)
            if isinstance(case.mask, Path)
        )
        cases.append(replace(same[0], mask=AnnotatorMasks(drawn) if drawn else None))
    return Listing(
        "folders",
        tuple(cases),
        orphans=tuple(path for _, listing in listings for path in listing.orphans),
        folders=tuple(dict.fromkeys(folder for _, listing in listings for folder in listing.folders)),
    )


def pair(layout: str, images: list[Path], masks: list[Path], mask_suffix: str | None, folder: Path) -> Listing:
    """Pair images with the masks of the same name, but for what their names add (`prismseg.data.layouts.affixes`).

    Raises
    ------
    DataError
        When there is no image, or there are masks of which none belongs to an image.
    """
    if not images:
        raise DataError(f"There is no image in {folder}.")
    image_of, mask_of = by_stem(images), by_stem(masks)
    added = find_affixes(list(image_of), list(mask_of), mask_suffix)
    cases = tuple(
        Case(stem, (path,), None if (name := added.mask_name(stem)) is None else mask_of.get(name))
        for stem, path in image_of.items()
    )
    if masks and all(case.mask is None for case in cases):
        raise DataError(
            f"No mask in {masks[0].parent} belongs to an image in {folder}: images are named like {images[0].name}, "
            f"masks like {masks[0].name}. Give them the same names, or say what mask names add (--mask-suffix)."
        )
    used = {case.mask for case in cases}
    return Listing(
        layout,
        cases,
        orphans=tuple(path for path in masks if path not in used),
        folders=tuple(dict.fromkeys(path.parent for path in (*images, *masks))),
    )


FOLDERS = Layout(fits, read)
