"""Any file to a frame in °C, or a refusal that says why it cannot be measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.frames.foreign.kind import Specimen, identify
from prismseg.thermal.frames.frame import Frame, check_parameter_names
from prismseg.thermal.frames.listing.choice import split_choice
from prismseg.thermal.frames.metadata import collect_metadata
from prismseg.thermal.frames.reader import FRAME_READERS, FrameFile, FrameReader, read_head


def read_frame(
    path: str | Path,
    *,
    low: float | None = None,
    high: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    polarity: str | None = None,
    **parameters: float,
) -> Frame:
    """Read one thermal frame in °C; what is not certainly a temperature is refused.

    Parameters
    ----------
    path : str or Path
        A file of one of the kinds in `FRAME_READERS`: a FLIR radiometric JPEG; a TIFF, CSV or NPY matrix of °C, or of
        counts with `scale` and `offset`; an 8-bit grey picture with `low` and `high`. The kind is recognised by the
        content, not by the name. One frame of a film is ``film.seq#120``.
    low, high : float, optional
        Temperatures in °C of black and white of a grey picture. They may also stand in a sidecar ``NAME.json``
        (``{"low": 22.6, "high": 34.0}``) or in the file's name (``sole_22.6to34.0C.png``).
    scale, offset : float, optional
        ``celsius = scale * number + offset`` for counts, kelvin or Fahrenheit; also in the sidecar.
    polarity : {"white-hot", "black-hot"}, optional
        Which end of a grey picture is warm; also in the sidecar. Where nobody says, white is, and the frame notes that.
    **parameters
        Any of `Parameters` (``emissivity=0.98``), in place of those in an R-JPEG: the temperatures are recomputed.

    Returns
    -------
    Frame

    Raises
    ------
    DataError
        Naming the file and the reason: a palette picture, kelvin, counts without a scale, a screenshot, truncated …
    ConfigError
        When something stated is impossible, contradicts itself, or cannot apply to this file.

    Examples
    --------
    >>> import numpy as np
    >>> path = "sole.npy"
    >>> np.save(path, np.linspace(22.0, 31.5, 4800).reshape(60, 80))
    >>> frame = read_frame(path)
    >>> frame.size, frame.span
    ((60, 80), (22.0, 31.5))
    """
    check_parameter_names(parameters)
    whole, choice = split_choice(path)
    head = read_head(whole)
    file = FrameFile(whole, head, parameters=parameters, number=_number(whole, choice))
    reader = find_reader(file, by_content=True)
    if choice is not None and (reader is None or reader.list_times is None):
        raise ConfigError(
            Message(
                "{path} is no file of several frames; leave {choice} out.", path=whole, choice=repr(f"#{choice}")
            )
        )
    if reader is not None and reader.computes_celsius:
        return reader.read(file)
    specimen = Specimen(whole)
    foreign = identify(specimen)
    if foreign is not None:
        raise DataError(
            Message(
                "{path} is {what}. {remedy}.", path=path, what=foreign.describe(specimen), remedy=foreign.remedy
            )
        )
    if parameters:
        raise ConfigError(
            Message(
                "{path} has no radiometric data, so its temperatures cannot be computed anew with another "
                "{parameters}; leave the option out for this file.",
                path=path,
                parameters=", ".join(parameters),
            )
        )
    metadata = collect_metadata(whole, low=low, high=high, scale=scale, offset=offset, polarity=polarity)
    reader = reader or find_reader(file, by_content=False)
    if reader is None:
        raise DataError(
            Message(
                "{path} is not a thermal frame of a known kind, or is damaged at its beginning. Export °C as TIFF or "
                "CSV.",
                path=path,
            )
        )
    return reader.read(replace(file, metadata=metadata))


def find_reader(file: FrameFile, *, by_content: bool) -> FrameReader | None:
    """Find what reads a file, by its first bytes or else by its suffix; None where nothing does."""
    return next((each for each in FRAME_READERS.values() if each.accepts(file, by_content=by_content)), None)


def _number(path: Path, choice: str | None) -> int | None:
    if choice is None:
        return None
    if not choice.isdecimal():
        raise ConfigError(
            Message(
                "{path}#{choice} chooses several frames; one is read at a time, such as {path}#0. find_frames lists "
                "them.",
                path=path,
                choice=choice,
            )
        )
    return int(choice)
