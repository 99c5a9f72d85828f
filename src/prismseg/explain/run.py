"""`prismseg explain`: a trained network and its data in, tables, pictures and one page out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prismseg.base import DataError, keep_freed_memory, progress_bar
from prismseg.data import SegmentationDataset
from prismseg.evaluation import SHARE, mean_interval
from prismseg.explain.checks import sanity
from prismseg.explain.checks.reach import layer_reach
from prismseg.explain.collected import Collected
from prismseg.explain.fusion import FUSED, FUSED_MEASURES, MODES, cross_fit, fit_weights
from prismseg.explain.maps.gradient import PLACE_BY_PLACE
from prismseg.explain.measures.measures import divide
from prismseg.explain.report.compare import check_comparable, compare_cases, read_cases
from prismseg.explain.report.examples import Example, choose_examples, make_example
from prismseg.explain.report.headline import headline
from prismseg.explain.report.outputs import check_formats, write_figures, write_tables
from prismseg.explain.report.report import draw_figures, write_report
from prismseg.explain.report.summary import SHARES, case_table, summarize_layers
from prismseg.explain.work import POINTWISE, ExplainSettings, collect, load_batch, start
from prismseg.nets import results_folder
from prismseg.train import Trial
from prismseg.train.runs.trials import data_name, data_trials, run_trials

SANITY_CASES = 12


@dataclass(frozen=True)
class Explanation:
    """Everything an explanation found; the page and the tables are made of it.

    Attributes
    ----------
    collected : dict
        Sums of all cases, by region.
    cases, summary : DataFrame
        Of `Atlas.cases` and `Atlas.summary`, with a column region; the cases include fused maps.
    fused : DataFrame
        Means of the fused maps with intervals.
    weights : DataFrame
        Weights of the layers, fitted on all cases, for use on further ones.
    randomization : DataFrame or None
        What scrambling the layers does.
    comparison : DataFrame or None
        Differences to another explanation.
    examples : list of Example
    reach : dict
        How far each layer's evidence reaches, pixels (`layer_reach`).
    headline : DataFrame
        One row a class, see `headline`.
    left_out : dict
        Layers met by a pattern that have no maps, with the reason (`Atlas.left_out`).
    """

    collected: dict[str, Collected]
    cases: pd.DataFrame
    summary: pd.DataFrame
    fused: pd.DataFrame
    weights: pd.DataFrame
    randomization: pd.DataFrame | None
    comparison: pd.DataFrame | None
    examples: list[Example]
    reach: dict[str, float]
    headline: pd.DataFrame
    left_out: dict[str, str]

    def without(self, method: str) -> list[str]:
        """Layers that fused maps of `method` leave out, since their maps lie on the region by construction."""
        return pointwise_layers(self.reach, method)


def explain_run(
    root: str | Path,
    *,
    part: str = "test",
    out: str | Path | None = None,
    settings: ExplainSettings | None = None,
    device: str = "cpu",
    resume: bool = False,
    against: str | Path | None = None,
    check_sanity: bool = True,
    options: Mapping[str, Any] | None = None,
    formats: Sequence[str] = ("png",),
    show_progress: bool = True,
) -> Path:
    """Explain a training run on the cases it kept apart; with folds, every case by the fold that left it out.

    Parameters
    ----------
    root : Path
        Folder that `prismseg train` filled.
    part : str
        Which part of the split: "test", "validation", "train", some of them with commas, or "all".
    out : Path, optional
        Where to write; by default ``root/explanation``.
    settings : ExplainSettings, optional
        Layers, methods, regions.
    resume : bool
        Go on with an explanation that was cut.
    against : Path, optional
        Another explanation of the same cases to compare with.
    check_sanity : bool
        Also scramble the layers of the first network and compare the maps.
    options : mapping, optional
        How to read the data, where not as in training (`prismseg.data.open_dataset`).
    formats : sequence of str
        Of the figures and sheets of maps beside the page: png, svg, pdf.

    Returns
    -------
    Path
        The page ``explanation.html``; CSV tables, ``figures/`` and ``maps/`` lie beside it.

    Raises
    ------
    PrismsegError
        When there is no run, no case, a layer does not exist, or `out` holds another explanation.
    """
    trials, dataset = run_trials(root, part=part, device=device, options=options)
    return explain(
        trials,
        dataset,
        Path(out or Path(root) / "explanation"),
        part=part,
        settings=settings or ExplainSettings(),
        resume=resume,
        against=None if against is None else Path(against),
        check_sanity=check_sanity,
        formats=formats,
        show_progress=show_progress,
    )


def explain_data(
    model: str | Path,
    dataset: SegmentationDataset,
    *,
    part: str | None = None,
    out: str | Path | None = None,
    settings: ExplainSettings | None = None,
    device: str = "cpu",
    resume: bool = False,
    against: str | Path | None = None,
    check_sanity: bool = True,
    formats: Sequence[str] = ("png",),
    show_progress: bool = True,
) -> Path:
    """Explain the network in `model` on the cases of `dataset` that it has not met; writes as `explain_run` does.

    Cases are recognised by content and classes matched by name (`prismseg.train.runs.trials.data_trials`); `part` chooses
    others. By default the results land in ``explanation-NAME`` beside the network, NAME being the data set's folder.
    """
    trials, dataset, _ = data_trials(model, dataset, part=part, device=device)
    return explain(
        trials,
        dataset,
        Path(out or results_folder(model) / f"explanation-{data_name(dataset)}"),
        part=part or "test and new",
        settings=settings or ExplainSettings(),
        resume=resume,
        against=None if against is None else Path(against),
        check_sanity=check_sanity,
        formats=formats,
        show_progress=show_progress,
    )


def explain(
    trials: Sequence[Trial],
    dataset: SegmentationDataset,
    out: Path,
    *,
    settings: ExplainSettings,
    part: str = "all",
    resume: bool = False,
    against: Path | None = None,
    check_sanity: bool = True,
    formats: Sequence[str] = ("png",),
    show_progress: bool = True,
) -> Path:
    """Explain every trial's cases and write tables, figures, sheets of maps and the page.

    Whatever can be wrong with the request (a method, a layer, a case without mask, an unfit comparison) is found before
    anything is written.

    Raises
    ------
    ConfigError
        For a method, layer, region or format that does not exist.
    DataError
        When there is no case, a case has no mask, or `against` is of other cases.
    OutputError
        When `out` holds another explanation, or cannot be written.
    """
    if not any(trial.cases for trial in trials):
        raise DataError(
            f"There is no case to explain in the {part} part of {dataset.root}. Choose another --part, or train with "
            "a split that leaves some."
        )
    check_formats(formats)
    theirs = None if against is None else read_cases(against)
    if theirs is not None:
        cases = [dataset.ids[index] for trial in trials for index in trial.cases]
        check_comparable(cases, settings.methods, settings.regions, theirs)
    keep_freed_memory()
    reach, left_out = _look_at_layers(trials, dataset, settings)
    start(out, trials, dataset, settings, resume=resume)
    collected = collect(out, trials, dataset, settings, show_progress=show_progress)
    found = _tables(collected, settings, theirs, reach, left_out)
    found = replace(
        found,
        examples=_examples(trials, dataset, settings, found),
        randomization=_randomize(_first(trials), dataset, settings, show_progress) if check_sanity else None,
    )
    figures = draw_figures(found, settings)
    write_tables(out, _named_tables(found))
    write_figures(
        out, figures, found.examples, formats, what=f"{settings.methods[0]}, region {settings.regions[0]}"
    )
    return write_report(out / "explanation.html", found, figures, trials, dataset, settings, part=part)


def pointwise_layers(reach: dict[str, float], method: str) -> list[str]:
    """Layers in which maps of `method` lie on the region by construction; none where all would be."""
    found = [layer for layer, radius in reach.items() if radius < POINTWISE] if method in PLACE_BY_PLACE else []
    return found if len(found) < len(reach) else []


def _look_at_layers(
    trials: Sequence[Trial], dataset: SegmentationDataset, settings: ExplainSettings
) -> tuple[dict[str, float], dict[str, str]]:
    """Reach of the first network's layers, and why others have no maps; refuses settings that fit a network ill."""
    for trial in trials:
        for region in settings.regions:
            settings.atlas(trial.predictor, region)
    trial = _first(trials)
    batch = load_batch(trial.predictor, dataset, trial.cases[:1])
    atlas = settings.atlas(trial.predictor, settings.regions[0])
    return layer_reach(atlas, batch.images), atlas.left_out


