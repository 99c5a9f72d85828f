"""From a file to its pixels: every usual format and depth, upright, and a clear refusal of everything else."""

from __future__ import annotations

import logging
import struct
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from prismseg.base import DataError, DataNotFoundError
from prismseg.data.images.codecs import PILLOW_READS, lacks_codec, missing_codec
from prismseg.data.images.pnm import PNM_MAGIC, decode_pnm, read_pnm_header
from prismseg.data.images.source import DecodedImage, FilePart, Purpose, Source, file_of
from prismseg.data.images.volumes import decode_volume, is_volume

MAX_PIXELS = 150_000_000  # below the size at which Pillow takes an image for an attack

_PNG_DEPTH_OFFSET = 24
_NPY_MAGIC = b"\x93NUMPY"
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ALPHA_MODES = {"LA": 1, "PA": 1, "RGBA": 3}  # channels before the alpha

# TIFF 6.0, tags PhotometricInterpretation, ExtraSamples and Orientation.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG = 7  # tag Compression
_ALPHA_SAMPLES = (1, 2)
_ORIENTATIONS = range(1, 9)

# What damaged files make Pillow's decoders raise.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, MemoryError)

# A damaged TIFF is reported once, by our error, and not by a page of log lines before it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class MaskError(DataError):
    """A mask whose pixels can be read, but not as labels; `kind` is the short name of the reason."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def decode(source: Source, purpose: Purpose) -> DecodedImage:
    """Pixels of a file or a part of one, upright and without alpha.

    Parameters
    ----------
    source : Path or FilePart
        PNG, JPEG, WebP, TIFF, BMP, GIF, PPM or NPY; or a part of another kind of file, which decodes itself.
    purpose : {"image", "labels", "colours"}
        What they are wanted for. Labels of a palette image are its indices, else it gives its colours. Of a mask
        (labels or colours) the alpha channel must say nothing that the colours do not say.

    Raises
    ------
    DataError
        Naming the file, when it is missing, empty, truncated, animated, huge, or would lose information.
    MaskError
        When the labels seem to be in the alpha channel.
    """
    path = file_of(source)
    if path.is_symlink() and not path.exists():
        raise DataNotFoundError(f"{path} is a link to {path.readlink()}, which does not exist; restore that file.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; name the images in it.")
    if not path.is_file():
        raise DataNotFoundError(f"There is no file {path}; restore it, or take it out of the list.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes); copy it anew or leave it out.")
    try:
        if isinstance(source, FilePart):
            return source.decode(purpose)
        if is_volume(path):
            return decode_volume(path, purpose)
        if path.suffix.lower() == ".npy":
            return DecodedImage(_decode_npy(path))
        with path.open("rb") as file:
            beginning = file.read(4)
        if beginning[:2] in PNM_MAGIC:
            header = read_pnm_header(path)
            _refuse_huge(path, header.height, header.width)
            return DecodedImage(decode_pnm(path, header))
        is_tiff = beginning in _TIFF_MAGIC
        return _decode_tiff(path, purpose) if is_tiff else _decode_with_pillow(path, purpose)
    except PermissionError as error:
        raise DataError(f"{path} may not be read; change its permissions or leave it out.") from error


def turn_upright(pixels: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Undo an orientation as Exif 2.32 and TIFF 6.0 define it: (H, W, ...) as stored to upright."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels) if orientation != 1 else pixels


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


def _decode_tiff(path: Path, purpose: Purpose) -> DecodedImage:
    try:
        with tifffile.TiffFile(path) as file:
            if len(file.pages) != 1:
                raise _several_frames(path, len(file.pages))
            page = file.pages.first
            # A stack may have one directory for all its images, or layers below each other.
            stored = max(page.imagedepth, file.series[0].size // max(page.size, 1))
            if stored > 1:
                raise _several_frames(path, stored)
            _refuse_huge(path, page.imagelength, page.imagewidth)
            orientation = _tiff_orientation(page)
            try:
                image = _tiff_image(path, page, page.asarray(), purpose)
                return replace(image, pixels=turn_upright(image.pixels, orientation), orientation=orientation)
            except DataError:
                raise
            except (ValueError, ImportError) as error:
                if not lacks_codec(error):
                    raise
                if page.compression not in PILLOW_READS:
                    raise missing_codec(path, page) from error
                if page.samplesperpixel > 1 and np.max(page.bitspersample) > 8:
                    # Pillow would decompress these too, but cut them to 8 bits.
                    raise missing_codec(path, page, "a TIFF of 16 bits a colour") from error
                if file.byteorder == ">" and page.dtype.kind == "f":
                    # Pillow swaps the bytes of compressed big-endian floats twice, and so reads other numbers.
                    raise missing_codec(path, page, "a big-endian TIFF of floats") from error
    except (DataError, PermissionError):
        raise
    except Exception as error:  # tifffile and its codecs raise nearly every type for damaged files
        raise _damaged(path, error) from error
    image = _decode_with_pillow(path, purpose)
    return DecodedImage(image.pixels, orientation, image.palette)


def _tiff_orientation(page: tifffile.TiffPage) -> int:
    tag = page.tags.get("Orientation")
    return int(tag.value) if tag is not None and tag.value in _ORIENTATIONS else 1


def _tiff_image(
    path: Path, page: tifffile.TiffPage, pixels: NDArray[np.generic], purpose: Purpose
) -> DecodedImage:
    # JPEG is decoded to RGB, whatever colours it stores.
    meaning = _RGB if (page.photometric, page.compression) == (_YCBCR, _JPEG) else int(page.photometric)
    if meaning not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE):
        raise _other_colours(path, page.photometric.name)
    if pixels.ndim == 3 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    # Labels of several bits are numbers and no brightness: ImageJ stores its objects as 255 and shows that as black.
    as_stored = meaning == _WHITE_IS_ZERO and purpose == "labels" and pixels.dtype.kind != "b"
    if meaning == _WHITE_IS_ZERO and not as_stored and pixels.dtype.kind in "bu":
        pixels = np.invert(pixels)
    palette = None
    if meaning == _PALETTE:
        # The standard scales colours to 16 bits; some writers leave them at 8.
        shift = 8 if page.colormap.max() > 255 else 0
        palette = np.moveaxis(page.colormap >> shift, 0, -1).astype(np.uint8)
        if purpose != "labels":
            pixels, palette = palette[pixels], None
    if pixels.ndim == 3 and page.extrasamples and int(page.extrasamples[-1]) in _ALPHA_SAMPLES:
        pixels = _without_alpha(path, pixels, purpose)
    return DecodedImage(pixels, palette=palette, white_is_zero=as_stored)


def _decode_with_pillow(path: Path, purpose: Purpose) -> DecodedImage:
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on; the limit here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
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
    with image:
        _refuse_huge(path, image.height, image.width)
        try:
            frames = getattr(image, "n_frames", 1)
            # Phones append a preview or a second view to a JPEG (MPO); the first image is the photograph.
            if frames != 1 and image.format != "MPO":
                raise _several_frames(path, frames)
            if image.format == "PNG":
                _refuse_deep_colour(path)
            image.load()
            # Pillow turns a TIFF upright by itself.
            orientation = 1 if image.format == "TIFF" else _exif_orientation(image)
        except DataError:
            raise
        except _DAMAGE as error:
            raise _damaged(path, error) from error
        pixels, palette = _pixels(path, image, purpose)
    return DecodedImage(turn_upright(pixels, orientation), orientation, palette)


def _exif_orientation(image: Image.Image) -> int:
    try:
        stored = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever a broken block of remarks raises: viewers show such an image as it is stored
        return 1
    return int(stored) if stored in _ORIENTATIONS else 1


def _pixels(
    path: Path, image: Image.Image, purpose: Purpose
) -> tuple[NDArray[np.generic], NDArray[np.uint8] | None]:
    if image.mode in ("P", "PA"):
        if purpose != "labels":
            return np.asarray(image.convert("RGBA"))[..., :3], None
        palette = np.asarray(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        if image.format == "GIF" and (palette == palette[:, :1]).all():
            # Writers of GIF renumber the palette at will; where it is grey, the greys are the labels.
            return np.asarray(image.convert("L")), None
        indices = np.asarray(image)
        return (indices if image.mode == "P" else indices[..., 0]), palette
    if image.mode in _ALPHA_MODES:
        return _without_alpha(path, np.asarray(image), purpose), None
    if image.mode in ("1", "L", "RGB", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image), None
    raise _other_colours(path, image.mode)


def _without_alpha(path: Path, pixels: NDArray[np.generic], purpose: Purpose) -> NDArray[np.generic]:
    """Drop the last channel; that of a mask only where each colour has one transparency."""
    colours, alpha = pixels[..., :-1], pixels[..., -1]
    if purpose != "image" and alpha.min() != alpha.max():
        codes = np.zeros(alpha.shape, np.int64)
        for channel in range(colours.shape[2]):
            codes = (codes << 16) + colours[..., channel].astype(np.int64)
        # A set of pairs in one number each; 64 bits hold three colours and an alpha of 16.
        pairs = np.unique((codes << 16) + alpha.astype(np.int64))
        if pairs.size > np.unique(pairs >> 16).size:
            raise MaskError(
                "labels in the alpha channel",
                f"The labels of the mask {path} seem to be in its alpha channel (transparency), which is not read: "
                "equal colours have different transparency there. Save the mask as a grey image of class indices; "
                "with Pillow: Image.open(name).getchannel('A').save(name).",
            )
    return colours


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
        f"{path} is too large ({size}at most {MAX_PIXELS // 10**6} megapixels are read whole). Cut or scale it "
        "down; predict --shrink segments TIFF and NPY files of any size."
    )


def _several_frames(path: Path, frames: int) -> DataError:
    return DataError(f"{path} holds {frames} images (animation or stack); save the one that is meant.")


def _other_colours(path: Path, mode: str) -> DataError:
    return DataError(
        f"{path} has the colour mode {mode}, which is not read because its conversion would change values; save it "
        "as grey or RGB."
    )


def _damaged(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path} is truncated or damaged ({reason}); copy it anew or leave it out.")
