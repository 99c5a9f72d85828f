from __future__ import annotations

import io

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prismseg.monitor.languages import languages
from prismseg.monitor.records import Report
from prismseg.monitor.report import tidy, write_csv, write_xlsx
from prismseg.monitor.report.tables import harmless


def test_the_csv_holds_the_numbers_of_the_session(report: Report) -> None:
    buffer = io.BytesIO()
    write_csv(report, buffer)
    assert buffer.getvalue().startswith(b"\xef\xbb\xbf")
    read = pd.read_csv(io.BytesIO(buffer.getvalue()), dtype={"frame_sha256": str})
    table = report.session.table()
    for column in ("minute", "mean", "mean_error", "delta", "delta_error", "rate", "pixels"):
        pd.testing.assert_series_equal(read[column], table[column], check_dtype=False)
    third = read[read.capture == 3]
    assert (third.pain == 3).all() and (third.cold_left == "not felt").all() and (third.note == "'@cmd").all()
    assert set(read[read.capture == 2].mask_origin) == {"edited"} and set(read.camera_emissivity) == {0.98}
    assert set(read[read.capture == 1].frame_sha256) == {f"{1:064x}"} and set(read.model) == {"thermal-feet"}
    failed = read[read.capture == 5]
    assert failed["mean"].isna().all() and (failed.status == "not two soles").all()


def test_the_workbook_holds_the_same(report: Report) -> None:
    buffer = io.BytesIO()
    write_xlsx(report, buffer, languages()["es"])
    book = openpyxl.load_workbook(io.BytesIO(buffer.getvalue()))
    assert book.sheetnames == ["Resumen", "Curvas", "Capturas", "Observaciones"]
    head, *rows = book["Curvas"].iter_rows(values_only=True)
    read = pd.DataFrame(rows, columns=head)
    assert list(read.columns) == list(tidy(report).columns)
    assert read["mean"].astype(float).tolist() == pytest.approx(tidy(report)["mean"].tolist(), nan_ok=True)
    captures = list(book["Capturas"].iter_rows(values_only=True))
    assert captures[-1][0] == 9 and captures[-1][3] == "feet moved"
    texts = [cell.value for sheet in book for row in sheet for cell in row if isinstance(cell.value, str)]
    assert not any(cell.data_type == "f" for sheet in book for row in sheet for cell in row)
    assert "'=1+1 calm" in texts


@given(st.text())
def test_no_text_is_a_formula(text: str) -> None:
    assert not harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert harmless(text).endswith(text)


def test_numbers_stay_numbers() -> None:
    assert harmless(-1.5) == -1.5 and harmless(None) is None
