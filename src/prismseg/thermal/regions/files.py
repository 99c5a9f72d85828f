"""Files of drawn regions: polygons as LabelMe writes them, or a mask with a label for each region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from skimage.draw import polygon2mask

from prismseg.base import ConfigError, read_json
from prismseg.data import read_mask
from prismseg.thermal.anatomy import REGION_NAMES
from prismseg.thermal.regions.drawn import DrawnRegions, Mask

# A mask with more labels was stored as a photograph.
_MOST_LABELS = 50
# Ratios of height and width that count as the same, since half-size pictures are rounded.
_SAME_RATIO = 0.01
_BEYOND = 1.0  # pixels by which points may lie outside the frame: programs draw along its border


def read_drawn_regions(path: str | Path, size: tuple[int, int], source: str) -> DrawnRegions:
    """Read regions that were drawn on a frame.

    Parameters
    ----------
    path : str or Path
        A JSON file with polygons as LabelMe writes them, ``{"shapes": [{"label": "wound", "points": [[x, y], …]}]}``: x
        to the right and y down, in pixels from the upper left corner of the upright picture; shapes of one label are one
        region. With ``imageWidth`` and ``imageHeight`` the picture may have been enlarged or reduced. Else a mask (PNG,
        TIFF, NPY) of whole numbers, 0 for no region: "region 1", "region 2" ….
    size : (int, int)
        Height and width of the frame.
    source : str
        The frame's name in the session.

    Raises
    ------
    ConfigError
        When the file cannot be read, holds no region, or does not fit the frame; when a region's name is taken.
    DataError
        When a mask cannot be read.

    Examples
    --------
    >>> from prismseg.base import write_json
    >>> shapes = [{"label": "wound", "points": [[10, 20], [20, 20], [20, 40], [10, 40]]}]
    >>> drawn = read_drawn_regions(write_json("wound.json", {"shapes": shapes}), (120, 160), "t0.jpg")
    >>> int(drawn.masks["wound"].sum())
    200
    """
    path = Path(path)
    masks = _read_polygons(path, size) if path.suffix.lower() == ".json" else _read_labels(path, size)
    for name, mask in masks.items():
        if name in REGION_NAMES:
            raise ConfigError(f"{path} has a region {name!r}, which is measured anyway; call it something else.")
        if not mask.any():
            raise ConfigError(
                f"The region {name!r} in {path} holds no pixel of the frame; draw it within the picture."
            )
    return DrawnRegions(source, masks)


def picture_name(path: str | Path) -> str | None:
    """Name the picture that polygons were drawn on, as LabelMe keeps it (``imagePath``); None where none is named."""
    if Path(path).suffix.lower() != ".json":
        return None
    content = read_json(path)
    name = content.get("imagePath") if isinstance(content, Mapping) else None
    return name.replace("\\", "/") if isinstance(name, str) and name else None


def _read_polygons(path: Path, size: tuple[int, int]) -> dict[str, Mask]:
    content = read_json(path)
    shapes = content.get("shapes") if isinstance(content, Mapping) else None
    if not isinstance(shapes, list) or not shapes:
        raise ConfigError(
            f'{path} holds no regions; it needs {{"shapes": [{{"label": "wound", "points": [[x, y], …]}}]}}.'
        )
    scale = _scale(path, (content.get("imageHeight"), content.get("imageWidth")), size)
    masks: dict[str, Mask] = {}
    for number, shape in enumerate(shapes, start=1):
        name, points = _read_shape(path, number, shape)
        corners = points[:, ::-1] * scale
        if ((corners < -_BEYOND) | (corners > np.array(size) + _BEYOND)).any():
            raise ConfigError(
                f"Shape {number} ({name}) in {path} reaches beyond the frame, which has {size[0]} x {size[1]} pixels. "
                "Draw within it; of an enlarged picture state imageHeight and imageWidth."
            )
        mask = polygon2mask(size, corners - 0.5)
        masks[name] = masks[name] | mask if name in masks else mask
    return masks


def _read_shape(path: Path, number: int, shape: Any) -> tuple[str, np.ndarray[Any, np.dtype[np.float64]]]:
    kind = shape.get("shape_type", "polygon") if isinstance(shape, Mapping) else None
    if kind not in ("polygon", "rectangle"):
        raise ConfigError(f"Shape {number} in {path} is no polygon or rectangle; draw it as one.")
    name = shape.get("label")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"Shape {number} in {path} has no label; give it the region's name.")
    try:
        points = np.array(shape.get("points"), dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if kind == "rectangle" and points.shape == (2, 2):
        (left, top), (right, bottom) = points
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < 3 or not np.isfinite(points).all():
        raise ConfigError(f"The points of shape {number} ({name}) in {path} are not three or more pairs [x, y].")
    if _crosses_itself(points):
        raise ConfigError(
            f"The outline of shape {number} ({name}) in {path} crosses itself, so that its inside is not known; draw it "
            "anew."
        )
    return name.strip(), points


def _crosses_itself(points: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    """Whether two sides of a polygon cross, each with its ends on both sides of the other."""
    starts, ends = points, np.roll(points, -1, axis=0)
    along = ends - starts

    def across(direction: np.ndarray[Any, Any], offset: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        signs: np.ndarray[Any, Any] = np.sign(
            direction[..., 0] * offset[..., 1] - direction[..., 1] * offset[..., 0]
        )
        return signs

    for start, end in zip(starts, ends, strict=True):
        parted = across(along, start - starts) * across(along, end - starts) < 0
        if (parted & (across(end - start, starts - start) * across(end - start, ends - start) < 0)).any():
            return True
    return False


def _read_labels(path: Path, size: tuple[int, int]) -> dict[str, Mask]:
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise ConfigError(
            f"{path} is a JPEG, which changes the numbers along borders; save the mask as PNG, with one number for each "
            "region."
        )
    labels = read_mask(path)
    numbers = [int(label) for label in np.unique(labels) if label != 0]
    if not numbers:
        raise ConfigError(f"The mask {path} holds no region: every pixel is 0.")
    if len(numbers) > _MOST_LABELS:
        raise ConfigError(
            f"The mask {path} holds {len(numbers)} different numbers; it was stored as a photograph, perhaps. Save it as "
            "PNG with one number for each region."
        )
    _scale(path, labels.shape, size)
    # The place of each of the frame's pixels in the mask.
    rows, columns = (
        ((np.arange(length) + 0.5) * there / length).astype(np.intp)
        for length, there in zip(size, labels.shape, strict=True)
    )
    resized = labels[np.ix_(rows, columns)]
    return {f"region {number}": resized == number for number in numbers}


def _scale(path: Path, drawn: Sequence[Any], size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows and columns of the frame in those of the picture that was drawn on."""
    if all(length is None for length in drawn):
        return np.ones(2)
    if not all(isinstance(length, int) and length > 0 for length in drawn):
        raise ConfigError(f"{path} says that its picture has {drawn[0]} x {drawn[1]} pixels, which cannot be.")
    if abs(drawn[0] * size[1] / (drawn[1] * size[0]) - 1) > _SAME_RATIO:
        raise ConfigError(
            f"{path} was drawn on {drawn[0]} x {drawn[1]} pixels, and the frame has {size[0]} x {size[1]}: not the same "
            "picture. Draw on the frame as it is, upright and whole."
        )
    return np.array(size, np.float64) / np.array(drawn, np.float64)
