from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.monitor.languages.flag_texts import caveat_of
from prismseg.monitor.report import tidy_table, write_csv, write_xlsx
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.tables.tidy import FORMULA, escape_formula
from prismseg.monitor.sessions.details import Remarks

from ..conftest import METHOD, changed, in_utc, made


def csv_of(report: Report) -> bytes:
    buffer = io.BytesIO()
    write_csv(report, buffer)
    return buffer.getvalue()


def book_of(report: Report, code: str = "en") -> openpyxl.Workbook:
    buffer = io.BytesIO()
    write_xlsx(report, buffer, in_utc(code))
    return openpyxl.load_workbook(io.BytesIO(buffer.getvalue()))


def rows_of(sheet: openpyxl.worksheet.worksheet.Worksheet) -> list[tuple]:
    return list(sheet.iter_rows(values_only=True))


def attacked(report: Report, text: str) -> Report:
    """The report with a text in every place where someone may write one."""
    other = changed(report, 2, edited_by=text, camera=text, remarks=Remarks(note=text))
    gone = replace(other.excluded[0], reason=text, excluded_by=text)
    details = other.details.model_copy(update={"code": text, "note": text, "drug": text, "dose": text})
    return replace(other, details=details, excluded=(gone,))


def test_the_csv_holds_the_numbers_of_the_session(report: Report) -> None:
    data = csv_of(report)
    assert data.startswith(b"\xef\xbb\xbfcode,session,")
    read = pd.read_csv(io.BytesIO(data), dtype={"frame_sha256": str, "template": str}, keep_default_na=True)
    table = report.session.table()
    numbers = [name for name in table.columns if table[name].dtype.kind in "fi"]
    assert {"mean_low", "delta_high", "rate", "rate_error", "sd", "median", "pixels"} <= set(numbers)
    for column in numbers:
        pd.testing.assert_series_equal(read[column], table[column], check_dtype=False)
    assert read.side.tolist() == table.side.tolist() and read.region.tolist() == table.region.tolist()
    assert read.groupby("capture").minute.first().tolist() == [entry.minute for entry in report.session.entries]


def test_the_csv_says_with_what_numbers_were_made(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(report).decode("utf-8-sig"))))
    third = next(row for row in rows if row["capture"] == "3")
    assert (third["pain"], third["cold_left"], third["cold_right"], third["note"]) == (
        "3", "not felt", "less", "'@cmd"
    )  # fmt: skip
    second = next(row for row in rows if row["capture"] == "2")
    assert (second["mask_origin"], second["edited_by"]) == ("edited", "ana")
    assert second["edited_at"] == "2026-05-04T14:03:00.000+00:00"
    first = rows[0]
    assert first["taken_at"] == "2026-05-04T13:58:30.000+00:00"
    assert (first["test_dose_at"], first["test_dose_source"]) == ("2026-05-04T14:00:00.000+00:00", "stated")
    assert (first["camera_emissivity"], first["camera_distance"], first["camera_humidity"]) == ("0.98", "0.7", "")
    assert (first["frame_sha256"], first["model"], first["model_sha256"]) == (
        f"{1:064x}", "thermal-feet", "ab" * 32
    )  # fmt: skip
    assert (first["template"], first["application"], first["calculation"]) == ("cd" * 32, "9.9", METHOD)
    assert (first["view"], first["code"], first["session"]) == ("soles-to-camera", "E-Ñ7", report.id)
    failed = [row for row in rows if row["capture"] == "7"]
    assert {(row["mean"], row["delta"], row["status"]) for row in failed} == {("", "", "not two soles")}
    assert failed[0]["reason"].startswith("No foot is in the mask.")


def test_columns_do_not_depend_on_the_session(report: Report, empty: Report, without_baseline: Report) -> None:
    heads = {csv_of(each).splitlines()[0] for each in (report, empty, without_baseline)}
    assert len(heads) == 1
    assert len(csv_of(empty).splitlines()) == 1
    assert tidy_table(without_baseline).delta.isna().all() and tidy_table(without_baseline)["mean"].notna().all()


def test_both_tables_are_whole_files(report: Report, tmp_path: Path) -> None:
    write_csv(report, tmp_path / "a.csv")
    write_xlsx(report, str(tmp_path / "a.xlsx"), in_utc("es"))
    assert (tmp_path / "a.csv").read_bytes() == csv_of(report)
    buffer = io.BytesIO()
    write_xlsx(report, buffer, in_utc("es"))
    assert (tmp_path / "a.xlsx").read_bytes() == buffer.getvalue()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.xlsx"]


def test_the_workbook_holds_the_same_numbers(report: Report) -> None:
    book = book_of(report, "es")
    assert book.sheetnames == ["Resumen", "Curvas", "Capturas", "Observaciones"]
    head, *rows = rows_of(book["Curvas"])
    read, table = pd.DataFrame(rows, columns=head), tidy_table(report)
    assert list(read.columns) == list(table.columns)
    for column in ("mean", "delta_error", "rate_low", "minute"):
        assert read[column].astype(float).tolist() == pytest.approx(table[column].tolist(), nan_ok=True)
    assert read.pixels.tolist() == table.pixels.tolist()
    summary = dict(row[:2] for row in rows_of(book["Resumen"]))
    assert summary["Código"] == "E-Ñ7" and summary["IMC, kg/m²"] == 25.7 and summary["Membranas"] == "rotas"
    assert summary["Dosis de prueba dada"] == datetime(2026, 5, 4, 14, 0)
    assert summary["Solo para investigación: observaciones, no diagnósticos"] is None