def _first(trials: Sequence[Trial]) -> Trial:
    """First trial that has cases."""
    return next(trial for trial in trials if trial.cases)


def areas_of(cases: Collected) -> dict[str, float]:
    """Mean share of the image that each class covers, over the cases that have it; 0 for one that none has."""
    shares = np.where(cases.absent, np.nan, divide(cases.area, cases.pixels[:, None]))
    return {
        name: 0.0 if np.isnan(share).all() else float(np.nanmean(share))
        for name, share in zip(cases.axes.classes, shares.T, strict=True)
    }


def _tables(
    collected: dict[str, Collected],
    settings: ExplainSettings,
    theirs: pd.DataFrame | None,
    reach: dict[str, float],
    left_out: dict[str, str],
) -> Explanation:
    cases, summaries, fused, weights = [], [], [], []
    for region, part in collected.items():
        cases.append(case_table(part).assign(region=region))
        summaries.append(summarize_layers(part).assign(region=region))
        for method in settings.methods:
            for mode in MODES:
                # The published weighting takes all layers.
                without = pointwise_layers(reach, method) if mode == MODES[0] else []
                weights.append(fit_weights(part, method, mode, without=without).table().assign(region=region))
                if len(set(part.groups)) > 1:
                    judged = cross_fit(part, method, mode, without=without, seed=settings.seed)
                    fused.append(judged.assign(region=region))
    fused_cases = pd.concat(fused, ignore_index=True) if fused else pd.DataFrame()
    everything = cases
    if fused:
        own = fused_cases[fused_cases["mode"] == MODES[0]].drop(columns="mode")
        everything = [*cases, own.assign(layer=FUSED, empty=own["rho"] == 0)]
    table = pd.concat(everything, ignore_index=True)
    summary = pd.concat(summaries, ignore_index=True)
    fused_means = _summarize_fused(fused_cases) if fused else pd.DataFrame()
    method, region = settings.methods[0], settings.regions[0]
    return Explanation(
        collected=collected,
        cases=table,
        summary=summary,
        fused=fused_means,
        weights=pd.concat(weights, ignore_index=True),
        randomization=None,
        comparison=None if theirs is None else compare_cases(table, theirs),
        examples=[],
        reach=reach,
        headline=headline(
            fused_means,
            summary,
            areas_of(collected[region]),
            method=method,
            region=region,
            without=pointwise_layers(reach, method),
        ),
        left_out=left_out,
    )


