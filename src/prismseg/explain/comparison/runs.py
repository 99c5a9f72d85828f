"""`prismseg explain --compare RUN RUN …`: several trained networks on the same cases, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, DataError, make_folder
from prismseg.base.figures import check_formats, save_figure
from prismseg.explain.comparison.page import draw_means, write_comparison
from prismseg.explain.comparison.tables import compare_explanations, mean_measures, read_explanations
from prismseg.explain.report.outputs import write_tables
from prismseg.explain.run import explain_run
from prismseg.explain.settings import ExplainSettings
from prismseg.train.runs.find import run_config

_DPI = 160


def compare_runs(
    runs: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    settings: ExplainSettings | None = None,
    formats: Sequence[str] = ("png",),
    **explain: Any,
) -> Path:
    """Compare the explanations of several runs, case by case; a run without one is explained first.

    Parameters
    ----------
    runs : sequence of path
        Folders of runs of the same cases, or of explanations. The first is the reference of the page's sentences;
        tables have every pair.
    out : path, optional
        Where to write; by default ``comparison`` in the first of the folders.
    settings : ExplainSettings, optional
        Of the runs that are explained now.
    formats : sequence of str
        Of the figure beside the page: png, svg, pdf.
    **explain
        Further arguments of `explain_run` for runs that are explained now.

    Returns
    -------
    Path
        The page ``comparison.html``; ``means.csv`` and ``differences.csv`` lie beside it.

    Raises
    ------
    ConfigError
        When one run is named twice, or a format does not exist.
    DataError
        When there are fewer than two, or their cases differ.
    """
    folders = [Path(run) for run in runs]
    check_formats(formats)
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("One run is named twice; a network has no difference to itself.")
    if len(folders) < 2:
        raise DataError("Name two or more runs to compare.")
    for folder in folders:
        if _explanation(folder) is None:
            run_config(folder)  # says what is wrong, before anything is written
    found = {}
    for name, folder in zip(run_names(folders), folders, strict=True):
        explained = _explanation(folder)
        if explained is None:
            explained = explain_run(folder, settings=settings, formats=formats, **explain).parent
        found[name] = explained
    tables = read_explanations(found)
    means, differences = mean_measures(tables), compare_explanations(tables)
    target = make_folder(Path(out) if out is not None else folders[0] / "comparison")
    write_tables(target, {"means": means, "differences": differences})
    figure = draw_means(means)
    if figure is not None:
        save_figure(figure, target / "means", formats, dpi=_DPI, tight=True)
    return write_comparison(target / "comparison.html", means, differences, figure, found)


def _explanation(folder: Path) -> Path | None:
    """Find the explanation in a folder of one, or of a run; None where there is none."""
    places = (folder, folder / "explanation")
    return next((place for place in places if (place / "measures.csv").is_file()), None)


def run_names(folders: Sequence[Path]) -> list[str]:
    """Name each folder by its last part, or by as many parts as tell them apart.

    Examples
    --------
    >>> run_names([Path("runs/a"), Path("runs/b")])
    ['a', 'b']
    >>> run_names([Path("a/seed1"), Path("b/seed1")])
    ['a/seed1', 'b/seed1']
    """
    paths = [folder.resolve().parts for folder in folders]
    for length in range(1, max(map(len, paths)) + 1):
        names = ["/".join(parts[-length:]) for parts in paths]
        if len(set(names)) == len(names):
            break
    return names
