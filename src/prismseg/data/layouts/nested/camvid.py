"""CamVid as SegNet's authors publish it: `train/`, `trainannot/`, `val/`, `valannot/`, `test/`, `testannot/`."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from prismseg.data.checks.findings import Finding
from prismseg.data.images.volumes import stem_of
from prismseg.data.layouts.listing import Layout, Listing, image_files
from prismseg.data.layouts.nested import split
from prismseg.data.layouts.roles import find_folder
from prismseg.data.sample import IGNORE

# The eleven classes of SegNet (Badrinarayanan et al., PAMI 2017), by their number; 11 is what has no label.
CLASSES = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign symbol", "fence", "car", "pedestrian", "bicyclist",
)  # fmt: skip
UNLABELLED = 11
# Names of the four films: 0001TP_006690, 0006R0_f00930, 0016E5_00390, Seq05VD_f00000.
_FRAME = re.compile(r"(0001TP|0006R0|0016E5|Seq05VD)_f?\d+")


def fits(root: Path) -> bool:
    """Whether `root` has a part with its folder of annotations, and the frames are called as those of CamVid."""
    if not root.is_dir():
        return False
    pairs = [
        (find_folder(root, (part,)), find_folder(root, (f"{part}annot",))) for part in ("train", "val", "test")
    ]
    frames = [path for images, masks in pairs if images and masks for path in image_files(images)]
    return bool(frames) and all(_FRAME.fullmatch(stem_of(path)) for path in frames)


def read(root: Path, mask_suffix: str | None = None) -> Listing:
    """List the frames with SegNet's eleven classes after an empty background; the folders are the split.

    Raises
    ------
    DataError
        When there is no part with images and masks.
    """
    listing = split.read(root, mask_suffix)
    films = [{name.split("_")[0] for name in names} for names in listing.splits[0].values()]
    shared = sorted({film for one, other in combinations(films, 2) for film in one & other})
    finding = Finding(
        "info",
        "films in several parts",
        root,
        f"The published parts share films ({', '.join(shared)}), whose frames are alike; --ignore-split --group prefix "
        "tests on films that the network has not seen.",
    )
    return replace(
        listing,
        layout="camvid",
        classes=("background", *CLASSES),
        coding={label: label + 1 for label in range(len(CLASSES))} | {UNLABELLED: IGNORE, IGNORE: IGNORE},
        findings=(*listing.findings, finding) if shared else listing.findings,
    )


CAMVID = Layout(fits, read)
