"""A matrix of numbers in a text, and the lines above and below it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, Message
from prismseg.thermal.frames.frame import MAX_PIXELS, MIN_SIDE, check_size
from prismseg.thermal.frames.text.stacks import refuse_stacked, refuse_unparted

_MAX_LINES, _MAX_LINE = 2**16, 2**20  # lines, and characters of a line
_SAMPLE = 64  # lines by which delimiter and width are found
_BLANK = ' \t;,"\ufeff'  # a line of these holds nothing
_DELIMITERS = ("\t", ";", ",", None)  # None: blanks


@dataclass(frozen=True, eq=False)
class TextTable:
    """What a text file of numbers holds.

    Attributes
    ----------
    values : (H, W) float64 array
        The matrix, without numbers of rows and columns.
    headings : list of list of str
        Cells of the lines above and below it.
    """

    values: NDArray[np.float64]
    headings: list[list[str]]


@dataclass(frozen=True)
class _Row:
    """One line: its numbers behind at most one label, None where it is no row of numbers."""

    numbers: list[float] | None
    labelled: bool = False


def parse_table(path: Path, text: str) -> TextTable:
    """Find the matrix in a text.

    Numbers are separated by commas, semicolons, tabs or blanks. The decimal mark is a point or, unless commas separate
    the numbers, a comma. A label may stand before each row. Rows and columns may be numbered where both are, or where
    the file has headings.

    Parameters
    ----------
    path : Path
        The file, for messages.
    text : str
        Its content, with lines that end in a line feed.

    Raises
    ------
    DataError
        When there is no matrix, its rows differ in length, there are several, or a numbering may be a temperature.
    """
    if text.count("\n") > 2 * _MAX_LINES:
        raise DataError(
            Message(
                "{path} has more lines than a frame has rows; save one frame a file, a row of °C a line.",
                path=path,
            )
        )
    lines, parts = [], [0]
    for line in text.split("\n"):
        if line.strip(_BLANK):
            lines.append(line)
        elif parts[-1] < len(lines):
            parts.append(len(lines))  # a blank line parts what is before it from what follows
    if not lines:
        raise DataError(Message("{path} holds no numbers; export the frame again.", path=path))
    if max(map(len, lines)) > _MAX_LINE:
        raise DataError(
            Message(
                "{path} has a line of more than {most} characters; save a row of °C a line.",
                path=path,
                most=_MAX_LINE,
            )
        )
    delimiter, width = _layout(lines)
    if width * len(lines) > MAX_PIXELS:
        check_size(str(path), (len(lines), width))
    rows = [_row(line, delimiter) for line in lines]
    first, last = _block(path, lines, rows, width, delimiter)
    refuse_stacked(path, first, last, parts)
    outside = [*lines[:first], *lines[last:]]
    headings = [_heading_cells(line, delimiter) for line in outside]
    _refuse_names(path, headings[:first], width)
    values = np.array([row.numbers for row in rows[first:last]], dtype=np.float64)
    check_size(str(path), values.shape)
    refuse_unparted(path, values)
    if delimiter == ",":
        _refuse_parted_decimals(path, lines[first:last], values)
    values = _without_numbering(
        path, values, headed=bool(outside) or any(row.labelled for row in rows[first:last])
    )
    return TextTable(values, headings)


def looks_like_table(text: str) -> bool:
    r"""Tell whether the beginning of a text holds rows of numbers as wide as a frame.

    Examples
    --------
    >>> looks_like_table("Emissivity;0.95\n" + "21.5;22;23;24;22;21;22;23\n" * 9), looks_like_table("Left foot cold.")
    (True, False)
    """
    lines = [line for line in text.split("\n") if line.strip()]
    return bool(lines) and _layout(lines)[1] >= MIN_SIDE


def _layout(lines: Sequence[str]) -> tuple[str | None, int]:
    """Find the delimiter, and how many numbers rows have: those that give most numbers in lines of one length."""
    step = max(1, len(lines) // _SAMPLE)
    sample = [*lines[::step], lines[-1]]
    best: tuple[int, str | None, int] = (-1, None, 0)
    for delimiter in _DELIMITERS:
        widths = Counter(len(row.numbers) for line in sample if (row := _row(line, delimiter)).numbers)
        for width, count in widths.items():
            score = width * count if width >= MIN_SIDE else 0
            if score > best[0]:
                best = (score, delimiter, width)
    return best[1], best[2]


def _cells(line: str, delimiter: str | None) -> list[str]:
    if delimiter is None:
        return line.split()
    if '"' in line:
        try:
            return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
        except (csv.Error, StopIteration):
            return [line]
    return [cell.strip() for cell in line.split(delimiter)]


def _heading_cells(line: str, delimiter: str | None) -> list[str]:
    """Cells of a heading, which may be parted by another mark than the rows, and holds blanks in its words."""
    marks = [mark for mark in (delimiter, "\t", ";") if mark is not None and mark in line]
    # A comma behind a colon is a decimal mark.
    if not marks and "," in line.replace("=", ":").split(":")[0]:
        marks = [","]
    return _cells(line, marks[0]) if marks else [line.strip()]


def _row(line: str, delimiter: str | None) -> _Row:
    cells = _cells(line, delimiter)
    while cells and not cells[-1]:
        cells.pop()
    if not cells or "_" in line:  # Python takes 1_0 for 10
        return _Row(None)
    numbers = _numbers(cells)
    if numbers is not None:
        return _Row(numbers)
    behind = _numbers(cells[1:]) if len(cells) > MIN_SIDE else None
    return _Row(behind, labelled=behind is not None)


def _numbers(cells: Sequence[str]) -> list[float] | None:
    try:
        return [float(cell.replace(",", ".")) for cell in cells]
    except ValueError:
        return None


def _block(
    path: Path, lines: Sequence[str], rows: Sequence[_Row], width: int, delimiter: str | None
) -> tuple[int, int]:
    """Find the first line of the matrix, and the one behind its last."""
    fitting = [number for number, row in enumerate(rows) if row.numbers is not None and len(row.numbers) == width]
    if width < MIN_SIDE:
        # No row is as wide as a frame: a matrix that is too small, or text.
        if len(fitting) == len(rows):
            check_size(str(path), (len(rows), width))
        mark = next((mark for mark in "\t;," if mark in lines[0]), None)
        words = next((cell for line in lines for cell in _cells(line, mark) if _numbers([cell]) is None), lines[0])
        raise _no_matrix(path, Message("{words} is no number", words=repr(words[:40])))
    first, last = fitting[0], fitting[-1] + 1
    gap = sorted(set(range(first, last)) - set(fitting))
    if gap:
        row = rows[gap[0]]
        if row.numbers is None and len(fitting) > MIN_SIDE and _is_heading(lines[gap[0]], width, delimiter):
            raise DataError(
                Message(
                    "{path} holds several frames, with text between them (line {line}); export one frame a file.",
                    path=path,
                    line=gap[0] + 1,
                )
            )
        found = "words" if row.numbers is None else str(len(row.numbers))
        raise _no_matrix(
            path,
            Message(
                "most rows have {width} columns, line {line} has {found}",
                width=width,
                line=gap[0] + 1,
                found=found,
            ),
        )
    for number in (*range(first), *range(last, len(rows))):
        cells = [_numbers([cell]) for cell in _cells(lines[number], delimiter) if cell]
        numbers = [cell[0] for cell in cells if cell is not None]
        cut = number >= last and len(numbers) == len(cells) > 1  # a last row that broke off
        if (cut or len(numbers) >= max(MIN_SIDE, width / 2)) and not _numbering(np.array(numbers)):
            raise _no_matrix(
                path,
                Message(
                    "most rows have {width} columns, line {line} has {found}",
                    width=width,
                    line=number + 1,
                    found=len(numbers),
                ),
            )
    return first, last


def _refuse_parted_decimals(path: Path, lines: Sequence[str], values: NDArray[np.float64]) -> None:
    """Refuse 22,5,23,1: numbers with decimal commas between commas, which would be 22, 5, 23 and 1."""
    behind = values[:, 1::2]
    if values.shape[1] % 2 or (values % 1).any() or behind.min() < 0:
        return
    zeros = any(
        cell.strip()[:1] == "0" and len(cell.strip()) > 1 for line in lines for cell in line.split(",")[1::2]
    )
    if zeros or (behind.max() < 10 and values[:, ::2].min() >= 10):
        raise _no_matrix(path, Message("decimal commas cannot be told from the commas between numbers"))


def _is_heading(line: str, width: int, delimiter: str | None) -> bool:
    return len(_cells(line, delimiter)) < width / 2 or delimiter is None


def _no_matrix(path: Path, reason: Message) -> DataError:
    return DataError(
        Message(
            "{path} is not a matrix of numbers ({reason}); keep one row of °C a line, headings above them.",
            path=path,
            reason=reason,
        )
    )


def _refuse_names(path: Path, headings: Sequence[Sequence[str]], width: int) -> None:
    """Columns that have names are a table of measurements, not the pixels of a picture."""
    if not headings:
        return
    named = [cell for cell in headings[-1] if cell and _numbers([cell]) is None]
    if len(named) >= MIN_SIDE and len(named) >= width / 2 and not _are_column_labels(named):
        raise _no_matrix(path, Message("its columns have names, such as {name}", name=repr(named[0][:40])))


def _are_column_labels(names: Sequence[str]) -> bool:
    """Whether names differ only by a rising number, as in X1, X2, X3, or are a spreadsheet's letters."""
    numbers = ["".join(character for character in name if character.isdigit()) for name in names]
    if all(numbers):
        counted = [int(number) for number in numbers]
        return all(after - before == 1 for before, after in pairwise(counted))
    return False


def _without_numbering(path: Path, values: NDArray[np.float64], *, headed: bool) -> NDArray[np.float64]:
    """Tables exported with row or column numbers would put 0, 1, 2 … among the temperatures."""
    by_row, by_column = _numbering(values[:, 0]), _numbering(values[0])
    if by_row and not (headed or by_column):
        raise DataError(
            Message("The first column of {path} is a numbering, not °C; save the matrix without it.", path=path)
        )
    if by_column and not (headed or by_row):
        raise DataError(
            Message("The first row of {path} is a numbering, not °C; save the matrix without it.", path=path)
        )
    kept = values[int(by_column) :, int(by_row) :]
    check_size(str(path), kept.shape)
    return kept


def _numbering(line: NDArray[np.float64]) -> bool:
    """Whether whole numbers rise or fall by equal steps; what is before them may be a corner."""
    numbers = line[1:]
    steps = np.diff(numbers)
    return bool(steps.size) and bool(steps[0]) and bool(((steps == steps[0]) & (numbers[1:] % 1 == 0)).all())
