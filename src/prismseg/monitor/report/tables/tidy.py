"""Every number of a session as a tidy table."""

from __future__ import annotations

import io
import re
from datetime import datetime
from typing import IO, Any

import pandas as pd

from prismseg.base import Message
from prismseg.monitor.languages import Language
from prismseg.monitor.report.content import Report, ReportedCapture
from prismseg.monitor.report.formats import ReportFormat
from prismseg.monitor.report.output import Target, write_target
from prismseg.thermal import SIDES
from prismseg.thermal.frames.frame import PARAMETER_NAMES

# With these a spreadsheet lets a formula begin, in some languages also with their wide forms.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")
# Where a spreadsheet is set to split at something else than commas, each of these begins a cell within a text.
_CELL_START = re.compile(r"(^|[,;|\t\r\n])([\s\"']*)([=+\-@＝＋－＠])")
_WHOLE_NUMBERS = ("capture", "pain", "pixels")


def tidy_table(report: Report) -> pd.DataFrame:
    """Make one row for each capture, side and region, with all that it depends on.

    Columns have the same English names in every language: code, session, test_dose_at, test_dose_source (`stated`, or of
    an import derived from the `camera`), capture, taken_at; those of `Session.table` without the frame's source; pain,
    cold_left, cold_right, note; mask_origin, edited_by, edited_at; camera, view, a ``camera_`` column for each parameter;
    frame_sha256, application, model, model_sha256, template, calculation. Times are ISO 8601 with their zone; before the
    test dose there is no minute.
    """
    table = report.session.table().drop(columns="source")
    if not report.timed:
        table["minute"] = float("nan")
    facts = [each for each in report.captures for _ in range(len(SIDES) * len(report.session.regions))]
    before = pd.DataFrame([_before(report, each) for each in facts], columns=list(_before(report, None)))
    after = pd.DataFrame([_after(report, each) for each in facts], columns=list(_after(report, None)))
    made = pd.concat([before, table, after], axis=1)
    return made.astype(dict.fromkeys(_WHOLE_NUMBERS, "Int64"))


def write_csv(report: Report, target: Target) -> None:
    """Write `tidy` as CSV in UTF-8, with a mark by which Excel knows it.

    Whatever a spreadsheet could take for a formula is led by an apostrophe, also after a separator within a text.

    Raises
    ------
    OutputError
        When a path cannot be written.
    """
    buffer = io.StringIO()
    table = tidy_table(report)
    text = {name: table[name].map(escape_formula) for name in table.columns if table[name].dtype.kind not in "fi"}
    table.assign(**text).to_csv(buffer, index=False, lineterminator="\r\n")
    write_target(buffer.getvalue().encode("utf-8-sig"), target)


def escape_formula(value: Any) -> Any:
    """Keep a spreadsheet from taking text, or what follows a separator in it, for a formula."""
    if not isinstance(value, str):
        return value
    # An apostrophe may not stand after a quotation mark, which would end the cell: it stands right before the formula.
    escaped = _CELL_START.sub(r"\1\2'\3", value)
    return f"'{escaped}" if escaped.startswith(FORMULA) else escaped


def _before(report: Report, facts: ReportedCapture | None) -> dict[str, Any]:
    """Say which capture of which session a row is about; without facts only the names count."""
    return {
        "code": report.details.code,
        "session": report.id,
        "test_dose_at": _moment(report.test_dose_at),
        "test_dose_source": report.dose_source,
        "capture": None if facts is None else facts.number,
        "taken_at": None if facts is None else _moment(facts.taken_at),
    }


def _after(report: Report, facts: ReportedCapture | None) -> dict[str, Any]:
    """Say what staff stated of a capture and with what it was made; without facts only the names count."""
    names = (
        "pain", "cold_left", "cold_right", "note", "mask_origin", "edited_by", "edited_at", "camera", "view",
        *(f"camera_{name}" for name in PARAMETER_NAMES), "frame_sha256",
    )  # fmt: skip
    made: dict[str, Any] = dict.fromkeys(names)
    if facts is not None:
        made |= facts.remarks.model_dump()
        made |= {
            "mask_origin": facts.mask_origin,
            "edited_by": facts.edited_by,
            "edited_at": _moment(facts.edited_at),
            "camera": str(facts.camera),
            "view": facts.view,
            **{f"camera_{name}": facts.parameters.get(name) for name in PARAMETER_NAMES},
            "frame_sha256": facts.sha256,
        }
    return made | {
        "application": report.provenance.application,
        "model": report.provenance.model,
        "model_sha256": report.provenance.model_hash,
        "template": report.provenance.template_hash,
        "calculation": report.provenance.method,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _write_csv(report: Report, target: IO[bytes], _: Language) -> None:
    write_csv(report, target)  # the same in every language


FORMAT = ReportFormat(
    filename="table.csv",
    ending=".csv",
    media_type="text/csv; charset=utf-8",
    title=Message("Table (CSV)"),
    write=_write_csv,
)
