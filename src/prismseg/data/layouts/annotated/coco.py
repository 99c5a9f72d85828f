"""COCO: JSON files with images, categories and annotations (polygons, run lengths, crowds)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, DataError
from prismseg.base.files import read_json
from prismseg.data.checks.findings import Finding
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.layouts.annotated.files import FolderIndex, head, stated_size
from prismseg.data.layouts.annotated.shapes import (
    UNDRAWABLE,
    Drawing,
    Polygons,
    Region,
    Runs,
    Shape,
    number_classes,
)
from prismseg.data.layouts.listing import PART_WORDS, Case, Layout, Listing, part_named, unique_names

_KEYS = ("images", "annotations", "categories")


def fits(root: Path) -> bool:
    """Whether there is a COCO file in `root`, in `annotations/`, or in the folder of a part."""
    return bool(_find_files(root))


def _find_files(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    places = [*root.glob("*.json"), *root.glob("[aA]nnotations/*.json"), *root.glob("*/_annotations.coco.json")]
    found = [path for path in sorted(set(places)) if path.is_file() and _looks_like_coco(path)]
    # COCO's own releases keep key points of persons in files of their own, beside those of the outlines.
    return [path for path in found if path.name.startswith("instances")] or found


def _looks_like_coco(path: Path) -> bool:
    """Whether a JSON file begins as COCO files do; the whole of it is only read where it does."""
    start = head(path)
    if not start.lstrip().startswith("{") or not any(f'"{key}"' in start for key in (*_KEYS, "licenses", "info")):
        return False
    try:
        content = _read(path, (path.stat().st_mtime_ns, path.stat().st_size))
    except ConfigError:
        return False
    return isinstance(content, dict) and all(isinstance(content.get(key), list) for key in _KEYS)


@lru_cache(maxsize=8)
def _read(path: Path, stamp: tuple[int, int]) -> Any:
    """Content of a JSON file; `stamp` is its time and size, so that a changed file is read anew."""
    return read_json(path)


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images that the COCO files of `root` name.

    Images of a file (or in a folder) called train, val or test are that part of the data set. Classes are the
    categories in the order of their numbers; one called background is the background, one called ignore counts nowhere.
    Crowds have the class of their category: exporters mark every mask that they write as run lengths so. An image without
    annotations holds background only. A key "group" of an image names its group.

    Raises
    ------
    DataError
        When there is no such file, it is broken, or its files do not have the same categories.
    """
    files = _find_files(root)
    if not files:
        raise DataError(
            f"There is no COCO file in {root}: a .json with images, annotations and categories, in the folder itself, in "
            "annotations/, or as train/_annotations.coco.json."
        )
    parts: dict[str, list[str]] = {part: [] for part in PART_WORDS}
    order = list(parts)
    files.sort(key=lambda path: order.index(part) if (part := _part(root, path)) in order else len(order))
    index = FolderIndex(root, IMAGE_SUFFIXES)
    contents = {path: _read(path, (path.stat().st_mtime_ns, path.stat().st_size)) for path in files}
    names = {path: _categories(path, content) for path, content in contents.items()}
    first = names[files[0]]
    for path, found in names.items():
        if found != first:
            raise DataError(
                f"{path} has the categories {', '.join(found.values())}, {files[0]} {', '.join(first.values())}; "
                "all files of a data set need the same, with the same numbers."
            )
    classes, label_of = number_classes(list(first.values()))
    labels = {number: label_of[name] for number, name in first.items()}
    entries = [(path, image) for path, content in contents.items() for image in content["images"]]
    _require_once(entries)
    files_of = [index.find(str(image["file_name"]), by=path) for path, image in entries]
    stems = unique_names([index.relative(file) for file in files_of])
    cases: list[Case] = []
    findings: list[Finding] = []
    drawn = {path: _Annotations(path, content, labels) for path, content in contents.items()}
    for (path, image), file, stem in zip(entries, files_of, stems, strict=True):
        name, number = str(image["file_name"]), image["id"]
        mask = Drawing(path, name, *drawn[path].sizes[number], drawn[path].shapes(number))
        group = image.get("group")
        cases.append(Case(stem, (file,), mask, None if group is None else str(group)))
        part = _part(root, path) or part_named(index.relative(file.parent))
        if part is not None:
            parts[part].append(stem)
    for of_file in drawn.values():
        findings += of_file.findings()
    findings += index.respelled(files[0])
    used = {case.images[0] for case in cases}
    findings += index.unlisted(used, "no COCO file names them")
    return Listing(
        "coco",
        tuple(cases),
        classes=classes,
        coding={index: index for index in (*range(len(classes)), 255)},
        splits=(parts,) if sum(map(bool, parts.values())) > 1 else (),
        findings=tuple(findings),
        absent=index.absent(used),
    )


def _part(root: Path, path: Path) -> str | None:
    """Part that a COCO file, or its folder below `root`, is called by."""
    return part_named(path.stem) or (part_named(path.parent.name) if path.parent != root else None)


def _categories(path: Path, content: Mapping[str, Any]) -> dict[int, str]:
    try:
        found = {int(category["id"]): str(category["name"]) for category in content["categories"]}
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} has a category without a number (id) or a name.") from error
    if not found:
        raise DataError(f"{path} names no category; export it with its categories.")
    if len(set(found.values())) < len(content["categories"]):
        raise DataError(f"{path} has two categories of one name or number: {', '.join(found.values())}.")
    return dict(sorted(found.items()))


