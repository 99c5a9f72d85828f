"""Image and mask files: every usual format and depth, and a clear refusal of everything else."""

from __future__ import annotations

import logging
import struct
import warnings
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from prismseg.base import DataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".bmp", ".gif"})
MAX_PIXELS = 150_000_000  # below the size at which Pillow takes a picture for an attack

_PNG_DEPTH_OFFSET = 24
_NPY_MAGIC = b"\x93NUMPY"
_ALPHA_MODES = {"LA": 1, "RGBA": 3}  # channels before the alpha

# TIFF 6.0, tags PhotometricInterpretation and ExtraSamples.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_ALPHA_SAMPLES = (1, 2)

# What damaged files make Pillow's decoders raise.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, MemoryError)

# A damaged TIFF is reported once, by our error, and not by a page of log lines before it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


def read_image(path: str | Path) -> NDArray[np.generic]:
    """Read an image file.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF, BMP, GIF or NPY; grey, RGB, palette (read as its colours) or with alpha (which is dropped);
        8 or 16 bits, or floating point such as temperatures in °C.

    Returns
    -------
    (H, W, C) array
        uint8, uint16 or float32.

    Raises
    ------
    DataError
        Naming the file, when it is missing, empty, truncated, animated, larger than 150 megapixels (found before
        anything is decompressed), or of a kind that would lose information.
    """
    path = Path(path)
    pixels = _decode(path, as_mask=False)
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


