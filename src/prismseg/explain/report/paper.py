"""What a paper needs of an explanation: the methods section in words, references, tables in LaTeX."""

from __future__ import annotations

import platform
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from prismseg.base import make_folder
from prismseg.base.files import write_text
from prismseg.base.version import VERSION
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS
from prismseg.evaluation.statistics.latex import escape_latex
from prismseg.evaluation.statistics.wording import show_interval
from prismseg.explain.registries import FILLS, METHODS, REGIONS
from prismseg.explain.report.explanation import Explanation
from prismseg.explain.report.headline import pick_interval
from prismseg.explain.report.references import reference_key, write_bibtex

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

_CITED = re.compile(r"\[@([^\]]+)\]")


def methods_section(
    explanation: Explanation, *, data: str, part: str, folds: int, network: str, depth: int = 1
) -> str:
    """Write the methods section of what was computed, with citations as ``[@Author et al. 2020]``.

    Parameters
    ----------
    explanation : Explanation
    data, part : str
        Name of the data set, and which part of it was explained.
    folds : int
        How many networks there are.
    network : str
        What the network is, in words.
    depth : int
        Slices of the volumes that it takes, 1 for images.
    """
    settings = explanation.settings
    sums = explanation.sums[settings.region]
    groups, cases = len(set(sums.groups)), len(sums.ids)
    paragraphs = [
        f"Explanations were computed with [@prismseg {VERSION}] (PyTorch {torch.__version__}, NumPy {np.__version__}, "
        f"Python {platform.python_version()}; seed {settings.seed}) for {_counted(cases, 'case')} of "
        f"{_counted(groups, 'group')} ({part} part of {data})"
        + (f", each with the one of {folds} networks that had not been trained on it" if folds > 1 else "")
        + f". The network ({network}) has {len(sums.axes.layers)} explained layers and the classes "
        f"{_listed(sums.axes.classes)}.",
        "The score of a class is the mean of its logit over a region: "
        + _listed([f"the {REGIONS[name].title}" for name in settings.regions])
        + f". Maps were made by {_listed([_method(name) for name in settings.methods])}; they are nowhere negative, and "
        f"those of layers were enlarged {'bilinearly' if depth == 1 else 'trilinearly'} to the network's input"
        f"{'' if depth == 1 else f', volumes of {depth} slices'}. Two nulls were measured in the same way: "
        "uniform noise, and the scored region itself as a map.",
        "Where relevance lies is told by rho, the share of it on the class's true mask (relevance mass accuracy "
        "[@Arras et al. 2022]), by lift, rho over the class's share of the image, by rank accuracy "
        "[@Arras et al. 2022], "
        "by CAM-Dice, twice the relevance on the mask over the sum of relevance and mask for maps "
        "scaled to [0, 1], and by "
        "the share in a band of "
        f"{settings.border} pixels around the contour. Every measure is also given less that of each null on the same "
        "case. "
        + (
            "Layers were fused with softmax weights of their mean rho, fitted on other groups than those they were "
            "judged on. "
            if groups > 1
            else ""
        )
        + "Cases without a class were left out of its means; maps that are zero everywhere count as 0.",
        (
            "Intervals are 95 % confidence intervals of means over cases from sign flips of whole "
            "groups [@Hartigan 1969]."
            if groups >= FEWEST_GROUPS
            else f"With {_counted(groups, 'group')} there are no confidence intervals (at least {FEWEST_GROUPS} "
            "are needed); ranges are "
            "the lowest and highest mean of a group."
        ),
    ]
    if explanation.faithfulness is not None:
        judged = explanation.faithfulness["case"].nunique()
        fills = _listed([f"{name} ({FILLS.summary(name).rstrip('.')})" for name in settings.faithfulness])
        paragraphs.append(
            f"Faithfulness was measured on {_counted(judged, 'case')}: pixels were hidden in steps of a tenth "
            "in the order of a map, the "
            "most or the least relevant first, while the mean probability of the class over its fixed region was "
            "watched. Deletion and insertion are the areas under these curves [@Petsiuk et al. "
            "2018]; their difference, "
            f"with imputed pixels, is ROAD [@Rong et al. 2022]. Hidden pixels were replaced by: "
            f"{fills}. Infidelity is the "
            "share of what hidden squares cost that their relevance does not account for, and max-sensitivity the "
            "largest relative change of a map under noise of 2 % of the image's standard deviation "
            "[@Yeh et al. 2019]."
        )
    if explanation.randomization is not None:
        paragraphs.append(
            "As a sanity check [@Adebayo et al. 2018] all parameters were scrambled from the output down, "
            f"{int(explanation.randomization['repeats'].max())} times, and maps compared with those "
            "of the trained network "
            "by rank correlation; the region that was explained stayed that of the trained network."
        )
    return "\n\n".join(paragraphs) + "\n"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _method(name: str) -> str:
    method = METHODS[name]
    if not method.citation:
        return method.title
    known = reference_key(method.citation) is not None
    return f"{method.title} " + (f"[@{method.citation}]" if known else f"({method.citation})")


