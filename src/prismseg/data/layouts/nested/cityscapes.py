"""Cityscapes: `leftImg8bit/PART/CITY/` with `gtFine/PART/CITY/*_gtFine_labelIds.png`."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.reading import read_mask
from prismseg.data.layouts.listing import PART_WORDS, Case, Layout, Listing, image_files, part_named
from prismseg.data.layouts.roles import find_folder
from prismseg.data.sample import IGNORE

IMAGES = "leftImg8bit"
MASKS = ("gtFine", "gtCoarse")
# Stored number of each class of the benchmark (Cordts et al., CVPR 2016); all others count nowhere.
CLASSES = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck",
    28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
_LOOKED_AT = 3  # masks of the test part: the published ones hold no class at all


def fits(root: Path) -> bool:
    """Whether `root` has the folders of images and of labels, as the archives unpack."""
    return root.is_dir() and find_folder(root, (IMAGES.lower(),)) is not None and _masks(root) is not None


def _masks(root: Path) -> Path | None:
    return find_folder(root, tuple(name.lower() for name in MASKS))


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images; each city is a group, and the folders are the split.

    The 19 classes of the benchmark come after an empty background; other labels count nowhere. The published masks of
    the test part hold no class, so its images are without mask and in no part.

    Raises
    ------
    DataError
        When a folder is missing, or no image has its labels.
    """
    images, masks = find_folder(root, (IMAGES.lower(),)), _masks(root)
    if images is None or masks is None:
        raise DataError(f"{root} needs the folders {IMAGES} and {MASKS[0]}, as the archives of Cityscapes unpack.")
    kind = masks.name
    cases: list[Case] = []
    findings: list[Finding] = []
    split: dict[str, list[str]] = {part: [] for part in PART_WORDS}
    folders: list[Path] = []
    used: set[Path] = set()
    for place in sorted(path for path in images.iterdir() if path.is_dir()):
        part = part_named(place.name)
        cities = [folder for folder in sorted(place.iterdir()) if folder.is_dir()]
        found = [case for city in cities for case in _cases(city, masks / place.name / city.name, kind)]
        drawn = [case.mask for case in found if isinstance(case.mask, Path)]
        if not drawn:
            findings.append(_left_out(place, len(found), masks))
            continue
        if part == "test" and not any(_holds_class(path) for path in drawn[:_LOOKED_AT]):
            findings.append(_left_out(place, len(found), masks))
            used |= set(drawn)
            continue
        used |= set(drawn)
        folders += [*cities, *(masks / place.name / city.name for city in cities)]
        cases += found
        if part is not None:
            split[part] += [case.id for case in found]
    if not cases:
        raise DataError(
            f"No image in {images}/PART/CITY has its labels NAME_{kind}_labelIds.png in {masks}/PART/CITY. Unpack "
            f"{IMAGES}_trainvaltest.zip and gtFine_trainvaltest.zip into one folder."
        )
    labels = {path for path in masks.glob("*/*/*_labelIds.png") if path.parent in set(folders)}
    return Listing(
        "cityscapes",
        tuple(cases),
        classes=("background", *CLASSES.values()),
        coding=dict.fromkeys(range(256), IGNORE) | {label: place for place, label in enumerate(CLASSES, start=1)},
        orphans=tuple(sorted(labels - used)),
        folders=tuple(folders),
        splits=(split,) if any(split.values()) else (),
        findings=tuple(findings),
    )


def _cases(city: Path, masks: Path, kind: str) -> list[Case]:
    cases = []
    for path in image_files(city):
        name = path.stem.removesuffix(f"_{IMAGES}")
        mask = masks / f"{name}_{kind}_labelIds.png"
        cases.append(Case(name, (path,), mask if mask.is_file() else None, city.name))
    return cases


def _holds_class(path: Path) -> bool:
    try:
        return bool(set(read_mask(path).flat) & set(CLASSES))
    except DataError:
        return True  # told where it is read


def _left_out(place: Path, count: int, masks: Path) -> Finding:
    return Finding(
        "info",
        "images without labels",
        place,
        f"{count} images in {place} are left out: {masks / place.name} holds no label of a class for them, as it is with "
        "the published test part. What is tested is then a part of your own (--ignore-split).",
    )


CITYSCAPES = Layout(fits, read, states_masks=True)
