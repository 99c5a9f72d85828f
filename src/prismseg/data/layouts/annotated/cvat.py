"""CVAT: annotations.xml in the format "CVAT for images" (polygons, boxes, ellipses, masks)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.decoding import MAX_PIXELS
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.layouts.annotated.files import FolderIndex, head, stated_size
from prismseg.data.layouts.annotated.shapes import (
    UNDRAWABLE,
    Box,
    Drawing,
    Ellipse,
    Polygons,
    Region,
    Shape,
    Stamp,
    number_classes,
)
from prismseg.data.layouts.listing import Case, Layout, Listing, part_named, unique_names

_AREAS = ("polygon", "mask", "box", "ellipse")
_NO_AREAS = ("polyline", "points", "cuboid", "skeleton")


def fits(root: Path) -> bool:
    """Whether there is an XML file of CVAT in `root`."""
    return bool(_find_files(root))


def _find_files(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    places = sorted([*root.glob("*.xml"), *root.glob("[aA]nnotations/*.xml")])
    return [path for path in places if "<annotations" in (start := head(path)) and "<version" in start]


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images of CVAT's XML files.

    Classes are the labels of the task in their order; `background` is the background, `ignore` (or void) counts nowhere.
    Polygons, masks, ellipses and boxes (as rectangles) are painted by their z_order, then in their order; polylines,
    points, cuboids and skeletons are no areas and are left out. An image without shapes holds background only. Subsets
    called train, val and test are the parts of the data set.

    Raises
    ------
    DataError
        When there is no such file, it is broken, or is of a video.
    """
    files = _find_files(root)
    if not files:
        raise DataError(
            f'There is no annotations.xml of CVAT in {root}; export the task as "CVAT for images 1.1".'
        )
    trees = {path: _parse(path) for path in files}
    names = list(dict.fromkeys(name for tree in trees.values() for name in _labels(tree)))
    classes, label_of = number_classes(names)
    index = FolderIndex(root, IMAGE_SUFFIXES)
    entries = [(path, image) for path, tree in trees.items() for image in tree.iter("image")]
    images = [index.find(image.get("name", ""), by=path) for path, image in entries]
    stems = unique_names([index.relative(file) for file in images])
    cases: list[Case] = []
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    kinds: Counter[str] = Counter()
    for (path, image), file, stem in zip(entries, images, stems, strict=True):
        name = image.get("name", "")
        try:
            shapes = _shapes(image, label_of, kinds)
        except DataError:
            raise
        except (KeyError, *UNDRAWABLE) as error:
            raise DataError(f"{path} has, for {name}, a shape that cannot be read ({error}).") from error
        height, width = stated_size(path, name, image.get("height"), image.get("width"))
        cases.append(Case(stem, (file,), Drawing(path, name, height, width, shapes)))
        part = part_named(image.get("subset", "")) or part_named(index.relative(file.parent))
        if part is not None:
            parts[part].append(stem)
    used = {case.images[0] for case in cases}
    return Listing(
        "cvat",
        tuple(cases),
        classes=classes,
        coding={index: index for index in (*range(len(classes)), 255)},
        splits=(parts,) if sum(map(bool, parts.values())) > 1 else (),
        findings=(
            *_tell_kinds(files[0], kinds),
            *index.respelled(files[0]),
            *index.unlisted(used, f"{files[0].name} does not name them"),
        ),
        absent=index.absent(used),
    )


def _parse(path: Path) -> ElementTree.Element:
    text = path.read_bytes()
    if b"<!ENTITY" in text:
        raise DataError(f"{path} declares entities, which CVAT never writes; export it anew.")
    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise DataError(f"{path} is not valid XML ({error}); export it anew.") from error
    if tree.find("track") is not None:
        raise DataError(
            f'{path} is of a video (tracks); export the task as "CVAT for images 1.1", with its frames.'
        )
    return tree


def _labels(tree: ElementTree.Element) -> list[str]:
    """Names of the task's labels, then those that only shapes have."""
    stated = [name.text or "" for name in tree.findall(".//meta//labels/label/name")]
    used = [shape.get("label", "") for image in tree.iter("image") for shape in image if shape.tag in _AREAS]
    return [name for name in dict.fromkeys([*stated, *used]) if name]


def _shapes(image: ElementTree.Element, label_of: dict[str, int], kinds: Counter[str]) -> tuple[Shape, ...]:
    found = []
    for element in image:
        kinds[element.tag] += 1
        if element.tag in _AREAS:
            shape = Shape(label_of[element.attrib["label"]], _region(element))
            found.append((int(element.get("z_order", 0)), shape))
    return tuple(shape for _, shape in sorted(found, key=lambda pair: pair[0]))


def _region(element: ElementTree.Element) -> Region:
    def number(name: str) -> float:
        return float(element.attrib[name])

    rotation = float(element.get("rotation", 0))
    if element.tag == "polygon":
        points = [part.split(",") for part in element.attrib["points"].split(";")]
        return Polygons((tuple(float(value) for x, y in points for value in (x, y)),))
    if element.tag == "box":
        return Box(number("xtl"), number("ytl"), number("xbr"), number("ybr"), rotation)
    if element.tag == "ellipse":
        return Ellipse(number("cx"), number("cy"), number("rx"), number("ry"), rotation)
    runs = tuple(int(run) for run in element.attrib["rle"].split(","))
    height, width = int(element.attrib["height"]), int(element.attrib["width"])
    if sum(runs) != height * width or min(runs) < 0 or height * width > MAX_PIXELS:
        raise ValueError(f"a mask of {sum(runs)} pixels for a box of {height} x {width}")
    return Stamp(int(element.attrib["top"]), int(element.attrib["left"]), partial(_unroll, runs, height, width))


def _unroll(runs: tuple[int, ...], height: int, width: int) -> NDArray[np.bool_]:
    """Mask of CVAT's run lengths: rows one after the other within the box, the first run outside."""
    inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return inside.reshape(height, width)


def _tell_kinds(file: Path, kinds: Counter[str]) -> list[Finding]:
    told = []
    if kinds["box"]:
        message = (
            f"{kinds['box']} boxes are painted as rectangles; take them out of the task if they are no masks."
        )
        told.append(Finding("info", "boxes as masks", file, message))
    for kind in _NO_AREAS:
        if kinds[kind]:
            message = (
                f"{kinds[kind]} shapes of the kind {kind} are left out, since they are no areas; draw them as polygons "
                "if they are meant."
            )
            told.append(Finding("warning", "shapes left out", file, message))
    return told


CVAT = Layout(fits, read, states_masks=True)
