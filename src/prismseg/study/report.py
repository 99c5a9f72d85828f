"""The report of a study: tables as CSV and LaTeX, figures, one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from prismseg.base import DataError, atomic_path, make_folder, write_text
from prismseg.base.machine import STABLE, describe_machine, this_machine
from prismseg.base.page import figure_uri, write_page
from prismseg.base.version import VERSION
from prismseg.evaluation.statistics.methods import method_sentence
from prismseg.evaluation.statistics.wording import interval_heading, interval_sentence, show_interval
from prismseg.study.aggregate import compare_study, per_seed, pooled, shown_axes, summarize_study
from prismseg.study.figures import draw_differences, draw_ranks
from prismseg.study.grid import Run, Study
from prismseg.study.kind import KINDS
from prismseg.study.provenance import Provenance
from prismseg.study.stale import stale_runs
from prismseg.study.store import Store

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST_RANKED = 3
_LOWER_IS_BETTER = ("hd95", "rmse", "mean_abs", "max_abs", "epsilon")


def report_study(study: Study, runs: Sequence[Run], root: Path, *, keep_stale: bool = False) -> Path:
    """Put together what is finished of a study, below ``root/report``.

    ``study.html``, ``summary.csv``, ``comparison.csv``, ``cases.csv``, both tables as ``.tex``, and ``figures/*.png`` and
    ``*.pdf``; ``kept`` holds predictions and maps of the cases that are shown, so that the next report is quick.

    Parameters
    ----------
    study, runs, root
        The study, its runs and its folder.
    keep_stale : bool
        Also take runs whose data, code or version have changed since, and say so; by default they are left out.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    DataError
        When no run is finished, or all that are have become stale.
    """
    store = Store(root)
    finished = [run for run in runs if store.state(run) == "done"]
    if not finished:
        raise DataError(f"No run of {study.title!r} is finished in {root}; run it with `prismseg study run`.")
    reasons = stale_runs(study.kind, store, finished)
    stale = [run for run in finished if run.key in reasons]
    if not keep_stale:
        finished = [run for run in finished if run.key not in reasons]
    if not finished:
        raise DataError(
            f"All finished runs of {study.title!r} in {root} are stale ({'; '.join(reasons[stale[0].key])}); repeat them "
            "with `prismseg study run`, or add --keep-stale."
        )
    tables = [store.results(run) for run in finished]
    table = pd.concat(tables, ignore_index=True)
    cases = pooled(study, table)
    summary = summarize_study(study, cases)
    measures = study.measures or tuple(dict.fromkeys(cases["measure"]))
    comparison = compare_study(study, per_seed(study, table), measures)
    out = make_folder(root / "report")
    drawn = cases if study.kind == "segmentation" else table
    figures = KINDS[study.kind].figures(drawn) | _ranks(study, cases, measures) | _differences(study, comparison)
    pictures, notes = KINDS[study.kind].look(study, list(zip(finished, tables, strict=True)), store, out / "kept")
    make_folder(out / "figures")
    for name, figure in (figures | pictures).items():
        for suffix in (".png", ".pdf"):
            with atomic_path(out / "figures" / f"{name}{suffix}") as temporary:
                figure.savefig(temporary, dpi=150, format=suffix[1:])
    for name, content in (("summary", summary), ("comparison", comparison), ("cases", cases)):
        write_text(out / f"{name}.csv", content.to_csv(index=False))
    shown = summary[summary["measure"].isin(measures) & summary["layer"].isin(("", "(mean)"))]
    write_text(out / "summary.tex", latex(shown.drop(columns=["layer", "n_missing"])))
    if not comparison.empty:
        write_text(out / "comparison.tex", latex(comparison.drop(columns=["layer", "compared", "note"])))
    failed = [
        {"run": ", ".join(f"{k} {v}" for k, v in run.labels.items()), "why": store.failure(run)}
        for run in runs
        if store.state(run) == "failed"
    ]
    rows, contrasts = shown.to_dict("records"), comparison.to_dict("records")
    seconds = sum(store.seconds(run) for run in finished)
    return write_page(
        out / "study.html",
        "prismseg.study",
        "study.html",
        title=study.title,
        note=study.note,
        done=len(finished),
        total=len(runs),
        hours=f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.1f} minutes",
        failed=failed,
        figures=[(name, figure_uri(figure)) for name, figure in _shown(figures, measures)],
        pictures=[(name, figure_uri(figure)) for name, figure in pictures.items()],
        notes=notes,
        axes=shown_axes(study),
        pooled=" and ".join(study.pool) or "nothing",
        summary=rows,
        interval=interval_heading(rows),
        interval_sentence=interval_sentence(shown["n_groups"]),
        comparison=contrasts,
        comparison_interval=interval_heading(contrasts),
        comparison_sentence=method_sentence(
            [row["note"] for row in contrasts], [row["n_groups"] for row in contrasts]
        ),
        primary="" if study.primary is None else study.primary.sentence(),
        show=show_interval,
        stale=_stale(stale, reasons),
        stale_count=len(stale),
        keep_stale=keep_stale,
        made=_made(store, finished),
        unchecked=_unchecked(study, finished, Provenance(root)),
        stable=STABLE,
        machine=describe_machine(this_machine()),
        version=VERSION,
    )


def latex(table: pd.DataFrame) -> str:
    """Write a table for LaTeX with the package booktabs, numbers with three digits."""
    names = [str(name).replace("_", " ") for name in table.columns]
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    lines = [
        r"\begin{tabular}{" + "".join("r" if number else "l" for number in numeric) + "}",
        r"\toprule",
        " & ".join(map(_escaped, names)) + r" \\",
        r"\midrule",
    ]
    lines += [" & ".join(_cell(value) for value in row) + r" \\" for row in table.itertuples(index=False)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "--" if value != value else f"{value:.2g}" if 0 < abs(value) < 0.001 else f"{value:.3f}"
    return _escaped(str(value))


def _escaped(text: str) -> str:
    for character in "&%$#_{}":
        text = text.replace(character, "\\" + character)
    return text


def _stale(stale: Sequence[Run], reasons: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Why runs are stale, with how many have each reason."""
    counts = Counter(reason for run in stale for reason in reasons[run.key])
    return [{"why": reason, "runs": count} for reason, count in counts.items()]


def _made(store: Store, finished: Sequence[Run]) -> list[str]:
    """With what version and on what machines the numbers were made."""
    counts: Counter[str] = Counter()
    for run in finished:
        facts = store.facts(run)
        machine = facts.get("machine")
        counts[f"{facts['software']} on {describe_machine(machine) if machine else facts['host']}"] += 1
    return [f"{name} ({count} runs)" if len(counts) > 1 else name for name, count in counts.items()]


def _unchecked(study: Study, finished: Sequence[Run], provenance: Provenance) -> str:
    """Why it could not be checked whether the data are still the same."""
    reasons = [provenance.of(KINDS[study.kind], run.settings).missing for run in finished]
    return next((reason for reason in reasons if reason), "")


def _ranks(study: Study, cases: pd.DataFrame, measures: Sequence[str]) -> dict[str, Figure]:
    """Mean ranks on each compared axis over groups, where enough values are compared."""
    found = {}
    for axis, measure in product(study.compare, measures):
        part = cases[(cases["measure"] == measure) & cases["layer"].isin(("", "(mean)"))].dropna(subset=["value"])
        wide = part.pivot_table(index="group", columns=axis, values="value", aggfunc="mean").dropna()
        if wide.shape[1] < _FEWEST_RANKED or len(wide) < _FEWEST_RANKED:
            continue
        ranks = wide.rank(axis=1, ascending=measure in _LOWER_IS_BETTER).mean()
        found[_named("ranks", measure, axis, study)] = draw_ranks(ranks, str(measure), len(wide))
    return found


def _differences(study: Study, comparison: pd.DataFrame) -> dict[str, Figure]:
    found: dict[str, Figure] = {}
    if comparison.empty:
        return found
    for axis in study.compare:
        others = [name for name in shown_axes(study) if name != axis]
        own = comparison[comparison["compared"] == axis]
        for measure, part in own.groupby("measure", sort=False):
            name = _named("differences", str(measure), axis, study)
            found[name] = draw_differences(part, axis, others, str(measure))
    return found


def _named(kind: str, measure: str, axis: str, study: Study) -> str:
    """Name a figure; which axis it compares is said where there are several."""
    return f"{kind}-{measure}" if len(study.compare) == 1 else f"{kind}-{measure}-{axis}"


def _shown(figures: dict[str, Figure], measures: Sequence[str]) -> list[tuple[str, Figure]]:
    """Figures of the page: those of the measures it shows; all are in the folder."""
    chosen = [(name, figure) for name, figure in figures.items() if set(name.split("-")[1:2]) & set(measures)]
    return chosen or list(figures.items())