def _summarize_fused(cases: pd.DataFrame) -> pd.DataFrame:
    rows = []
    keys = ["region", "method", "mode", "class"]
    for names, part in cases[~cases["absent"]].groupby(keys, sort=False):
        for measure in FUSED_MEASURES:
            bounds = SHARE if measure in SHARES else None
            found = mean_interval(part[measure], part["group"], bounds=bounds)
            rows.append(
                {
                    **dict(zip(keys, names, strict=True)),
                    "measure": measure,
                    "mean": part[measure].mean(),
                    **found.columns(),
                    "n": len(part),
                    "n_groups": part["group"].nunique(),
                }
            )
    return pd.DataFrame(rows)


def _examples(
    trials: Sequence[Trial], dataset: SegmentationDataset, settings: ExplainSettings, found: Explanation
) -> list[Example]:
    cases = found.collected[settings.regions[0]]
    rows = found.cases.query("region == @settings.regions[0] and method == @settings.methods[0]")
    judged = (
        rows[rows["layer"] != FUSED].groupby(["case", "class", "absent"], sort=False)["rho"].mean().reset_index()
    )
    without = found.without(settings.methods[0])
    _, layers, classes = cases.axes.shape
    trial_of = {dataset.ids[index]: trial for trial in trials for index in trial.cases}
    return [
        make_example(trial_of[case], dataset, settings, cases, case, note, without=without)
        for case, note in choose_examples(judged, layers * classes)
    ]


def _randomize(
    trial: Trial, dataset: SegmentationDataset, settings: ExplainSettings, show_progress: bool
) -> pd.DataFrame:
    step = max(1, len(trial.cases) // SANITY_CASES)
    batch = load_batch(trial.predictor, dataset, trial.cases[::step][:SANITY_CASES])
    atlas = settings.atlas(trial.predictor, settings.regions[0])
    with progress_bar("scrambling layers", 1, visible=show_progress) as advance:
        table = sanity.randomize_layers(
            atlas, [sanity.Batch(batch.images, batch.masks, batch.groups)], seed=settings.seed
        )
        advance(1, "")
    names = dict(enumerate(trial.predictor.classes))
    return table.assign(**{"class": table["class"].map(names)})


def _named_tables(found: Explanation) -> dict[str, pd.DataFrame | None]:
    front = ["region", "case", "group", "method", "layer", "class"]
    rest = [name for name in found.cases if name not in front]
    return {
        "headline": found.headline,
        "measures": found.cases[[*front, *rest]],
        "summary": found.summary,
        "fused": None if found.fused.empty else found.fused,
        "weights": found.weights,
        "randomization": found.randomization,
        "comparison": found.comparison,
        "layers": pd.DataFrame({"layer": list(found.reach), "reach": list(found.reach.values())}),
    }
