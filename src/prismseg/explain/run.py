"""`prismseg explain`: a trained network and its data in, tables, pictures and one page out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from prismseg.base import DataError, keep_freed_memory, progress_bar
from prismseg.base.deprecation import renamed
from prismseg.base.figures import check_formats
from prismseg.data import SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork
from prismseg.explain.checks.reach import layer_reach
from prismseg.explain.checks.sanity import randomize_layers
from prismseg.explain.collect import case_pixels, collect_sums, start_folder
from prismseg.explain.faithfulness.explained import explain_faithfulness, explain_stability
from prismseg.explain.fusion import FUSED
from prismseg.explain.inputs.packing import depth_of
from prismseg.explain.registries import is_slow
from prismseg.explain.report.compare import check_comparable, check_same_cases, read_cases, read_pixels
from prismseg.explain.report.examples import choose_examples, make_example
from prismseg.explain.report.explanation import Explanation, make_tables
from prismseg.explain.report.outputs import write_figures, write_tables
from prismseg.explain.report.page import describe_network, draw_figures, write_explanation
from prismseg.explain.report.paper import methods_section, to_markdown, write_paper
from prismseg.explain.settings import ExplainSettings
from prismseg.explain.task import ExplainTask, load_cases
from prismseg.nets import results_folder
from prismseg.train.runs.assignment import assign_data_cases, assign_run_cases, data_name

SANITY_CASES = 12  # at most, on which scrambled networks are compared; 8 to 16 are enough (`randomize_layers`)


@dataclass(frozen=True)
class OutputOptions:
    """Where and how an explanation is written; attributes as the arguments of `explain_run`."""

    out: Path
    resume: bool
    against: Path | None
    check_sanity: bool
    formats: tuple[str, ...]
    show_progress: bool


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
    networks, dataset = assign_run_cases(root, part=part, device=device, options=options)
    output = OutputOptions(
        Path(out or Path(root) / "explanation"),
        resume,
        _path(against),
        check_sanity,
        tuple(formats),
        show_progress,
    )
    return _explain(ExplainTask(networks, dataset, settings or ExplainSettings(), part), output)


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
    """Explain the network in `model` on the cases of `dataset` that it has not seen; writes as `explain_run` does.

    Cases are recognised by content and classes matched by name (`prismseg.train.runs.assignment`); `part` chooses
    others. By default the results are written to ``explanation-NAME`` beside the network, NAME being the data set's
    folder.
    """
    networks, dataset, _ = assign_data_cases(model, dataset, part=part, device=device)
    output = OutputOptions(
        Path(out or results_folder(model) / f"explanation-{data_name(dataset)}"),
        resume,
        _path(against),
        check_sanity,
        tuple(formats),
        show_progress,
    )
    return _explain(ExplainTask(networks, dataset, settings or ExplainSettings(), part or "test and new"), output)


@renamed(trials="networks")
def explain(
    networks: Sequence[EvaluatedNetwork],
    dataset: SegmentationDataset,
    out: str | Path,
    *,
    settings: ExplainSettings,
    part: str = "all",
    resume: bool = False,
    against: str | Path | None = None,
    check_sanity: bool = True,
    formats: Sequence[str] = ("png",),
    show_progress: bool = True,
) -> Path:
    """Explain given networks on given cases and write tables, figures, sheets of maps and the page.

    Whatever can be wrong with the request (a method, a layer, a case without mask, an unfit comparison) is found
    before anything is written.

    Parameters
    ----------
    networks : sequence of EvaluatedNetwork
        Networks with the cases that each is explained on.
    dataset : SegmentationDataset
        That the cases are of.
    out : path
        Where to write.
    settings : ExplainSettings
    part : str
        What the cases are, for messages and the page.
    resume, against, check_sanity, formats, show_progress
        As in `explain_run`.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError
        For a layer or format that does not exist.
    DataError
        When there is no case, a case has no mask, or `against` is of other cases.
    OutputError
        When `out` holds another explanation, or cannot be written.
    """
    output = OutputOptions(Path(out), resume, _path(against), check_sanity, tuple(formats), show_progress)
    return _explain(ExplainTask(networks, dataset, settings, part), output)


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _explain(task: ExplainTask, output: OutputOptions) -> Path:
    if not task.ids:
        raise DataError(
            f"There is no case to explain in the {task.part} part of {task.dataset.root}. Choose another --part, or "
            "train with a split that leaves some."
        )
    check_formats(output.formats)
    other = None if output.against is None else read_cases(output.against)
    if other is not None and output.against is not None:
        check_comparable(task.ids, task.settings.methods, task.settings.regions, other)
        check_same_cases(case_pixels(task), read_pixels(output.against), (str(output.out), str(output.against)))
    keep_freed_memory()
    reach, left_out = _look_at_layers(task)
    start_folder(output.out, task, resume=output.resume)
    sums = collect_sums(output.out, task, show_progress=output.show_progress)
    tables = make_tables(task.settings, sums, reach=reach, left_out=left_out, other=other)
    explanation = replace(
        tables,
        examples=[
            make_example(task, tables.sums[task.settings.region], *chosen, without=tables.without)
            for chosen in _choose_examples(tables)
        ],
        randomization=_randomize(task, show_progress=output.show_progress) if output.check_sanity else None,
        faithfulness=_hide_pixels(task, tables, show_progress=output.show_progress),
        stability=explain_stability(task, show_progress=output.show_progress)
        if task.settings.faithfulness
        else None,
    )
    figures = draw_figures(explanation)
    write_tables(output.out, explanation.files())
    write_figures(output.out, figures, explanation.examples, output.formats, what=task.settings.shown)
    text = methods_section(
        explanation,
        data=task.dataset.root.name,
        part=task.part,
        folds=len(task.networks),
        network=describe_network(task.first),
        depth=depth_of(task.first.predictor.model),
    )
    write_paper(output.out, explanation, text)
    return write_explanation(
        output.out / "explanation.html", explanation, figures, task, methods=to_markdown(text)
    )


def _look_at_layers(task: ExplainTask) -> tuple[dict[str, float], dict[str, str]]:
    """Reach of the first network's layers, and why others have no maps; refuses settings that do not fit a network."""
    for network in task.networks:
        for region in task.settings.regions:
            task.atlas(network, region)
    network = task.first
    batch = load_cases(network.predictor, task.dataset, network.cases[:1])
    for region in task.settings.regions:
        task.atlas(network, region).regions(batch.images, batch.masks)  # there may be no such pixel
    atlas = task.atlas(network)
    return layer_reach(atlas, batch.images), atlas.left_out


