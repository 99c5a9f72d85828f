"""LabelMe: a JSON file an image, with labelled polygons, rectangles, circles and masks."""

from __future__ import annotations

import base64
import binascii
import io
import math
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from prismseg.base import ConfigError, DataError
from prismseg.base.files import read_json, read_text
from prismseg.data.checks.findings import Finding
from prismseg.data.images.reading import IMAGE_SUFFIXES
from prismseg.data.layouts.annotated.files import FolderIndex, head, stated_size
from prismseg.data.layouts.annotated.shapes import UNDRAWABLE, Drawing, Shape, Stamp, number_classes, require_near
from prismseg.data.layouts.listing import Case, Layout, Listing, part_named, unique_names

LABELS = "labels.txt"  # beside the JSON files, as LabelMe's examples have it: a class a line
# Turned rectangles are polygons of four corners: of LabelMe 6, of X-AnyLabeling.
_POLYGONS = ("polygon", "oriented_rectangle", "rotation", "quadrilateral")
_AREAS = (*_POLYGONS, "rectangle", "circle", "mask")
_NO_AREAS = ("line", "linestrip", "point", "points")
_MARKS = ('"shapes"', '"imagePath"', '"shape_type"')


def fits(root: Path) -> bool:
    """Whether there is a LabelMe file in `root` or in a folder directly below."""
    return bool(_find_files(root, first=True))


