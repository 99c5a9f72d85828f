"""Text files of temperatures: matrices, and exports of cameras' programs with headings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import Frame, Parameters, find_implausible
from prismseg.thermal.frames.matrix import matrix_frame
from prismseg.thermal.frames.plausible import possible_parameters
from prismseg.thermal.frames.reader import FrameFile, FrameReader, read_limited
from prismseg.thermal.frames.text.decode import decode_text
from prismseg.thermal.frames.text.headings import Heading, parse_headings, to_celsius_scale
from prismseg.thermal.frames.text.table import looks_like_table, parse_table

_MAX_BYTES = 16 * 2**20  # text takes several times its size in memory while it is parsed
_HEAD_BYTES = 2**16  # by which a text file in a folder is recognised
_UNIT_NAMES = {"c": "°C", "f": "°F", "k": "K"}


def read_text(file: FrameFile) -> Frame:
    """Read a text file: CSV, TSV or TXT of °C, with or without headings.

    Parameters, unit, time and camera in headings are taken; a sidecar goes before them. Impossible parameters are left
    out and doubted.

    Raises
    ------
    DataError
        When it is no text, holds no matrix or several, or its numbers are not certainly °C.
    """
    table = parse_table(file.path, decode_text(file.path, read_limited(file.path, _MAX_BYTES)))
    heading = parse_headings(table.headings)
    metadata = file.metadata
    if metadata.scale is None:
        _refuse_other_units(file.path, heading)
    converted = metadata.scale is None and heading.unit is not None
    if converted and heading.unit is not None:
        metadata = replace(metadata, scale=to_celsius_scale(heading.unit))
    frame = matrix_frame(str(file.path), table.values, metadata)
    stated = metadata.parameters.to_dict()
    own, impossible = possible_parameters(heading.parameters, stated)
    doubts = [*impossible, *find_implausible(Parameters(**own))]
    notes = [Message("doubtful: {what}", what=doubt) for doubt in doubts]
    if heading.unit in ("f", "k"):
        notes.append(Message("converted from {unit}, as its heading says", unit=_UNIT_NAMES[heading.unit]))
    return replace(
        frame,
        time=frame.time or heading.time,
        camera=frame.camera or heading.camera,
        parameters=Parameters(**(own | stated)),
        kind="matrix" if converted else frame.kind,
        notes=(*frame.notes, *notes, *heading.notes),
        doubts=tuple(doubts),
    )


def _refuse_other_units(path: Path, heading: Heading) -> None:
    """Temperatures in °F or K without a word on the matrix: it may be in the same. Or its unit is none of temperature."""
    if heading.unit is None and heading.unknown_unit is not None:
        raise DataError(
            Message(
                "{path} states the unit {unit}, which is not °C, °F or K; export temperatures, or state scale and "
                "offset (°C: 1 and 0).",
                path=path,
                unit=repr(heading.unknown_unit[:40]),
            )
        )
    if heading.unit is None and heading.parameter_units - {"c"}:
        units = ", ".join(_UNIT_NAMES[unit] for unit in sorted(heading.parameter_units))
        raise DataError(
            Message(
                "{path} has parameters in {units} and does not say in which unit its matrix is. State scale and offset "
                "(°F: 0.55556 and -17.7778; K: 1 and -273.15; °C: 1 and 0).",
                path=path,
                units=units,
            )
        )


def _looks_like_frame(file: FrameFile) -> bool:
    try:
        with file.path.open("rb") as stream:
            return looks_like_table(decode_text(file.path, stream.read(_HEAD_BYTES)))
    except (OSError, DataError):
        return False


READER = FrameReader(
    read_text,
    suffixes=(".csv", ".tsv"),
    unlisted_suffixes=(".txt", ".asc", ".dat"),
    recognises=_looks_like_frame,
)
