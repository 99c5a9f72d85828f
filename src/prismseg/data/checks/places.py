"""Whether volumes and their masks say that they lie in the same place, and of what size their voxels are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from prismseg.base import DataError
from prismseg.data.checks.findings import Finding
from prismseg.data.images.source import file_of, files_of
from prismseg.data.images.volumes import find_affine, find_sizes
from prismseg.data.layouts import Case

_NEAR = 1e-2  # of an affine's entries, in its unit, and of sizes: what other tools round away


def check_places(cases: Sequence[Case]) -> Iterator[Finding]:
    """Name NIfTI masks whose affine is another than that of their volume, and volumes that state two sizes of a voxel.

    Voxels are paired by their numbers alone.
    """
    yield from _check_sizes(dict.fromkeys(file_of(case.images[0]) for case in cases))
    seen: set[tuple[Path, Path]] = set()
    for case in cases:
        image = file_of(case.images[0])
        for mask in files_of(case.mask) if case.mask is not None else ():
            if (image, mask) in seen:
                continue
            seen.add((image, mask))
            try:
                first, second = find_affine(image), find_affine(mask)
            except DataError:
                continue  # told where they are read
            if first is None or second is None or np.allclose(first, second, atol=_NEAR):
                continue
            turned = not np.array_equal(np.sign(np.diag(first)), np.sign(np.diag(second)))
            yield Finding(
                "warning",
                "affine differs",
                mask,
                f"The mask {mask} has another affine than its volume {image}"
                f"{', mirrored or turned' if turned else ''}. Voxels are paired by their numbers, not by their "
                "places: look at an overlay, and resample the mask to the volume if it does not fit.",
            )


def _check_sizes(volumes: Iterable[Path]) -> Iterator[Finding]:
    for path in volumes:
        try:
            sizes = find_sizes(path)
        except DataError:
            continue
        if sizes is not None and not np.allclose(*sizes, rtol=_NEAR, atol=0):
            by_affine, by_header = (" x ".join(f"{size:.3g}" for size in found) for found in sizes)
            yield Finding(
                "warning",
                "voxel sizes differ",
                path,
                f"The voxels of {path} measure {by_affine} by its affine, but {by_header} by its header (pixdim). "
                "Distances in mm are by the affine; correct the file if that is wrong.",
            )
