"""Pascal VOC: JPEGImages/, SegmentationClass/ with palette or colour masks, ImageSets/Segmentation/."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import DataError
from prismseg.base.files import read_text
from prismseg.data.checks.findings import Finding
from prismseg.data.images.nearest import NearestNames
from prismseg.data.layouts.listing import Case, Layout, Listing, by_stem, image_files, part_named, respell
from prismseg.data.layouts.roles import find_folder
from prismseg.data.masks.legend import read_legend
from prismseg.data.sample import IGNORE

IMAGE_FOLDERS = ("jpegimages", "images")
MASK_FOLDERS = ("segmentationclass", "segmentationclasspng")
# Everingham et al., IJCV 2010; masks of other data sets that are laid out so have classes of their own.
NAMES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable",
    "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
VOID = "#e0e0c0"  # the colour that the palette gives to 255


def fits(root: Path) -> bool:
    """Whether `root` has the folders JPEGImages and SegmentationClass."""
    return root.is_dir() and all(find_folder(root, names) for names in (IMAGE_FOLDERS, MASK_FOLDERS))


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images with a segmentation; 255 (the void at borders) counts nowhere.

    Classes are those of `labelmap.txt` (CVAT, by colour), of `class_names.txt` (labelme2voc), or of the challenge itself,
    which is known by its lists `ImageSets/Main/aeroplane_*.txt`; else they are numbered. Lists in
    `ImageSets/Segmentation` say which image is of which part.

    Raises
    ------
    DataError
        When the folders are missing or hold nothing that belongs together.
    """
    images, masks = find_folder(root, IMAGE_FOLDERS), find_folder(root, MASK_FOLDERS)
    if images is None or masks is None:
        raise DataError(f"{root} needs the folders JPEGImages and SegmentationClass, as Pascal VOC has them.")
    image_of, mask_of = by_stem(image_files(images)), by_stem(image_files(masks))
    spelt = respell(mask_of, list(image_of))
    mask_of = {spelt[name]: path for name, path in mask_of.items()}
    lists = {
        part: [respell([name], list(image_of))[name] for name in names] for part, names in _lists(root).items()
    }
    listed = {name for names in lists.values() for name in names}
    cases = [
        Case(name, (path,), mask_of.get(name))
        for name, path in image_of.items()
        if name in mask_of or name in listed
    ]
    if not cases:
        raise DataError(f"No mask in {masks} has the name of an image in {images}.")
    apart = len(image_of) - len(cases)
    missing = sorted(listed - set(image_of))
    if missing:
        nearest = NearestNames(name for name in image_of if name not in listed)
        shown = [f"{name} ({near} is near)" if (near := nearest.find(name)) else name for name in missing[:5]]
        raise DataError(
            f"The lists in {root / 'ImageSets' / 'Segmentation'} name {len(missing)} images that are not in {images}, "
            f"among them {', '.join(shown)}. Restore them, or take them out of the lists."
        )
    findings = [
        Finding(
            "info",
            "images without a segmentation",
            images,
            f"{apart} images in {images} have no mask in {masks} and are in no list of segmentations; they are left out.",
        )
    ]
    colours, classes = _labelmap(root), _class_names(root)
    coding = {index: index for index in (*range(len(classes)), IGNORE)} if classes else None
    return Listing(
        "voc",
        tuple(cases),
        classes=classes if colours is None else None,
        coding=coding if colours is None else None,
        orphans=tuple(path for name, path in mask_of.items() if name not in image_of),
        folders=(images, masks),
        splits=(lists,) if any(lists.values()) else (),
        colours=colours,
        findings=tuple(findings) if apart else (),
    )


def _lists(root: Path) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for path in sorted((root / "ImageSets" / "Segmentation").glob("*.txt")):
        part = part_named(path.stem)
        if part is not None:
            parts[part] += [line.strip().split("/")[-1] for line in read_text(path).splitlines() if line.strip()]
    return parts


def _labelmap(root: Path) -> dict[str, str] | None:
    """Legend of CVAT's labelmap, with the void that it leaves out; None without one."""
    path = root / "labelmap.txt"
    if not path.is_file():
        return None
    return {VOID: "ignore"} | read_legend(path)


def _class_names(root: Path) -> tuple[str, ...] | None:
    path = root / "class_names.txt"
    if path.is_file():
        names = [line.strip() for line in read_text(path).splitlines() if line.strip()]
        return (
            "background",
            *(name for name in names if name not in ("_background_", "background", "__ignore__")),
        )
    return NAMES if any((root / "ImageSets" / "Main").glob("aeroplane_*.txt")) else None


VOC = Layout(fits, read, states_masks=True)
