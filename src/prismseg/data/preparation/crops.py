"""Random windows of prepared images, for training on parts of images that are large."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prismseg.data.preparation.geometry import Geometry, sample
from prismseg.data.preparation.settings import CropConfig
from prismseg.data.sample import IGNORE

Corner = tuple[
    int, int
]  # row and column of a window's first pixel; negative where the window is larger than the image


def draw_corner(mask: Tensor, config: CropConfig) -> Corner:
    """Draw where a window of the image with this mask (H, W) lies, from torch's global generator.

    A window that is not for the foreground lies anywhere in the image with equal probability. One for the foreground is
    centred on a random pixel of a random class other than the background, but for being pushed back into the image;
    where there is no such pixel, it lies anywhere. A window that is larger than the image has the image in its middle.

    Examples
    --------
    >>> mask = torch.zeros(9, 9)
    >>> mask[4, 7] = 1
    >>> draw_corner(mask, CropConfig((3, 3), foreground=1))
    (3, 6)
    """
    size = mask.shape[-2:]
    if float(torch.rand(())) < config.foreground and (centre := _draw_foreground(mask)) is not None:
        corner = [place - side // 2 for place, side in zip(centre, config.size, strict=True)]
    else:
        corner = [
            int(torch.randint(max(whole - side, 0) + 1, ())) for whole, side in zip(size, config.size, strict=True)
        ]
    row, column = (
        min(max(first, 0), whole - side) if side <= whole else -((side - whole) // 2)
        for first, whole, side in zip(corner, size, config.size, strict=True)
    )
    return row, column


def cut(image: Tensor, mask: Tensor, corner: Corner, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Cut a window of this size out of an image (C, H, W) and its mask (H, W), continued by their mirror image.

    Examples
    --------
    >>> row = torch.arange(4.0).reshape(1, 1, 4)
    >>> cut(row, row[0], (0, -2), (1, 6))[0].tolist()
    [[[1.0, 0.0, 0.0, 1.0, 2.0, 3.0]]]
    """
    rows, columns = (
        _mirrored(torch.arange(first, first + side, device=mask.device), whole)
        for first, side, whole in zip(corner, size, mask.shape, strict=True)
    )
    return image[:, rows[:, None], columns], mask[rows[:, None], columns]


def cut_moved(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    corners: Sequence[Corner],
    size: tuple[int, int],
    geometry: Geometry,
) -> tuple[Tensor, Tensor]:
    """Cut moved windows: each is turned, scaled and bent about its own middle, with what truly lies beside it.

    Parameters
    ----------
    images, masks : sequence of (C, H, W) and (H, W) Tensor
        Of any sizes.
    corners : sequence of (int, int)
        Where each window would lie if it were not moved.
    size : (int, int)
        Height and width of the windows.
    geometry : Geometry
        Positions of as many images.

    Returns
    -------
    images : (B, C, height, width) Tensor
    masks : (B, height, width) Tensor
    """
    like = images[0].new_empty(len(images), 1, *size)
    windows = []
    for image, mask, corner, grid in zip(images, masks, corners, geometry.grid(like), strict=True):
        # From coordinates that run from -1 to 1 over the window to such that do over the image; x is first.
        whole = torch.tensor(mask.shape[::-1]).to(like)
        sides, first = torch.tensor(size[::-1]).to(like), torch.tensor(corner[::-1]).to(like)
        placed = grid * (sides / whole) + ((2 * first + sides) / whole - 1)
        windows.append(sample(image[None], mask[None], placed[None]))
    return torch.cat([image for image, _ in windows]), torch.cat([mask for _, mask in windows])


def _draw_foreground(mask: Tensor) -> Corner | None:
    classes = [label for label in torch.unique(mask).tolist() if label not in (0, IGNORE)]
    if not classes:
        return None
    label = classes[int(torch.randint(len(classes), ()))]
    places = (mask == label).flatten().nonzero()
    place = int(places[int(torch.randint(len(places), ()))])
    return place // mask.shape[1], place % mask.shape[1]


def _mirrored(places: Tensor, whole: int) -> Tensor:
    """Positions on an axis of length `whole` that the mirror image beyond its ends shows at `places`."""
    places = places.remainder(2 * whole)
    return torch.where(places < whole, places, 2 * whole - 1 - places)
