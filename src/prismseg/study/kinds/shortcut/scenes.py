"""Where the images of a run come from: drawn discs, or the objects of a data set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prismseg.base import DataError
from prismseg.data import SegmentationDataset, open_dataset
from prismseg.study.kinds.shortcut.images import MARK, SIDE, draw_images, plant
from prismseg.study.kinds.shortcut.settings import Mark, ObjectData

Part = Literal["train", "test"]

_TRAIN_SHARE = 0.7  # of the groups
_SHORTER_SIDE = 256  # to which larger pictures are reduced, by whole factors
_SHARES = (0.1, 0.5)  # of a crop that objects cover
_TRIES = 100
_LEAST_CONTRAST = 1e-3  # between objects and what lies around them, of the picture's range


class Scenes(NamedTuple):
    """Images (N, 1, S, S), masks (N, S, S) of classes 1 and 2 in turn, and the group of each."""

    images: Tensor
    masks: Tensor
    groups: list[str]


class Source(Protocol):
    """Draws scenes; those of "train" and "test" share no group."""

    def draw(self, count: int, mark: Mark, seed: int, part: Part) -> Scenes:
        """Draw so many; `mark` is that of `draw_images`."""


class Discs:
    """Drawn discs, each image a group of its own."""

    def draw(self, count: int, mark: Mark, seed: int, part: Part) -> Scenes:
        """Draw so many; seeds tell the parts apart."""
        return Scenes(*draw_images(count, mark, seed), [str(number) for number in range(count)])


class Picture(NamedTuple):
    """A picture (H, W), 0 beside its objects and 1 on them in the median, and where they are (H, W)."""

    group: str
    grey: NDArray[np.float64]
    objects: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Crops:
    """Crops of pictures, in which the objects show a class by stripes.

    Parameters
    ----------
    pictures : sequence of Picture
        Of two groups at least, none smaller than a crop.
    """

    pictures: Sequence[Picture]

    @classmethod
    def read(cls, data: ObjectData) -> Crops:
        """Read a data set.

        Raises
        ------
        DataError
            When fewer than two groups have a picture with objects that is as large as a crop.
        """
        path = Path(data.path or "")
        dataset = open_dataset(path, binary=True, group=data.group)
        pictures = [picture for index in range(len(dataset)) if (picture := _read_picture(dataset, index))]
        if len({each.group for each in pictures}) < 2:
            raise DataError(
                f"{path} has no two groups with objects in pictures of {SIDE} x {SIDE} pixels or more; name a larger "
                "data set, or how its groups are told (data.group)."
            )
        if len(pictures) < len(dataset):
            warnings.warn(
                f"{len(dataset) - len(pictures)} of {len(dataset)} pictures of {path} are left out: they have no mask, "
                f"are smaller than {SIDE} x {SIDE} pixels, hold no objects or nothing else, or show them no brighter or "
                "darker.",
                stacklevel=2,
            )
        return cls(pictures)

    def draw(self, count: int, mark: Mark, seed: int, part: Part) -> Scenes:
        """Draw so many from the groups of a part."""
        names = sorted({each.group for each in self.pictures})
        order = np.random.default_rng(0).permutation(len(names))
        split = min(max(1, round(_TRAIN_SHARE * len(names))), len(names) - 1)
        chosen = {names[place] for place in (order[:split] if part == "train" else order[split:])}
        pictures = [each for each in self.pictures if each.group in chosen]
        rng = np.random.default_rng([seed, part == "test"])
        images, masks, groups = [], [], []
        for number in range(count):
            picture = pictures[rng.integers(len(pictures))]
            grey, shown = _crop(picture, rng)
            images.append(plant(grey, shown, 1 + number % 2, mark, rng))
            masks.append(shown * (1 + number % 2))
            groups.append(picture.group)
        return Scenes(
            torch.tensor(np.stack(images), dtype=torch.float32)[:, None],
            torch.tensor(np.stack(masks)).long(),
            groups,
        )


def _read_picture(dataset: SegmentationDataset, index: int) -> Picture | None:
    sample = dataset[index]
    if sample.mask is None:
        return None
    grey = np.asarray(sample.image, np.float64).mean(-1)
    factor = max(1, min(grey.shape) // _SHORTER_SIDE)
    height, width = (side // factor for side in grey.shape)
    if min(height, width) < SIDE:
        return None

    def reduced(values: NDArray[np.float64]) -> NDArray[np.float64]:
        blocks = values[: height * factor, : width * factor].reshape(height, factor, width, factor)
        means: NDArray[np.float64] = blocks.mean((1, 3))
        return means

    grey, objects = reduced(grey), reduced((sample.mask == 1).astype(float)) > 0.5
    if not objects.any() or objects.all():
        return None
    around, on = np.median(grey[~objects]), np.median(grey[objects])
    if abs(on - around) <= _LEAST_CONTRAST * np.ptp(grey):
        return None
    return Picture(sample.group, np.clip((grey - around) / (on - around), -1, 3), objects)


def _crop(picture: Picture, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Crop where objects cover some of it; the corner of the mark has none."""
    height, width = picture.grey.shape
    best: tuple[float, int, int] | None = None
    for _ in range(_TRIES):
        top, left = int(rng.integers(height - SIDE + 1)), int(rng.integers(width - SIDE + 1))
        shown = picture.objects[top : top + SIDE, left : left + SIDE]
        share = (shown.sum() - shown[:MARK, :MARK].sum()) / shown.size
        distance = max(_SHARES[0] - share, share - _SHARES[1], 0.0)
        if best is None or distance < best[0]:
            best = (distance, top, left)
        if distance == 0:
            break
    assert best is not None
    _, top, left = best
    shown = picture.objects[top : top + SIDE, left : left + SIDE].copy()
    shown[:MARK, :MARK] = False
    return picture.grey[top : top + SIDE, left : left + SIDE], shown
