"""Counts of the detector in FLIR's records: plain, as a PNG, or as JPEG-LS in films; and °C of each."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError, Message
from prismseg.thermal.frames.flir.container import byte_order, truncated
from prismseg.thermal.frames.frame import MIN_FINITE, PLAUSIBLE_CELSIUS, Parameters, check_size
from prismseg.thermal.frames.radiometry import Calibration, to_celsius

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
JPEG_LS_MAGIC = b"\xff\xd8\xff\xf7"  # begin of picture and of a frame of JPEG-LS (ISO/IEC 14495-1)
IMAGE_HEADER = 32  # of a record with an image: byte order, width, height, and more
# So many times smoother must one byte order make the counts to be certain.
_SMOOTHER = 2


def tabulate_celsius(calibration: Calibration, parameters: Parameters) -> NDArray[np.float32]:
    """Tabulate °C of each of the 65,536 possible counts: quicker than the formula for every pixel, and small."""
    celsius = to_celsius(np.arange(2**16), calibration, parameters)
    celsius[~((celsius >= PLAUSIBLE_CELSIUS[0]) & (celsius <= PLAUSIBLE_CELSIUS[1]))] = np.nan
    return celsius.astype(np.float32)


def share_in_range(table: NDArray[np.float32]) -> Callable[[NDArray[np.uint16]], float]:
    """Make a function that tells which share of counts has a temperature in a table of `tabulate_celsius`."""
    finite = np.isfinite(table)
    return lambda counts: float(finite[counts].mean())


def read_counts(record: bytes, name: str, share: Callable[[NDArray[np.uint16]], float]) -> NDArray[np.uint16]:
    """Read the counts of the record of the raw image, in the byte order that gives a picture.

    The PNG standard has the high byte first, most cameras write the low byte first, and nothing tells: the wrong order
    puts the noisy low byte on top, so that neighbours differ by thousands, and leaves the camera's range.
    """
    if len(record) < IMAGE_HEADER:
        raise truncated(name, Message("the detector's counts"))
    width, height = (int(value) for value in np.frombuffer(record, f"{byte_order(record)}u2", 2, offset=2))
    check_size(name, (height, width))
    content = record[IMAGE_HEADER:]
    if content.startswith(PNG_MAGIC):
        stored = _read_png(content, (height, width), name)
    elif content.startswith(JPEG_LS_MAGIC):
        stored = read_jpeg_ls(content, (height, width), name)
    elif len(content) >= 2 * width * height:
        stored = np.frombuffer(content, "<u2", width * height).reshape(height, width).astype(np.uint16)
    else:
        what = Message(
            "{bytes} bytes for {height} x {width} counts", bytes=len(content), height=height, width=width
        )
        raise truncated(name, what)
    smooth, rough = sorted((stored, stored.byteswap()), key=_roughness)
    likely = (smooth,) if _SMOOTHER * _roughness(smooth) < _roughness(rough) else (smooth, rough)
    counts = next((counts for counts in likely if share(counts) >= MIN_FINITE), None)
    if counts is None:
        raise DataError(
            Message(
                "{file} holds counts that are outside its own calibration; it is damaged, or of a layout that is not "
                "known. Export °C as TIFF or CSV.",
                file=name,
            )
        )
    return counts


def _roughness(counts: NDArray[np.uint16]) -> float:
    """Compute the mean difference of neighbours along the rows, counts."""
    return float(np.abs(np.diff(counts.astype(np.int32), axis=1)).mean())


def _read_png(content: bytes, size: tuple[int, int], name: str) -> NDArray[np.uint16]:
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as picture:
            if picture.size != size[::-1] or not picture.mode.startswith("I;16"):
                what = Message(
                    "counts as a PNG of {size} pixels and mode {mode}", size=picture.size, mode=picture.mode
                )
                raise truncated(name, what)
            return np.asarray(picture).astype(np.uint16)
    except DataError:
        raise
    except Exception as error:  # damaged PNGs make Pillow raise nearly every type
        raise truncated(name, Message("counts as a PNG: {error}", error=error)) from error


def read_jpeg_ls(content: bytes, size: tuple[int, int], name: str) -> NDArray[np.uint16]:
    """Decode counts that are compressed as JPEG-LS, as in CSQ files.

    Raises
    ------
    DataError
        When the package that decodes them is missing, or they are damaged.
    """
    try:
        import jpeg_ls
    except ImportError as error:
        raise DataError(
            Message(
                "{file} is compressed as JPEG-LS (a CSQ film), for which a package is missing: pip install "
                "'prismseg[csq]'.",
                file=name,
            )
        ) from error
    try:
        counts = np.asarray(jpeg_ls.decode(np.frombuffer(content, np.uint8)))
    except Exception as error:  # the decoder raises plain exceptions, and NumPy's where it allocates
        raise truncated(name, Message("counts as JPEG-LS: {error}", error=error)) from error
    if counts.shape != size or counts.dtype != np.uint16:
        what = Message("counts as JPEG-LS of shape {shape} and type {type}", shape=counts.shape, type=counts.dtype)
        raise truncated(name, what)
    return counts
