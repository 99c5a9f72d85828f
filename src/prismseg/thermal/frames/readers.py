"""Any file to a frame in °C, or a refusal that says why it cannot be measured."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.frames.bitmap import BITMAP_MAGICS, bitmap_frame
from prismseg.thermal.frames.flir import JPEG_MAGIC, check_names, is_radiometric, parse_rjpeg, read_limited
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.frames.matrix import NPY_MAGIC, matrix_frame, read_csv, read_npy
from prismseg.thermal.frames.metadata import collect_metadata

FRAME_SUFFIXES = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".csv", ".tsv", ".npy", ".png", ".bmp"})
_TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".asc"})
_OTHERS = {
    b"FFF\0": Message(
        "a FLIR sequence or bare FFF file; export single frames as radiometric JPEG, or °C as TIFF or CSV"
    ),
    b"AFF\0": Message("a FLIR sequence; export single frames as radiometric JPEG, or °C as TIFF or CSV"),
    b"GIF8": Message("a GIF: a palette picture, not radiometric; export °C as TIFF or CSV"),
    b"PK\x03\x04": Message("an archive or office file; export °C as CSV"),
    b"%PDF": Message("a PDF; export °C as TIFF or CSV"),
}


def read_frame(
    path: str | Path,
    *,
    low: float | None = None,
    high: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    **parameters: float,
) -> Frame:
    """Read one thermal frame in °C; what is not certainly a temperature is refused.

    Parameters
    ----------
    path : path
        A FLIR radiometric JPEG; a TIFF, CSV or NPY matrix of °C, or of counts with `scale` and `offset`; an 8-bit grey
        picture with `low` and `high`. The kind is told by the content, not by the name.
    low, high : float, optional
        Temperatures in °C of black and white of a grey picture. They may also stand in a sidecar ``NAME.json``
        (``{"low": 22.6, "high": 34.0}``) or in the file's name (``sole_22.6to34.0C.png``).
    scale, offset : float, optional
        ``celsius = scale * number + offset`` for counts, kelvin or Fahrenheit; also in the sidecar.
    **parameters
        Any of `Parameters` (``emissivity=0.98``), in place of those in an R-JPEG: the temperatures are computed anew.

    Returns
    -------
    Frame

    Raises
    ------
    DataError
        Naming the file and the reason: a palette picture, kelvin, counts without a scale, a screenshot, truncated …
    ConfigError
        When something stated is impossible, contradicts itself, or cannot apply to this file.
    """
    path = Path(path)
    check_names(parameters)
    data = read_limited(path)
    name = str(path)
    if data.startswith(JPEG_MAGIC) and is_radiometric(data, name):
        return parse_rjpeg(data, name, **parameters).frame()
    if parameters:
        raise ConfigError(
            Message(
                "{path} has no radiometric data, so its temperatures cannot be computed anew with another "
                "{parameters}; leave the option out for this file.",
                path=path,
                parameters=", ".join(parameters),
            )
        )
    for magic, reason in _OTHERS.items():
        if data.startswith(magic):
            raise DataError(Message("{path} is {reason}.", path=path, reason=reason))
    bitmap, matrix = data.startswith(BITMAP_MAGICS), data.startswith(NPY_MAGIC)
    del data
    stated = collect_metadata(path, low=low, high=high, scale=scale, offset=offset)
    if bitmap:
        return bitmap_frame(path, stated)
    if matrix:
        return matrix_frame(name, read_npy(path), stated)
    if path.suffix.lower() in _TEXT_SUFFIXES:
        return matrix_frame(name, read_csv(path), stated)
    raise DataError(
        Message(
            "{path} is none of the kinds that are read (FLIR radiometric JPEG, TIFF, CSV, NPY, grey PNG), or is "
            "damaged at its beginning; export °C as TIFF or CSV.",
            path=path,
        )
    )