def read_mask(path: str | Path) -> NDArray[np.int64]:
    """Read the labels of a mask file as they are stored; palette images give their indices.

    Returns
    -------
    (H, W) int64 array

    Raises
    ------
    DataError
        Naming the file, when it cannot be read or holds colours or fractions instead of labels.
    """
    path = Path(path)
    labels = _decode(path, as_mask=True)
    if labels.ndim == 3 and labels.shape[2] in (1, 3):
        if (labels != labels[..., :1]).any():
            raise DataError(
                f"The mask {path} is a colour picture. Save it as a palette or grey image whose values are class "
                "indices (0 background, 1, 2 …)."
            )
        labels = labels[..., 0]
    if labels.ndim != 2 or 0 in labels.shape:
        raise DataError(
            f"The mask {path} has shape {labels.shape}; a mask has height and width, with a class index a pixel."
        )
    if np.issubdtype(labels.dtype, np.floating) and not (np.isfinite(labels).all() and (labels % 1 == 0).all()):
        raise DataError(
            f"The mask {path} holds fractions or NaN; a mask holds whole class indices. Threshold it and save it anew."
        )
    return labels.astype(np.int64)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of an image or mask file; the same errors as `read_mask` but for its values."""
    height, width = _decode(Path(path), as_mask=True).shape[:2]
    return height, width


def _decode(path: Path, *, as_mask: bool) -> NDArray[np.generic]:
    """Pixels (H, W) or (H, W, C) without alpha."""
    if not path.is_file():
        raise DataError(f"There is no file {path}; restore it, or take it out of the list.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); copy it anew or leave it out.")
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return _decode_npy(path)
        if suffix in (".tif", ".tiff"):
            return _decode_tiff(path, as_mask=as_mask)
        return _decode_picture(path, as_mask=as_mask)
    except PermissionError as error:
        raise DataError(f"{path} may not be read; change its permissions or leave it out.") from error


def _decode_npy(path: Path) -> NDArray[np.generic]:
    with path.open("rb") as file:
        if file.read(len(_NPY_MAGIC)) != _NPY_MAGIC:
            raise DataError(
                f"{path} is not an NPY file, or is damaged at its beginning; write it with numpy.save."
            )
    try:
        stored: NDArray[np.generic] = np.load(path, allow_pickle=False, mmap_mode="r")
    except PermissionError:
        raise
    except Exception as error:  # the header is parsed as Python code, so damage there raises nearly every type
        raise _damaged(path, error) from error
    if stored.ndim < 2:
        raise DataError(f"{path} holds an array of shape {stored.shape}; an image has height and width.")
    if stored.dtype.kind not in "buif":
        raise DataError(f"{path} holds values of the type {stored.dtype}; save whole or real numbers instead.")
    _refuse_huge(path, stored.shape[0], stored.shape[1])
    return np.array(stored)


def _decode_tiff(path: Path, *, as_mask: bool) -> NDArray[np.generic]:
    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) != 1:
                raise _several_frames(path, len(file.pages))
            page = file.pages.first
            _refuse_huge(path, page.imagelength, page.imagewidth)
            try:
                return _tiff_pixels(path, page, page.asarray(), as_mask=as_mask)
            except ValueError as error:
                if "imagecodecs" not in str(error):
                    raise
                deep_colour = page.samplesperpixel > 1 and np.max(page.bitspersample) > 8
                # Pillow swaps the bytes of compressed big-endian floats twice, and so reads other numbers.
                swapped = file.byteorder == ">" and page.dtype.kind == "f"
                compression = page.compression.name
    except (DataError, PermissionError):
        raise
    except Exception as error:  # tifffile and its codecs raise nearly every type for damaged files
        raise _damaged(path, error) from error
    if deep_colour:
        # Pillow would decompress these too, but cut them to 8 bits.
        raise DataError(
            f"{path} is a TIFF of 16 bits a colour with {compression} compression, which is not read. Save it "
            "uncompressed or with deflate, or install the package imagecodecs."
        )
    if swapped:
        raise DataError(
            f"{path} is a big-endian TIFF of floats with {compression} compression, which is not read. Save it "
            "uncompressed or with deflate, or install the package imagecodecs."
        )
    return _decode_picture(path, as_mask=as_mask)


def _tiff_pixels(
    path: Path, page: tifffile.TiffPage, pixels: NDArray[np.generic], *, as_mask: bool
) -> NDArray[np.generic]:
    meaning = int(page.photometric)
    if meaning not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE):
        raise _other_colours(path, page.photometric.name)
    if pixels.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    if meaning == _WHITE_IS_ZERO and pixels.dtype.kind in "bu":
        pixels = np.invert(pixels)
    if meaning == _PALETTE and not as_mask:
        # The standard scales colours to 16 bits; some writers leave them at 8.
        shift = 8 if page.colormap.max() > 255 else 0
        pixels = np.moveaxis(page.colormap >> shift, 0, -1).astype(np.uint8)[pixels]
    if pixels.ndim == 3 and page.extrasamples and int(page.extrasamples[-1]) in _ALPHA_SAMPLES:
        pixels = pixels[..., :-1]
    return pixels


def _decode_picture(path: Path, *, as_mask: bool) -> NDArray[np.generic]:
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on; the limit here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
    except PermissionError:
        raise
    except Image.DecompressionBombError as error:
        raise _huge(path) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not an image that can be read, or is damaged at its beginning; copy it anew, or convert it "
            "to PNG or TIFF."
        ) from error
    except _DAMAGE as error:
        raise _damaged(path, error) from error
    with picture:
        _refuse_huge(path, picture.height, picture.width)
        try:
            frames = getattr(picture, "n_frames", 1)
            # Phones append a preview or a second view to a JPEG (MPO); the first picture is the photograph.
            if frames != 1 and picture.format != "MPO":
                raise _several_frames(path, frames)
            if picture.format == "PNG":
                _refuse_deep_colour(path)
            picture.load()
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        return _pixels(path, picture, as_mask=as_mask)


def _pixels(path: Path, picture: Image.Image, *, as_mask: bool) -> NDArray[np.generic]:
    if picture.mode == "P" and as_mask and picture.format == "GIF" and _is_grey(picture):
        # Writers of GIF renumber the palette at will; where it is grey, the greys are the labels.
        return np.asarray(picture.convert("L"))
    if picture.mode == "P" and not as_mask:
        return np.asarray(picture.convert("RGBA"))[..., :3]
    if picture.mode in _ALPHA_MODES:
        return np.asarray(picture)[..., : _ALPHA_MODES[picture.mode]]
    if picture.mode in ("1", "L", "P", "RGB", "I", "F") or picture.mode.startswith("I;16"):
        return np.asarray(picture)
    raise _other_colours(path, picture.mode)


def _is_grey(picture: Image.Image) -> bool:
    palette = np.asarray(picture.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _refuse_deep_colour(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(_PNG_DEPTH_OFFSET + 2)
    if header[_PNG_DEPTH_OFFSET] == 16 and header[-1] in (2, 4, 6):
        raise DataError(
            f"{path} is a PNG of 16 bits a colour, which would be cut to 8 in reading. Save it as a 16-bit TIFF or "
            "NPY, or as an 8-bit PNG."
        )


def _refuse_huge(path: Path, height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise _huge(path, f"{height} x {width} pixels; ")


def _huge(path: Path, size: str = "") -> DataError:
    return DataError(
        f"{path} is too large ({size}at most {MAX_PIXELS // 10**6} megapixels are read). Cut or scale it down."
    )


def _several_frames(path: Path, frames: int) -> DataError:
    return DataError(f"{path} holds {frames} pictures (animation or stack); save the one that is meant.")


def _other_colours(path: Path, mode: str) -> DataError:
    return DataError(
        f"{path} has the colour mode {mode}, which is not read because its conversion would change values; save it "
        "as grey or RGB."
    )


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path} is truncated or damaged ({reason}); copy it anew or leave it out.")