def _choose_examples(tables: Explanation) -> list[tuple[str, str]]:
    """Cases to show, by the mean over the layers of the method and region that are shown large."""
    cases, settings = tables.cases, tables.settings
    rows = cases[(cases["region"] == settings.region) & (cases["method"] == settings.method)]
    layers = rows[rows["layer"] != FUSED]
    judged = layers.groupby(["case", "class", "absent"], sort=False)["rho"].mean().reset_index()
    _, layer_count, class_count = tables.sums[settings.region].axes.shape
    return choose_examples(judged, layer_count * class_count)


def _hide_pixels(task: ExplainTask, tables: Explanation, *, show_progress: bool) -> pd.DataFrame | None:
    settings = task.settings
    if not settings.faithfulness:
        return None
    return explain_faithfulness(task, tables.sums[settings.region], tables.reach, show_progress=show_progress)


def _randomize(task: ExplainTask, *, show_progress: bool) -> pd.DataFrame | None:
    """Compare maps of scrambled networks; of slow methods there are none, which the page says."""
    fast = tuple(method for method in task.settings.methods if not is_slow(method))
    if not fast:
        return None
    task = replace(task, settings=replace(task.settings, methods=fast))
    network = task.first
    step = max(1, len(network.cases) // SANITY_CASES)
    batch = load_cases(network.predictor, task.dataset, network.cases[::step][:SANITY_CASES])
    with progress_bar("scrambling layers", 1, visible=show_progress) as advance:
        table = randomize_layers(task.atlas(network), [batch], seed=task.settings.seed)
        advance(1, "")
    names = dict(enumerate(network.predictor.classes))
    return table.assign(**{"class": table["class"].map(names)})
