"""The report of a session as a PDF, A4."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from prismseg.base import Message
from prismseg.monitor.flag_texts import CAVEATS, TITLES, threshold_of, value_of
from prismseg.monitor.languages import Language
from prismseg.monitor.outcome import flags_of
from prismseg.monitor.records import FIELDS, CaptureFacts, Report
from prismseg.monitor.report.figures import CURVES, SCALE, draw_curves, draw_picture, draw_scale, scale_of
from prismseg.thermal import REGIONS, SIDES, Entry, Value
from prismseg.thermal.changes import estimate_of
from prismseg.thermal.uncertainty import Z95

_KEY = Message(
    "Bands: 95 % intervals. Dotted: threshold of warming. Territories are a template laid over the sole."
)
_FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_INK, _SOFT, _LINE, _WARN = (colors.HexColor(text) for text in ("#10161f", "#47536a", "#c4ccd8", "#7a4b00"))
_WARN_GROUND = colors.HexColor("#fff0d1")
_MARGIN = 16 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_ACROSS = 3

_TEXT = ParagraphStyle("text", fontName=_PLAIN, fontSize=8.5, leading=12, textColor=_INK)
_SMALL = ParagraphStyle("small", parent=_TEXT, fontSize=7, leading=9.5, textColor=_SOFT)
_CELL = ParagraphStyle("cell", parent=_TEXT, fontSize=7.5, leading=10)
_STRONG = ParagraphStyle("strong", parent=_TEXT, fontName=_BOLD)
_TITLE = ParagraphStyle("title", parent=_TEXT, fontName=_BOLD, fontSize=16, leading=20)
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName=_BOLD, fontSize=11, leading=15, spaceBefore=8, spaceAfter=3)


def write_pdf(report: Report, target: IO[bytes], language: Language) -> None:
    """Write the report; the same report gives the same bytes.

    Parameters
    ----------
    report : Report
        What to show.
    target : binary file
        Where to write.
    language : Language
        Of every word but those that staff wrote.
    """
    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))
    story: list[Flowable] = [
        *_header(report, language),
        *_flags(report, language),
        *_curves(report, language),
        *_pictures(report, language),
        *_table(report, language),
        *_statements(report, language),
        *_provenance(report, language),
    ]
    document = BaseDocTemplate(
        target,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=14 * mm,
        bottomMargin=18 * mm,
        title=f"{report.details.code} – prismseg",
        author=f"prismseg {report.provenance.application}",
        invariant=1,
    )
    box = Frame(document.leftMargin, document.bottomMargin, document.width, document.height, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate("page", box))
    document.build(story, canvasmaker=_numbered(report, language))


def _numbered(report: Report, language: Language) -> Callable[..., Canvas]:
    """Make a canvas that writes on every page what it is, and which of how many."""

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._pages: list[dict[str, Any]] = []

        def showPage(self) -> None:
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._pages, start=1):
                self.__dict__.update(page)
                self.setFont(_PLAIN, 7.5)
                self.setFillColor(_WARN)
                self.drawString(
                    _MARGIN, 10 * mm, language(Message("Research use only – observations, not diagnoses"))
                )
                self.setFillColor(_SOFT)
                text = Message(
                    "{code}   page {page} of {pages}",
                    code=report.details.code,
                    page=number,
                    pages=len(self._pages),
                )
                self.drawRightString(A4[0] - _MARGIN, 10 * mm, language(text))
                Canvas.showPage(self)
            Canvas.save(self)

    return Numbered


def _p(text: str, style: ParagraphStyle = _TEXT) -> Paragraph:
    return Paragraph(escape(text), style)


def _header(report: Report, language: Language) -> Iterable[Flowable]:
    details = report.details.model_dump()
    facts = [
        (language(title), _stated(details[name], language))
        for name, title in FIELDS.items()
        if details.get(name) not in (None, "") and name not in ("code", "note")
    ]
    if report.details.bmi is not None:
        facts.append((language(Message("BMI, kg/m²")), language.number(report.details.bmi, 1)))
    dose = report.test_dose_at
    given = "–" if dose is None else f"{language.date(dose)}, {language.time(dose)}"
    facts.append((language(Message("Test dose given")), given))
    yield _p(language(Message("Temperature of the soles: {code}", code=report.details.code)), _TITLE)
    begun = f"{language.date(report.created_at)}, {language.time(report.created_at)}"
    yield _p(language(Message("Session of {begun}, {id}", begun=begun, id=report.id)), _SMALL)
    yield Spacer(0, 2 * mm)
    rows = [facts[k : k + 3] for k in range(0, len(facts), 3)]
    cells = [
        [_p(text, style) for name, value in row for text, style in ((name, _SMALL), (value, _TEXT))]
        for row in rows
    ]
    cells = [row + [""] * (6 - len(row)) for row in cells]
    yield Table(cells, colWidths=[_WIDTH * share for share in (0.15, 0.18) * 3], style=_lines(), hAlign="LEFT")
    if report.details.note:
        yield _p(report.details.note)
    if report.session.baseline is None:
        yield Spacer(0, 2 * mm)
        text = Message("No baseline was measured before the test dose: changes cannot be shown.")
        yield _boxed([_p(language(text), _STRONG)])


def _stated(value: Any, language: Language) -> str:
    if isinstance(value, float):
        return f"{value:g}".replace(".", language.decimal)
    return language(Message(value)) if value in ("intact", "ruptured") else str(value)


def _flags(report: Report, language: Language) -> Iterable[Flowable]:
    yield _p(language(Message("Observations")), _HEAD)
    shown = [flag for flag in flags_of(report.session) if flag["name"] != "quality"]
    if not shown:
        yield _p(language(Message("Nothing to observe.")))
    for flag in shown:
        title = language(TITLES[flag["name"]])
        side = "" if flag["side"] is None else f" – {language(Message(flag['side']))}"
        value, threshold = value_of(flag), threshold_of(flag)
        facts = [
            f"{language(name)}: {language(text)}"
            for name, text in (
                (Message("Value"), value),
                (Message("Threshold"), threshold),
                (Message("Source"), Message.from_json(flag["source"])),
            )
            if text is not None
        ]
        yield _boxed(
            [
                _p(title + side, _STRONG),
                _p(language(Message.from_json(flag["sentence"]))),
                _p("   ".join(facts), _SMALL),
                _p(language(CAVEATS[flag["name"]]), _STRONG),
            ],
            plain=True,
        )


def _curves(report: Report, language: Language) -> Iterable[Flowable]:
    if report.session.baseline is None or len(report.session.measured) < 2:
        return
    yield KeepTogether(
        [
            _p(language(Message("Change since the baseline")), _HEAD),
            Image(io.BytesIO(draw_curves(report.session, language)), _WIDTH, _WIDTH * CURVES[1] / CURVES[0]),
            _p(language(_KEY), _SMALL),
        ]
    )


def _pictures(report: Report, language: Language) -> Iterable[Flowable]:
    shown = [
        (entry, facts)
        for entry, facts in zip(report.session.entries, report.captures, strict=True)
        if entry.frame is not None
    ]
    if not shown:
        return
    scale = scale_of(report.session)
    width = _WIDTH / _ACROSS - 2 * mm
    cells: list[list[Flowable]] = []
    for entry, facts in shown:
        assert entry.frame is not None
        height = width * entry.frame.size[0] / entry.frame.size[1]
        cells.append(
            [
                Image(io.BytesIO(draw_picture(entry, scale, language)), width, height),
                _p(_caption(entry, facts, language), _SMALL),
            ]
        )
    rows: list[list[Any]] = [cells[k : k + _ACROSS] for k in range(0, len(cells), _ACROSS)]
    rows = [row + [""] * (_ACROSS - len(row)) for row in rows]
    yield CondPageBreak(75 * mm)
    yield _p(language(Message("Captures")), _HEAD)
    yield Image(io.BytesIO(draw_scale(scale)), _WIDTH, _WIDTH * SCALE[1] / SCALE[0])
    yield Table(
        rows,
        colWidths=[_WIDTH / _ACROSS] * _ACROSS,
        style=[("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)],
    )


def _caption(entry: Entry, facts: CaptureFacts, language: Language) -> str:
    parts = [f"#{facts.number}", f"{language.number(entry.minute, 1)} min", language.time(facts.taken_at)]
    if not entry.ok:
        parts.append(language(Message("no numbers")))
    if facts.mask_origin == "edited" and facts.edited_at is not None:
        parts.append(
            language(
                Message(
                    "outline edited by {name}, {time}", name=facts.edited_by, time=language.time(facts.edited_at)
                )
            )
        )
    return "   ".join(parts)


def _table(report: Report, language: Language) -> Iterable[Flowable]:
    head = [language(Message("Minute")), language(Message("Region"))]
    for side in SIDES:
        name = language(Message(side))
        head += [f"{name}, °C", language(Message("{side}, change", side=name))]
    head += [language(Message("Pain")), language(Message("Cold L / R"))]
    rows: list[list[Any]] = [[_p(text, _CELL) for text in head]]
    style = [*_lines(), ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef1f5"))]
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        if not entry.ok:
            continue
        first = len(rows)
        for region in REGIONS:
            row = [language.number(entry.minute, 1) if region == REGIONS[0] else "", language(Message(region))]
            for side in SIDES:
                estimate = estimate_of(entry, side, region)
                mean = Value() if estimate is None else Value(estimate.mean, estimate.error)
                row += [
                    _number(mean, language),
                    _number(report.session.delta(entry, side, region), language, sign=True),
                ]
            row += _remarks(facts, language) if region == REGIONS[0] else ["", ""]
            rows.append([_p(text, _CELL) for text in row])
        style.append(("LINEABOVE", (0, first), (-1, first), 0.8, _SOFT))
    yield _p(language(Message("Mean temperature and change, with 95 % intervals")), _HEAD)
    yield Table(
        rows,
        colWidths=[_WIDTH * share for share in (0.08, 0.17, 0.135, 0.145, 0.135, 0.145, 0.07, 0.12)],
        style=style,
        repeatRows=1,
    )


def _remarks(facts: CaptureFacts, language: Language) -> list[str]:
    cold = [
        "–" if each is None else language(Message(each))
        for each in (facts.remarks.cold_left, facts.remarks.cold_right)
    ]
    pain = "–" if facts.remarks.pain is None else str(facts.remarks.pain)
    return [pain, " / ".join(cold) if cold != ["–", "–"] else "–"]


def _number(value: Value, language: Language, *, sign: bool = False) -> str:
    if not value.known:
        return "–"
    text = f"{language.number(value.value, 1, sign=sign)} ± {language.number(Z95 * value.error, 1)}"
    return text.replace("-", "−")


def _statements(report: Report, language: Language) -> Iterable[Flowable]:
    lines: list[Flowable] = []
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        texts = [language(each.sentence) for each in entry.observations]
        if facts.remarks.note:
            texts.append(facts.remarks.note)
        if texts:
            lines.append(_p(f"#{facts.number}   {language.number(entry.minute, 1)} min: {' '.join(texts)}", _CELL))
    for gone in report.deleted:
        text = Message(
            "#{number} was taken out by {name}, {time}: {reason}",
            number=gone.number,
            name=gone.deleted_by,
            time=language.time(gone.deleted_at),
            reason=gone.reason,
        )
        lines.append(_p(language(text), _CELL))
    if lines:
        yield _p(language(TITLES["quality"]), _HEAD)
        yield from lines
        yield _p(language(CAVEATS["quality"]), _SMALL)


def _provenance(report: Report, language: Language) -> Iterable[Flowable]:
    made_with = report.provenance
    facts = report.captures[0] if report.captures else None
    rows: list[tuple[Message, str]] = [
        (Message("Version"), f"prismseg {made_with.application}"),
        (Message("Network"), f"{made_with.model} {made_with.model_hash}"),
        (Message("Template of the nerve territories"), made_with.template_hash),
        (Message("Method"), language(Message(made_with.method))),
    ]
    if facts is not None:
        stated = ", ".join(f"{name} {value:g}" for name, value in facts.parameters.items())
        rows.append((Message("Camera"), f"{facts.camera} {stated}"))
        rows.append((Message("How the camera sees the soles"), language(Message(facts.view))))
    rows += [(Message("Frame {number}, SHA-256", number=each.number), each.sha256) for each in report.captures]
    yield KeepTogether(
        [
            _p(language(Message("With what it was measured")), _HEAD),
            Table(
                [[_p(language(name), _SMALL), _p(text, _SMALL)] for name, text in rows],
                colWidths=[_WIDTH * 0.26, _WIDTH * 0.74],
                style=[("TOPPADDING", (0, 0), (-1, -1), 0.5), ("BOTTOMPADDING", (0, 0), (-1, -1), 0.5)],
            ),
        ]
    )


def _boxed(content: Sequence[Flowable], *, plain: bool = False) -> Flowable:
    ground = colors.HexColor("#f3f5f8") if plain else _WARN_GROUND
    edge = colors.HexColor("#0b5cad") if plain else _WARN
    return Table(
        [[list(content)]],
        colWidths=[_WIDTH],
        style=[
            ("BACKGROUND", (0, 0), (-1, -1), ground),
            ("LINEBEFORE", (0, 0), (0, -1), 3, edge),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
            ("TOPPADDING", (0, 0), (-1, -1), 4),
        ],
        spaceAfter=4,
    )


def _lines() -> list[tuple[Any, ...]]:
    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.3, _LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
    ]
