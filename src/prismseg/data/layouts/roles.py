"""What the names of folders say: of which part of a split they are, and whether they hold images or masks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prismseg.data.images.folder import is_hidden
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.affixes import find_affixes
from prismseg.data.layouts.listing import PART_WORDS, image_files, part_named

Kind = Literal["images", "masks"]

# Usual names; of several such folders the first of these is taken.
IMAGE_FOLDERS = ("images", "image", "imgs", "img", "frames", "scans", "pictures", "inputs")
MASK_FOLDERS = (
    "masks", "mask", "labels", "label", "annotations", "annotation", "segmentations", "segmentation", "gt", "groundtruth",
    "ground_truth", "targets", "manual", "1st_manual",
)  # fmt: skip
# Words that stand in longer names: ISIC_Training_GroundTruth, trainannot, Tissue Images.
_IMAGE_WORDS = frozenset({*IMAGE_FOLDERS, "input", "original", "originals", "raw", "photos"})
_MASK_WORDS = frozenset({
    *MASK_FOLDERS, "annot", "annots", "anno", "seg", "segs", "gts", "truth", "target", "manuals", "lesion", "lesions",
})  # fmt: skip


@dataclass(frozen=True)
class Role:
    """What the name of a folder says it holds.

    Attributes
    ----------
    part : str or None
        Part of a split: train, validation or test.
    kind : str or None
        "images" or "masks".
    """

    part: str | None
    kind: Kind | None


def role_of(name: str) -> Role:
    """Read the words of a folder's name; what is said of masks counts more than what is said of images.

    Examples
    --------
    >>> role_of("ISIC-2017_Training_Part1_GroundTruth"), role_of("valannot").part, role_of("CXR_png").kind
    (Role(part='train', kind='masks'), 'validation', None)
    """
    part, words = part_named(name), []
    for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name):
        low = word.lower()
        joined = next(
            (
                (known, rest)
                for known, starts in PART_WORDS.items()
                for start in sorted(starts, key=len, reverse=True)
                if (rest := low.removeprefix(start)) != low and rest in _IMAGE_WORDS | _MASK_WORDS
            ),
            None,
        )
        part = joined[0] if joined else part or part_named(low)
        words.append(joined[1] if joined else low)
    if any(word in _MASK_WORDS for word in words):
        return Role(part, "masks")
    return Role(part, "images" if any(word in _IMAGE_WORDS for word in words) else None)


def find_folder(root: Path, names: tuple[str, ...]) -> Path | None:
    """First of the folders `names` that exists below `root`, in small or capital letters."""
    folders = {path.name.lower(): path for path in sorted(root.iterdir(), reverse=True) if path.is_dir()}
    return next((folders[name] for name in names if name in folders), None)


def find_masks(root: Path) -> Path | None:
    """Folder of masks directly in `root`: one of a usual name, else one in whose name a word says so."""
    return find_folder(root, MASK_FOLDERS) or _find_kind(root, "masks")


def find_images(root: Path) -> Path | None:
    """Folder of images directly in `root`, by its name, or else the only one whose pictures are called as the masks."""
    named = find_folder(root, IMAGE_FOLDERS) or _find_kind(root, "images")
    masks = find_masks(root) if named is None else None
    if masks is None:
        return named
    drawn = [stem_of(path) for path in image_files(masks)]
    partners = [
        folder
        for folder in _folders(root)
        if folder != masks
        and role_of(folder.name) == Role(None, None)
        and 2 * find_affixes([stem_of(path) for path in image_files(folder)], drawn).paired > len(drawn)
    ]
    return partners[0] if len(partners) == 1 else None


def find_part(root: Path, part: str, kind: Kind | None = None) -> Path | None:
    """Folder directly in `root` whose name says that it is of that part, and no other kind than this.

    Parameters
    ----------
    root : Path
        Where to look.
    part : str
        train, validation or test.
    kind : str, optional
        Where given, the name must say so too: ``train_masks``, ``trainannot``.
    """
    if kind is None and (plain := find_folder(root, PART_WORDS[part])):
        return plain
    return next((path for path in _folders(root) if role_of(path.name) == Role(part, kind)), None)


def _find_kind(root: Path, kind: Kind) -> Path | None:
    """First folder with pictures (or folders) whose name has a word for `kind` and none for a part."""
    found = [path for path in _folders(root) if role_of(path.name) == Role(None, kind)]
    return next((path for path in found if image_files(path)), found[0] if found else None)


def _folders(root: Path) -> list[Path]:
    return [path for path in sorted(root.iterdir()) if path.is_dir() and not is_hidden(path)]
