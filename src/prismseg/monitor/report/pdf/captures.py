"""The captures: their pictures, what staff and checks said of them, and the ones that were excluded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, Flowable, Spacer, Table

from prismseg.base import Message
from prismseg.monitor.languages.flag_texts import caveat_of, title_of
from prismseg.monitor.report.content import Report, ReportedCapture
from prismseg.monitor.report.pdf.pictures import LETTERS, Picture, Scale, temperature_scale
from prismseg.monitor.report.pdf.style import CAUTION, CELL, CELL_STRONG, HEAD, SMALL, WIDTH, heading, p, ruled
from prismseg.monitor.report.words import NOTHING, Words
from prismseg.monitor.sessions.details import ORIGIN_LABELS
from prismseg.thermal import SIDES, WHOLE_SOLE, Entry
from prismseg.thermal.sessions.flags.flag import QUALITY_SOURCE

_GAP = 4 * mm
_FEW = 6  # captures for which pictures are larger


def paired(report: Report) -> Iterator[tuple[Entry, ReportedCapture]]:
    """Give each entry of the session with the facts of its capture."""
    yield from zip(report.session.entries, report.captures, strict=True)


def pictures(report: Report, words: Words) -> Iterable[Flowable]:
    """Show every capture in the same colours, and say why one has no numbers."""
    if not report.captures:
        return
    scale = temperature_scale(report.session)
    across = 3 if len(report.captures) <= _FEW else 4
    width = (WIDTH - (across - 1) * _GAP) / across
    cells: list[list[Flowable]] = [
        [Picture(entry, scale, width, words), Spacer(0, 1.2 * mm), *_caption(report, entry, facts, words)]
        for entry, facts in paired(report)
    ]
    rows: list[list[Any]] = [cells[start : start + across] for start in range(0, len(cells), across)]
    rows[-1] += [""] * (across - len(rows[-1]))
    yield CondPageBreak(90 * mm)
    yield p(words(Message("Captures")), HEAD)
    yield Scale(scale, words)
    said = Message(
        "Colours from {low:g} to {high:g} °C, the same in all pictures; what lies beyond has the colour of the end. "
        "Left and right are the patient's.",
        low=scale[0],
        high=scale[1],
    )
    yield p(words(said), SMALL)
    yield Spacer(0, 2 * mm)
    yield Table(
        rows,
        colWidths=[*[width + _GAP] * (across - 1), width],
        hAlign="LEFT",
        style=[
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-2, -1), _GAP),
            ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 8),
        ],
    )


def log(report: Report, words: Words) -> Iterable[Flowable]:
    """List status, pain, cold test, outline and remark of every capture."""
    if not report.captures:
        return
    head = (
        Message("No."),
        Message("Minute"),
        Message("Status"),
        Message("Pain"),
        Message("Cold L / R"),
        Message("Outline"),
        Message("Remark"),
    )
    rows = [[p(words(text), CELL_STRONG) for text in head]]
    for entry, facts in paired(report):
        said = facts.remarks
        cold = [None if each is None else words.word(each) for each in (said.cold_left, said.cold_right)]
        texts = (
            f"#{facts.number}  {words.time(facts.taken_at)}",
            words.minute(report.minute(entry)),
            words(entry.status)
            + (f" ({words(Message('baseline t0'))})" if entry is report.session.baseline else ""),
            NOTHING if said.pain is None else str(said.pain),
            NOTHING if cold == [None, None] else " / ".join(each or NOTHING for each in cold),
            origin(facts, words),
            said.note,
        )
        rows.append([p(text, CELL) for text in texts])
    yield from heading(words(Message("Pain and cold test")), len(rows))
    yield ruled(rows, (11, 9, 18, 8, 18, 25, 21))


def checks(report: Report, words: Words) -> Iterable[Flowable]:
    """List what the checks of the recording said of each capture."""
    rows = [
        [p(f"#{facts.number}", CELL), p(_minute(report, entry, words), CELL), p(words(each.sentence), CELL)]
        for entry, facts in paired(report)
        for each in entry.observations
    ]
    if not rows:
        return
    yield from heading(words(title_of("quality")), len(rows))
    yield ruled(rows, (6, 10, 84), head=False)
    yield Spacer(0, 1 * mm)
    source = f"{words(Message('Source'))}: {words(QUALITY_SOURCE)}. {words(caveat_of('quality'))}"
    yield p(source, SMALL)


def excluded(report: Report, words: Words) -> Iterable[Flowable]:
    """List captures that were excluded, by whom and why; the store keeps them."""
    if not report.excluded:
        return
    lines: list[Flowable] = []
    for gone in report.excluded:
        text = Message(
            "#{number} was excluded by {name}, {time}: {reason}",
            number=gone.number,
            name=gone.excluded_by or NOTHING,
            time=words.moment(gone.excluded_at),
            reason=gone.reason,
        )
        lines.append(p(words(text), CELL))
    yield p(words(Message("Excluded captures")), HEAD)
    yield from lines


def origin(facts: ReportedCapture, words: Words) -> str:
    """Say who drew the outline that counts, and when."""
    if facts.mask_origin == "edited" and facts.edited_at is not None:
        return words(
            Message(
                "outline edited by {name}, {time}",
                name=facts.edited_by or NOTHING,
                time=words.moment(facts.edited_at),
            )
        )
    return words(ORIGIN_LABELS[facts.mask_origin])


def _minute(report: Report, entry: Entry, words: Words) -> str:
    text = words.minute(report.minute(entry))
    return f"{text} min" if report.timed else text


def _caption(report: Report, entry: Entry, facts: ReportedCapture, words: Words) -> Iterable[Flowable]:
    minute = f" · {_minute(report, entry, words)}" if report.timed else ""
    when = f"#{facts.number}{minute} · {words.time(facts.taken_at)}"
    if entry is report.session.baseline:
        when += " · t0"
    yield p(when, CELL_STRONG)
    if entry.ok:
        means = (
            f"{words(LETTERS[side])} {words.number(entry.estimates[side][WHOLE_SOLE].mean)}"
            for side in SIDES
            if side in entry.estimates
        )
        yield p(f"{' · '.join(means)} °C", SMALL)
    else:
        yield p(f"{words(Message('no numbers'))}: {words(entry.status)}. {words(entry.reason)}", CAUTION)
    if facts.mask_origin != "automatic":
        yield p(origin(facts, words), SMALL)
