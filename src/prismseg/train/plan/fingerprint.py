"""The fingerprint of a data set: what the rules of a plan look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data import Sample, SegmentationDataset
from prismseg.data.masks.overlapping import region_of
from prismseg.train.plan.limits import SAMPLED_IMAGES
from prismseg.train.plan.structures import object_areas, ridge_widths, thickness


@dataclass(frozen=True)
class ClassFacts:
    """What one class looks like in the sampled images.

    Attributes
    ----------
    name : str
        Of the class.
    share : float
        Of all labelled pixels that are of the class.
    presence : float
        Share of the images that show it.
    objects : float
        Connected pieces in an image that shows it, median.
    object_area : float
        Pixels of a piece, median.
    thickness : float or None
        Width in pixels below which a tenth of its area lies; None where no image shows it.
    fineness : float or None
        The same with widths as shares of the image's side (the root of its area), which tells what is left of them once
        all images have the same number of pixels.
    """

    name: str
    share: float
    presence: float
    objects: float
    object_area: float
    thickness: float | None
    fineness: float | None


@dataclass(frozen=True)
class Fingerprint:
    """What is known of a data set before anything is trained.

    Attributes
    ----------
    images, labelled, groups : int
        Images, those with a mask, and groups (patients).
    sampled : int
        Images that were looked at for everything below.
    channels : int
        Channels that a network gets.
    depth : str
        Type of the stored values, such as ``uint8``; several with commas.
    heights, widths : tuple of int
        Smallest, median and largest, pixels.
    aspects : tuple of float
        Smallest and largest ratio of width to height.
    classes : tuple of ClassFacts
        Without the background.
    """

    images: int
    labelled: int
    groups: int
    sampled: int
    channels: int
    depth: str
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    aspects: tuple[float, float]
    classes: tuple[ClassFacts, ...] = ()

    @property
    def finest(self) -> ClassFacts | None:
        """The class with the thinnest parts for its image's size; None where no image shows any."""
        return min((each for each in self.classes if each.fineness is not None), key=_fineness, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Turn it into values that JSON can hold."""
        return asdict(self)


def take_fingerprint(dataset: SegmentationDataset) -> Fingerprint:
    """Look at a data set.

    Raises
    ------
    DataError
        When no image has a mask, or a file cannot be read.
    """
    unlabelled = set(dataset.unlabelled)
    labelled = [case for case in range(len(dataset)) if case not in unlabelled]
    if not labelled:
        raise DataError(f"No image of {dataset.root} has a mask, so there is nothing to learn from. Add masks.")
    chosen = sorted({labelled[int(place)] for place in np.linspace(0, len(labelled) - 1, SAMPLED_IMAGES)})
    facts = _Facts(dataset.classes, multilabel=dataset.multilabel)
    for case in chosen:
        facts.add(dataset[case])
    heights, widths = np.array(facts.sizes).T
    aspects = widths / heights
    return Fingerprint(
        images=len(dataset),
        labelled=len(labelled),
        groups=len(set(dataset.groups)),
        sampled=len(chosen),
        channels=dataset.channels,
        depth=", ".join(sorted(facts.depths)),
        heights=_spread(heights),
        widths=_spread(widths),
        aspects=(float(aspects.min()), float(aspects.max())),
        classes=facts.classes(),
    )


class _Facts:
    """Sums over the sampled images."""

    def __init__(self, classes: Sequence[str], *, multilabel: bool = False) -> None:
        self.names, self.multilabel = list(classes), multilabel
        self.sizes: list[tuple[int, int]] = []
        self.depths: set[str] = set()
        self.pixels = np.zeros(len(classes))
        self.areas: list[list[NDArray[np.int64]]] = [[] for _ in classes]
        self.widths: list[list[NDArray[np.float64]]] = [[] for _ in classes]
        self.shares: list[list[NDArray[np.float64]]] = [[] for _ in classes]

    def add(self, sample: Sample) -> None:
        assert sample.mask is not None  # only labelled cases are sampled
        self.sizes.append((sample.mask.shape[0], sample.mask.shape[1]))
        self.depths.add(str(sample.image.dtype))
        self.pixels[0] += np.count_nonzero(sample.mask == 0)
        for label in range(1, len(self.names)):
            mask = region_of(sample.mask, label, multilabel=self.multilabel)
            self.pixels[label] += np.count_nonzero(mask)
            if mask.any():
                self.areas[label].append(object_areas(mask))
                self.widths[label].append(ridge_widths(mask))
                self.shares[label].append(self.widths[label][-1] / math.sqrt(mask.size))

    def classes(self) -> tuple[ClassFacts, ...]:
        counted = max(self.pixels.sum(), 1)
        return tuple(
            ClassFacts(
                name=name,
                share=float(self.pixels[label] / counted),
                presence=len(areas) / len(self.sizes),
                objects=float(np.median([len(each) for each in areas])) if areas else 0.0,
                object_area=float(np.median(np.concatenate(areas))) if areas else 0.0,
                thickness=thickness(self.widths[label]),
                fineness=thickness(self.shares[label]),
            )
            for label, (name, areas) in enumerate(zip(self.names, self.areas, strict=True))
            if label > 0
        )


def _fineness(facts: ClassFacts) -> float:
    return math.inf if facts.fineness is None else facts.fineness


def _spread(values: NDArray[np.int64]) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())