def _listed(items: Sequence[str]) -> str:
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def cited(text: str) -> list[str]:
    """List the citations of a text, each once; brackets in names of classes and data are none."""
    return [name for name in dict.fromkeys(_CITED.findall(text)) if reference_key(name) is not None]


def to_markdown(text: str) -> str:
    """Write citations as words: ``(Author et al. 2020)``."""

    def worded(match: re.Match[str]) -> str:
        if reference_key(match[1]) is None:
            return match[0]
        return match[1] if match[1].startswith("prismseg") else f"({match[1]})"

    return _CITED.sub(worded, text)


def to_latex(text: str) -> str:
    r"""Write citations as ``\cite{key}`` and escape what LaTeX would take as its own.

    Examples
    --------
    >>> to_latex("5 % of a_b [@Hartigan 1969]")
    '5 \\% of a\\_b~\\cite{hartigan1969subsample}'
    """
    parts = re.split(r"( ?\[@[^\]]+\])", text)
    result = []
    for part in parts:
        match = _CITED.search(part)
        if match is None or reference_key(match[1]) is None:
            result.append(escape_latex(part))
        elif match[1].startswith("prismseg"):
            result.append(f" {escape_latex(match[1])}~\\cite{{{reference_key(match[1])}}}")
        else:
            result.append(f"~\\cite{{{reference_key(match[1])}}}")
    return "".join(result)


def latex_table(rows: pd.DataFrame, caption: str, label: str) -> str:
    """Write a table for the package booktabs: text to the left, numbers as they are given."""
    head = " & ".join(to_latex(str(name)) for name in rows)
    lines = [" & ".join(to_latex(str(cell)) for cell in row) + r" \\" for row in rows.itertuples(index=False)]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{to_latex(caption)}}}\label{{{label}}}",
            rf"\begin{{tabular}}{{{'l' * rows.shape[1]}}}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def headline_rows(headline: pd.DataFrame) -> pd.DataFrame:
    """Bring the headline to the form of a printed table."""
    rows = []
    for row in headline.to_dict("records"):
        named = {str(key): value for key, value in row.items()}
        line = {"class": named["class"], "share of image": _number(named["area"])}
        for measure in ("rho", "lift", "rho_excess", "cam_dice"):
            interval = show_interval(pick_interval(named, measure))
            line[measure] = _number(named.get(measure)) + ("" if interval == "–" else f" [{interval}]")
        rows.append(line)
    return pd.DataFrame(rows)


def faithfulness_rows(summary: pd.DataFrame) -> pd.DataFrame:
    """Bring the faithfulness to the form of a printed table: a line a class, method and fill."""
    rows = []
    for (cls, method, fill), part in summary.groupby(["class", "method", "fill"], sort=False):
        cells = {(row["measure"], row["null"]): row for row in part.to_dict("records")}
        line = {"class": cls, "method": method, "hidden by": fill}
        for name, key in {
            "gap": ("gap", ""),
            "over random": ("gap", "random"),
            "over region": ("gap", "region"),
            "infidelity": ("infidelity", ""),
        }.items():
            line[name] = _number(cells[key]["mean"]) if key in cells else "–"
        rows.append(line)
    return pd.DataFrame(rows)


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) and value == value else "–"


def write_paper(out: Path, explanation: Explanation, text: str) -> Path:
    """Write ``paper/`` with methods.md, methods.tex, references.bib and the tables as LaTeX; return the folder.

    Parameters
    ----------
    out : Path
        Folder of the explanation.
    explanation : Explanation
    text : str
        Of `methods_section`.
    """
    folder = make_folder(out / "paper")
    settings = explanation.settings
    write_text(folder / "methods.md", to_markdown(text))
    write_text(folder / "methods.tex", to_latex(text))
    write_text(folder / "references.bib", write_bibtex(cited(text)))
    caption = f"Relevance of the fused map: {settings.shown}."
    write_text(folder / "headline.tex", latex_table(headline_rows(explanation.headline), caption, "tab:relevance"))
    faithful = folder / "faithfulness.tex"
    if explanation.faithfulness_summary is None:
        faithful.unlink(missing_ok=True)
    else:
        rows = faithfulness_rows(explanation.faithfulness_summary)
        caption = f"Faithfulness of maps, region {settings.region}; gap: insertion less deletion."
        write_text(faithful, latex_table(rows, caption, "tab:faithfulness"))
    return folder
