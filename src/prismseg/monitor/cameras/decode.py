"""Raw frames of USB cameras to °C: 16-bit counts of a Lepton, double frames of a TC001. No device, only bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message
from prismseg.monitor.cameras.protocol import CameraError
from prismseg.thermal.frames.frame import ZERO_CELSIUS

Celsius = NDArray[np.float32]
Counts = NDArray[np.uint16]

# A room with a patient; any mistake in scale, byte order or layout is far outside.
USUAL_MEDIAN = (0.0, 50.0)
# Between the 1st and the 99th percentile, °C. A closed shutter shows less, bare soles on a bed show 5 to 10.
LEAST_SPAN = 0.25

CENTIKELVIN, DECIKELVIN = 0.01, 0.1  # the two steps of a Lepton's TLinear mode
TC001_STEP = 1 / 64  # kelvin

# Lines that telemetry adds (FLIR Lepton Engineering Datasheet, "Telemetry"): 3 packets of 80 words, or 4 on a Lepton 3.
_TELEMETRY_LINES = {80: 3, 160: 2}
_STATUS_WORDS = slice(3, 5)
_FFC_IN_PROGRESS = 2  # in bits 4 and 5 of the status


def decode_y16(
    buffer: bytes, width: int, height: int, scale: float = CENTIKELVIN, offset: float = -ZERO_CELSIUS
) -> Celsius:
    """Decode 16-bit counts, low byte first, with or without a Lepton's telemetry lines above or below.

    Parameters
    ----------
    buffer : bytes
        One frame.
    width, height : int
        Of the picture without telemetry, pixels.
    scale, offset : float
        ``celsius = scale * count + offset``; kelvin in hundredths by default, as TLinear gives it.

    Returns
    -------
    (height, width) float32
        Temperatures, °C.

    Raises
    ------
    CameraError
        For another number of bytes, during a shutter calibration, and for values that are no temperatures of a room.
    """
    lines = _TELEMETRY_LINES.get(width, 0)
    for extra in dict.fromkeys((0, lines)):
        if len(buffer) == 2 * width * (height + extra):
            counts = np.frombuffer(buffer, "<u2").reshape(height + extra, width)
            return _celsius(_without_telemetry(counts, extra) if extra else counts, scale, offset)
    raise _wrong_size(buffer, 2 * width * height)


def decode_double(buffer: bytes, width: int = 256, height: int = 384) -> Celsius:
    """Decode a double frame: a picture to look at above, temperatures in 1/64 K (16 bits, low byte first) below.

    Parameters
    ----------
    buffer : bytes
        One frame.
    width, height : int
        Of both halves together, pixels of 16 bits.

    Returns
    -------
    (height / 2, width) float32
        Temperatures, °C.

    Raises
    ------
    CameraError
        As `decode_y16`.
    """
    if len(buffer) != 2 * width * height:
        raise _wrong_size(buffer, 2 * width * height)
    return _celsius(np.frombuffer(buffer, "<u2").reshape(height, width)[height // 2 :], TC001_STEP, -ZERO_CELSIUS)


@dataclass(frozen=True)
class Format:
    """How one make of camera sends its frames.

    Attributes
    ----------
    title : str
        Make and model.
    sizes : tuple of (int, int)
        Widths and heights of raw frames, in pixels of 16 bits; the first is asked for.
    fourcc : str
        Four letters of the pixel format.
    decode : callable
        From the bytes of one raw frame to °C.
    """

    title: str
    sizes: tuple[tuple[int, int], ...]
    fourcc: str
    decode: Callable[[bytes], Celsius]


def _decode_lepton(buffer: bytes, scale: float) -> Celsius:
    for width, height in ((160, 120), (80, 60)):
        if len(buffer) in (2 * width * height, 2 * width * (height + _TELEMETRY_LINES[width])):
            return decode_y16(buffer, width, height, scale)
    raise _wrong_size(buffer, 2 * 160 * 120)


_LEPTON_SIZES = ((160, 120), (80, 60), (160, 122), (80, 63))
FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "lepton": Format(
            "FLIR Lepton, PureThermal (0.01 K)",
            _LEPTON_SIZES,
            "Y16 ",
            lambda buffer: _decode_lepton(buffer, CENTIKELVIN),
        ),
        "lepton-low": Format(
            "FLIR Lepton, PureThermal (0.1 K)",
            _LEPTON_SIZES,
            "Y16 ",
            lambda buffer: _decode_lepton(buffer, DECIKELVIN),
        ),
        "tc001": Format("TOPDON TC001, InfiRay P2 Pro", ((256, 384),), "YUYV", decode_double),
    }
)


def _wrong_size(buffer: bytes, expected: int) -> CameraError:
    return CameraError(
        Message(
            "The camera sent a frame of {found} bytes where {expected} are usual. Check that it is the thermal camera "
            "and that its kind is right.",
            found=len(buffer),
            expected=expected,
        )
    )


def _without_telemetry(counts: Counts, extra: int) -> Counts:
    """Cut the telemetry off, at whichever end it is: most of its words are 0, which no temperature is."""
    above, below = counts[:extra], counts[-extra:]
    empty_above, empty_below = (int((lines == 0).sum()) for lines in (above, below))
    if empty_above == empty_below:
        raise CameraError(
            Message(
                "The frame has {lines} lines too many, and they are not the telemetry of a Lepton. Check the camera's "
                "kind, or switch telemetry off.",
                lines=extra,
            )
        )
    telemetry, picture = (above, counts[extra:]) if empty_above > empty_below else (below, counts[:-extra])
    # Firmware and drivers disagree on the order of the two words; in the wrong one these bits are reserved and 0.
    if _FFC_IN_PROGRESS in (telemetry.ravel()[_STATUS_WORDS] >> 4) & 3:
        raise CameraError(Message("The camera is calibrating with its shutter closed; wait a second."))
    return picture


def _celsius(counts: Counts, scale: float, offset: float) -> Celsius:
    if not counts.size or bool((counts == counts.flat[0]).all()):
        raise CameraError(
            Message(
                "The camera sends one value in every pixel: it is starting or its shutter is closed. Wait a few seconds; "
                "if it stays, unplug it and plug it in again."
            )
        )
    celsius = counts * scale + offset
    low, median, high = np.percentile(celsius, (1, 50, 99))
    if not USUAL_MEDIAN[0] <= median <= USUAL_MEDIAN[1]:
        raise CameraError(
            Message(
                "The camera's values would be about {median:.0f} °C, which no room with a patient has. If it was just "
                "plugged in, wait a few seconds; otherwise check its kind, and that it sends temperatures (TLinear on).",
                median=float(median),
            )
        )
    if high - low < LEAST_SPAN:
        raise CameraError(
            Message(
                "The camera sees the same temperature everywhere: its shutter is closed or its lens covered. Take the "
                "cap off, point it at the soles, and wait a few seconds."
            )
        )
    return celsius.astype(np.float32)
