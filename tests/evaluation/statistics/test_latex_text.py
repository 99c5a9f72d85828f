"""Text for LaTeX."""

import pytest

from prismseg.evaluation.statistics.latex import escape_latex


@pytest.mark.parametrize(
    "text, written",
    [
        ("a_b & 5 %", r"a\_b \& 5 \%"), ("C:\\x", r"C:\textbackslash{}x"),
        ("a^~b", r"a\textasciicircum{}\textasciitilde{}b"),
        ("{1}$#", r"\{1\}\$\#"), ("λ≥2", r"\ensuremath{\lambda}\ensuremath{\geq}2"), ("[x] *", "{}[x] *"), ("*", "{}*"),
        ("a\u0301é", "áé"), ("1 – 2", "1 -- 2"),
    ],
)  # fmt: skip
def test_what_latex_takes_as_its_own_is_escaped(text, written):
    assert escape_latex(text) == written
