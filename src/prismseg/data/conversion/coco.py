"""COCO: images and JSON files with an annotation for each connected area of a class."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from prismseg.base import write_json
from prismseg.data.conversion.targets import Converted, Target, checked_mask, storable_as_png, write_image
from prismseg.data.layouts.annotated.rle import encode_runs
from prismseg.data.sample import IGNORE, Sample

_STEMS = {"train": "instances_train", "validation": "instances_val", "test": "instances_test", "": "instances"}


def write(cases: Converted, out: Path) -> tuple[str, ...]:
    """Write the cases; parts of a split are files of their own, and groups are the images' key "group"."""
    splits, groups = cases.splits(), dict(zip(cases.names, cases.groups(), strict=True))
    part_of = {name: part for part, names in splits[0].items() for name in names} if len(splits) == 1 else {}
    names = dict(enumerate(cases.dataset.classes[1:], start=1)) | {len(cases.dataset.classes): "ignore"}
    images: dict[str, list[dict[str, Any]]] = defaultdict(list)
    annotations: dict[str, list[dict[str, Any]]] = defaultdict(list)
    numbers = count(1)
    for number, (name, sample) in enumerate(cases.samples(), start=1):
        part = part_of.get(name, "")
        file = f"{name}{'.png' if storable_as_png(sample.image) else '.tif'}"
        write_image(out / "images" / file, sample.image)
        height, width = sample.image.shape[:2]
        images[part].append(
            {"id": number, "file_name": file, "height": height, "width": width, "group": groups[name]}
        )
        annotations[part] += [
            {"id": next(numbers), "image_id": number, **area} for area in _areas(sample, len(names))
        ]
    used = {area["category_id"] for areas in annotations.values() for area in areas}
    categories = [
        {"id": number, "name": name} for number, name in names.items() if name != "ignore" or number in used
    ]
    for part, listed in images.items():
        write_json(
            out / "annotations" / f"{_STEMS[part]}.json",
            {"images": listed, "annotations": annotations[part], "categories": categories},
        )
    return (f"The {len(splits)} splits of the data are not written.",) if len(splits) > 1 else ()


def _areas(sample: Sample, ignore: int) -> list[dict[str, Any]]:
    """Describe each connected area (four neighbours) of each class; `ignore` is the category of what counts nowhere."""
    mask, found = checked_mask(sample), []
    for label in np.unique(mask[mask > 0]).tolist():
        areas, _ = ndimage.label(mask == label)
        for number, (rows, columns) in enumerate(ndimage.find_objects(areas), start=1):
            inside = areas == number
            found.append(
                {
                    "category_id": ignore if label == IGNORE else label,
                    "segmentation": {"size": list(mask.shape), "counts": encode_runs(inside)},
                    "area": int(inside[rows, columns].sum()),
                    "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
                    "iscrowd": 0,
                }
            )
    return found


COCO = Target(write)
