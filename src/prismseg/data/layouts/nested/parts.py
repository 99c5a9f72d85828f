"""Folders `Train`, `Valid`, `Test`, each with `images/` and binary masks in `masks/class_0/`, `masks/class_1/`.

The layout of the loader `Segmentation_DataLoader` of gcpds-cv-pykit 0.1.0.70, in which the Kaggle data set
lucasiturriago/feet-mamitas and others of its authors are published.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

from prismseg.base import DataError, DataNotFoundError
from prismseg.data.images.reading import read_mask
from prismseg.data.layouts.listing import PART_WORDS, Case, Layout, Listing, by_stem, image_files
from prismseg.data.layouts.roles import find_folder

IMAGE_FOLDERS = ("images", "patches")
MASK_FOLDERS = ("masks",)
CLASS_FOLDER = "class_"


def fits(root: Path) -> bool:
    """Whether `root` has a part with images and class folders."""
    return root.is_dir() and any(_class_folders(folder) for folder in _parts(root).values())


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the cases of all parts, and the split that the folders make.

    With one class folder its masks are those of the foreground. With two, `class_0` is the background and must be what
    `class_1` leaves. A mask is called as its image.

    Raises
    ------
    DataError
        When there is no such folder, a part has other classes than the next, there are more than two classes, or the
        masks of two classes overlap or leave pixels out.
    """
    parts = _parts(root)
    classes = {part: sorted(_class_folders(folder)) for part, folder in parts.items()}
    names = next((found for found in classes.values() if found), [])
    if not names:
        raise DataError(
            f"{root} needs folders Train, Valid and Test, each with images/ and masks/{CLASS_FOLDER}0/, as the loader of "
            "gcpds-cv-pykit reads them."
        )
    for part, found in classes.items():
        if found != names:
            raise DataError(
                f"{parts[part]} has the class folders {', '.join(found) or 'none'}, another part has {', '.join(names)}; "
                "each part needs the same."
            )
    if len(names) > 2:
        raise DataError(
            f"{root} has {len(names)} class folders ({', '.join(names)}). Of masks in separate files, one class "
            "beside the background is read; write one mask an image that holds the number of each pixel's class, and a "
            "dataset.csv."
        )
    images = {part: by_stem(image_files(_images(folder))) for part, folder in parts.items()}
    twice = {stem for stem, count in Counter(chain.from_iterable(images.values())).items() if count > 1}
    listings = {part: _read_part(folder, images[part], names, part, twice) for part, folder in parts.items()}
    return Listing(
        "parts",
        tuple(case for listing in listings.values() for case in listing.cases),
        orphans=tuple(path for listing in listings.values() for path in listing.orphans),
        folders=tuple(path for listing in listings.values() for path in listing.folders),
        splits=(
            {part: [case.id for case in listings[part].cases] if part in listings else [] for part in PART_WORDS},
        ),
    )


def _read_part(folder: Path, images: dict[str, Path], classes: list[str], part: str, twice: set[str]) -> Listing:
    """List the cases of one part; to names in `twice` that of the part is added."""
    class_folders = _class_folders(folder)
    masks = {name: by_stem(image_files(class_folders[name])) for name in classes}
    *background, foreground = masks.values()
    for stem in images:
        if background and stem in background[0] and stem in foreground:
            _check_complement(background[0][stem], foreground[stem])
    return Listing(
        "parts",
        tuple(
            Case(f"{stem}_{part}" if stem in twice else stem, (image,), foreground.get(stem))
            for stem, image in images.items()
        ),
        orphans=tuple(path for found in masks.values() for stem, path in found.items() if stem not in images),
        folders=(_images(folder), *class_folders.values()),
    )


def _parts(root: Path) -> dict[str, Path]:
    """Folders of the parts that have images, by the part's name."""
    found = {part: find_folder(root, names) for part, names in PART_WORDS.items()}
    return {
        part: folder for part, folder in found.items() if folder is not None and find_folder(folder, IMAGE_FOLDERS)
    }


def _images(part: Path) -> Path:
    folder = find_folder(part, IMAGE_FOLDERS)
    if folder is None:
        raise DataNotFoundError(f"There is no folder {part / IMAGE_FOLDERS[0]}.")
    return folder


def _class_folders(part: Path) -> dict[str, Path]:
    masks = find_folder(part, MASK_FOLDERS)
    if masks is None:
        return {}
    return {path.name: path for path in masks.iterdir() if path.is_dir() and path.name.startswith(CLASS_FOLDER)}


def _check_complement(background: Path, foreground: Path) -> None:
    """Refuse two masks that are not each other's complement: which of them is the background is then not known."""
    first, second = (2 * labels > labels.max() for labels in map(read_mask, (background, foreground)))
    if first.shape != second.shape or (first == second).any():
        raise DataError(
            f"{background} should be the background and {foreground} all else, but they overlap or leave pixels out, "
            "so what the classes mean is not known. Write one mask an image that holds the number of each pixel's class, "
            "and a dataset.csv."
        )


PARTS = Layout(fits, read, states_masks=True)
