"""From a mask to clean pieces: holes, specks, detached toes, soles that touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import isotropic_closing, isotropic_opening
from skimage.segmentation import watershed

from prismseg.base import ConfigError, DataError, Message

Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

_EIGHT_NEIGHBOURS = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Cleaning:
    """How a mask is cleaned. Sizes are relative to the picture, so that any camera is treated alike.

    Attributes
    ----------
    smallest_sole : float
        Share of the picture below which a piece is no sole. In 30 labour sessions both soles covered 8–38 %.
    smallest_part : float
        Share of the picture below which a piece is a speck. Between the two, a piece is a part (a toe) if it is near a
        sole.
    hole : float
        Share of the mask below which a hole is filled before soles are told apart; the background that two touching
        soles enclose is larger.
    opening, closing, reach : float
        Radii of the opening and the closing and the distance up to which a part belongs to a sole, picture heights: 1, 3
        and 8 pixels of a picture 240 pixels tall, chosen on phantoms.
    cut : float
        Length of the border that a sole may touch, in square roots of its area, before it counts as cut. Chosen on
        phantoms: a sole is about 2.5 times as long as wide, so that a cut through its middle touches 0.6.

    Examples
    --------
    >>> Cleaning(reach=0.05).reach
    0.05
    """

    smallest_sole: float = 0.01
    smallest_part: float = 0.0005
    hole: float = 0.01
    opening: float = 1 / 240
    closing: float = 3 / 240
    reach: float = 8 / 240
    cut: float = 0.15

    def __post_init__(self) -> None:
        if not 0 <= self.smallest_part <= self.smallest_sole < 0.5:
            raise ConfigError(
                Message(
                    "Cleaning needs 0 <= smallest_part <= smallest_sole < 0.5, not {part:g} and {sole:g}.",
                    part=self.smallest_part,
                    sole=self.smallest_sole,
                )
            )


@dataclass(frozen=True)
class SplitSettings:
    """When two soles that touch can be told apart; chosen on phantoms with touching feet.

    Attributes
    ----------
    levels : int
        Heights, from 0 to its highest, at which the distance transform is cut.
    min_core : float
        Share of all that is left at such a height from which a part is the core of a sole.
    min_ratio : float
        Of the smaller part's area to the larger one's.
    max_alignment : float
        Cosine of the angle between a part's axis and the line that joins the parts: soles lie side by side, at 50° or
        more, while heel and ball of one sole lie one behind the other.
    max_aspect : float
        Ratio of widths across and along (`aspect_ratio`) of each part: a sole is slender.
    max_cut : float
        Length of the cut in lengths of the shorter part.
    """

    levels: int = 24
    min_core: float = 0.15
    min_ratio: float = 0.6
    max_alignment: float = 0.64
    max_aspect: float = 0.6
    max_cut: float = 0.4


@dataclass(frozen=True, eq=False)
class Pieces:
    """Pieces of a cleaned mask that are large enough to be a sole.

    Attributes
    ----------
    masks : tuple of (H, W) bool
        The pieces, largest first; they do not overlap.
    largest : int
        Pixels of the largest connected part, whether large enough or not.
    dropped : int
        Pixels of the parts that were left out.
    apart : (H, W) bool or None
        What the pieces have of parts that lie apart, as toes may, with the gaps that were closed; None without such.
    """

    masks: tuple[Mask, ...]
    largest: int
    dropped: int
    apart: Mask | None = None


def as_mask(mask: NDArray[np.generic]) -> Mask:
    """Return `mask` as a boolean (H, W) array: every label but 0 is sole.

    Raises
    ------
    DataError
        When it is no (H, W) array of booleans or of finite numbers.

    Examples
    --------
    >>> as_mask(np.array([[0, 1], [2, 0]])).tolist()
    [[False, True], [True, False]]
    """
    array = np.asarray(mask)
    if array.ndim != 2 or 0 in array.shape:
        raise DataError(Message("A mask has the shape (height, width), not {shape}.", shape=array.shape))
    if array.dtype == bool:
        return array
    if not np.issubdtype(array.dtype, np.number) or not np.isfinite(array).all():
        raise DataError(Message("A mask holds booleans or labels; this one holds something else, or NaN."))
    nonzero: Mask = array != 0
    return nonzero


def find_pieces(mask: Mask, cleaning: Cleaning) -> Pieces:
    """Fill holes, open, tell pieces from parts and specks, join parts to the piece that they are near, close.

    Parameters
    ----------
    mask : (H, W) bool
        Foreground.
    cleaning : Cleaning
        Sizes.

    Returns
    -------
    Pieces
        Those large enough to be a sole.

    Examples
    --------
    >>> mask = np.zeros((120, 160), bool)
    >>> mask[30:100, 20:50] = mask[30:100, 90:120] = True  # two soles
    >>> mask[24:28, 30:34] = True  # a toe of the first one
    >>> mask[5, 5] = True  # a speck
    >>> pieces = find_pieces(mask, Cleaning())
    >>> len(pieces.masks), pieces.dropped
    (2, 1)
    """
    height = mask.shape[0]
    filled = _fill_holes(mask, cleaning.hole * mask.sum())
    opened = _opened(filled, cleaning.opening * height)
    labels, _ = ndimage.label(opened, _EIGHT_NEIGHBOURS)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")
    soles = [int(label) for label in order if sizes[label] >= max(1, cleaning.smallest_sole * mask.size)]
    parts = [
        int(label)
        for label in order
        if label not in soles and sizes[label] >= max(1, cleaning.smallest_part * mask.size)
    ]
    alone = [labels == label for label in soles]
    pieces = [piece.copy() for piece in alone]
    kept = _join_parts(pieces, labels, parts, cleaning.reach * height)
    taken = np.add.reduce(pieces, dtype=np.uint8) if pieces else np.zeros(mask.shape, np.uint8)
    closed = [_closed(piece, cleaning.closing * height) & ((taken == 0) | piece) for piece in pieces]
    for number, piece in enumerate(closed):
        for other in closed[:number]:
            piece &= ~other
    dropped = int(sizes.sum() - sizes[soles].sum() - sizes[kept].sum())
    apart = None
    if kept:
        apart = np.logical_or.reduce(
            [piece & ~_closed(one, cleaning.closing * height) for piece, one in zip(closed, alone, strict=True)]
        )
    return Pieces(masks=tuple(closed), largest=int(sizes.max()), dropped=dropped, apart=apart)


def bounding_window(mask: Mask, margin: int = 0) -> Window:
    """Find the smallest rectangle that holds the foreground, with a margin in pixels, within the picture.

    Examples
    --------
    >>> mask = np.zeros((6, 8), bool)
    >>> mask[2:4, 3:7] = True
    >>> bounding_window(mask, margin=1)
    (slice(1, 5, None), slice(2, 8, None))
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(int(rows[0]) - margin, 0), min(int(rows[-1]) + 1 + margin, mask.shape[0])),
        slice(max(int(columns[0]) - margin, 0), min(int(columns[-1]) + 1 + margin, mask.shape[1])),
    )


