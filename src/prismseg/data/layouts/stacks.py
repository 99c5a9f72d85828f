"""Cases whose files are volumes become a case for each slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError
from prismseg.data.images.source import Source
from prismseg.data.images.volumes import Slice, count_slices, find_patient, is_volume
from prismseg.data.layouts.listing import Case, Listing


def cut_volumes(listing: Listing) -> Listing:
    """Make a case of every slice of a volume; the volume is their group where the layout states none.

    DICOM files of one patient are one group. Images that are no volumes stay as they are, and so do damaged volumes:
    who reads them is told.

    Raises
    ------
    DataError
        When the mask of a volume has another number of slices.
    """
    if not any(isinstance(source, Path) and is_volume(source) for case in listing.cases for source in case.images):
        return listing
    new = {case.id: tuple(_cut(case)) for case in listing.cases}
    return replace(
        listing,
        cases=tuple(case for slices in new.values() for case in slices),
        splits=tuple(
            {
                part: [case.id for name in names for case in new.get(name, (Case(name, (), None),))]
                for part, names in split.items()
            }
            for split in listing.splits
        ),
    )


def _cut(case: Case) -> Iterator[Case]:
    first = case.images[0]
    if not (isinstance(first, Path) and is_volume(first) and first.is_file()):
        yield case
        return
    try:
        group = case.group if case.group is not None else find_patient(first)
        count = count_slices(first)
    except DataError:
        yield case
        return
    for other in (*case.images[1:], *((case.mask,) if case.mask is not None else ())):
        _require_slices(other, count, first)
    if count == 1:
        yield replace(case, group=group)
        return
    for index in range(count):
        yield replace(
            case,
            id=f"{case.id}_z{index:03d}",
            images=tuple(Slice(path, index) for path in case.images if isinstance(path, Path)),
            mask=None
            if case.mask is None
            else Slice(case.mask, index)
            if isinstance(case.mask, Path)
            else case.mask,
            group=case.id if group is None else group,
        )


def _require_slices(source: Source, count: int, volume: Path) -> None:
    if not isinstance(source, Path) or not source.is_file():
        if count > 1 and not isinstance(source, Path):
            raise DataError(f"{source} is the mask of one image, {volume} a volume of {count} slices.")
        return
    found = count_slices(source) if is_volume(source) else 1
    if found != count:
        raise DataError(
            f"{source} has {found} slice{'s' * (found != 1)}, {volume} has {count}; they need the same."
        )
