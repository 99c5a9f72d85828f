"""Text for LaTeX."""

from __future__ import annotations

import unicodedata
from typing import Final

_COMMANDS: Final = {
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''", "–": "--", "—": "---", "…": r"\ldots{}",
    "‘": "`", "’": "'", "“": "``", "”": "''", "„": ",,", "\u00a0": "~", "\u202f": r"\,",
    "·": r"\textperiodcentered{}",
    **{letter: "\\" + letter for letter in "&%$#_{}"},
}  # fmt: skip
_MATHS: Final = {
    "×": r"\times", "÷": r"\div", "±": r"\pm", "−": "-", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx",
    "→": r"\rightarrow", "←": r"\leftarrow", "∞": r"\infty", "∈": r"\in", "√": r"\surd", "∑": r"\sum", "⊙": r"\odot",
    "¹": "^1", "²": "^2", "³": "^3", "°": r"^\circ", "µ": r"\mu", "μ": r"\mu",
}  # fmt: skip
_GREEK: Final = {
    letter: name.capitalize() if letter.isupper() else name
    for letter, name in (
        (letter, unicodedata.name(letter).split()[-1].lower()) for letter in "αβγδζηθικλνξπρστυψωΓΔΘΛΞΠΣΥΦΨΩ"
    )
} | {"λ": "lambda", "Λ": "Lambda", "ε": "varepsilon", "φ": "varphi", "χ": "chi"}
_ESCAPED: Final = str.maketrans(
    _COMMANDS
    | {sign: rf"\ensuremath{{{text}}}" for sign, text in _MATHS.items()}
    | {letter: rf"\ensuremath{{\{name}}}" for letter, name in _GREEK.items()}
)


def escape_latex(text: str) -> str:
    r"""Write text such that LaTeX prints it: what has a meaning there is escaped, Greek letters and signs are maths.

    Letters with accents stay, as every LaTeX since 2018 reads them; other scripts need XeLaTeX or LuaLaTeX and a
    font.

    Examples
    --------
    >>> print(escape_latex(r"50 % of a_b ≥ γ^2 in C:\data"))
    50 \% of a\_b \ensuremath{\geq} \ensuremath{\gamma}\textasciicircum{}2 in C:\textbackslash{}data
    """
    escaped = unicodedata.normalize("NFC", text).translate(_ESCAPED)
    # After the \\ of a row these two would be its options.
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped
