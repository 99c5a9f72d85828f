"""The methods section says what was done, no more, and cites what its references hold."""

import re
import shutil
import subprocess
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from prismseg.base.version import VERSION
from prismseg.explain import METHODS, ExplainSettings
from prismseg.explain.report.paper import (
    cited,
    faithfulness_rows,
    headline_rows,
    latex_table,
    methods_section,
    to_latex,
    to_markdown,
)
from prismseg.explain.report.references import reference_key, write_bibtex


def explanation(groups=7, **changes):
    names = tuple(f"g{number % groups}" for number in range(14))
    sums = SimpleNamespace(
        ids=names, groups=names, axes=SimpleNamespace(layers=("a", "b"), classes=("rest", "nerve_1"))
    )
    facts = {
        "settings": ExplainSettings(methods=("layercam", "lrp"), faithfulness=("inpaint",), seed=11),
        "sums": {"prediction": sums},
        "faithfulness": None,
        "randomization": None,
    }
    return SimpleNamespace(**facts | changes)


def section(found):
    return methods_section(found, data="feet", part="test", folds=1, network="unet, width 1")


def test_it_says_what_was_done_and_no_more():
    text = section(explanation())
    for said in (
        "14 cases of 7 groups",
        "seed 11",
        "Layer-CAM",
        "LRP",
        "predicted mask",
        "2 explained layers",
        "nerve_1",
    ):
        assert said in text
    for unsaid in ("Grad-CAM", "Faithfulness was", "sanity check", "each with the one of"):
        assert unsaid not in text
    full = explanation(
        faithfulness=pd.DataFrame({"case": ["a", "b", "b"]}), randomization=pd.DataFrame({"repeats": [3]})
    )
    text = section(full)
    assert "measured on 2 cases" in text and "ROAD" in text and "3 times" in text and "inpaint (" in text


def test_few_groups_are_said_to_have_no_interval():
    assert "no confidence intervals" in section(explanation(groups=3))
    assert "sign flips" in section(explanation(groups=7))


def test_every_citation_has_an_entry_and_every_entry_is_cited():
    full = explanation(faithfulness=pd.DataFrame({"case": ["a"]}), randomization=pd.DataFrame({"repeats": [3]}))
    text = section(full)
    entries = set(re.findall(r"^@\w+\{([^,]+),", write_bibtex(cited(text)), re.MULTILINE))
    assert set(re.findall(r"\\cite\{([^}]+)\}", to_latex(text))) == entries
    assert {"jiang2021layercam", "montavon2019lrp", "prismseg", "yeh2019infidelity"} <= entries
    assert "[@" not in to_markdown(text) + to_latex(text)


def test_every_method_of_ours_has_its_reference():
    for name, method in METHODS.items():
        assert not method.citation or reference_key(method.citation), name


def test_entries_are_well_formed():
    for name in ("Montavon et al. 2019", "Hartigan 1969"):
        entry = write_bibtex([name])
        assert entry.count("{") == entry.count("}") and "author = {" in entry and "year = {" in entry


def test_a_parser_of_bibtex_reads_every_entry(tmp_path):
    database = pytest.importorskip("pybtex.database", reason="pybtex is not installed")
    needed = {"article": "journal", "inproceedings": "booktitle", "incollection": "publisher", "misc": "note"}
    names = list(dict.fromkeys(method.citation for method in METHODS.values()))
    text = write_bibtex([*names, "Montavon et al. 2019", "Hartigan 1969", f"prismseg {VERSION}"])
    entries = database.parse_string(text, "bibtex").entries
    assert len(entries) == text.count("@")
    for key, entry in entries.items():
        assert entry.persons["author"] and entry.fields["title"] and entry.fields[needed[entry.type]], key


ODD = [
    "a_b", "50%", "R&D", "#1", "x^2", "~y", "$z$", "{q}", "C:\\data", "Gefäß", "α–β ≥ Λ", "<5>|", "[x]", "*",
    "[@nobody 2020]",
]  # fmt: skip


def test_latex_compiles_whatever_classes_and_data_are_called(tmp_path):
    found = explanation(randomization=pd.DataFrame({"repeats": [3]}))
    found.sums["prediction"].axes.classes = tuple(ODD)
    text = methods_section(found, data="\\my_%feet#1", part="test", folds=1, network="unet, width 1")
    headline = pd.DataFrame([{"class": name, "area": 0.1, "rho": 0.5} for name in ODD])
    table = latex_table(headline_rows(headline), "of 50 % #1 ~ ^ \\", "tab:x")
    assert (
        "[@nobody 2020]" in to_markdown(text) and "nobody" not in str(cited(text)) and "None" not in to_latex(text)
    )
    if (compiler := shutil.which("pdflatex")) is None:
        pytest.skip("there is no pdflatex")
    whole = (
        r"\documentclass{article}\usepackage{booktabs}\begin{document}",
        to_latex(text),
        table,
        r"\end{document}",
    )
    (tmp_path / "paper.tex").write_text("\n".join(whole), encoding="utf-8")
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_a_table_for_latex():
    headline = pd.DataFrame(
        [{"class": "nerve_1", "area": 0.1, "rho": 0.5, "rho_ci_low": 0.4, "rho_ci_high": 0.6, "lift": np.nan}]
    )
    table = latex_table(headline_rows(headline), "50 % of it", "tab:x")
    assert r"nerve\_1 & 0.100 & 0.500 [0.400 -- 0.600] & -- & -- & -- \\" in table
    assert r"50 \%" in table and table.count("&") == 2 * 5
    faithful = pd.DataFrame(
        [
            {"class": "nerve", "method": "lrp", "fill": "mean", "measure": "gap", "null": null, "mean": value}
            for null, value in (("", 0.5), ("random", 0.4))
        ]
    )
    assert faithfulness_rows(faithful).iloc[0].tolist() == ["nerve", "lrp", "mean", "0.500", "0.400", "–", "–"]


def test_a_method_without_an_entry_is_named_in_words():
    odd = replace(METHODS["layercam"], title="Odd-CAM", citation="this page")
    with METHODS.temporarily("odd", odd):
        text = section(explanation(settings=ExplainSettings(methods=("odd",))))
    assert "Odd-CAM (this page)" in text and pytest.importorskip("re").search(r"\[@this", text) is None
