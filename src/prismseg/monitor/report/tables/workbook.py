"""A session as an Excel workbook."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.languages.flag_texts import caveat_of, threshold_of, title_of, value_of
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.output import Target, write_target
from prismseg.monitor.report.pdf.header import blocked
from prismseg.monitor.report.tables.tidy import FORMULA, tidy_table
from prismseg.monitor.report.words import Words
from prismseg.monitor.sessions.details import FIELD_LABELS, ORIGIN_LABELS, WORDED
from prismseg.monitor.sessions.summary import summarize_flags

Row = Sequence[Any]

_WIDEST, _NARROWEST = 60, 8
_HEAD = PatternFill("solid", fgColor="EEF1F5")
_MOMENT = "yyyy-mm-dd hh:mm"
# What the format of a workbook cannot hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_WRITTEN = re.compile(rb"<dcterms:(created|modified)[^>]*>[^<]*</dcterms:\1>")


def write_xlsx(report: Report, target: Target, language: Language) -> None:
    """Write a workbook: summary, curves (the columns of the CSV), captures, observations.

    Parameters
    ----------
    report : Report
        What to write; the same report gives the same bytes.
    target : path or binary file
        Where to write; a path is written whole or not at all.
    language : Language
        Of sheets and heads; the curves' heads are those of the CSV.

    Raises
    ------
    OutputError
        When the path cannot be written.
    """
    words = Words(language)
    book = Workbook()
    _fill(book.active, words(Message("Summary")), (), _summary(report, words))
    table = tidy_table(report)
    curves: Any = table.astype(object).itertuples(index=False, name=None)
    _fill(book.create_sheet(), words(Message("Curves")), list(table.columns), curves)
    _fill(book.create_sheet(), words(Message("Captures")), *_captures(report, words))
    _fill(book.create_sheet(), words(Message("Observations")), *_flags(report, words))
    book.properties.creator = f"prismseg {report.provenance.application}"
    buffer = io.BytesIO()
    book.save(buffer)
    write_target(_timeless(buffer.getvalue()), target)


def _fill(sheet: Any, title: str, head: Sequence[str], rows: Iterable[Row]) -> None:
    assert isinstance(sheet, Worksheet)
    sheet.title = title[:31]
    if head:
        sheet.append(list(head))
        sheet.freeze_panes = "A2"
        for cell in sheet[1]:
            cell.font, cell.fill = Font(bold=True), _HEAD
    for row in rows:
        sheet.append([_storable(value) for value in row])
    if head:
        sheet.auto_filter.ref = sheet.dimensions
    for column in range(1, sheet.max_column + 1):
        letter = get_column_letter(column)
        cells = sheet[letter]
        for cell in cells:
            cell.number_format = _format(cell.value)
            if isinstance(cell.value, str):
                # Text is never a formula, neither here nor when someone edits the cell.
                cell.data_type, cell.quotePrefix = "s", cell.value.startswith(FORMULA)
            cell.alignment = Alignment(vertical="top", wrap_text=len(str(cell.value or "")) > _WIDEST)
        widest = max(_NARROWEST, *(_length(cell.value) for cell in cells))
        sheet.column_dimensions[letter].width = min(widest + 2, _WIDEST)
    if not head:
        for cell in sheet["A"]:
            cell.font = Font(bold=True)


def _storable(value: Any) -> Any:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return _CONTROL.sub(" ", value) if isinstance(value, str) else value


def _format(value: Any) -> str:
    if isinstance(value, datetime):
        return _MOMENT
    return "0.00" if isinstance(value, float) else "General"


def _length(value: Any) -> int:
    if isinstance(value, float):
        return 7
    return 16 if isinstance(value, datetime) else len(str(value or ""))


def _summary(report: Report, words: Words) -> Iterable[Row]:
    yield words(Message("Research use only – observations, not diagnoses")), None
    for text in blocked(report.session):
        yield words(text), None
    details = report.details.model_dump()
    for name, title in FIELD_LABELS.items():
        value = details.get(name)
        if value not in (None, ""):
            yield words(title), words.word(value) if name in WORDED else value
        if name == "height_cm" and report.details.bmi is not None:
            yield words(Message("BMI, kg/m²")), round(report.details.bmi, 1)
    yield words(report.dose_title), _local(report.test_dose_at, words)
    yield words(Message("Session")), report.id
    yield words(Message("State of the record")), " · ".join(report.standing.sentences(words))
    yield words(Message("Version")), f"prismseg {report.provenance.application}"
    yield words(Message("Network")), f"{report.provenance.model} {report.provenance.model_hash}"
    yield words(Message("Template of the nerve territories")), report.provenance.template_hash
    yield words(Message("Method")), words.word(report.provenance.method)


def _captures(report: Report, words: Words) -> tuple[list[str], list[Row]]:
    head = (
        Message("No."),
        Message("Time"),
        Message("Minute"),
        Message("Status"),
        Message("Quality of the recording"),
        Message("Pain, 0 to 10"),
        Message("Cold, left leg"),
        Message("Cold, right leg"),
        Message("Remark"),
        Message("Outline"),
        Message("edited by"),
        Message("edited at"),
        Message("Camera"),
    )
    rows: list[Row] = []
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        said = facts.remarks
        rows.append(
            (
                facts.number,
                _local(facts.taken_at, words),
                report.minute(entry),
                words(entry.status),
                " ".join(words(each.sentence) for each in entry.observations),
                said.pain,
                *(None if each is None else words.word(each) for each in (said.cold_left, said.cold_right)),
                said.note,
                words(ORIGIN_LABELS[facts.mask_origin]),
                facts.edited_by,
                _local(facts.edited_at, words),
                words.word(str(facts.camera)),
            )
        )
    for gone in report.excluded:
        text = Message(
            "#{number} was excluded by {name}, {time}: {reason}",
            number=gone.number,
            name=gone.excluded_by,
            time=words.moment(gone.excluded_at),
            reason=gone.reason,
        )
        rows.append(
            (gone.number, _local(gone.taken_at, words), None, words(Message("excluded")), None, None, None, None,
             words(text))
        )  # fmt: skip
    return [words(text) for text in head], rows


def _flags(report: Report, words: Words) -> tuple[list[str], list[Row]]:
    head = (
        Message("Observation"),
        Message("Side"),
        Message("Level"),
        Message("Minutes"),
        Message("Sentence"),
        Message("Value"),
        Message("Threshold"),
        Message("Source"),
        Message("What it does not mean"),
    )
    rows: list[Row] = []
    for flag in summarize_flags(report.session):
        value, threshold = value_of(flag), threshold_of(flag)
        rows.append(
            (
                words(title_of(flag["name"])),
                None if flag["side"] is None else words.word(flag["side"]),
                words.word(flag["level"]),
                "; ".join(words.minute(minute) for minute in flag["minutes"]) if report.timed else None,
                words(Message.from_json(flag["sentence"])),
                None if value is None else words(value),
                None if threshold is None else words(threshold),
                words(Message.from_json(flag["source"])),
                words(caveat_of(flag["name"])),
            )
        )
    return [words(text) for text in head], rows


def _local(moment: datetime | None, words: Words) -> datetime | None:
    """Bring a moment to the clock on the wall; a workbook's times have no zone."""
    return None if moment is None else moment.astimezone(words.language.zone).replace(tzinfo=None)


def _timeless(data: bytes) -> bytes:
    """Exclude when the file was written, so that the same report is the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _WRITTEN.sub(b"", content)
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


FORMAT = ReportFormat(
    filename="table.xlsx",
    ending=".xlsx",
    media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    title=Message("Table (Excel)"),
    write=write_xlsx,
)
