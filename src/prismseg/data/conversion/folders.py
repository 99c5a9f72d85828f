"""`images/` beside `masks/`, with a table of groups and parts and a legend of the classes."""

from __future__ import annotations

import csv
from pathlib import Path

from prismseg.data.conversion.targets import Converted, Target, legend_rows, storable_as_png, write_image
from prismseg.data.layouts.table import CLASSES, NAME
from prismseg.data.sample import IGNORE


def write(cases: Converted, out: Path) -> tuple[str, ...]:
    """Write the cases; a table states groups and, where the data have one split, the part of each case."""
    splits = cases.splits()
    part_of = {name: part for part, names in splits[0].items() for name in names} if len(splits) == 1 else {}
    groups = cases.groups()
    rows = []
    for (name, sample), group in zip(cases.samples(), groups, strict=True):
        image = Path("images") / f"{name}{'.png' if storable_as_png(sample.image) else '.tif'}"
        write_image(out / image, sample.image)
        mask = ""
        if sample.mask is not None:
            mask = f"masks/{name}.png"
            write_image(out / mask, sample.mask[..., None])
        row = {"image": image.as_posix(), "mask": mask, "group": group}
        rows.append(row | ({"split": part_of.get(name, "")} if part_of else {}))
    with (out / NAME).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    classes = dict(enumerate(cases.dataset.classes)) | {IGNORE: "ignore"}
    (out / CLASSES).write_text(legend_rows(classes), encoding="utf-8")
    lost = (
        f"The {len(splits)} splits of the data are not in the table, which holds one." if len(splits) > 1 else ""
    )
    return (lost,) if lost else ()


FOLDERS = Target(write, takes_unlabelled=True)
