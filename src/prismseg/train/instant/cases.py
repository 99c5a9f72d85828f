"""Labelled images as a fit sees them: parts to leave out, copies, and how much of each cell is of which class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Lock, local
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import IGNORE, Preprocess, Sample, SegmentationDataset
from prismseg.nets import InstantSegmenter
from prismseg.train.instant.light import relight
from prismseg.train.instant.settings import InstantSettings

LIGHT_COPIES = 2  # of an image, see `light_copies`
AS_IT_IS = "as it is"  # name of the first copy


class Cells(NamedTuple):
    """The cells of an image's grid.

    Attributes
    ----------
    parts : dict of str to (channels, h, w) Tensor
        What the network sees, see `InstantSegmenter.parts_of`.
    shares : (K, h, w) Tensor
        Share of the cell's area that is labelled as each class; they sum to less than 1 where labels are missing.
    """

    parts: dict[str, Tensor]
    shares: Tensor


class Copy(NamedTuple):
    """An image as it is learnt from: as it is, or changed.

    Attributes
    ----------
    name : str
        Of the change.
    image : (C, H, W) Tensor
    shares : (K, H, W) Tensor
        Share of each pixel that is labelled as each class.
    weight : float
        Copies in the image's own light together count for one image, and those in another light too.
    in_light : bool
        Whether it is in another light.
    seed : int
        Of what is drawn from it.
    """

    name: str
    image: Tensor
    shares: Tensor
    weight: float
    in_light: bool = False
    seed: int = 0


class PreparedCases:
    """Labelled samples, prepared for a network one at a time; each thread keeps its last one.

    Parameters
    ----------
    samples : sequence of Sample
        With masks; 255 marks pixels whose class is unknown.
    preprocess : Preprocess
        How images are prepared.
    classes : sequence of str
        Names of the classes, background first.

    Attributes
    ----------
    ids, groups : list of str
        Name and group of each case.
    """

    def __init__(self, samples: Sequence[Sample], preprocess: Preprocess, classes: Sequence[str]) -> None:
        self.samples, self.preprocess, self.classes = samples, preprocess, tuple(classes)
        if isinstance(samples, SegmentationDataset):  # which tells them without reading the images
            self.ids, self.groups = samples.ids, samples.groups
        else:
            self.ids, self.groups = ([getattr(each, name) for each in samples] for name in ("id", "group"))
        self._kept, self._reading = local(), Lock()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, case: int) -> tuple[Tensor, Tensor]:
        """Prepare a case: the image (C, H, W), and the share (K, H, W) of each pixel that is labelled as each class.

        A pixel of the network's input has the labels of all that it covers in the mask, so that no stroke is lost that
        is thinner than it.

        Raises
        ------
        DataError
            Naming the file, when there is no mask, or image or mask cannot be used.
        """
        _, image, shares, _ = self._prepared(case)
        return image, shares

    def truth(self, case: int) -> Tensor:
        """Class (H, W) that most of each pixel is labelled as; 255 where nothing of it is labelled."""
        most, label = self[case][1].max(0)
        return torch.where(most > 0, label, IGNORE)

    def name(self, case: int) -> str:
        """Name the case in messages."""
        return self._prepared(case)[3]

    def _prepared(self, case: int) -> tuple[int, Tensor, Tensor, str]:
        last: tuple[int, Tensor, Tensor, str] | None = getattr(self._kept, "last", None)
        if last is None or last[0] != case:
            with self._reading:  # readers of files need not be made for several threads
                last = self._kept.last = self._prepare(case)
        return last

    def _prepare(self, case: int) -> tuple[int, Tensor, Tensor, str]:
        sample = self.samples[case]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so nothing can be learnt from it.")
        if sample.mask.shape != sample.image.shape[:2]:
            raise DataError(
                f"The mask {sample.mask_path or f'of {sample.image_path}'} has the shape {sample.mask.shape}, its image "
                f"{sample.image.shape[:2]}; every pixel needs a label."
            )
        highest = int(np.where(sample.mask == IGNORE, 0, sample.mask).max())
        if highest >= len(self.classes):
            raise DataError(
                f"{sample.mask_path or f'The mask of {sample.image_path}'} holds label {highest}, but there are only "
                f"{len(self.classes)} classes."
            )
        try:
            image = self.preprocess.image_tensor(sample.image)
        except DataError as error:
            raise DataError(f"{sample.image_path}: {error}") from error
        size = (image.shape[1], image.shape[2])
        shares = [_area(torch.from_numpy(sample.mask == label)[None], size) for label in range(len(self.classes))]
        return case, image, torch.cat(shares), str(sample.image_path)


def _area(values: Tensor, size: tuple[int, int]) -> Tensor:
    """Mean of maps (K, H, W) over what each pixel of another size covers."""
    return F.interpolate(values[None].float(), size=size, mode="area")[0]


def part_groups(groups: Sequence[str], parts: int) -> list[list[int]]:
    """Part cases by group into at most `parts` parts of about equal size: a part for each group where they suffice.

    Examples
    --------
    >>> part_groups(["a", "a", "a", "b", "c", "c"], 2)
    [[0, 1, 2], [3, 4, 5]]
    """
    sizes = Counter(groups)
    dealt: list[list[str]] = [[] for _ in range(min(parts, len(sizes)))]
    # The largest first, each to what is smallest so far; ties in the order of names, so that parts are always the same.
    for group in sorted(sizes, key=lambda name: (-sizes[name], name)):
        min(dealt, key=lambda part: sum(sizes[name] for name in part)).append(group)
    return [[case for case, group in enumerate(groups) if group in part] for part in dealt]


def spread(cases: Sequence[Sequence[int]], count: int) -> list[int]:
    """Choose at most `count` cases, as evenly from all parts as these have them.

    Examples
    --------
    >>> spread([[0, 1, 2, 3], [4], [5, 6]], 4)
    [0, 2, 4, 5]
    """
    if sum(map(len, cases)) <= count:
        return sorted(case for part in cases for case in part)
    # A part gives its k-th case in round k; within a part cases are taken from all over it.
    queues = [_halving(part) for part in cases]
    chosen: list[int] = []
    for place in range(max(map(len, queues))):
        chosen += [queue[place] for queue in queues if place < len(queue)]
    return sorted(chosen[:count])


def _halving(part: Sequence[int]) -> list[int]:
    """Order the places of a part so that each beginning of the list lies all over it."""
    bits = max(len(part) - 1, 1).bit_length()
    order = sorted(range(2**bits), key=lambda place: int(format(place, f"0{bits}b")[::-1], 2))
    return [part[place] for place in order if place < len(part)]


def copies(image: Tensor, shares: Tensor, settings: InstantSettings) -> Iterator[tuple[Tensor, Tensor]]:
    """Give an image (C, H, W) and its labels (K, H, W), and the changed copies that are learnt from too."""
    for zoom in (1.0, *settings.zooms):
        scaled, labels = image, shares
        if zoom != 1:
            height, width = (max(1, round(side * zoom)) for side in image.shape[1:])
            size = (height, width)
            scaled = F.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
            labels = _area(shares, size)
        yield scaled, labels
        if settings.mirror:
            yield scaled.flip(-1), labels.flip(-1)


def light_copies(image: Tensor, shares: Tensor, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Give copies of an image (C, H, W) in another light, one of them inverted, one of them mirrored, with its labels."""
    for number in range(LIGHT_COPIES):
        changed = relight(image, invert=bool(number), seed=LIGHT_COPIES * seed + number)
        yield (changed.flip(-1), shares.flip(-1)) if (seed + number) % 2 else (changed, shares)


