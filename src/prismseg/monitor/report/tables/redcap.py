"""A session as CSV that REDCap imports: a record a session, its captures as a repeating instrument."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import datetime
from typing import IO, Any, get_args

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.tables.tidy import escape_formula
from prismseg.monitor.sessions.details import FIELD_LABELS, Details, Remarks
from prismseg.thermal import SIDES, WHOLE_SOLE, Value
from prismseg.thermal.sessions.changes import find_estimate

INSTRUMENT = "capture"
# Choices of the radio fields, as the data dictionary must have them.
COLD_CODES = {"felt": 0, "less": 1, "not felt": 2}
MEMBRANES_CODES = {"intact": 0, "ruptured": 1}
_STATED = (
    "age_years", "weeks", "weight_kg", "height_cm", "asa", "parity", "dilatation_cm", "membranes", "catheter_level",
    "drug", "dose", "note",
)  # fmt: skip
_NUMBERS = ("mean", "mean_se", "delta", "delta_se")
FIELDS = (
    "record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "code",
    "test_dose_at", "test_dose_source", "one_foot", *_STATED,
    "taken_at", "minute", "status", "pain", "cold_left", "cold_right", "capture_note",
    *(f"{name}_{side}" for side in SIDES for name in _NUMBERS), "frame_sha256",
)  # fmt: skip


_OF_SESSION = FIELDS[: FIELDS.index("taken_at")]
_CHOICES: Mapping[str, Mapping[str, Any]] = {
    "test_dose_source": {source: source for source in ("stated", "camera")},
    "one_foot": {side: side for side in SIDES},
    "membranes": MEMBRANES_CODES,
    "cold_left": COLD_CODES,
    "cold_right": COLD_CODES,
}
# As REDCap names them.
DICTIONARY_COLUMNS = (
    "Variable / Field Name", "Form Name", "Section Header", "Field Type", "Field Label",
    "Choices, Calculations, OR Slider Labels", "Field Note", "Text Validation Type OR Show Slider Number",
    "Text Validation Min", "Text Validation Max", "Identifier?", "Branching Logic (Show field only if...)",
    "Required Field?", "Custom Alignment", "Question Number (surveys only)", "Matrix Group Name", "Matrix Ranking?",
    "Field Annotation",
)  # fmt: skip
_DESCRIBED = tuple(DICTIONARY_COLUMNS[number] for number in (0, 1, 3, 4, 5, 7, 8, 9))


def write_redcap(report: Report, target: IO[bytes], language: Language) -> None:
    """Write one row of the session and one a capture, in UTF-8; times are those of the wall clock, as REDCap has them."""
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, FIELDS, restval="", lineterminator="\n")
    table.writeheader()
    details = report.details.model_dump()
    details["membranes"] = MEMBRANES_CODES.get(details["membranes"], "")
    stated = {name: details[name] for name in ("code", "one_foot", *_STATED)}
    dose = {"test_dose_at": _moment(report.test_dose_at, language), "test_dose_source": report.dose_source}
    table.writerow(_row(report, **stated, **dose))
    for entry, facts in zip(report.session.entries, report.captures, strict=True):
        row: dict[str, Any] = {
            "redcap_repeat_instrument": INSTRUMENT,
            "redcap_repeat_instance": facts.number,
            "taken_at": _moment(facts.taken_at, language),
            "minute": round(entry.minute, 3) if report.timed else "",
            "status": str(entry.status),
            "pain": facts.remarks.pain,
            "cold_left": COLD_CODES.get(facts.remarks.cold_left or "", ""),
            "cold_right": COLD_CODES.get(facts.remarks.cold_right or "", ""),
            "capture_note": facts.remarks.note,
            "frame_sha256": facts.sha256,
        }
        for side in SIDES:
            estimate = find_estimate(entry, side, WHOLE_SOLE)
            mean = Value() if estimate is None else Value(estimate.mean, estimate.error)
            delta = report.session.delta(entry, side, WHOLE_SOLE)
            row |= {f"mean_{side}": _number(mean.value, mean), f"mean_se_{side}": _number(mean.error, mean)}
            row |= {f"delta_{side}": _number(delta.value, delta), f"delta_se_{side}": _number(delta.error, delta)}
        table.writerow(_row(report, **row))
    target.write(buffer.getvalue().encode())


def write_dictionary(target: IO[bytes]) -> None:
    """Write REDCap's data dictionary of these files: two instruments, of which `capture` repeats."""
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, DICTIONARY_COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for name in FIELDS:
        if not name.startswith("redcap_"):
            table.writerow(dict(zip(_DESCRIBED, (name, *_described(name)), strict=False)))
    target.write(buffer.getvalue().encode())


def _described(name: str) -> tuple[Any, ...]:
    """Say of a field: form, type, label, choices, validation, lowest and highest value."""
    form, label = (
        "session" if name in _OF_SESSION else INSTRUMENT,
        str(FIELD_LABELS.get(name, name.replace("_", " "))),
    )
    if name in _CHOICES:
        return form, "radio", label, " | ".join(f"{code}, {word}" for word, code in _CHOICES[name].items())
    if name.endswith("note"):
        return form, "notes", label
    if name.endswith("_at"):
        return form, "text", label, "", "datetime_seconds_ymd"
    stated = (Details if form == "session" else Remarks).model_fields.get(name)
    kinds = () if stated is None else get_args(stated.annotation)
    if stated is not None and {int, float}.intersection(kinds):
        limits = [
            next((getattr(each, kind) for each in stated.metadata if hasattr(each, kind)), "")
            for kind in ("ge", "le")
        ]
        return form, "text", label, "", "integer" if int in kinds else "number", *limits
    return form, "text", label, "", "number" if name == "minute" or name.startswith(("mean_", "delta_")) else ""


def _row(report: Report, **values: Any) -> dict[str, Any]:
    return {"record_id": report.id, **{name: escape_formula(value) for name, value in values.items()}}


def _number(number: float, value: Value) -> float | str:
    return round(number, 4) if value.known else ""


def _moment(moment: datetime | None, language: Language) -> str:
    return "" if moment is None else f"{moment.astimezone(language.zone):%Y-%m-%d %H:%M:%S}"


FORMAT = ReportFormat(
    filename="redcap.csv",
    ending="-redcap.csv",
    media_type="text/csv; charset=utf-8",
    title=Message("REDCap (CSV)"),
    write=write_redcap,
)
