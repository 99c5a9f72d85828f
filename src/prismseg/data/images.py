"""Image and mask files: every usual format and depth, and a clear refusal of everything else."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from prismseg.base import DataError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy", ".bmp"})
MAX_PIXELS = 150_000_000  # below the size at which Pillow takes a picture for an attack

_PNG_DEPTH_OFFSET = 24
_ALPHA = {2: 1, 4: 3}


def read_image(path: str | Path) -> NDArray[np.generic]:
    """Read an image file.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF, BMP or NPY; grey, RGB, palette or with alpha (which is dropped); 8 or 16 bits, or
        floating point.

    Returns
    -------
    (H, W, C) array
        uint8, uint16 or float32.

    Raises
    ------
    DataError
        Naming the file, when it is missing, empty, truncated, animated, larger than 150 megapixels, or of a kind
        that would lose information.
    """
    path = Path(path)
    pixels = _decode(path, as_mask=False)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or 0 in pixels.shape:
        raise DataError(f"{path} holds an array of shape {pixels.shape}; an image has height, width and channels.")
    if pixels.shape[2] in _ALPHA and path.suffix.lower() != ".npy":
        pixels = pixels[..., : _ALPHA[pixels.shape[2]]]
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * 255
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels
    if np.issubdtype(pixels.dtype, np.floating):
        return pixels.astype(np.float32)
    if np.issubdtype(pixels.dtype, np.integer) and pixels.min() >= 0 and pixels.max() <= 65535:
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
    if labels.ndim == 3 and labels.shape[2] in (1, 2, 3, 4):
        colours = labels[..., : _ALPHA.get(labels.shape[2], labels.shape[2])]
        if (colours != colours[..., :1]).any():
            raise DataError(
                f"The mask {path} is a colour picture. Save it as a palette or grey image whose values are class "
                "indices (0 background, 1, 2 …)."
            )
        labels = colours[..., 0]
    if labels.ndim != 2 or 0 in labels.shape:
        raise DataError(f"The mask {path} has shape {labels.shape}; a mask has height and width.")
    if np.issubdtype(labels.dtype, np.floating) and not (np.isfinite(labels).all() and (labels % 1 == 0).all()):
        raise DataError(f"The mask {path} holds fractions or NaN; a mask holds whole class indices.")
    return labels.astype(np.int64)


def image_size(path: str | Path) -> tuple[int, int]:
    """Height and width of an image or mask file, from its header where the format has one."""
    path = Path(path)
    _require_content(path)
    if path.suffix.lower() in (".tif", ".tiff", ".npy"):
        height, width = _decode(path, as_mask=True).shape[:2]
        return height, width
    with _open(path) as picture:
        return picture.height, picture.width


def _require_content(path: Path) -> None:
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); copy it anew or leave it out.")


def _decode(path: Path, *, as_mask: bool) -> NDArray[np.generic]:
    _require_content(path)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return _decode_npy(path)
    if suffix in (".tif", ".tiff"):
        return _decode_tiff(path)
    with _open(path) as picture:
        if suffix == ".png":
            _refuse_deep_colour(path)
        try:
            picture.load()
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            raise _damaged(path, error) from error
        return _pixels(path, picture, as_mask=as_mask)


def _decode_npy(path: Path) -> NDArray[np.generic]:
    try:
        header: NDArray[np.generic] = np.load(path, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(path, error) from error
    if header.ndim < 2:
        raise DataError(f"{path} holds an array of shape {header.shape}; an image has height and width.")
    _refuse_huge(path, header.shape[0], header.shape[1])
    return np.array(header)


def _decode_tiff(path: Path) -> NDArray[np.generic]:
    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) != 1:
                raise _several_frames(path, len(file.pages))
            page = file.pages.first
            _refuse_huge(path, page.imagelength, page.imagewidth)
            pixels: NDArray[np.generic] = page.asarray()
    except DataError:
        raise
    except Exception as error:  # tifffile and its codecs raise nearly every type for damaged files
        raise _damaged(path, error) from error
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (1, 2, 3, 4):
        pixels = np.moveaxis(pixels, 0, -1)
    return pixels


def _open(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on; the limit here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path)
    except Image.DecompressionBombError as error:
        raise _huge(path, str(error)) from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{path} is not an image that can be read, or is damaged at its beginning; copy it anew, or convert it "
            "to PNG or TIFF."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(path, error) from error
    _refuse_huge(path, picture.height, picture.width)
    frames = getattr(picture, "n_frames", 1)
    if frames != 1:
        raise _several_frames(path, frames)
    return picture


def _pixels(path: Path, picture: Image.Image, *, as_mask: bool) -> NDArray[np.generic]:
    if picture.mode == "P" and not as_mask:
        picture = picture.convert("RGB")
    if picture.mode == "1":
        picture = picture.convert("L") if not as_mask else picture
    if picture.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "F") or picture.mode.startswith("I;16"):
        return np.asarray(picture)
    raise DataError(
        f"{path} has the colour mode {picture.mode}, which is not read because its conversion would change values; "
        "save it as grey or RGB."
    )


def _refuse_deep_colour(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(_PNG_DEPTH_OFFSET + 2)
    if len(header) == _PNG_DEPTH_OFFSET + 2 and header[_PNG_DEPTH_OFFSET] == 16 and header[-1] in (2, 4, 6):
        raise DataError(
            f"{path} is a PNG of 16 bits a colour, which would be cut to 8 in reading. Save it as a 16-bit TIFF or "
            "NPY, or as an 8-bit PNG."
        )


def _refuse_huge(path: Path, height: int, width: int) -> None:
    if height * width > MAX_PIXELS:
        raise _huge(path, f"{height} x {width} pixels")


def _huge(path: Path, size: str) -> DataError:
    return DataError(
        f"{path} is too large ({size}; at most {MAX_PIXELS // 10**6} megapixels are read). Cut or scale it down."
    )


def _several_frames(path: Path, frames: int) -> DataError:
    return DataError(f"{path} holds {frames} pictures (animation or stack); save the one that is meant.")


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path} is truncated or damaged ({reason}); copy it anew or leave it out.")
