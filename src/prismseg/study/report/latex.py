"""Tables for LaTeX."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prismseg.evaluation.statistics.latex import escape_latex

_SMALL = 0.001  # numbers below this are written with two significant digits


def latex_table(table: pd.DataFrame) -> str:
    r"""Write a table for LaTeX with the package booktabs, numbers with three digits.

    Examples
    --------
    >>> print(latex_table(pd.DataFrame({"skip": ["conv_M3"], "mean": [0.51234]})))
    \begin{tabular}{lr}
    \toprule
    skip & mean \\
    \midrule
    conv\_M3 & 0.512 \\
    \bottomrule
    \end{tabular}
    <BLANKLINE>
    """
    names = [escape_latex(str(name).replace("_", " ")) for name in table.columns]
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    lines = [
        r"\begin{tabular}{" + "".join("r" if number else "l" for number in numeric) + "}",
        r"\toprule",
        " & ".join(names) + r" \\",
        r"\midrule",
    ]
    lines += [" & ".join(_cell(value) for value in row) + r" \\" for row in table.itertuples(index=False)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "--" if value != value else f"{value:.2g}" if 0 < abs(value) < _SMALL else f"{value:.3f}"
    return escape_latex(str(value))
