"""Layouts that data sets are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError
from prismseg.base.progress import Advance
from prismseg.base.registry import Registry
from prismseg.data.dataset import SegmentationDataset
from prismseg.data.sample import Sample


@dataclass(frozen=True)
class Converted:
    """The cases that are written.

    Attributes
    ----------
    dataset : SegmentationDataset
        What is converted.
    indices : tuple of int
        Positions of the cases.
    names : tuple of str
        Their names in the new data set.
    advance : callable
        Moves the progress bar.
    """

    dataset: SegmentationDataset
    indices: tuple[int, ...]
    names: tuple[str, ...]
    advance: Advance

    def samples(self) -> Iterator[tuple[str, Sample]]:
        """Read each case, with its name in the new data set."""
        for done, (index, name) in enumerate(zip(self.indices, self.names, strict=True), start=1):
            yield name, self.dataset[index]
            self.advance(done, name)

    def groups(self) -> list[str]:
        """List the group of each case."""
        return [self.dataset.groups[index] for index in self.indices]

    def splits(self) -> list[dict[str, list[str]]]:
        """List the splits that the data bring along, by the new names."""
        new = {self.dataset.ids[index]: name for index, name in zip(self.indices, self.names, strict=True)}
        return [
            {part: [new[name] for name in members if name in new] for part, members in split.items()}
            for split in self.dataset.predefined_splits
        ]


@dataclass(frozen=True)
class Target:
    """A layout to write, an entry of `TARGETS`.

    Attributes
    ----------
    write : callable
        Writes the cases into a folder and returns what a reader should know.
    takes_unlabelled : bool
        Whether the layout tells images without a mask from such with an empty one.
    """

    write: Callable[[Converted, Path], tuple[str, ...]]
    takes_unlabelled: bool = False


TARGETS: Registry[Target] = Registry("layout to convert to")
TARGETS.register(
    "nnunet",
    "prismseg.data.conversion.nnunet:NNUNET",
    summary="nnU-Net v2: imagesTr, labelsTr, dataset.json, splits_final.json (folds by group)",
)
TARGETS.register(
    "folders",
    "prismseg.data.conversion.folders:FOLDERS",
    summary="images, masks, dataset.csv (groups and split), classes.csv",
)
TARGETS.register(
    "coco",
    "prismseg.data.conversion.coco:COCO",
    summary="images, annotations/instances_*.json (run lengths of each connected area)",
)


def storable_as_png(pixels: NDArray[np.generic]) -> bool:
    """Whether PNG holds an image (H, W, C) without loss."""
    channels = pixels.shape[2]
    return (pixels.dtype == np.uint8 and channels in (1, 3)) or (pixels.dtype == np.uint16 and channels == 1)


def write_image(path: Path, pixels: NDArray[np.generic]) -> None:
    """Write an image (H, W, C) as the suffix of `path` says, PNG or TIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    if path.suffix == ".png":
        Image.fromarray(plain).save(path)
    else:
        colour = "rgb" if pixels.shape[2] == 3 else "minisblack"
        tifffile.imwrite(path, plain, photometric=colour, planarconfig=None if plain.ndim == 2 else "contig")


def checked_mask(sample: Sample) -> NDArray[np.uint8]:
    """Mask of a case that is known to have one."""
    if sample.mask is None:
        raise DataError(f"{sample.image_path} has no mask.")
    return sample.mask


def legend_rows(classes: Mapping[int, str]) -> str:
    """Legend of stored numbers as a CSV, which `prismseg.data.read_legend` reads."""
    return "value,class\n" + "".join(f"{value},{_quoted(name)}\n" for value, name in classes.items())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\n') else name