def test_the_workbook_lists_captures_and_observations(report: Report) -> None:
    book = book_of(report)
    captures = rows_of(book["Captures"])
    assert captures[3][:6] == (3, datetime(2026, 5, 4, 14, 5), 5, "measured", None, 3)
    assert captures[2][9:12] == ("edited outline", "ana", datetime(2026, 5, 4, 14, 3))
    assert captures[7][3] == "not two soles" and captures[7][4].startswith("No foot")
    assert captures[8][0] == 99 and "feet moved" in captures[8][8]
    flags = rows_of(book["Observations"])
    assert [row[4] for row in flags[1:]] == [str(flag.sentence) for flag in report.session.flags()]
    assert [row[8] for row in flags[1:]] == [str(caveat_of(flag.name)) for flag in report.session.flags()]
    assert flags[1][5].startswith("+") and flags[1][6] == "1.0 °C"


def test_the_workbook_is_made_to_be_read(report: Report) -> None:
    book = book_of(report)
    for name in ("Curves", "Captures", "Observations"):
        sheet = book[name]
        assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref and sheet["A1"].font.bold
        widths = [dimension.width for dimension in sheet.column_dimensions.values()]
        assert len(widths) == sheet.max_column and all(8 <= width <= 60 for width in widths)
    mean = [cell.value for cell in book["Curves"][1]].index("mean") + 1
    assert book["Curves"].cell(2, mean).number_format == "0.00"
    assert book["Captures"]["B2"].number_format == "yyyy-mm-dd hh:mm"


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1", '=HYPERLINK("http://x")']
)
def test_no_text_is_a_formula_in_either_table(report: Report, text: str) -> None:
    other = attacked(report, text)
    read = list(csv.reader(io.StringIO(csv_of(other).decode("utf-8-sig"))))
    head, cells = read[0], read[1:]
    words = [
        cell for row in cells for name, cell in zip(head, row, strict=True) if name in ("code", "note", "camera")
    ]
    assert f"'{text}" in words and not any(word.startswith(FORMULA) for word in words)
    found = [cell for sheet in book_of(other) for row in sheet for cell in row if cell.value == text]
    assert len(found) >= 6
    assert all(cell.data_type == "s" and cell.quotePrefix for cell in found)


@given(st.text())
def test_what_is_made_harmless_still_says_the_same(text: str) -> None:
    escaped = escape_formula(text)
    assert not escaped.startswith(FORMULA)
    assert escaped.replace("'", "") == text.replace("'", ""), "only apostrophes are added"


@given(st.text(alphabet=";,|\t\n=+-@＝ \"'a1"), st.sampled_from(",;|\t\n"))
def test_no_split_of_a_cell_begins_a_formula(text: str, separator: str) -> None:
    for part in escape_formula(text).split(separator):
        assert not part.strip(' "').startswith(("=", "+", "-", "@", "＝"))


def test_a_sheet_split_at_semicolons_has_no_formula(report: Report) -> None:
    text = csv_of(attacked(report, 'calm; =HYPERLINK("http://x")')).decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(text), delimiter=";") for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not any(cell.strip(' "').startswith(FORMULA) for cell in cells)


def test_numbers_stay_numbers() -> None:
    assert escape_formula(-1.5) == -1.5 and escape_formula(None) is None


def test_what_a_workbook_cannot_hold_is_left_out(report: Report) -> None:
    book = book_of(attacked(report, "a\x0bb\x00c\nd"))
    assert any(cell.value == "a b c\nd" for row in book["Summary"] for cell in row)
    assert "a\x0bb" in csv_of(attacked(report, "a\x0bb")).decode()


def test_sessions_without_numbers_have_tables(empty: Report, without_baseline: Report) -> None:
    assert book_of(empty)["Curves"].max_row == 1
    told = [row[0] for row in rows_of(book_of(without_baseline)["Summary"])]
    assert any(text.startswith("No baseline was measured") for text in told)


def test_a_workbook_speaks_no_english_but_for_the_heads_of_the_curves() -> None:
    class Marked(type(in_utc("en"))):
        def __call__(self, text: str, /, **values: object) -> str:
            return f"‹{super().__call__(text, **values)}›"

    buffer = io.BytesIO()
    write_xlsx(made((0.0, 5.0), failed=(10.0,)), buffer, Marked("xx", "Marked", ".", "en_GB"))
    book = openpyxl.load_workbook(io.BytesIO(buffer.getvalue()))
    staff = {"E-Ñ7", "L3-L4", "=1+1 calm", "@cmd", "ana", "prismseg 9.9", f"thermal-feet {'ab' * 32}", "cd" * 32}
    staff |= {"11111111-2222-3333-4444-555555555555"}
    texts = {
        cell.value
        for sheet in book
        if "Curves" not in sheet.title
        for row in sheet
        for cell in row
        if isinstance(cell.value, str)
    }
    assert {text for text in texts - staff if "‹" not in text and any(c.isalpha() for c in text)} == set()


def test_before_the_test_dose_there_are_no_minutes(report: Report) -> None:
    assert tidy_table(replace(report, test_dose_at=None)).minute.isna().all()