def _find_files(root: Path, *, first: bool = False) -> list[Path]:
    if not root.is_dir():
        return []
    found: list[Path] = []
    for path in sorted([*root.glob("*.json"), *root.glob("*/*.json")]):
        # What LabelMe writes first are its version, flags and shapes; the image itself may come last.
        start = head(path)
        if sum(mark in start for mark in _MARKS) >= 2 or ('"shapes"' in start and '"flags"' in start):
            found.append(path)
            if first:
                break
    return found


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the images that LabelMe files of `root` are about, and those in the same folders without one.

    Classes are those of `labels.txt`, else the labels in alphabetical order; `_background_` is the background,
    `__ignore__` (or ignore, void) counts nowhere. Polygons, rectangles, circles and masks are painted in their order,
    with the pixels that LabelMe itself gives them, so that a hole is a shape of `_background_` after that it is in; lines
    and points are no areas and are left out.

    Raises
    ------
    DataError
        When there is no such file, or one is broken.
    """
    files = _find_files(root)
    if not files:
        raise DataError(
            f"There is no LabelMe file in {root}: a .json with shapes and imagePath, beside each image or in a folder."
        )
    contents = {path: _content(path) for path in files}
    shapes_of = {path: content["shapes"] for path, content in contents.items()}
    used = sorted({str(shape["label"]) for shapes in shapes_of.values() for shape in shapes})
    stated = _stated(root)
    unknown = [name for name in used if stated and name not in stated]
    if unknown:
        raise DataError(f"{root / LABELS} lacks the labels {', '.join(unknown)} of the shapes; add them.")
    classes, label_of = number_classes(stated or used)
    index = FolderIndex(root, IMAGE_SUFFIXES)
    left_out: Counter[str] = Counter()
    drawn: dict[Path, Drawing] = {}
    for path, content in contents.items():
        image = index.find(str(content["imagePath"]), by=path)
        if image in drawn:
            raise DataError(f"{path} and {drawn[image].path} are about the same image, {image}; remove one.")
        shapes = []
        for shape in shapes_of[path]:
            kind = str(shape.get("shape_type") or "polygon")
            if kind not in _AREAS:
                left_out[kind] += 1
                continue
            shapes.append(Shape(label_of[str(shape["label"])], _region(path, kind, shape, content)))
        size = stated_size(path, image.name, content["imageHeight"], content["imageWidth"])
        drawn[image] = Drawing(path, image.name, *size, tuple(shapes))
    folders = {image.parent for image in drawn}
    images = sorted({*drawn, *(file for file in index.files if file.parent in folders)})
    names = unique_names([index.relative(image) for image in images])
    cases = tuple(Case(name, (image,), drawn.get(image)) for name, image in zip(names, images, strict=True))
    parts: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for case, image in zip(cases, images, strict=True):
        part = part_named(index.relative(image.parent))
        if part is not None:
            parts[part].append(case.id)
    findings = [_tell_left_out(files[0], kind, count) for kind, count in sorted(left_out.items())]
    findings += index.respelled(files[0])
    return Listing(
        "labelme",
        cases,
        classes=classes,
        coding={index: index for index in (*range(len(classes)), 255)},
        splits=(parts,) if sum(map(bool, parts.values())) > 1 else (),
        findings=tuple(findings),
        absent=index.absent(set(drawn)),
    )


def _tell_left_out(file: Path, kind: str, count: int) -> Finding:
    if kind in _NO_AREAS:
        message = (
            f"{count} shapes of the kind {kind} are left out, since they are no areas; draw them as polygons if they are "
            "meant."
        )
        return Finding("warning", "shapes left out", file, message)
    message = (
        f"{count} shapes are of the kind {kind}, which is not known, so their pixels would count as background. Draw "
        "them as polygons, or take them out."
    )
    return Finding("error", "unknown shapes", file, message)


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = read_json(path)
    except ConfigError as error:
        raise DataError(str(error)) from error
    needed = ("shapes", "imagePath", "imageHeight", "imageWidth")
    missing = [name for name in needed if not isinstance(content, dict) or content.get(name) is None]
    if missing:
        raise DataError(f"{path} lacks {', '.join(missing)}; open the image in LabelMe and save it anew.")
    if not isinstance(content["shapes"], list):
        raise DataError(f"{path} has no list of shapes; open the image in LabelMe and save it anew.")
    for shape in content["shapes"]:
        if not isinstance(shape, dict) or "label" not in shape or not isinstance(shape.get("points"), list):
            raise DataError(f"{path} has a shape without label or points: {str(shape)[:120]}.")
    return content  # type: ignore[no-any-return]


def _stated(root: Path) -> list[str]:
    """Classes that labels.txt lists; none where there is no such file."""
    path = root / LABELS
    if not path.is_file():
        return []
    return [line.strip() for line in read_text(path).lstrip("\ufeff").splitlines() if line.strip()]


def _region(path: Path, kind: str, shape: Mapping[str, Any], content: Mapping[str, Any]) -> Stamp:
    try:
        points = [(float(x), float(y)) for x, y in shape["points"]]
    except (TypeError, ValueError) as error:
        raise DataError(f"{path} has a shape whose points are no pairs of numbers.") from error
    if not np.isfinite(np.array(points)).all():
        raise DataError(f"{path} has a shape whose points are no pairs of numbers.")
    if kind == "mask":
        if not isinstance(shape.get("mask"), str) or not points:
            raise DataError(f"{path} has a shape of the kind mask without its mask.")
        left, top = (round(value) for value in points[0])
        return Stamp(top, left, partial(_stored_mask, path, shape["mask"]))
    if kind in _POLYGONS or (kind == "rectangle" and len(points) == 4):  # X-AnyLabeling stores all four corners
        kind = "polygon"
    needed = {"polygon": 3, "rectangle": 2, "circle": 2}[kind]
    if len(points) < needed or (kind != "polygon" and len(points) != needed):
        raise DataError(f"{path} has a {kind} of {len(points)} points; it needs {needed}.")
    height, width = stated_size(path, str(content["imagePath"]), content["imageHeight"], content["imageWidth"])
    return Stamp(0, 0, partial(_draw, kind, tuple(points), (width, height)))


def _stored_mask(path: Path, text: str) -> NDArray[np.bool_]:
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as image:
            return np.asarray(image.convert("L")) > 0
    except (binascii.Error, *UNDRAWABLE, OSError, SyntaxError) as error:
        raise DataError(f"{path} has a mask that is no image ({error}).") from error


def _draw(kind: str, points: tuple[tuple[float, float], ...], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Draw a shape as LabelMe's `shape_to_mask` does, with its outline."""
    require_near(np.array(points), size[1], size[0])
    canvas = Image.new("1", size)
    draw = ImageDraw.Draw(canvas)
    if kind == "circle":
        (x, y), (a, b) = points
        reach = math.hypot(a - x, b - y)
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), outline=1, fill=1)
    elif kind == "rectangle":
        (x, y), (a, b) = points
        draw.rectangle((min(x, a), min(y, b), max(x, a), max(y, b)), outline=1, fill=1)
    else:
        draw.polygon(list(points), outline=1, fill=1)
    return np.array(canvas, dtype=bool)


LABELME = Layout(fits, read, states_masks=True)