def all_copies(image: Tensor, shares: Tensor, case: int, settings: InstantSettings) -> Iterator[Copy]:
    """Give every copy of a case that is learnt from, those in another light last."""
    for number, changed in enumerate(copies(image, shares, settings)):
        name = f"copy {number}" if number else AS_IT_IS
        yield Copy(name, *changed, 1 / settings.copies, seed=case * settings.copies + number)
    if any(settings.lights):
        for number, changed in enumerate(light_copies(image, shares, case)):
            seed = case * LIGHT_COPIES + number
            yield Copy(f"light {number}", *changed, 1 / LIGHT_COPIES, in_light=True, seed=seed)


def cell_shares(network: InstantSegmenter, shares: Tensor, grid: int | None = None) -> Tensor:
    """Share (K, h, w) of each cell of a grid, the network's by default, that is labelled as each class, by pixels'."""
    padded = F.pad(shares, network.padding(shares.shape[1], shares.shape[2]))
    return F.avg_pool2d(padded[None], grid or network.options.grid)[0]


@torch.inference_mode()
def read_cells(network: InstantSegmenter, image: Tensor, shares: Tensor, name: str) -> Cells:
    """Compute the cells of an image (C, H, W) with its labels (K, H, W).

    Raises
    ------
    DataError
        When a feature is not finite; `name` says of what.
    """
    parts = {part: values[0] for part, values in network.parts_of(network.pad(image[None])).items()}
    require_finite(parts, name)
    return Cells(parts, cell_shares(network, shares))


def require_finite(parts: dict[str, Tensor], name: str) -> None:
    """Refuse features (·, h, w) of the image `name` that are NaN or infinite."""
    for part, values in parts.items():
        bad = int((~values.isfinite().all(0)).sum())
        if bad:
            raise DataError(
                f"The encoder makes features ({part}) of {name} that are not finite (NaN or infinite) in {bad} of "
                f"{values[0].numel()} cells. Look at the image with `prismseg check`, or choose other "
                "--encoder-weights."
            )
