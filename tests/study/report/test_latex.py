"""Tables for LaTeX."""

import pandas as pd

from prismseg.study.report.latex import latex_table


def test_latex_by_hand():
    table = pd.DataFrame({"skip": ["conv_M3"], "mean": [0.51234], "p_value": [0.00001], "n": [6]})
    assert latex_table(table) == (
        "\\begin{tabular}{lrrr}\n\\toprule\nskip & mean & p value & n \\\\\n\\midrule\n"
        "conv\\_M3 & 0.512 & 1e-05 & 6 \\\\\n\\bottomrule\n\\end{tabular}\n"
    )
