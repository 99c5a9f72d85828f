"""Prepared tensors kept in memory, so that a small data set is decoded once and not once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prismseg.base import DataError
from prismseg.data.preparation.preprocess import Preprocess

if TYPE_CHECKING:
    from prismseg.data.dataset import SegmentationDataset

_MIB = 2**20


class TensorCache:
    """Batches of prepared images and masks of a data set.

    Cases are prepared on first use and kept until `max_mib` is full; later ones are prepared anew each time.
    What a batch holds never depends on whether it was kept: images stay float32, masks uint8 until they are
    handed out.

    Parameters
    ----------
    dataset : SegmentationDataset
        Where the cases come from.
    preprocess : Preprocess
        How they are prepared.
    max_mib : float
        Memory for kept cases, MiB; 0 keeps none.
    """

    def __init__(self, dataset: SegmentationDataset, preprocess: Preprocess, *, max_mib: float = 4096) -> None:
        self.dataset = dataset
        self.preprocess = preprocess
        self._free_bytes = int(max_mib * _MIB)
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}
        self._kept_annotations: dict[int, list[Tensor]] = {}

    def batch(self, indices: Sequence[int], *, annotators: bool = False) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) float32 and masks (B, H, W) int64 of the cases `indices`, in that order; see `cases`.

        Raises
        ------
        DataError
            Naming the file, when an image or mask cannot be read or used, or images keep different shapes.
        """
        cases = self.cases(indices, annotators=annotators)
        shapes = {tuple(image.shape[1:]) for image, _ in cases}
        if len(shapes) > 1:
            raise DataError(
                f"The images of {self.dataset.root} have different shapes, and a batch cannot hold both "
                f"{' and '.join(f'{h} x {w}' for h, w in sorted(shapes)[:2])}. Train with fit 'stretch', or on crops."
            )
        images = torch.stack([image for image, _ in cases])
        masks = torch.stack([mask for _, mask in cases])
        return images, masks

    def cases(self, indices: Sequence[int], *, annotators: bool = False) -> list[tuple[Tensor, Tensor]]:
        """Image (C, H, W) float32 and mask (H, W) int64 of each of the cases `indices`, of whatever sizes.

        With `annotators` the mask of a case that several people drew is that of one of them, each as likely as the
        others, by torch's global generator.

        Raises
        ------
        DataError
            Naming the file, when an image or mask cannot be read or used.
        """
        found = [(image, mask.long()) for image, mask in map(self._case, indices)]
        if not annotators:
            return found
        return [(image, self._draw(index, mask)) for index, (image, mask) in zip(indices, found, strict=True)]

    def _draw(self, index: int, mask: Tensor) -> Tensor:
        """Mask of a random annotator of the case `index`, or `mask` where it has one alone."""
        drawn = self._kept_annotations.get(index)
        if drawn is None:
            drawn = [
                self.preprocess.mask_tensor(each).to(torch.uint8)
                for each in self.dataset.annotations(index).values()
            ]
            size = sum(each.nbytes for each in drawn)
            if size <= self._free_bytes:
                self._free_bytes -= size
                self._kept_annotations[index] = drawn
        return drawn[int(torch.randint(len(drawn), ()))].long() if drawn else mask

    def _case(self, index: int) -> tuple[Tensor, Tensor]:
        if index in self._kept:
            return self._kept[index]
        case = self._prepare(index)
        size = sum(tensor.nbytes for tensor in case)
        if size <= self._free_bytes:
            self._free_bytes -= size
            self._kept[index] = case
        return case

    def _prepare(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.dataset[index]
        if sample.mask is None:
            raise DataError(
                f"{sample.image_path} has no mask, so a network cannot learn from it. Add the mask or "
                "leave the image out."
            )
        try:
            image = self.preprocess.image_tensor(sample.image)
        except DataError as error:
            raise DataError(f"{sample.image_path}: {error}") from error
        return image, self.preprocess.mask_tensor(sample.mask).to(torch.uint8)
