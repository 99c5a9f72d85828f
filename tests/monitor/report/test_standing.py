"""How the record stood is on every page: state, signature, who printed it and when."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pypdfium2
import pytest

from prismseg.monitor.report import write_pdf
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.standing import Standing

from .conftest import START, in_utc

PRINTED = START + timedelta(hours=2)
CLOSED = {"closed_at": START + timedelta(minutes=40)}
SIGNED = {**CLOSED, "signed_at": START + timedelta(minutes=50), "signed_by": "ana"}
DEMONSTRATION = "DEMONSTRATION – no patient"
CASES = [
    (Standing(printed_at=PRINTED, printed_by="eva"), ["OPEN – may still change", "16:00 by eva"], ["closed", "IMPORTED"]),
    (Standing("import", printed_at=PRINTED), ["IMPORTED", "OPEN", "printed 4 May 2026, 16:00"], ["16:00 by"]),
    (Standing("demonstration", **CLOSED), [DEMONSTRATION, "closed 4 May 2026, 14:40"], ["printed", "OPEN"]),
    (
        Standing(**SIGNED, printed_at=PRINTED, printed_by="eva"),
        ["closed 4 May 2026, 14:40", "signed by ana, 4 May 2026, 14:50", "printed 4 May 2026, 16:00 by eva"],
        ["OPEN", "typed"],
    ),
    (
        Standing(**{**SIGNED, "signed_by": "Ana Pérez"}, signed_typed=True),
        ["signed 4 May 2026, 14:50 as Ana Pérez (typed, nobody was logged in)"],
        ["signed by"],
    ),
]  # fmt: skip


def pdf(report: Report, code: str = "en") -> pypdfium2.PdfDocument:
    buffer = io.BytesIO()
    write_pdf(report, buffer, in_utc(code))
    return pypdfium2.PdfDocument(buffer.getvalue())


def text_of(page: pypdfium2.PdfPage) -> str:
    return " ".join(page.get_textpage().get_text_bounded().split())


@pytest.mark.parametrize(("standing", "told", "untold"), CASES)
def test_every_page_says_how_the_record_stood(empty: Report, standing: Standing, told, untold) -> None:
    pages = [text_of(page) for page in pdf(replace(empty, standing=standing))]
    assert pages
    for page in pages:
        assert all(words in page for words in told), page
        assert not any(words in page for words in untold), page
    assert all(name in pages[-1] for name in ("Signature", "Date and time"))


def test_the_file_says_when_it_was_made_and_is_the_same_again(empty: Report) -> None:
    report = replace(empty, standing=Standing(printed_at=PRINTED))
    assert pdf(report).get_metadata_value("CreationDate").startswith("D:20260504160000")
    first, second = io.BytesIO(), io.BytesIO()
    write_pdf(report, first, in_utc("es"))
    write_pdf(report, second, in_utc("es"))
    assert first.getvalue() == second.getvalue()


def test_the_encapsulated_report_is_of_the_day_it_was_printed(empty: Report, tmp_path) -> None:
    pydicom = pytest.importorskip("pydicom")
    from prismseg.monitor.report import write_dicom

    pytest.importorskip("highdicom")
    later = START + timedelta(days=3)
    write_dicom(replace(empty, standing=Standing(printed_at=later)), tmp_path, in_utc("en"))
    made = pydicom.dcmread(tmp_path / "report.dcm")
    assert (made.StudyDate, made.ContentDate) == (f"{empty.created_at:%Y%m%d}", f"{later:%Y%m%d}")


def test_a_long_state_is_on_every_page_whole(empty: Report) -> None:
    name = "María de los Ángeles Fernández-Villaverde y Gutiérrez de la Concepción, Anestesia"
    standing = Standing(
        "import", **{**SIGNED, "signed_by": name}, signed_typed=True, printed_at=PRINTED, printed_by="W" * 40
    )
    for code, last in (("en", "by " + "W" * 40), ("es", "por " + "W" * 40)):
        for page in pdf(replace(empty, standing=standing), code):
            text, (width, _) = page.get_textpage(), page.get_size()
            assert last in text_of(page) and name in text_of(page)
            boxes = [text.get_charbox(number) for number in range(text.count_chars())]
            assert max(right for _, _, right, _ in boxes) < width and min(low for _, low, _, _ in boxes) > 12
