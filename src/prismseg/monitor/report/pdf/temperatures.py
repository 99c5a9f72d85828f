"""Tables of the report: means and changes by side and territory over time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Spacer

from prismseg.base import Message
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.pictures import LETTERS
from prismseg.monitor.report.pdf.style import (
    CELL,
    CELL_STRONG,
    SMALL,
    SOFT,
    heading,
    p,
    ruled,
)
from prismseg.monitor.report.words import Words
from prismseg.thermal import SIDES, WHOLE_SOLE, Entry, Side, Value
from prismseg.thermal.sessions.changes import find_estimate

_ACROSS = 6  # regions: the whole sole and the territories; all others below
Reader = Callable[[Entry, str], Value]


def tables(report: Report, words: Words) -> Iterable[Flowable]:
    """Show means of both soles, then their changes and the difference of these, with 95 % intervals."""
    session = report.session
    if not session.measured:
        return
    sides = SIDES if session.feet == "both" else (session.feet,)
    means: list[tuple[str, Reader]] = [(words.word(side), _mean(side)) for side in sides]
    yield from heading(words(Message("Mean temperature, °C, with 95 % intervals")), 2 * len(session.measured))
    column, names = words(Message("Minute") if report.timed else Message("No.")), _names(report, words)
    measured = [(names[id(entry)], entry) for entry in session.measured]
    yield from _tables(measured, column, means, session.regions, words, sign=False)
    later = [(name, entry) for name, entry in measured if entry is not session.baseline]
    if session.baseline is None or not later:
        return
    changes: list[tuple[str, Reader]] = [(words.word(side), _change(report, side)) for side in sides]
    apart = "{} − {}".format(*(words(LETTERS[side]) for side in reversed(SIDES)))
    if len(sides) > 1:
        changes.append((apart, session.difference))
    yield from heading(words(Message("Change since the baseline, °C, with 95 % intervals")), 3 * len(later))
    yield from _tables(later, column, changes, session.regions, words, sign=True)
    if len(sides) == 1:
        return
    yield Spacer(0, 1 * mm)
    yield p(f"{apart}: {words(Message('right minus left'))}", SMALL)


def _names(report: Report, words: Words) -> dict[int, str]:
    """Name entries by their minutes; before the test dose by the numbers of their captures."""
    return {
        id(entry): words.minute(entry.minute) if report.timed else f"#{facts.number}"
        for entry, facts in zip(report.session.entries, report.captures, strict=True)
    }


def _mean(side: Side) -> Reader:
    def read(entry: Entry, region: str) -> Value:
        estimate = find_estimate(entry, side, region)
        return Value() if estimate is None else Value(estimate.mean, estimate.error)

    return read


def _change(report: Report, side: Side) -> Reader:
    return lambda entry, region: report.session.delta(entry, side, region)


def _tables(
    entries: Sequence[tuple[str, Entry]],
    column: str,
    readers: list[tuple[str, Reader]],
    regions: Sequence[str],
    words: Words,
    *,
    sign: bool,
) -> Iterable[Flowable]:
    """Set so many regions side by side as a page has room for, and the others below."""
    for start in range(0, len(regions), _ACROSS):
        if start:
            yield Spacer(0, 2 * mm)
        yield _table(entries, column, readers, regions[start : start + _ACROSS], words, sign=sign)


def _table(
    entries: Iterable[tuple[str, Entry]],
    column: str,
    readers: list[tuple[str, Reader]],
    regions: Sequence[str],
    words: Words,
    *,
    sign: bool,
) -> Flowable:
    head = [column, words(Message("Side")), *(words.word(region) for region in regions)]
    rows = [[p(text, CELL_STRONG) for text in head]]
    starts = []
    for place, entry in entries:
        starts.append(len(rows))
        for number, (name, read) in enumerate(readers):
            first = p(place if number == 0 else "", CELL_STRONG)
            values = [
                p(words.measured(read(entry, region), sign=sign), CELL_STRONG if region == WHOLE_SOLE else CELL)
                for region in regions
            ]
            rows.append([first, p(name, CELL), *values])
    lines = [("LINEABOVE", (0, start), (-1, start), 0.6, SOFT) for start in starts]
    # The rows of one capture stay on one page.
    together = [("NOSPLIT", (0, start), (0, end - 1)) for start, end in pairwise([*starts, len(rows)])]
    return ruled(rows, (9, 12, *(14,) * len(regions)), *lines, *together)
