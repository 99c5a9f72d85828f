"""What a method is given, and what it gives back."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.data import DataOptions, Preprocess, Sample, SegmentationDataset, TensorCache
from prismseg.data.preparation.settings import Intensity

Segmenter = Callable[[NDArray[np.generic]], NDArray[np.uint8]]
"""Makes a mask (H, W) of class indices of an image (H, W, C) at its own size."""


class Clock:
    """Counts what a training costs: CPU seconds of this process, or on an accelerator the seconds that pass."""

    def __init__(self, device: str = "cpu") -> None:
        self._device = device
        self._paused = 0.0
        self._start = self._now()

    def _now(self) -> float:
        if self._device == "cpu":
            return time.process_time()
        import torch

        torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def used(self) -> float:
        """Seconds since the start, without pauses."""
        return self._now() - self._start - self._paused

    def charge(self, seconds: float) -> None:
        """Count seconds that were spent elsewhere."""
        self._paused -= seconds

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Do not count what is done within."""
        begin = self._now()
        try:
            yield
        finally:
            self._paused += self._now() - begin


@dataclass
class Watch:
    """Draws the curve of a training on images that it does not learn from; what it sees decides nothing.

    Attributes
    ----------
    samples : sequence of Sample
        The images.
    classes : int
        Number of classes.
    clock : Clock
        Paused meanwhile.
    points : list of (int, float, float)
        Steps, seconds and mean Dice so far.
    """

    samples: Sequence[Sample]
    classes: int
    clock: Clock
    points: list[tuple[int, float, float]] = field(default_factory=list)

    def __call__(self, step: int, segment: Segmenter) -> None:
        """Measure a segmenter after `step` steps."""
        with self.clock.paused():
            dice = [mean_dice(segment(each.image), each.mask, self.classes) for each in self.samples]
        self.points.append((step, self.clock.used(), float(np.mean(dice))))


def mean_dice(prediction: NDArray[np.uint8], truth: NDArray[np.uint8] | None, classes: int) -> float:
    """Mean Dice of the foreground classes; 1 for a class that is in neither mask.

    Examples
    --------
    >>> mean_dice(np.array([[1, 1, 0]]), np.array([[1, 0, 0]]), 3)  # 2/3 and 1
    0.8333333333333333
    """
    assert truth is not None, "watched images have masks"
    valid = truth != 255
    values = []
    for label in range(1, classes):
        ours, theirs = (prediction == label) & valid, (truth == label) & valid
        total = int(ours.sum()) + int(theirs.sum())
        values.append(2 * int((ours & theirs).sum()) / total if total else 1.0)
    return float(np.mean(values))


@dataclass(frozen=True)
class Task:
    """Training images and the terms on which they are learnt from.

    Attributes
    ----------
    data : SegmentationDataset
        The training images and no others.
    options : DataOptions
        How their files are read.
    size : int
        Side of the square in which a method gets them.
    seconds : float or None
        What the training may cost; None: the method's own number of steps.
    stretch : float
        Factor on that number.
    choice : str
        One of the method's choices.
    seed : int
    device : str
    folder : Path
        Where a method may write.
    shared : Path
        Where it may keep what other cells can use.
    clock : Clock
        Started.
    watch : Watch
        To be called now and then.
    """

    data: SegmentationDataset
    options: DataOptions
    size: int
    seconds: float | None
    stretch: float
    choice: str
    seed: int
    device: str
    folder: Path
    shared: Path
    clock: Clock
    watch: Watch

    @property
    def classes(self) -> int:
        """Number of classes with the background."""
        return len(self.data.classes)

    def preprocess(self, intensity: Intensity, channels: int | None = None) -> Preprocess:
        """How images come to the size of the contest."""
        return Preprocess((self.size, self.size), channels or self.data.channels, intensity=intensity)

    def arrays(self, preprocess: Preprocess):  # type: ignore[no-untyped-def]
        """All training images (N, C, H, W) and masks (N, H, W); reading files is not counted."""
        with self.clock.paused():
            return TensorCache(self.data, preprocess, max_mib=0).batch(range(len(self.data)))

    def write_table(self) -> Path:
        """Write the training images as a table of files, for methods that open a data set themselves."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "train.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "mask", "group"])
            for case in range(len(self.data)):
                sample = self.data[case]
                assert sample.mask_path is not None
                writer.writerow([sample.image_path.resolve(), sample.mask_path.resolve(), sample.group])
        return path


@dataclass(frozen=True)
class Fitted:
    """What a method has learnt, and in how many steps (0 where it takes none)."""

    segment: Segmenter
    steps: int = 0
