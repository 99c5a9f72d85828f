"""Image and mask files as arrays: pixels of images, labels or colours of masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError
from prismseg.data.images.decoding import MaskError, decode
from prismseg.data.images.source import DecodedImage, FilePart, Source
from prismseg.data.images.volumes import VOLUME_SUFFIXES

IMAGE_SUFFIXES = VOLUME_SUFFIXES | {
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".npy", ".bmp", ".gif", ".ppm", ".pgm",
}  # fmt: skip


def read_image(path: str | Source) -> NDArray[np.generic]:
    """Read an image file.

    Parameters
    ----------
    path : path or FilePart
        PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, NPY, or NIfTI and DICOM of one image; grey, RGB, palette (read as its
        colours) or with alpha (which is dropped); 8 or 16 bits, or floating point such as temperatures in °C. An image
        that is stored turned or mirrored and says so (Exif or TIFF orientation) is turned upright.

    Returns
    -------
    (H, W, C) array
        uint8, uint16 or float32.

    Raises
    ------
    DataError
        Naming the file, when it is missing, empty, truncated, animated, larger than 150 megapixels (found before
        anything is decompressed), or of a kind that would lose information.

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "frame.npy"
    >>> np.save(path, np.full((4, 6), 31.5))
    >>> read_image(path).shape, read_image(path).dtype
    ((4, 6, 1), dtype('float32'))
    """
    path = path if isinstance(path, FilePart) else Path(path)
    return image_pixels(path, decode(path, "image"))


def image_pixels(path: Source, decoded: DecodedImage) -> NDArray[np.generic]:
    """Pixels (H, W, C) of the image `decoded` that was read from `path`; the errors are those of `read_image`."""
    pixels = decoded.pixels
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise DataError(
            f"{path} holds an array of shape {pixels.shape}; an image has height, width and perhaps channels. Save "
            "one image a file, channels last."
        )
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if np.issubdtype(pixels.dtype, np.floating):
        return pixels.astype(np.float32)
    if pixels.min() >= 0 and pixels.max() <= 65535:
        return pixels.astype(np.uint16)
    raise DataError(
        f"{path} holds {pixels.dtype} values from {pixels.min()} to {pixels.max()}; images have 8 or 16 unsigned bits, "
        "or floating point. Convert it to one of these."
    )


def read_mask(path: str | Source) -> NDArray[np.int64]:
    """Read the labels of a mask file as they are stored, upright; palette images give their indices.

    Returns
    -------
    (H, W) int64 array

    Raises
    ------
    DataError
        Naming the file, when it cannot be read or holds colours or fractions instead of labels (`MaskError`).

    Examples
    --------
    >>> from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "mask.npy"
    >>> np.save(path, np.eye(3, dtype=bool))
    >>> read_mask(path)[0]
    array([1, 0, 0])
    """
    path = path if isinstance(path, FilePart) else Path(path)
    return mask_labels(path, decode(path, "labels"))


def mask_labels(path: Source, decoded: DecodedImage) -> NDArray[np.int64]:
    """Labels (H, W) of the mask `decoded` that was read from `path`; the errors are those of `read_mask`."""
    labels = decoded.pixels
    if labels.ndim == 3 and labels.shape[2] in (1, 3):
        if (labels != labels[..., :1]).any():
            raise MaskError(
                "colour mask",
                f"The mask {path} is a colour image. Say which colour is which class (--colours MAPFILE, see the "
                "page on data), or save it as a grey or palette image whose values are class indices (0 background, "
                "1, 2 …).",
            )
        labels = labels[..., 0]
    if labels.ndim != 2 or 0 in labels.shape:
        raise DataError(
            f"The mask {path} has shape {labels.shape}; a mask has height and width, with a class index a pixel."
        )
    if np.issubdtype(labels.dtype, np.floating) and not (np.isfinite(labels).all() and (labels % 1 == 0).all()):
        raise MaskError(
            "fractions in a mask",
            f"The mask {path} holds fractions or NaN; a mask holds whole class indices. Threshold it and save it anew.",
        )
    return labels.astype(np.int64)


def read_colours(path: str | Source) -> NDArray[np.int64]:
    """Read the colours of a mask file, upright.

    Returns
    -------
    (H, W) int64 array
        ``65536 * red + 256 * green + blue`` of each pixel.

    Raises
    ------
    DataError
        Naming the file, when it cannot be read or does not hold colours of 8 bits.
    """
    path = path if isinstance(path, FilePart) else Path(path)
    return mask_colours(path, decode(path, "colours"))


def mask_colours(path: Source, decoded: DecodedImage) -> NDArray[np.int64]:
    """Colours (H, W) of the mask `decoded` that was read from `path`; the errors are those of `read_colours`."""
    pixels = decoded.pixels
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.dtype == np.bool_:
        pixels = pixels.astype(np.uint8) * 255
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.dtype != np.uint8:
        raise DataError(
            f"The mask {path} has shape {pixels.shape} and values of the type {pixels.dtype}, which are no colours of "
            "8 bits. Save it as an 8-bit PNG."
        )
    red, green, blue = (pixels[..., channel % pixels.shape[2]].astype(np.int64) for channel in range(3))
    return (red << 16) + (green << 8) + blue
