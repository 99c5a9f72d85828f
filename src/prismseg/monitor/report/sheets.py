"""A session as an Excel workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from prismseg.base import Message
from prismseg.monitor.flag_texts import CAVEATS, TITLES, threshold_of, value_of
from prismseg.monitor.languages import Language
from prismseg.monitor.outcome import flags_of
from prismseg.monitor.records import FIELDS, ORIGINS, Remarks, Report
from prismseg.monitor.report.tables import harmless, tidy

_WIDEST = 60


def write_xlsx(report: Report, target: IO[bytes], language: Language) -> None:
    """Write a workbook: summary, curves (as the CSV), captures, observations."""
    book = Workbook()
    _fill(book.active, language(Message("Summary")), (), _summary(report, language))
    table = tidy(report)
    _fill(book.create_sheet(), language(Message("Curves")), list(table.columns), table.itertuples(index=False))
    _fill(book.create_sheet(), language(Message("Captures")), *_captures(report, language))
    _fill(book.create_sheet(), language(Message("Observations")), *_flags(report, language))
    book.properties.creator = f"prismseg {report.provenance.application}"
    book.save(target)


def _fill(sheet: Any, title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    assert isinstance(sheet, Worksheet)
    sheet.title = title[:31]
    if head:
        sheet.append(list(head))
        sheet.freeze_panes = "A2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
    for row in rows:
        # NaN is no number that a workbook can hold.
        sheet.append([None if value != value else harmless(value) for value in row])
    for column in range(1, sheet.max_column + 1):
        letter = get_column_letter(column)
        widest = max((len(str(cell.value or "")) for cell in sheet[letter]), default=8)
        sheet.column_dimensions[letter].width = min(widest + 2, _WIDEST)
        for cell in sheet[letter]:
            if isinstance(cell.value, float):
                cell.number_format = "0.00"


def _summary(report: Report, language: Language) -> list[tuple[str, Any]]:
    details = report.details.model_dump()
    rows = [
        (language(Message("Research use only – observations, not diagnoses")), ""),
        *(
            (language(title), details[name])
            for name, title in FIELDS.items()
            if details.get(name) not in (None, "")
        ),
    ]
    if report.details.bmi is not None:
        rows.append((language(Message("BMI, kg/m²")), round(report.details.bmi, 1)))
    dose = report.test_dose_at
    rows.append((language(Message("Test dose given")), "" if dose is None else dose.isoformat(timespec="seconds")))
    return rows


def _captures(report: Report, language: Language) -> tuple[list[str], list[tuple[Any, ...]]]:
    head = [
        language(text)
        for text in (
            Message("Capture"),
            Message("Minute"),
            Message("Status"),
            Message("Remark"),
            Message("Pain, 0 to 10"),
            Message("Cold, left leg"),
            Message("Cold, right leg"),
            Message("Outline"),
        )
    ]
    rows: list[tuple[Any, ...]] = []
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        texts = [language(each.sentence) for each in entry.observations]
        cold = [None if each is None else language(Message(each)) for each in _cold(facts.remarks)]
        rows.append(
            (facts.number, entry.minute, language(entry.status), " ".join(texts), facts.remarks.pain, *cold,
             language(ORIGINS[facts.mask_origin]))
        )  # fmt: skip
    for gone in report.deleted:
        rows.append((gone.number, None, language(Message("taken out")), gone.reason))
    return head, rows


def _cold(remarks: Remarks) -> tuple[str | None, str | None]:
    return remarks.cold_left, remarks.cold_right


def _flags(report: Report, language: Language) -> tuple[list[str], list[tuple[Any, ...]]]:
    head = [
        language(text)
        for text in (
            Message("Observation"),
            Message("Side"),
            Message("Sentence"),
            Message("Value"),
            Message("Threshold"),
            Message("Source"),
            Message("What it does not mean"),
        )
    ]
    rows = []
    for flag in flags_of(report.session):
        value, threshold = value_of(flag), threshold_of(flag)
        rows.append(
            (
                language(TITLES[flag["name"]]),
                "" if flag["side"] is None else language(Message(flag["side"])),
                language(Message.from_json(flag["sentence"])),
                "" if value is None else language(value),
                "" if threshold is None else language(threshold),
                language(Message.from_json(flag["source"])),
                language(CAVEATS[flag["name"]]),
            )
        )
    return head, rows
