"""`images/` beside `masks/` (or `labels/`, `annotations/` …), paired by file name."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import DataError
from prismseg.data.layouts.listing import Case, Layout, Listing, by_stem, image_files

IMAGE_FOLDERS = ("images", "image", "imgs", "img")
MASK_FOLDERS = ("masks", "mask", "labels", "label", "annotations", "segmentations")
MASK_SUFFIXES = ("", "_mask", "-mask", "_label", "_labels", "_seg", "_segmentation", "_gt")


def fits(root: Path) -> bool:
    """Whether `root` has a folder of images and one of masks."""
    return find_folder(root, IMAGE_FOLDERS) is not None and find_folder(root, MASK_FOLDERS) is not None


def find_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """First of the folders `names` that exists below `root`, in small or capital letters."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases.

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
    return pair("folders", image_files(images), image_files(masks), mask_suffix, images)


def pair(layout: str, images: list[Path], masks: list[Path], mask_suffix: str | None, folder: Path) -> Listing:
    """Pair images with the masks of the same name (plus a suffix).

    Raises
    ------
    DataError
        When there is no image, or there are masks of which none belongs to an image.
    """
    if not images:
        raise DataError(f"There is no image in {folder}.")
    image_of, mask_of = by_stem(images), by_stem(masks)
    suffixes = MASK_SUFFIXES if mask_suffix is None else (mask_suffix,)
    suffix = max(suffixes, key=lambda candidate: sum(stem + candidate in mask_of for stem in image_of))
    cases = tuple(Case(stem, (path,), mask_of.get(stem + suffix)) for stem, path in image_of.items())
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