def border_contact(mask: Mask) -> int:
    """Count the pixels of `mask` on that border of the picture where it has most.

    Examples
    --------
    >>> mask = np.zeros((6, 8), bool)
    >>> mask[4:, 2:5] = True
    >>> border_contact(mask)
    3
    """
    return max(int(edge.sum()) for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))


def aspect_ratio(mask: Mask) -> tuple[float, NDArray[np.float64]]:
    """Measure a piece's ratio of standard deviations across and along it, and its axis.

    Returns
    -------
    ratio : float
        About 0.4 for one sole seen from the foot end and 0.6 and more for two side by side.
    axis : (2,) float
        Unit vector (row, column) along the piece.

    Examples
    --------
    >>> mask = np.zeros((40, 40), bool)
    >>> mask[5:35, 15:25] = True
    >>> ratio, axis = aspect_ratio(mask)
    >>> round(ratio, 2), abs(axis).tolist()
    (0.33, [1.0, 0.0])
    """
    points = np.argwhere(mask).astype(np.float64)
    if len(points) < 2:  # has no direction
        return 0.0, np.array([1.0, 0.0])
    values, vectors = np.linalg.eigh(np.cov(points.T))
    return float(np.sqrt(max(values[0], 0.0) / max(values[1], 1e-12))), vectors[:, 1]


