"""Matrices of numbers of TIFF, CSV and NPY files: °C only where that is certain, else a rejection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import ZERO_CELSIUS, Frame, Kind, check_size, reject_constant
from prismseg.thermal.frames.metadata import FrameMetadata
from prismseg.thermal.frames.reader import FrameFile, FrameReader

NPY_MAGIC = b"\x93NUMPY"
_MAX_ARRAY = 2**26  # bytes of an NPY file's array
_LOOKED_AT_FIRST = 1000  # numbers, before all are looked at

# Scales in which cameras write counts that are kelvin: hundredths (Optris, Seek, lepton), FLIR's TLinear, tenths.
_KELVIN_STEPS = {
    0.01: Message("hundredths of a kelvin"),
    0.04: Message("steps of {step:g} K", step=0.04),
    0.015625: Message("64ths of a kelvin (InfiRay, Topdon)"),
    0.1: Message("tenths of a kelvin"),
}


@dataclass(frozen=True)
class UnitHints:
    """Ranges by which numbers in other units than °C are recognised; each is beyond what feet in a room have in °C.

    Attributes
    ----------
    fraction : (float, float)
        Of a scale from 0 to 1.
    kelvin : (float, float)
        K; colder and warmer than any scene with people.
    kelvin_span : float
        Largest span of such a scene, K.
    fahrenheit : (float, float)
        °F of rooms and people, 10 to 52 °C.
    counts : (float, float)
        °C that the median of counts in a step of kelvin may stand for.
    """

    fraction: tuple[float, float] = (0.0, 1.0)
    kelvin: tuple[float, float] = (200.0, 450.0)
    kelvin_span: float = 150.0
    fahrenheit: tuple[float, float] = (50.0, 125.0)
    counts: tuple[float, float] = (-60.0, 150.0)


_HINTS = UnitHints()


def matrix_frame(source: str, values: NDArray[np.generic], metadata: FrameMetadata) -> Frame:
    """Make a frame of a matrix of numbers.

    Parameters
    ----------
    source : str
        For messages.
    values : (H, W) array
        °C as floating point, or anything for which `metadata` gives a scale.
    metadata : FrameMetadata
        What is known about the file.

    Raises
    ------
    DataError
        When the numbers are not certainly °C: counts, kelvin, Fahrenheit, fractions, all equal, mostly NaN.

    Examples
    --------
    >>> counts = np.linspace(29500, 30500, 4800).astype(np.uint16).reshape(60, 80)
    >>> matrix_frame("a.tiff", counts, FrameMetadata(scale=(0.01, -273.15))).kind
    'counts'
    """
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim == 3:
        raise DataError(
            Message(
                "{source} holds an array of shape {shape}, a stack of frames or a colour picture; save one frame "
                "of °C a file.",
                source=source,
                shape=values.shape,
            )
        )
    check_size(source, values.shape)
    if values.dtype.kind not in "uif":
        raise DataError(
            Message(
                "{source} holds values of the type {type}; save °C as real numbers.",
                source=source,
                type=values.dtype,
            )
        )
    with np.errstate(all="ignore"):
        numbers = values.astype(np.float64)
        known = np.isfinite(numbers)
        finite = numbers if known.all() else numbers[known]
        reject_constant(source, finite)
        if metadata.scale is None and finite.size:
            _refuse_doubtful(source, finite)
        del finite
        if metadata.scale is not None:
            numbers *= metadata.scale[0]
            numbers += metadata.scale[1]
        celsius = numbers.astype(np.float32)
    kind: Kind = "matrix" if metadata.scale is None else "counts"
    return Frame(celsius, metadata.time, source, metadata.parameters, kind, metadata.camera)


def _refuse_doubtful(source: str, finite: NDArray[np.float64]) -> None:
    """Raise where the numbers look like anything but °C."""
    low, high = float(finite.min()), float(finite.max())
    known: dict[str, Any] = {"source": source, "low": low, "high": high}
    if _whole(finite.reshape(-1)[:_LOOKED_AT_FIRST]) and _whole(finite):
        sentences = [
            Message(
                "{source} holds values from {low:g} to {high:g}, all whole: raw counts or grey levels without a scale.",
                **known,
            ),
            *_kelvin_hints(finite),
            Message("State scale and offset (celsius = scale·number + offset; 1 and 0 if they are °C)."),
        ]
        raise DataError(Message.joined(sentences))
    if _HINTS.fraction[0] <= low and high <= _HINTS.fraction[1]:
        raise DataError(
            Message(
                "{source} holds values from {low:g} to {high:g}: fractions of a scale, not °C. State scale and offset "
                "(high - low, and low).",
                **known,
            )
        )
    if _HINTS.kelvin[0] <= low and high <= _HINTS.kelvin[1] and high - low <= _HINTS.kelvin_span:
        raise DataError(
            Message(
                "{source} holds values from {low:g} to {high:g}, which looks like kelvin. State scale 1 and offset "
                "-273.15 if it is, or 1 and 0 if it is °C.",
                **known,
            )
        )
    if _HINTS.fahrenheit[0] <= low and high <= _HINTS.fahrenheit[1]:
        raise DataError(
            Message(
                "{source} holds values from {low:g} to {high:g}, which looks like Fahrenheit. State scale 0.55556 and "
                "offset -17.7778 if it is, or 1 and 0 if it is °C.",
                **known,
            )
        )


def _whole(numbers: NDArray[np.float64]) -> bool:
    return bool((numbers == np.rint(numbers)).all())


def _kelvin_hints(finite: NDArray[np.float64]) -> list[Message]:
    middle = float(np.median(finite))
    for step, name in _KELVIN_STEPS.items():
        if _HINTS.counts[0] <= middle * step - ZERO_CELSIUS <= _HINTS.counts[1]:
            return [
                Message(
                    "They may be {name}: then the scale is {step:g} and the offset -273.15.", name=name, step=step
                )
            ]
    return []


def read_npy(path: str | Path) -> NDArray[np.generic]:
    """Read the array of an NPY file.

    Raises
    ------
    DataError
        When it is damaged, huge or holds Python objects.
    """
    try:
        stored = np.load(path, allow_pickle=False, mmap_mode="r")
    except Exception as error:  # the header is parsed as Python code, so damage there raises nearly every type
        raise DataError(
            Message(
                "{path} is truncated or damaged ({error}); write it with numpy.save.",
                path=path,
                error=_first_line(error),
            )
        ) from error
    if stored.ndim == 2:
        check_size(str(path), stored.shape)
    if stored.ndim > 3 or stored.nbytes > _MAX_ARRAY:
        raise DataError(
            Message(
                "{path} holds an array of shape {shape}; save one frame (H, W) a file.",
                path=path,
                shape=stored.shape,
            )
        )
    return np.array(stored)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def _read_npy_frame(file: FrameFile) -> Frame:
    return matrix_frame(str(file.path), read_npy(file.path), file.metadata)


NPY_READER = FrameReader(_read_npy_frame, suffixes=(".npy",), magics=(NPY_MAGIC,))
