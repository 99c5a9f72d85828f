"""Whether each image has its mask, each mask its image, and both exist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prismseg.data.checks.findings import Finding
from prismseg.data.images.source import file_of, files_of, place_of
from prismseg.data.layouts import Listing


def check_pairs(listing: Listing) -> Iterator[Finding]:
    """Name images and masks that are missing, and who lists them."""
    for case in listing.cases:
        for path in map(file_of, case.images):
            if not path.is_file():
                yield Finding("error", "missing image", path, _say_missing(listing, path))
        if case.mask is None:
            yield Finding(
                "error",
                "missing mask",
                place_of(case.images[0]),
                f"{case.images[0]} has no mask; add it or leave the image out.",
            )
            continue
        for path in files_of(case.mask):
            if not path.is_file():
                yield Finding("error", "missing mask", path, _say_missing(listing, path))
    for path in listing.orphans:
        yield Finding("warning", "missing image", path, f"The mask {path} belongs to no image.")


def _say_missing(listing: Listing, path: Path) -> str:
    return listing.absent.get(path, f"{path} is listed but does not exist.")
