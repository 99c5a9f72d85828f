"""The report of a session as a PDF, A4."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.output import Target, write_target
from prismseg.monitor.report.pdf import captures, header, temperatures
from prismseg.monitor.report.pdf.provenance import provenance
from prismseg.monitor.report.pdf.signature import signature
from prismseg.monitor.report.pdf.style import BOLD, LINE, MARGIN, PLAIN, SOFT, WARN, printable, register_fonts
from prismseg.monitor.report.words import Words

_FOOT = 13 * mm
_STATE_LINES = 2  # below the foot's first line; long names are set smaller rather than cut off
_USE = Message("Research use only – observations, not diagnoses")


def write_pdf(report: Report, target: Target, language: Language) -> None:
    """Write the report; the same report in the same language gives the same bytes.

    Parameters
    ----------
    report : Report
        What to show.
    target : path or binary file
        Where to write; a path is written whole or not at all.
    language : Language
        Of every word but those that staff wrote.

    Raises
    ------
    OutputError
        When the path cannot be written.
    """
    register_fonts()
    words = Words(language)
    story: list[Flowable] = [
        *header.header(report, words),
        *header.flags(report, words),
        *header.curves(report, words),
        *captures.pictures(report, words),
        *temperatures.tables(report, words),
        *captures.log(report, words),
        *captures.checks(report, words),
        *captures.excluded(report, words),
        *provenance(report, words),
        *signature(report, words),
    ]
    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=14 * mm,
        bottomMargin=19 * mm,
        title=words(Message("Temperature of the soles: {code}", code=report.details.code)),
        author=f"prismseg {report.provenance.application}",
        subject=words(_USE),
        lang=language.code,
        invariant=1,
    )
    box = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("page", box))
    document.build(story, canvasmaker=_numbered(report, words))
    write_target(buffer.getvalue(), target)


def _numbered(report: Report, words: Words) -> Callable[..., Canvas]:
    """Make a canvas that writes on every page what it is, of whom, and which of how many."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._pages: list[dict[str, Any]] = []
            if report.standing.printed_at is not None:
                _date(self, report.standing.printed_at)

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                _foot(self, report, words, number, len(self._pages))
                Canvas.showPage(self)
            Canvas.save(self)

    return Numbered


def _date(canvas: Canvas, moment: datetime) -> None:
    """Let the file say when it was made; the same report says the same."""
    stamp = canvas._doc._timeStamp
    utc = moment.astimezone(UTC)
    stamp.t, stamp.lt = utc.timestamp(), tuple(utc.timetuple())
    stamp.YMDhms, stamp.dhh, stamp.dmm, stamp.tzname = tuple(utc.timetuple())[:6], 0, 0, "UTC"


def _foot(canvas: Canvas, report: Report, words: Words, page: int, pages: int) -> None:
    right = A4[0] - MARGIN
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, _FOOT + 4 * mm, right, _FOOT + 4 * mm)
    canvas.setFont(BOLD, 7.5)
    canvas.setFillColor(WARN)
    canvas.drawString(MARGIN, _FOOT, words(_USE))
    canvas.setFillColor(SOFT)
    _state(canvas, printable(" · ".join(report.standing.sentences(words))), right - MARGIN)
    canvas.setFont(PLAIN, 7.5)
    canvas.setFillColor(SOFT)
    text = words(Message("Page {page} of {pages}", page=page, pages=pages))
    canvas.drawRightString(right, _FOOT, f"{printable(report.details.code)}  ·  {text}")


def _state(canvas: Canvas, text: str, width: float) -> None:
    size = 6.5
    while len(lines := simpleSplit(text, PLAIN, size, width)) > _STATE_LINES:
        size -= 0.5
    canvas.setFont(PLAIN, size)
    for number, line in enumerate(lines):
        canvas.drawString(MARGIN, _FOOT - 4 * mm - number * 2.6 * mm, line)


FORMAT = ReportFormat(
    filename="report.pdf",
    ending=".pdf",
    media_type="application/pdf",
    title=Message("Report (PDF)"),
    write=write_pdf,
)
