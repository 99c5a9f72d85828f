"""Writing of FLIR FFF files and films (SEQ, CSQ), for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, Message, write_bytes
from prismseg.thermal.frames.flir.writer import TYPICAL_PARAMETERS, frame_records, stream_of
from prismseg.thermal.frames.frame import Parameters
from prismseg.thermal.frames.radiometry import TYPICAL_CALIBRATION, Calibration


def write_fff(
    path: str | Path,
    celsius: NDArray[np.floating],
    *,
    times: Sequence[datetime] | None = None,
    calibration: Calibration = TYPICAL_CALIBRATION,
    parameters: Parameters = TYPICAL_PARAMETERS,
    camera: str = "prismseg",
    high_byte_first: bool = False,
    jpeg_ls: bool = False,
) -> Path:
    """Write temperatures as a FLIR FFF file or film that this package and others read.

    Parameters
    ----------
    path : path
        The file; cameras call one frame ``.fff``, a film ``.seq``, one compressed as JPEG-LS ``.csq``.
    celsius : (H, W) or (N, H, W) array
        Temperatures in °C of one frame, or of the frames of a film.
    times : sequence of datetime, optional
        When each was taken.
    calibration, parameters, camera
        As `write_rjpeg` takes them.
    high_byte_first : bool
        Byte order of records and counts.
    jpeg_ls : bool
        Compress the counts as JPEG-LS, for which the package pyjpegls is needed.

    Raises
    ------
    ConfigError
        When a parameter is missing, a temperature or a time cannot be stored, or there are not as many times as frames.
    DataError
        When a frame is no picture.

    Examples
    --------
    >>> from prismseg.thermal import read_frame
    >>> film = write_fff("film.seq", np.linspace(20, 34, 14400).reshape(3, 60, 80))
    >>> read_frame("film.seq#2").size
    (60, 80)
    """
    frames = np.asarray(celsius, dtype=np.float64)
    frames = frames[np.newaxis] if frames.ndim == 2 else frames
    if times is not None and len(times) != len(frames):
        raise ConfigError(
            Message("{frames} frames and {times} times were given.", frames=len(frames), times=len(times))
        )
    streams = []
    for number, frame in enumerate(frames):
        records = frame_records(
            str(path),
            frame,
            calibration,
            parameters,
            time=None if times is None else times[number],
            camera=camera,
            order=">" if high_byte_first else "<",
            encoding="jpeg-ls" if jpeg_ls else "plain",
        )
        streams.append(stream_of(records))
    return write_bytes(path, b"".join(streams))
