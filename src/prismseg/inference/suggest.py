"""Which images to label next: those with regions that the network is least sure of."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from prismseg.base import DataError, atomic_path, make_folder, write_text
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.inference.render import displayable
from prismseg.inference.uncertainty import entropy_of

REGIONS = 3  # of each image
SIDE = 4  # a region has this part of the height and of the width
PLACES = 4  # places of a region per its side that are looked at
COLOUR = (255, 176, 0)


@dataclass(frozen=True)
class Region:
    """A rectangle of an image in pixels, and the mean entropy in it (1: all classes are equally probable)."""

    top: int
    left: int
    height: int
    width: int
    entropy: float


@dataclass(frozen=True, eq=False)
class Suggestion:
    """An image to label.

    Attributes
    ----------
    name : str
        Of the image.
    image : (H, W, C) array
        Its pixels.
    regions : tuple of Region
        Where the network is least sure, the least sure first.
    """

    name: str
    image: NDArray[np.generic]
    regions: tuple[Region, ...]

    @property
    def score(self) -> float:
        """Mean entropy of the regions, by which images are ranked."""
        return float(np.mean([region.entropy for region in self.regions]))


def suggest_images(
    predictor: Predictor, images: Iterable[tuple[str, NDArray[np.generic]]], count: int = 5
) -> list[Suggestion]:
    """Rank images by how much their labels would tell, and show where to look.

    What a label tells on average is the entropy of what the network expects there. The three regions with the highest
    mean entropy stand for an image, so that a large sure background does not hide a small doubtful thing.

    Parameters
    ----------
    predictor : Predictor
        Of a network; an instant segmenter learns the new labels in seconds.
    images : iterable of (str, array)
        Names and pixels of images without labels, read one at a time; `count` of them are kept.
    count : int
        How many to suggest.

    Returns
    -------
    list of Suggestion
        The most telling first.

    Raises
    ------
    DataError
        When there is no image, or one cannot be used, which is named.
    """
    require_one_label(predictor, "suggestion of images")
    best: list[Suggestion] = []
    for name, image in images:
        try:
            entropy = entropy_of(predictor(image).probabilities)
        except DataError as error:
            raise DataError(f"{name}: {error}") from error
        best.append(Suggestion(name, image, tuple(doubtful_regions(entropy))))
        best.sort(key=lambda suggestion: (-suggestion.score, suggestion.name))
        del best[count:]
    if not best:
        raise DataError("There is no image without a mask to suggest; name a folder of such images (--pool).")
    return best


def doubtful_regions(entropy: NDArray[np.float32], count: int = REGIONS) -> list[Region]:
    """Find the regions of a quarter of the height and width with the highest mean entropy (H, W) that do not overlap.

    Examples
    --------
    >>> entropy = np.zeros((80, 80), np.float32)
    >>> entropy[40:60, 20:40] = 1
    >>> doubtful_regions(entropy, 1)
    [Region(top=40, left=20, height=20, width=20, entropy=1.0)]
    """
    height, width = (max(side // SIDE, 1) for side in entropy.shape)
    step = max(height // PLACES, 1), max(width // PLACES, 1)
    means = F.avg_pool2d(torch.from_numpy(entropy)[None, None], (height, width), step)[0, 0].numpy()
    regions: list[Region] = []
    for place in np.argsort(-means, axis=None, kind="stable"):
        row, column = (int(each) for each in np.unravel_index(place, means.shape))
        top, left = row * step[0], column * step[1]
        if all(abs(top - one.top) >= height or abs(left - one.left) >= width for one in regions):
            regions.append(Region(top, left, height, width, float(means[row, column])))
        if len(regions) == count:
            break
    return regions


def write_suggestions(out: str | Path, suggestions: list[Suggestion]) -> Path:
    """Write ``suggestions.csv``, a row a region, and a picture of each image with its regions outlined.

    Returns
    -------
    Path
        The table: rank, image, score, region, top, left, height, width, entropy.
    """
    folder = make_folder(out)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["rank", "image", "score", "region", "top", "left", "height", "width", "entropy"])
    for rank, each in enumerate(suggestions, start=1):
        for number, region in enumerate(each.regions, start=1):
            place = (region.top, region.left, region.height, region.width)
            table.writerow([rank, each.name, f"{each.score:.4f}", number, *place, f"{region.entropy:.4f}"])
        with atomic_path(folder / f"{rank}-{Path(each.name).stem}.png") as temporary:
            Image.fromarray(outline(each.image, each.regions)).save(temporary)
    return write_text(folder / "suggestions.csv", text.getvalue())


def outline(image: NDArray[np.generic], regions: Iterable[Region]) -> NDArray[np.uint8]:
    """Draw regions as rectangles over an image: (H, W, 3)."""
    picture = Image.fromarray(displayable(image))
    pen, thickness = ImageDraw.Draw(picture), max(1, min(picture.size) // 150)
    for region in regions:
        box = (region.left, region.top, region.left + region.width - 1, region.top + region.height - 1)
        pen.rectangle(box, outline=COLOUR, width=thickness)
    return np.asarray(picture)
