"""A folder of images and masks as a sequence of cases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError
from prismseg.data.images import read_image, read_mask
from prismseg.data.labels import decode, find_coding
from prismseg.data.layouts import Case, Listing, group_of, list_cases
from prismseg.data.sample import IGNORE, Sample

# Colour is looked for in this many images, and believed when a pixel in a thousand has channels this far apart.
COLOUR_SAMPLE = 64
COLOUR_SHARE = 1e-3
COLOUR_RANGE = 0.04


class SegmentationDataset(Sequence[Sample]):
    """Cases read one at a time, at their original size; made by `open_dataset`.

    Attributes
    ----------
    root : Path
        Folder or table it was opened from.
    layout : str
        How the files are laid out.
    ids, groups : list of str
        Name and group of each case.
    classes : list of str
        Class names, background first.
    channels : int
        Channels that a network for these images takes.
    predefined_splits : tuple of dict
        Case names by part, for each split that the data set brings along.
    """

    def __init__(
        self,
        root: Path,
        listing: Listing,
        *,
        group: str,
        classes: Sequence[str] | None,
        binary: bool,
        channels: int | None,
    ) -> None:
        self.root = root
        self.layout = listing.layout
        self.predefined_splits = listing.splits
        self._cases = listing.cases
        self._binary = binary
        self.ids = [case.id for case in self._cases]
        self.groups = [group_of(case, group) for case in self._cases]
        self._coding = _coding(listing, binary, classes)
        indices = {index for index in self._coding.values() if index != IGNORE}
        count = max(2, max(indices, default=0) + 1)
        names = list(classes or listing.classes or ())
        if names and len(names) != count:
            raise ConfigError(
                f"{len(names)} class names are given ({', '.join(names)}), but the masks of {root} have {count} classes "
                "(with the background)."
            )
        if not names:
            names = ["background", *(["foreground"] if count == 2 else [f"class {k}" for k in range(1, count)])]
        self.classes = names
        self.channels = channels if channels is not None else _find_channels(self._cases)

    def __len__(self) -> int:
        return len(self._cases)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        """Read a case; a `DataError` names the file that cannot be used."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        case = self._cases[index]
        image = _read_channels(case)
        mask = None
        if case.mask is not None:
            labels = read_mask(case.mask)
            if labels.shape != image.shape[:2]:
                raise DataError(
                    f"The mask {case.mask} has {labels.shape[0]} x {labels.shape[1]} pixels, its image "
                    f"{case.images[0]} has {image.shape[0]} x {image.shape[1]}. Export the mask at the image's size."
                )
            mask = decode(labels, self._coding, case.mask, binary=self._binary)
        return Sample(case.id, self.groups[index], image, mask, case.images[0], case.mask)

    def fingerprint(self) -> str:
        """Hash of what the data set consists of: file names and sizes, groups, classes."""
        digest = hashlib.sha256()
        for case, group in zip(self._cases, self.groups, strict=True):
            files = [*case.images, *([case.mask] if case.mask is not None else [])]
            sizes = [path.stat().st_size for path in files]
            digest.update(repr((case.id, group, [path.name for path in files], sizes)).encode())
        digest.update(repr((self.classes, sorted(self._coding.items()), self.channels)).encode())
        return digest.hexdigest()

    @cached_property
    def unlabelled(self) -> list[int]:
        """Positions of the cases without a mask."""
        return [index for index, case in enumerate(self._cases) if case.mask is None]


def open_dataset(
    path: str | Path,
    *,
    layout: str = "auto",
    group: str = "auto",
    classes: Sequence[str] | None = None,
    binary: bool = False,
    mask_suffix: str | None = None,
    channels: int | None = None,
) -> SegmentationDataset:
    """Open a data set on the disk.

    Parameters
    ----------
    path : path
        Folder (or CSV).
    layout : {"auto", "folders", "nnunet", "table", "pets", "feet"}
        How images and masks are laid out.
    group : str
        What counts as one patient, see `prismseg.data.layouts.group_of`.
    classes : sequence of str, optional
        Class names, background first.
    binary : bool
        Take every label above 0 as foreground (instance labels).
    mask_suffix : str, optional
        What mask names add to image names.
    channels : int, optional
        Channels that a network gets; by default 1 where all images are grey, also when stored as RGB.

    Raises
    ------
    DataError
        When there is no data set, no layout fits, or its labels cannot be class indices.
    ConfigError
        For an unknown layout or grouping.
    """
    root = Path(path)
    listing = list_cases(root, layout=layout, mask_suffix=mask_suffix)
    return SegmentationDataset(root, listing, group=group, classes=classes, binary=binary, channels=channels)


def _coding(listing: Listing, binary: bool, classes: Sequence[str] | None) -> dict[int, int]:
    if listing.coding is not None:
        return listing.coding
    if binary:
        return {0: 0, 1: 1}
    values: dict[int, Path] = {}
    for case in listing.cases:
        if case.mask is not None:
            values |= {int(label): case.mask for label in np.unique(read_mask(case.mask))}
    coding = find_coding(values, binary=False) if values else {0: 0, 1: 1}
    if classes is not None:
        # Named classes may be absent from the masks at hand.
        coding = {index: index for index in range(len(classes)) if index not in coding} | coding
    return coding


def _read_channels(case: Case) -> NDArray[np.generic]:
    planes = [read_image(path) for path in case.images]
    if len(planes) == 1:
        return planes[0]
    for path, plane in zip(case.images, planes, strict=True):
        if plane.shape != planes[0].shape or plane.dtype != planes[0].dtype or plane.shape[2] != 1:
            raise DataError(
                f"{path} does not fit {case.images[0]}: channels must be grey images of one size and depth."
            )
    return np.concatenate(planes, axis=2)


def _find_channels(cases: Sequence[Case]) -> int:
    if len(cases[0].images) > 1:
        return len(cases[0].images)
    step = max(1, len(cases) // COLOUR_SAMPLE)
    seen = set()
    for case in cases[::step]:
        pixels = read_image(case.images[0])
        channels = pixels.shape[2]
        seen.add(1 if channels == 3 and not _has_colour(pixels) else channels)
    return max(seen)


def _has_colour(pixels: NDArray[np.generic]) -> bool:
    wide = pixels[::2, ::2].astype(np.float32)
    full = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(pixels.dtype, float(np.ptp(wide)) or 1.0)
    return bool(((wide.max(2) - wide.min(2)) > COLOUR_RANGE * full).mean() > COLOUR_SHARE)