def split_touching(piece: Mask, settings: SplitSettings | None = None) -> tuple[Mask, Mask] | None:
    """Separate two soles that touch, at the neck between them, where this can be done reliably.

    The distance transform is cut at rising levels until exactly two large cores remain; a watershed from them finds
    the neck. The parts count as soles when they are alike in size, lie side by side (the heel and the ball of one
    sole lie one behind the other), are each as slender as a sole, and the cut is short.

    Parameters
    ----------
    piece : (H, W) bool
        One connected piece.
    settings : SplitSettings, optional
        What the parts must be like.

    Returns
    -------
    tuple of two (H, W) bool, or None
        None when one of these does not hold: then nobody knows where one sole ends.
    """
    chosen = settings or SplitSettings()
    window = bounding_window(piece, margin=1)
    inside = np.pad(piece[window], 1)
    depth = ndimage.distance_transform_edt(inside)
    cores = _two_cores(depth, chosen)
    if cores is None:
        return None
    basins = watershed(-depth, cores, mask=inside)
    parts = [basins == number for number in (1, 2)]
    areas = [int(part.sum()) for part in parts]
    shapes = [aspect_ratio(part) for part in parts]
    centres = [np.argwhere(part).mean(axis=0) for part in parts]
    across = (centres[1] - centres[0]) / max(float(np.linalg.norm(centres[1] - centres[0])), 1e-9)
    beside = all(abs(float(axis @ across)) < chosen.max_alignment for _, axis in shapes)
    lengths = [float(np.ptp(np.argwhere(part) @ axis)) for part, (_, axis) in zip(parts, shapes, strict=True)]
    cut = int((ndimage.binary_dilation(parts[0], _EIGHT_NEIGHBOURS) & parts[1]).sum())
    alike = min(areas) >= chosen.min_ratio * max(areas)
    slender = all(ratio < chosen.max_aspect for ratio, _ in shapes)
    if not (alike and beside and slender and cut <= chosen.max_cut * min(lengths)):
        return None
    whole = [np.zeros(piece.shape, bool) for _ in parts]
    for target, part in zip(whole, parts, strict=True):
        target[window] = part[1:-1, 1:-1]
    return whole[0], whole[1]


def _two_cores(depth: NDArray[np.float64], settings: SplitSettings) -> NDArray[np.int32] | None:
    """Label two large parts of the highest places of a distance transform; None where there never are two."""
    for level in np.linspace(0, 1, settings.levels, endpoint=False) * float(depth.max()):
        labels, count = ndimage.label(depth > level, _EIGHT_NEIGHBOURS)
        if count < 2:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        large = np.flatnonzero(sizes >= settings.min_core * sizes.sum()) + 1
        if len(large) == 2:
            cores = np.zeros(depth.shape, np.int32)
            for number, label in enumerate(large, start=1):
                cores[labels == label] = number
            return cores
    return None


def _fill_holes(mask: Mask, largest: float) -> Mask:
    # The background outside counts as one even where soles touch the border.
    labels, count = ndimage.label(~np.pad(mask, 1))
    if count < 2:
        return mask
    small = np.bincount(labels.ravel()) <= largest
    small[[0, labels[0, 0]]] = False
    filled: Mask = mask | small[labels[1:-1, 1:-1]]
    return filled


def _opened(mask: Mask, radius: float) -> Mask:
    if radius < 1 or not mask.any():
        return mask
    window = bounding_window(mask, margin=2)
    opened = np.zeros_like(mask)
    opened[window] = isotropic_opening(mask[window], radius)
    return opened


def _closed(mask: Mask, radius: float) -> Mask:
    window = bounding_window(mask, margin=int(np.ceil(radius)) + 2)
    closed = np.zeros_like(mask)
    inner = isotropic_closing(mask[window], radius) if radius >= 1 else mask[window]
    closed[window] = ndimage.binary_fill_holes(inner)
    return closed


def _join_parts(pieces: list[Mask], labels: NDArray[np.int32], parts: list[int], reach: float) -> list[int]:
    """Add each part to the nearest piece within `reach`, in place; return the parts that found one."""
    if not pieces or not parts:
        return []
    distances = [ndimage.distance_transform_edt(~piece) for piece in pieces]
    kept = []
    for part in parts:
        places = labels == part
        gaps = [float(distance[places].min()) for distance in distances]
        nearest = int(np.argmin(gaps))
        if gaps[nearest] <= reach:
            pieces[nearest] |= places
            kept.append(part)
    return kept
