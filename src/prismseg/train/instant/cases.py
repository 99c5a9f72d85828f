"""Labelled images as a fit sees them: parts to leave out, copies, and how much of each cell is of which class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import IGNORE, Preprocess, Sample
from prismseg.nets import InstantSegmenter
from prismseg.train.instant.settings import InstantSettings


class Cells(NamedTuple):
    """The cells of an image's grid.

    Attributes
    ----------
    inputs : (E, h, w) Tensor
        Inputs of the head.
    shares : (K, h, w) Tensor
        Share of the cell's area that is labelled as each class; they sum to less than 1 where labels are missing.
    """

    inputs: Tensor
    shares: Tensor


class PreparedCases:
    """Labelled samples, prepared for a network one at a time.

    Parameters
    ----------
    samples : sequence of Sample
        With masks; 255 marks pixels whose class is unknown.
    preprocess : Preprocess
        How images are prepared.
    classes : sequence of str
        Names of the classes, background first.
    """

    def __init__(self, samples: Sequence[Sample], preprocess: Preprocess, classes: Sequence[str]) -> None:
        self.samples, self.preprocess, self.classes = samples, preprocess, tuple(classes)

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, case: int) -> tuple[Tensor, Tensor]:
        """Prepare image (C, H, W) and mask (H, W) of a case.

        Raises
        ------
        DataError
            Naming the file, when there is no mask, or image or mask cannot be used.
        """
        sample = self.samples[case]
        if sample.mask is None:
            raise DataError(f"{sample.image_path} has no mask, so nothing can be learnt from it.")
        try:
            image = self.preprocess.image_tensor(sample.image)
        except DataError as error:
            raise DataError(f"{sample.image_path}: {error}") from error
        if sample.mask.shape != sample.image.shape[:2]:
            raise DataError(
                f"The mask {sample.mask_path or f'of {sample.image_path}'} has the shape {sample.mask.shape}, its image "
                f"{sample.image.shape[:2]}; every pixel needs a label."
            )
        mask = self.preprocess.mask_tensor(sample.mask)
        highest = int(torch.where(mask == IGNORE, 0, mask).max())
        if highest >= len(self.classes):
            raise DataError(
                f"{sample.mask_path or f'The mask of {sample.image_path}'} holds label {highest}, but there are only "
                f"{len(self.classes)} classes."
            )
        return image, mask

    def name(self, case: int) -> str:
        """Name the case in messages."""
        return str(self.samples[case].image_path)


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


def copies(image: Tensor, mask: Tensor, settings: InstantSettings) -> Iterator[tuple[Tensor, Tensor]]:
    """Give an image (C, H, W) and its mask (H, W), and the changed copies that are learnt from too."""
    for zoom in (1.0, *settings.zooms):
        scaled, labels = image, mask
        if zoom != 1:
            size = [max(1, round(side * zoom)) for side in mask.shape]
            scaled = F.interpolate(image[None], size=size, mode="bilinear", antialias=True, align_corners=False)[0]
            labels = F.interpolate(mask[None, None].float(), size=size, mode="nearest-exact")[0, 0].long()
        yield scaled, labels
        if settings.mirror:
            yield scaled.flip(-1), labels.flip(-1)


def cell_shares(network: InstantSegmenter, mask: Tensor, classes: int) -> Tensor:
    """Share (K, h, w) of each cell of the network's grid that a mask (H, W) labels as each class."""
    padded = F.pad(mask, network.padding(*mask.shape), value=IGNORE)
    labelled = torch.stack([padded == label for label in range(classes)]).float()
    return F.avg_pool2d(labelled[None], network.options.grid)[0]


@torch.inference_mode()
def read_cells(network: InstantSegmenter, image: Tensor, mask: Tensor, classes: int, name: str) -> Cells:
    """Compute the cells of an image (C, H, W) with its mask (H, W).

    Raises
    ------
    DataError
        When a feature is not finite; `name` says of what.
    """
    inputs = network.inputs(network.pad(image[None]))[0]
    require_finite(inputs, name)
    return Cells(inputs, cell_shares(network, mask, classes))


def require_finite(features: Tensor, name: str) -> None:
    """Refuse features (D, h, w) of the image `name` that are NaN or infinite."""
    bad = int((~features.isfinite().all(0)).sum())
    if bad:
        raise DataError(
            f"The encoder makes features of {name} that are not finite (NaN or infinite) in {bad} of "
            f"{features[0].numel()} cells. Look at the image with `prismseg check`, or choose other --encoder-weights."
        )