def _require_once(entries: Sequence[tuple[Path, Any]]) -> None:
    for path, image in entries:
        if (
            not isinstance(image, dict)
            or not {"id", "file_name", "height", "width"} <= set(image)
            or not isinstance(image["id"], int | str)
        ):
            raise DataError(f"{path} has an image without id, file_name, height and width: {str(image)[:120]}.")
    seen = Counter((path, image["id"]) for path, image in entries)
    (path, number), count = seen.most_common(1)[0] if seen else ((Path(), 0), 0)
    if count > 1:
        raise DataError(f"{path} has two images with the id {number}; give each its own.")


class _Annotations:
    """Annotations of one file, by image."""

    def __init__(self, path: Path, content: Mapping[str, Any], labels: Mapping[int, int]) -> None:
        self.path = path
        self.labels = labels
        self.crowds = self.nested = 0
        self.boxes: list[Any] = []
        self.of_image: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
        images = {image["id"]: image for image in content["images"]}
        self.names = {number: str(image["file_name"]) for number, image in images.items()}
        self.sizes = {
            number: stated_size(path, self.names[number], image["height"], image["width"])
            for number, image in images.items()
        }
        strays = 0
        for annotation in content["annotations"]:
            if not isinstance(annotation, dict) or not isinstance(annotation.get("image_id"), int | str | None):
                raise DataError(f"{path} has an annotation of no image: {str(annotation)[:120]}.")
            category = annotation.get("category_id")
            if not isinstance(category, int) or category not in labels:
                raise DataError(f"{path} has an annotation of no category of it: {str(annotation)[:120]}.")
            strays += annotation.get("image_id") not in images
            self.of_image[annotation.get("image_id")].append(annotation)
        self.strays = strays

    def shapes(self, image: Any) -> tuple[Shape, ...]:
        """Shapes of an image, the largest first."""
        found = []
        for annotation in self.of_image.get(image, ()):
            try:
                region = self._region(annotation)
                area = 0.0 if region is None else _area(annotation, region)
                self.nested += isinstance(region, Polygons) and region.is_nested
            except DataError:
                raise
            except UNDRAWABLE as error:
                name = self.names[image]
                raise DataError(f"{self.path} holds, for {name}, {error}; correct or remove it.") from error
            if region is None:
                self.boxes.append(image)
                continue
            self.crowds += bool(annotation.get("iscrowd"))
            found.append((area, Shape(self.labels[annotation["category_id"]], region)))
        return tuple(shape for _, shape in sorted(found, key=lambda pair: -pair[0]))

    def _region(self, annotation: Mapping[str, Any]) -> Region | None:
        drawn = annotation.get("segmentation")
        if not drawn:
            return None
        if isinstance(drawn, dict) and {"counts", "size"} <= set(drawn):
            counts, (height, width) = drawn["counts"], drawn["size"]
            return Runs(counts if isinstance(counts, str) else tuple(counts), (int(height), int(width)))
        if isinstance(drawn, list) and all(isinstance(ring, list) for ring in drawn):
            rings = tuple(tuple(ring) for ring in drawn if len(ring) >= 6)
            return Polygons(rings) if rings else None
        raise DataError(
            f"{self.path} has a segmentation that is neither polygons nor run lengths: {str(annotation)[:120]}."
        )

    def findings(self) -> Iterator[Finding]:
        """Tell what was left out, and how crowds are read."""
        if self.boxes:
            images = len(set(self.boxes))
            yield Finding(
                "error",
                "boxes without a mask",
                self.path,
                f"{len(self.boxes)} annotations on {images} image{'s' * (images != 1)} of {self.path} have no outline (a "
                "box only), so their pixels would count as background. Draw them, or take these annotations out.",
            )
        if self.nested:
            yield Finding(
                "warning",
                "polygons in polygons",
                self.path,
                f"{self.nested} annotation{'s' * (self.nested != 1)} of {self.path} have a polygon inside another. COCO "
                "knows no holes in polygons: all are filled. Where holes are meant, write them as run lengths (RLE).",
            )
        if self.crowds:
            yield Finding(
                "info",
                "crowds",
                self.path,
                f"{self.crowds} annotations of {self.path} are marked as crowds (iscrowd); their pixels have the class "
                "of their category as those of any other.",
            )
        if self.strays:
            yield Finding(
                "warning",
                "stray annotations",
                self.path,
                f"{self.strays} annotations of {self.path} are of images that it does not list, and are left out.",
            )


def _area(annotation: Mapping[str, Any], region: Region) -> float:
    """Size by which annotations are ordered: as stated, else that of the polygons."""
    stated = annotation.get("area")
    if isinstance(stated, int | float) and stated > 0:
        return float(stated)
    if isinstance(region, Runs):
        return float(region.window(*region.size).inside.sum())
    assert isinstance(region, Polygons)
    return sum(abs(_shoelace(ring)) for ring in region.rings)


def _shoelace(ring: Sequence[float]) -> float:
    corners = list(zip(ring[::2], ring[1::2], strict=False))
    return sum(x * b - a * y for (x, y), (a, b) in zip(corners, [*corners[1:], corners[0]], strict=True)) / 2


COCO = Layout(fits, read, states_masks=True)
