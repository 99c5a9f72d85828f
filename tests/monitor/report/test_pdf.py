from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from prismseg.monitor.languages import Language, languages
from prismseg.monitor.records import Report
from prismseg.monitor.report import write_pdf
from prismseg.thermal import WHOLE

BUILD = Path(__file__).parents[3] / "build" / "reports"


def written(report: Report, language: Language) -> bytes:
    buffer = io.BytesIO()
    write_pdf(report, buffer, language)
    return buffer.getvalue()


def text_of(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    pages = [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
    document.close()
    return re.sub(r"\s+", " ", " ".join(pages))


@pytest.mark.parametrize("code", ["en", "es"])
def test_the_report_says_what_was_measured(report: Report, code: str) -> None:
    language = languages()[code]
    data = written(report, language)
    text = text_of(data)
    assert language("Research use only – observations, not diagnoses") in text
    assert "E-Ñ7" in text and language.number(70 / 1.65**2) in text
    table = report.session.table()
    row = table[(table.minute == 10) & (table.side == "right") & (table.region == WHOLE)].iloc[0]
    mean = f"{language.number(row['mean'])} ± {language.number(1.959964 * row['mean_error'])}"
    change = f"{language.number(row.delta, sign=True)} ± {language.number(1.959964 * row.delta_error)}"
    assert mean in text and change.replace("-", "−") in text
    for flag in report.session.flags():
        if flag.name != "quality":
            assert language(flag.sentence) in text and language(flag.source) in text
    assert language(report.session.entries[-1].observations[0].sentence) in text
    assert "feet moved" in text and "a" * 64 in text and f"{1:064x}" in text
    pages = len(pypdfium2.PdfDocument(data))
    assert (
        language("{code}   page {page} of {pages}", code="E-Ñ7", page=pages, pages=pages).split("   ")[1] in text
    )
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"report-{code}.pdf").write_bytes(data)
    document = pypdfium2.PdfDocument(data)
    for number in range(len(document)):
        picture = document[number].render(scale=1.2).to_pil()
        picture.save(BUILD / f"report-{code}-{number + 1}.png")
        assert 0.001 < np.mean(np.asarray(picture.convert("L")) < 128) < 0.6, "an empty or a black page"


@dataclass(frozen=True)
class Marked(Language):
    """Marks every template that it is asked for."""

    def __call__(self, text: str, /, **values: object) -> str:
        return f"‹{super().__call__(text, **values)}›"


def test_every_sentence_goes_through_the_language(report: Report) -> None:
    text = text_of(written(report, Marked("xx", "Marked", ".", "en_GB")))
    outside = re.sub(r"‹[^‹›]*›", " ", re.sub(r"‹[^‹›]*‹[^‹›]*›[^‹›]*›", " ", text))
    own = {
        "feet",
        "moved",
        "ana",
        "ruptured",
        "simulator",
        "camera",
        "emissivity",
        "prismseg",
        "thermal",
        "calm",
        "cmd",
    }
    words = set(re.findall(r"[a-zäöüñ]{4,}", outside)) - own
    # Hashes are no words, nor are months.
    assert {word for word in words if not re.fullmatch(r"[a-f0-9]+", word)} <= {"page"}


def test_the_same_report_is_the_same_bytes(report: Report) -> None:
    assert written(report, languages()["es"]) == written(report, languages()["es"])


def test_without_t0_no_change_is_given_and_it_is_said(without_baseline: Report) -> None:
    text = text_of(written(without_baseline, languages()["en"]))
    assert "No baseline was measured before the test dose: changes cannot be shown." in text
    assert "Whole sole, change" not in text
    assert not re.search(r"[+−]\d+\.\d ± ", text)
