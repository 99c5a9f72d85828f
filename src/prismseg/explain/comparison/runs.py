"""`prismseg explain --compare RUN RUN …`: several trained networks on the same cases, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import ConfigError, DataError, PrismsegError, make_folder
from prismseg.base.figures import check_formats, save_figure
from prismseg.explain.collect import case_pixels
from prismseg.explain.comparison.page import draw_means, write_comparison
from prismseg.explain.comparison.tables import compare_explanations, mean_measures, read_explanations
from prismseg.explain.faithfulness.stability import repeatability, summarize_repeatability
from prismseg.explain.registries import NULLS, is_slow
from prismseg.explain.report.compare import check_same_cases, read_pixels
from prismseg.explain.report.outputs import write_tables
from prismseg.explain.run import explain_run
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.task import ExplainTask, load_cases, make_atlas
from prismseg.train.runs.assignment import assign_run_cases
from prismseg.train.runs.find import run_config

_DPI = 160
REPEATED_CASES = 8  # at most, on which maps of the runs are compared cell by cell


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
    _require_same_cases(folders, settings or ExplainSettings(), explain)
    found = {}
    for name, folder in zip(run_names(folders), folders, strict=True):
        explained = _explanation(folder)
        if explained is None:
            explained = explain_run(folder, settings=settings, formats=formats, **explain).parent
        found[name] = explained
    tables = read_explanations(found)
    means, differences = mean_measures(tables), compare_explanations(tables)
    repeated = _repeatability(dict(zip(found, folders, strict=True)), settings or ExplainSettings(), explain)
    target = make_folder(Path(out) if out is not None else folders[0] / "comparison")
    write_tables(target, {"means": means, "differences": differences, "repeatability": repeated})
    figure = draw_means(means)
    if figure is not None:
        save_figure(figure, target / "means", formats, dpi=_DPI, tight=True)
    return write_comparison(target / "comparison.html", means, differences, repeated, figure, found)


def _require_same_cases(folders: Sequence[Path], settings: ExplainSettings, explain: Mapping[str, Any]) -> None:
    """Refuse runs of other cases before the first is explained, which may take hours."""
    pixels = []
    for folder in folders:
        explained = _explanation(folder)
        if explained is not None:
            pixels.append(read_pixels(explained))
            continue
        part = explain.get("part", "test")
        networks, dataset = assign_run_cases(folder, part=part, options=explain.get("options"))
        pixels.append(case_pixels(ExplainTask(networks, dataset, settings, part)))
    for folder, theirs in zip(folders[1:], pixels[1:], strict=True):
        check_same_cases(pixels[0], theirs, (str(folders[0]), str(folder)))


def _repeatability(
    folders: Mapping[str, Path], settings: ExplainSettings, explain: Mapping[str, Any]
) -> pd.DataFrame | None:
    """Compare the maps of the runs themselves on a few cases; None where one is no run of the same classes and layers."""
    try:
        assigned = {
            name: assign_run_cases(folder, part=explain.get("part", "test"), options=explain.get("options"))
            for name, folder in folders.items()
        }
    except PrismsegError:
        return None  # an explanation without its run
    names = list(assigned)
    networks, dataset = assigned[names[0]]
    first = next((network for network in networks if network.cases), None)
    if first is None or len({len(found[0]) for found in assigned.values()}) > 1 or len(networks) > 1:
        return None
    fast = tuple(method for method in settings.methods if not is_slow(method))
    predictors = {name: found[0][0].predictor for name, found in assigned.items()}
    alike = {(tuple(p.classes), tuple(p.preprocess.size)) for p in predictors.values()}
    if not fast or len(alike) > 1:
        return None
    batch = load_cases(first.predictor, dataset, first.cases[:REPEATED_CASES])
    atlases = {
        name: make_atlas(predictor, settings).with_methods([*fast, *NULLS])
        for name, predictor in predictors.items()
    }
    try:
        return summarize_repeatability(repeatability(atlases, batch))
    except DataError:
        return None  # they share no layer


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
