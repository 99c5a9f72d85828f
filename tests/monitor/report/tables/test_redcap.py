"""The file for REDCap: its rows, and that a project made by its data dictionary takes each of them."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from prismseg.monitor.report.content import Report
from prismseg.monitor.report.tables.redcap import FIELDS, write_dictionary, write_redcap
from prismseg.monitor.sessions.details import Remarks
from prismseg.thermal import WHOLE_SOLE

from ..conftest import changed, in_utc, made

DICTIONARY = Path(__file__).parents[4] / "docs" / "monitor" / "redcap-dictionary.csv"


@pytest.fixture(scope="module")
def report() -> Report:
    return made(
        (-1.5, 5.0, 10.0), failed=(15.0,), one_foot="left", parity=2, asa=2, dilatation_cm=4.5, height_cm=170.5
    )


def rows_of(report: Report) -> list[dict[str, str]]:
    buffer = io.BytesIO()
    write_redcap(report, buffer, in_utc("en"))
    return list(csv.DictReader(io.StringIO(buffer.getvalue().decode())))


def test_redcap_has_a_row_for_the_session_and_one_for_each_capture(report: Report) -> None:
    said = changed(report, 3, remarks=Remarks(pain=3, cold_left="not felt", cold_right="felt"))
    rows = rows_of(said)
    assert len(rows) == 1 + len(report.captures) and all(name == name.lower() for name in FIELDS)
    assert {row["record_id"] for row in rows} == {report.id}
    assert (rows[0]["redcap_repeat_instrument"], rows[0]["code"]) == ("", report.details.code)
    third = rows[3]
    assert (third["redcap_repeat_instrument"], third["redcap_repeat_instance"]) == ("capture", "3")
    assert (third["pain"], third["cold_left"], third["cold_right"]) == ("3", "2", "0")
    entry = report.session.entries[2]
    assert float(third["delta_left"]) == pytest.approx(
        report.session.delta(entry, "left", WHOLE_SOLE).value, abs=1e-4
    )
    assert third["taken_at"] == f"{report.captures[2].taken_at:%Y-%m-%d %H:%M:%S}"


def takes(described: dict[str, str], value: str) -> bool:
    """Tell whether a field of REDCap takes a value, by its entry in the dictionary."""
    choices = described["Choices, Calculations, OR Slider Labels"]
    if described["Field Type"] == "radio":
        return value in [choice.split(", ")[0] for choice in choices.split(" | ")]
    kind = described["Text Validation Type OR Show Slider Number"]
    if kind == "datetime_seconds_ymd":
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S") is not None
    if kind in ("integer", "number"):
        low, high = described["Text Validation Min"], described["Text Validation Max"]
        number = int(value) if kind == "integer" else float(value)
        return (not low or number >= float(low)) and (not high or number <= float(high))
    return described["Field Type"] in ("text", "notes")


def test_a_project_made_by_the_dictionary_takes_the_file(report: Report) -> None:
    with DICTIONARY.open(newline="", encoding="utf-8") as file:
        fields = {row["Variable / Field Name"]: row for row in csv.DictReader(file)}
    rows = rows_of(
        changed(report, 3, remarks=Remarks(pain=0, cold_left="less", cold_right="felt", note="shivers"))
    )
    assert next(iter(fields)) == "record_id" and len(next(iter(fields.values()))) == 18
    assert all(re.fullmatch("[a-z][a-z0-9_]*[a-z0-9]", name) for name in fields)
    assert list(rows[0]) == [FIELDS[0], "redcap_repeat_instrument", "redcap_repeat_instance", *list(fields)[1:]]
    seen = set()
    for row in rows:
        form = row["redcap_repeat_instrument"] or "session"
        for name, described in fields.items():
            if row[name]:
                seen.add(name)
                assert takes(described, row[name]), (name, row[name])
                assert name == "record_id" or described["Form Name"] == form, name
    assert set(fields) - seen == {"drug", "dose"}, "all else is there"


def test_the_documented_dictionary_is_that_of_the_code() -> None:
    written = io.BytesIO()
    write_dictionary(written)
    assert DICTIONARY.read_bytes() == written.getvalue()


def test_before_the_test_dose_there_are_no_minutes(report: Report) -> None:
    assert {row["minute"] for row in rows_of(replace(report, test_dose_at=None))} == {""}
