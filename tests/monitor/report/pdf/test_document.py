from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Table

from prismseg.base import Message, OutputError
from prismseg.monitor.languages import Language
from prismseg.monitor.languages.flag_texts import caveat_of, title_of
from prismseg.monitor.report import write_pdf
from prismseg.monitor.report.content import Report
from prismseg.monitor.report.pdf.style import BOLD
from prismseg.monitor.report.pdf.temperatures import tables
from prismseg.monitor.report.words import Words
from prismseg.thermal import REGIONS, Session, Value
from prismseg.thermal.phantom import FootCourse

from ..conftest import changed, in_utc, made

BUILD = Path(__file__).parents[3] / "build" / "reports"


def written(report: Report, language: Language) -> bytes:
    buffer = io.BytesIO()
    write_pdf(report, buffer, language)
    return buffer.getvalue()


def pages_of(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    pages = [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
    document.close()
    return [re.sub(r"\s+", " ", page) for page in pages]


def text_of(data: bytes) -> str:
    return " ".join(pages_of(data))


@pytest.mark.parametrize("code", ["en", "es"])
def test_the_report_says_what_was_measured(report: Report, code: str) -> None:
    language = in_utc(code)
    words = Words(language)
    text = text_of(written(report, language))
    table = report.session.table()
    for row in table[table["region"].isin(REGIONS)].itertuples():
        assert words.measured(Value(row.mean, row.mean_error)) in text
        if row.status == "measured" and row.minute > 0:
            assert words.measured(Value(row.delta, row.delta_error), sign=True) in text
    differences = report.session.differences().query("minute > 0")
    for row in differences[differences["region"].isin(REGIONS)].itertuples():
        assert words.measured(Value(row.difference, row.difference_error), sign=True) in text
    assert words.number(70 / 1.65**2) in text and "E-Ñ7" in text and report.id in text


@pytest.mark.parametrize("code", ["en", "es"])
def test_the_report_shows_all_flags_with_evidence_and_caveat(report: Report, code: str) -> None:
    words = Words(in_utc(code))
    text = text_of(written(report, words.language))
    flags = report.session.flags()
    assert {flag.name for flag in flags} == {"warming", "asymmetric", "quality"}
    said = [observation.sentence for entry in report.session.entries for observation in entry.observations]
    assert said, "what the checks said stands at its capture"
    for flag in flags:
        sentences = said if flag.name == "quality" else [flag.sentence]
        assert all(words(sentence) in text for sentence in sentences)
        assert words(flag.source) in text and words(caveat_of(flag.name)) in text
        assert words(title_of(flag.name)) in text
        if flag.name != "quality":
            assert words(Message("{threshold:.1f} °C", threshold=flag.evidence["threshold"])) in text
    rise = max(flags[0].evidence["delta"])
    assert words.number(rise, sign=True) in text


@pytest.mark.parametrize("code", ["en", "es"])
def test_every_page_says_what_it_is(report: Report, code: str) -> None:
    language = in_utc(code)
    data = written(report, language)
    pages = pages_of(data)
    assert 3 <= len(pages) <= 4
    for number, page in enumerate(pages, start=1):
        assert language("Research use only – observations, not diagnoses") in page
        assert language("Page {page} of {pages}", page=number, pages=len(pages)) in page and "E-Ñ7" in page
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"report-{code}.pdf").write_bytes(data)
    document = pypdfium2.PdfDocument(data)
    for number in range(len(document)):
        picture = document[number].render(scale=1.5).to_pil()
        picture.save(BUILD / f"report-{code}-{number + 1}.png")
        assert 0.001 < np.mean(np.asarray(picture.convert("L")) < 128) < 0.6, "an empty or a black page"


def test_the_report_says_with_what_it_was_measured(report: Report) -> None:
    text = text_of(written(report, in_utc("en")))
    told = (
        "prismseg 9.9", f"thermal-feet {'ab' * 6}", "cd" * 32, f"{7:064x}", "emissivity 0.98, distance 0.7 m",
        "the patient's right foot is on the left of the picture", "Simulator (no real patient)",
        "outline edited by ana, 4 May 2026, 14:03", "#99 was excluded by ana, 4 May 2026, 14:03: feet moved",
        "not felt / less", "@cmd", "=1+1 calm", "L3-L4", "ruptured", "Test dose given 4 May 2026, 14:00",
    )  # fmt: skip
    assert [each for each in told if each not in text] == []
    assert "ab" * 7 not in text and "Parity" not in text


def test_what_was_measured_otherwise_is_told_apart(report: Report) -> None:
    other = changed(report, 4, camera="another", view="mirrored", parameters={"emissivity": 0.95})
    text = text_of(written(other, in_utc("en")))
    assert "#4: another; emissivity 0.95" in text and "#1, #2, #3, #5, #6, #7: Simulator" in text
    assert "#4: Mirrored" in text


@dataclass(frozen=True)
class Marked(Language):
    """Puts marks around everything that it translates, and signs around its words."""

    def __call__(self, text: str, /, **values: object) -> str:
        return f"‹{super().__call__(text, **values)}›"

    def time(self, moment: object) -> str:
        return "‹time›"

    def date(self, moment: object) -> str:
        return "‹date›"


@pytest.mark.parametrize("which", ["whole", "no baseline", "unread", "no capture"])
def test_every_word_goes_through_the_language(report: Report, which: str) -> None:
    chosen = {
        "whole": lambda: report,
        "no baseline": lambda: made((1.0, 5.0), failed=()),
        "unread": lambda: made((0.0, 5.0), failed=(), unread=(10.0,)),
        "no capture": lambda: made((), failed=()),
    }[which]()
    text = text_of(written(chosen, Marked("xx", "Marked", ".", "en_GB", zone=UTC)))
    assert "‹Research use only – observations, not diagnoses›" in text
    before = ""
    while before != text:
        before, text = text, re.sub(r"‹[^‹›]*›", " ", text)
    staff = {"feet", "moved", "calm", "cmd", "ana", "prismseg", "thermal", "min", "SHA", "kg", "ml"}
    found = set(re.findall(r"[^\W\d_]{3,}", text)) - staff
    assert {word for word in found if not re.fullmatch(r"[a-f]+", word)} == set()


def test_the_same_report_is_the_same_bytes(report: Report, tmp_path: Path) -> None:
    first = written(report, in_utc("es"))
    with ThreadPoolExecutor(2) as threads:
        again = list(threads.map(lambda _: written(report, in_utc("es")), range(4)))
    assert all(each == first for each in again)
    write_pdf(report, tmp_path / "new" / "report.pdf", in_utc("es"))
    assert (tmp_path / "new" / "report.pdf").read_bytes() == first
    assert b"/FontFile2" in first
    assert written(report, in_utc("en")) != first


def test_a_report_that_cannot_be_written_leaves_nothing(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another output folder"):
        write_pdf(report, tmp_path / "file" / "report.pdf", in_utc("en"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_t0_no_change_is_given_and_it_is_said(without_baseline: Report) -> None:
    text = text_of(written(without_baseline, in_utc("en")))
    assert "No baseline was measured before the test dose: changes cannot be shown." in text
    assert "Take the baseline before the test dose." in text
    assert "Change since" not in text and "Right minus left" not in text
    assert "Observations" not in text and "No threshold" not in text
    assert not re.search(r"[+−]\d+\.\d ± ", text)
    assert "Mean temperature, °C, with 95 % intervals" in text


def test_changes_that_are_not_given_are_gaps_and_it_is_said() -> None:
    report = made(failed=(), emissivity_after=(9, 0.95))
    assert sum(report.session.delta(entry, "left").known for entry in report.session.measured) == 3
    text = text_of(written(report, in_utc("en")))
    assert "no change is shown between the one and the other" in text
    assert "Change since the baseline" in text and "20 left – – – – – –" in text
    caution = next(each for each in report.session.entries[3].observations)
    assert Words(in_utc("en"))(caution.sentence) in text


def test_no_flag_is_no_verdict() -> None:
    cold = (FootCourse(27.0, 0.0, 0.0, 4.0, 3.0), FootCourse(27.4, 0.0, 0.0, 4.0, 3.0))
    report = made((0.0, 5.0), failed=(), courses=cold)
    assert not report.session.flags()
    text = text_of(written(report, in_utc("en")))
    assert "This does not mean that the block works, nor that it does not." in text
    assert "Nothing to observe yet." in text_of(written(made((0.0,), failed=()), in_utc("en")))


def test_a_capture_without_numbers_is_shown_with_the_reason(report: Report) -> None:
    text = text_of(written(report, in_utc("en")))
    reason = report.session.entries[-1].reason
    assert f"#7 · 25 min · 14:25 no numbers: not two soles. {reason}" in text
    assert "×: a capture without numbers." in text


def test_a_frame_that_could_not_be_read_keeps_its_place() -> None:
    text = text_of(written(made((0.0, 5.0), failed=(), unread=(10.0,)), in_utc("en")))
    assert "#3 · 10 min · 14:10 no numbers: unreadable frame. The file is damaged." in text
    assert f"{3:064x}" in text


def test_a_session_without_captures_has_a_report(empty: Report) -> None:
    text = text_of(written(replace(empty, test_dose_at=None), in_utc("en")))
    assert "No capture yet." in text and "Page 1 of 1" in text and "Test dose given not stated" in text


def test_long_and_strange_texts_are_set_as_they_are() -> None:
    note = "\n".join(f"{number} <b>&amp; ±²°−" for number in range(100))[:2000]
    report = made((0.0,), failed=(), code="患者 🙂 <7>&\x0b", note=note, drug="x" * 200, dose="<i>10 ml")
    pages = pages_of(written(report, in_utc("en")))
    text = " ".join(pages)
    assert all(f"{number} <b>&amp; ±²°−" in text for number in range(100)) and "<i>10 ml" in text
    assert text.replace(" ", "").count("x" * 200) == 1
    assert len(pages) == 3 and all(f"Page {number} of 3" in page for number, page in enumerate(pages, start=1))
    # What the fonts lack is named: two codes never look alike on paper.
    assert text.count("[U+60A3][U+8005] [U+1F642] <7>&") == 4


def test_a_note_of_a_thousand_lines_and_a_long_reason_fit() -> None:
    report = made((0.0,), failed=(), note="a\n" * 999, drug="b\n" * 99)
    gone = replace(report.excluded[0], reason="word " * 2000)
    assert text_of(written(replace(report, excluded=(gone,)), in_utc("en"))).count("word") == 2000


def test_thirty_captures() -> None:
    report = made([0.0, *range(2, 59, 2)], failed=())
    pages = pages_of(written(report, in_utc("es")))
    assert len(report.captures) == 30
    text = " ".join(pages)
    assert all(f"#{number} · " in text for number in range(1, 31))
    assert all(each.sha256 in text for each in report.captures)
    assert all(f"Página {number} de {len(pages)}" in page for number, page in enumerate(pages, start=1))
    heads = [page for page in pages if "planta entera" in page]
    assert len(heads) > 3  # the head of a table comes again on each of its pages


@pytest.mark.parametrize("code", ["en", "es"])
def test_no_word_of_a_table_s_head_is_broken(report: Report, code: str) -> None:
    words = Words(in_utc(code))
    found = [each for each in tables(report, words) if isinstance(each, Table)]
    assert [cell.text for each in found[:2] for cell in each._cellvalues[0][2:]] == [
        words.word(region) for region in report.session.regions
    ]
    for table in found:
        for cell, width in zip(table._cellvalues[0], table._colWidths, strict=True):
            room = width - 6  # points inside the cell
            assert all(stringWidth(word, BOLD, cell.style.fontSize) <= room for word in cell.text.split()), (
                cell.text
            )


def test_a_session_of_one_foot_has_no_rows_of_the_other(report: Report) -> None:
    one = Session(report.session.view, feet="left")
    for entry in report.session.entries[:2]:
        one.add(entry.frame, entry.soles.left, minute=entry.minute)
    short = replace(report, session=one, captures=report.captures[:2])
    both, said = (text_of(written(each, in_utc("en"))) for each in (report, short))
    assert "right minus left" in both and "right minus left" not in said
    assert re.search(r"right 2\d\.\d", both) and not re.search(r"right (2\d\.\d|–)", said)


def test_before_the_test_dose_no_minute_is_counted_from_it() -> None:
    text = text_of(written(replace(made((0.0, 5.0), failed=()), test_dose_at=None), in_utc("en")))
    assert "Minutes since the last capture" in text and "#2 · 14:05" in text and "No. Side" in text
    assert "since the test dose" not in text and "Minute Side" not in text
