"""The report of a study: one page, tables as CSV and LaTeX, figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import DataError, atomic_path, make_folder, write_text
from prismseg.base.page import figure_uri, write_page
from prismseg.base.provenance.machine import STABLE, describe_machine, this_machine
from prismseg.base.version import VERSION
from prismseg.evaluation.statistics.methods import method_sentence
from prismseg.evaluation.statistics.wording import interval_heading, interval_sentence, show_interval
from prismseg.study.definition.columns import WHOLE
from prismseg.study.definition.run import Run
from prismseg.study.definition.study import Study
from prismseg.study.kind import CaseAxes, Figures, FinishedRun
from prismseg.study.kinds import KINDS
from prismseg.study.report.figures import draw_comparisons, draw_rankings
from prismseg.study.report.latex import latex_table
from prismseg.study.runs.sources import ProvenanceFinder, stale_runs
from prismseg.study.runs.store import RunStore
from prismseg.study.tables.comparison import compare_study
from prismseg.study.tables.pooling import pool_cases, pool_trainings
from prismseg.study.tables.summary import summarize_study

_CASE_FILES = "kept"  # on disk: what was computed for pictures of cases
_FIGURE_DPI = 150
_HOURS_FROM = 5400  # seconds from which computing time is given in hours


@dataclass(frozen=True)
class _Tables:
    """Tables of a study; `shown` are the rows of the summary that the page shows."""

    cases: pd.DataFrame
    summary: pd.DataFrame
    shown: pd.DataFrame
    comparison: pd.DataFrame


def report_study(study: Study, runs: Sequence[Run], root: str | Path, *, keep_stale: bool = False) -> Path:
    """Report what is finished of a study, below ``root/report``.

    ``study.html``, ``summary.csv``, ``comparison.csv``, ``cases.csv``, both tables as ``.tex``, and ``figures/*.png`` and
    ``*.pdf``; ``kept`` holds predictions and maps of the cases that are shown, so that the next report is quick.

    Parameters
    ----------
    study : Study
        From `read_study`.
    runs : sequence of Run
        Its runs, from `expand`.
    root : str or Path
        Its folder.
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
    store, kind = RunStore(root), KINDS[study.kind]
    done = [run for run in runs if store.is_done(run)]
    if not done:
        raise DataError(f"No run of {study.title!r} is finished in {root}; run it with `prismseg study run`.")
    reasons = stale_runs(study.kind, store, done)
    finished = [
        FinishedRun(run, store.folder(run), store.results(run))
        for run in done
        if keep_stale or run.key not in reasons
    ]
    if not finished:
        raise DataError(
            f"All finished runs of {study.title!r} in {root} are stale ({'; '.join(reasons[done[0].key])}); repeat them "
            "with `prismseg study run`, or add --keep-stale."
        )
    out = make_folder(Path(root) / "report")
    rows = pd.concat([each.rows for each in finished], ignore_index=True)
    cases = pool_cases(study, rows)
    measures = study.measures or tuple(dict.fromkeys(cases["measure"]))
    tables = _make_tables(study, cases, rows, measures)
    figures = (
        kind.draw(cases if kind.draws_pooled_cases else rows)
        | draw_rankings(study, cases, measures, kind.lower_is_better)
        | draw_comparisons(study, tables.comparison)
    )
    pictures: Figures = {}
    notes: list[str] = []
    if kind.draw_cases is not None:
        pictures, notes = kind.draw_cases(finished, _case_axes(study), out / _CASE_FILES)
    _write_tables(tables, out)
    _write_figures(figures | pictures, out / "figures")
    summary, contrasts = tables.shown.to_dict("records"), tables.comparison.to_dict("records")
    facts = [store.facts(each.run) for each in finished]
    return write_page(
        out / "study.html",
        "prismseg.study.report",
        "study.html",
        title=study.title,
        note=study.note,
        done=len(finished),
        total=len(runs),
        time=_spell_time(sum(float(fact["seconds"]) for fact in facts)),
        failed=[{"run": run.name, "reason": store.failure(run)} for run in runs if store.state(run) == "failed"],
        figures=[(name, figure_uri(figure)) for name, figure in _figures_of(measures, figures)],
        pictures=[(name, figure_uri(figure)) for name, figure in pictures.items()],
        notes=notes,
        axes=study.shown_axes,
        pooled=" and ".join(study.pool) or "nothing",
        summary=summary,
        interval=interval_heading(summary),
        interval_sentence=interval_sentence(tables.shown["n_groups"]),
        comparison=contrasts,
        comparison_interval=interval_heading(contrasts),
        comparison_sentence=method_sentence(
            [row["note"] for row in contrasts], [row["n_groups"] for row in contrasts]
        ),
        primary="" if study.primary is None else study.primary.sentence(),
        show=show_interval,
        stale=_count_reasons(reasons.values()),
        stale_count=len(reasons),
        keep_stale=keep_stale,
        origins=_describe_origins(facts),
        unchecked=_unchecked_data(study, finished, ProvenanceFinder(root)),
        stable=STABLE,
        machine=describe_machine(this_machine()),
        version=VERSION,
    )


def _case_axes(study: Study) -> CaseAxes:
    shown = tuple(study.shown_axes)
    return CaseAxes(shown, next(iter(study.compare), shown[0] if shown else None))


def _make_tables(study: Study, cases: pd.DataFrame, rows: pd.DataFrame, measures: Sequence[str]) -> _Tables:
    summary = summarize_study(study, cases)
    shown = summary[summary["measure"].isin(measures) & summary["layer"].isin(WHOLE)]
    return _Tables(cases, summary, shown, compare_study(study, pool_trainings(study, rows), measures))


def _write_tables(tables: _Tables, out: Path) -> None:
    for name in ("summary", "comparison", "cases"):
        write_text(out / f"{name}.csv", getattr(tables, name).to_csv(index=False))
    write_text(out / "summary.tex", latex_table(tables.shown.drop(columns=["layer", "n_missing"])))
    if not tables.comparison.empty:
        shown = tables.comparison.drop(columns=["layer", "compared", "note"])
        write_text(out / "comparison.tex", latex_table(shown))


def _write_figures(figures: Figures, folder: Path) -> None:
    make_folder(folder)
    for name, figure in figures.items():
        for suffix in (".png", ".pdf"):
            with atomic_path(folder / f"{name}{suffix}") as temporary:
                figure.savefig(temporary, dpi=_FIGURE_DPI, format=suffix[1:])


def _figures_of(measures: Sequence[str], figures: Figures) -> list[tuple[str, Any]]:
    """Figures of the measures that the page shows, or all where they have none; the folder has all."""
    chosen = [(name, figure) for name, figure in figures.items() if set(name.split("-")[1:2]) & set(measures)]
    return chosen or list(figures.items())


def _spell_time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > _HOURS_FROM else f"{seconds / 60:.1f} minutes"


def _count_reasons(reasons: Iterable[Sequence[str]]) -> list[dict[str, Any]]:
    """Why runs are stale, with how many have each reason."""
    counts = Counter(reason for found in reasons for reason in found)
    return [{"reason": reason, "runs": count} for reason, count in counts.items()]


def _describe_origins(facts: Sequence[dict[str, Any]]) -> list[str]:
    """With what version and on what machines the numbers were made."""
    counts: Counter[str] = Counter()
    for fact in facts:
        machine = describe_machine(fact["machine"]) if fact.get("machine") else fact["host"]
        counts[f"{fact['software']} on {machine}"] += 1
    return [f"{name} ({count} runs)" if len(counts) > 1 else name for name, count in counts.items()]


def _unchecked_data(study: Study, finished: Sequence[FinishedRun], finder: ProvenanceFinder) -> str:
    """Why it could not be checked whether the data are still the same; empty where it could."""
    found = (finder.find(KINDS[study.kind], each.run.settings).unreadable for each in finished)
    return next((reason for reason in found if reason), "")
