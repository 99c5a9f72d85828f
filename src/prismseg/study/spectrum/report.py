"""The spectrum of a run: tables, figures and a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prismseg.base import DataError, ModelError, PrismsegError, atomic_path, make_folder
from prismseg.base.page import COLOURS, figure_uri, write_page
from prismseg.base.version import VERSION
from prismseg.data import SegmentationDataset
from prismseg.evaluation import EvaluatedNetwork
from prismseg.evaluation.statistics.wording import interval_heading, show_interval
from prismseg.features import CRFFg2d
from prismseg.nets import SegmentationModel, find_model, load_model, results_folder
from prismseg.study.kinds.weights.run import untrained_twin
from prismseg.study.spectrum.ablation import ablate_bands, summarize_bands
from prismseg.study.spectrum.measures import LayerSpectrum, measure_spectrum
from prismseg.train.config import read_config
from prismseg.train.runs.assignment import assign_data_cases, assign_run_cases
from prismseg.train.runs.find import find_runs
from prismseg.train.runs.folder import fold_folders

LAYERS, CURVES, BANDS, BANDS_PER_CASE, PAGE = (
    "layers.csv", "curves.csv", "bands.csv", "bands_per_case.csv", "spectrum.html",
)  # fmt: skip
_BANDS = 4  # where nobody asks for another number and every layer has as many filters
_STATES = ("before", "after")
_SHOWN = (
    "filters", "length_scale", "ks", "dimension", "dimension_isotropic", "effective_rank", "anisotropy",
    "spectral_norm", "lipschitz_bound",
)  # fmt: skip
_BEFORE = "#8a8a8a"


@dataclass(frozen=True)
class SpectrumReport:
    """What `write_spectrum` found.

    Attributes
    ----------
    page : Path
        The page.
    layers : DataFrame
        Columns layer, state (before, after), measure, value.
    bands : DataFrame or None
        See `prismseg.study.spectrum.ablation.summarize_bands`; None where nothing was left out.
    notes : tuple of str
        What is missing, and why.
    """

    page: Path
    layers: pd.DataFrame
    bands: pd.DataFrame | None
    notes: tuple[str, ...]


def write_spectrum(
    source: str | Path,
    out: str | Path | None = None,
    *,
    dataset: SegmentationDataset | None = None,
    bands: int | None = None,
    part: str | None = None,
    device: str = "cpu",
    show_progress: bool = True,
) -> SpectrumReport:
    """Measure the spectra of every CRFFg layer of a run, before and after training, and what its bands are worth.

    Parameters
    ----------
    source : path
        Folder of a run or of a network, or a shipped one.
    out : path, optional
        Where to write; by default ``spectrum`` in the run.
    dataset : SegmentationDataset, optional
        Cases on which bands are left out; by default the run's own.
    bands : int, optional
        Bands a layer; 0 leaves none out. By default 4, or as many as the narrowest layer has filters.
    part : str, optional
        Which cases, see `prismseg.train.evaluate_run`; by default those that the network has not seen.
    device : str
        Where to compute.
    show_progress : bool
        Show a progress bar.

    Returns
    -------
    SpectrumReport
        Written are ``spectrum.html``, ``layers.csv``, ``curves.csv``, and with bands ``bands.csv`` and
        ``bands_per_case.csv``.

    Raises
    ------
    ModelError
        When there is no network, it has no CRFFg layer, or `source` is a cross-validation.
    DataError
        When no case is there to leave bands out on.
    """
    if fold_folders(source):
        raise ModelError(
            f"{source} is a cross-validation; name one of its folds, such as {fold_folders(source)[0].root}."
        )
    model_folder = find_model(source)
    trained = load_model(model_folder)
    layers = {name: each for name, each in trained.named_modules() if isinstance(each, CRFFg2d)}
    if not layers:
        raise ModelError(
            f"The network in {source} has no CRFFg layer, so it has no learned spectrum; train one with --skip crffg."
        )
    twin, notes = _twin(trained, model_folder)
    states = _measure(layers, twin)
    table, band_table = None, None
    if bands is None:
        fewest = min(len(layer.weight) for layer in layers.values())
        bands = min(_BANDS, fewest) if fewest > 1 else 0
    if bands:
        network, dataset = _cases(source, dataset, part, device)
        table = ablate_bands(network, dataset, bands=bands, show_progress=show_progress)
        band_table = summarize_bands(table)
    else:
        notes.append("No band was left out, so what each is worth is not measured.")
    folder = make_folder(Path(out) if out is not None else results_folder(source) / "spectrum")
    layer_table = _layer_table(states)
    tables = {LAYERS: layer_table, CURVES: _curve_table(states), BANDS: band_table, BANDS_PER_CASE: table}
    for name, each in tables.items():
        if each is not None:
            with atomic_path(folder / name) as temporary:
                each.to_csv(temporary, index=False)
    page = _write_page(folder / PAGE, str(Path(source).name), states, layer_table, band_table, notes)
    return SpectrumReport(page, layer_table, band_table, tuple(notes))


def _twin(trained: SegmentationModel, folder: Path) -> tuple[SegmentationModel | None, list[str]]:
    stored = folder.parent / "config.yaml"
    try:
        return untrained_twin(trained, read_config(stored).initial if stored.is_file() else None), []
    except PrismsegError as error:
        return None, [f"Without the state before training: {error}"]


def _measure(layers: dict[str, CRFFg2d], twin: SegmentationModel | None) -> dict[str, dict[str, LayerSpectrum]]:
    """Spectra by layer and state; norms are in units of the first sigma where that is known."""
    before = {} if twin is None else {n: each for n, each in twin.named_modules() if isinstance(each, CRFFg2d)}
    found: dict[str, dict[str, LayerSpectrum]] = {}
    for name, layer in layers.items():
        first = before.get(name)
        sigma = None if first is None else float(first.scale.detach())
        found[name] = {} if first is None else {"before": measure_spectrum(name, first)}
        found[name]["after"] = measure_spectrum(name, layer, sigma=sigma)
    return found


def _cases(
    source: str | Path, dataset: SegmentationDataset | None, part: str | None, device: str
) -> tuple[EvaluatedNetwork, SegmentationDataset]:
    if dataset is not None:
        networks, dataset, _ = assign_data_cases(source, dataset, part=part, device=device)
    elif find_runs(source):
        networks, dataset = assign_run_cases(find_runs(source)[0].root, part=part or "test", device=device)
    else:
        raise DataError(
            f"{source} has no data of its own on which bands could be left out; name some after it, or add --bands 0."
        )
    if not networks[0].cases:
        raise DataError(
            f"No case of {dataset.root} is of the part {part or 'test'}, so no band can be left out; choose another "
            "--part, or add --bands 0."
        )
    return networks[0], dataset


def _layer_table(states: dict[str, dict[str, LayerSpectrum]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"layer": name, "state": state, "measure": measure, "value": value}
            for name, by_state in states.items()
            for state, found in by_state.items()
            for measure, value in found.scalars.items()
        ]
    )


def _curve_table(states: dict[str, dict[str, LayerSpectrum]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"layer": name, "state": state, "curve": curve, "x": x, "value": y}
            for name, by_state in states.items()
            for state, found in by_state.items()
            for curve, (places, values) in found.curves.items()
            for x, y in zip(places, values, strict=True)
        ]
    )


def _write_page(
    path: Path,
    name: str,
    states: dict[str, dict[str, LayerSpectrum]],
    layers: pd.DataFrame,
    bands: pd.DataFrame | None,
    notes: Sequence[str],
) -> Path:
    wide = layers.pivot_table(
        index=["layer", "state"], columns="measure", values="value", sort=False
    ).reset_index()
    rows = [{str(key): value for key, value in row.items()} for row in wide.to_dict("records")]
    band_rows = [] if bands is None else [{str(k): v for k, v in row.items()} for row in bands.to_dict("records")]
    return write_page(
        path,
        "prismseg.study.spectrum",
        "spectrum.html",
        version=VERSION,
        name=name,
        notes=notes,
        measures=[measure for measure in _SHOWN if measure in wide],
        rows=rows,
        figures=[
            (title, figure_uri(draw_curves(states, curve, x, y)))
            for curve, title, x, y in (
                ("norms", "Radial: norms of frequencies, and the kernel's density", "norm of sigma omega", "density"),
                ("radial", "Radial: power by spatial frequency", "cycles per pixel", "power (white = 1)"),
                ("angular", "Angular: power by orientation", "degrees", "power (mean = 1)"),
                ("singular", "Singular values of the filters", "rank", "over the largest"),
            )
            if any(curve in found.curves for by_state in states.values() for found in by_state.values())
        ],
        bands=band_rows,
        band_figure=None if bands is None else figure_uri(draw_bands(bands)),
        interval=interval_heading(band_rows) if band_rows else "",
        show=show_interval,
    )  # fmt: skip


def _panels(layers: Sequence[str]) -> tuple[Figure, list[Axes]]:
    columns = min(4, len(layers))
    rows = math.ceil(len(layers) / columns)
    figure = Figure(figsize=(2.6 * columns + 0.6, 2.2 * rows + 0.5), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for empty in panels[len(layers) :]:
        empty.set_axis_off()
    return figure, panels


def draw_curves(states: dict[str, dict[str, LayerSpectrum]], curve: str, x: str, y: str) -> Figure:
    """Draw a curve of every layer that has it, before (grey) and after training, beside the law where there is one."""
    having = [name for name, by_state in states.items() if curve in by_state["after"].curves]
    figure, panels = _panels(having)
    for axes, name in zip(panels, having, strict=False):
        for state in _STATES:
            if state in states[name]:
                colour = _BEFORE if state == "before" else COLOURS[1]
                axes.plot(*states[name][state].curves[curve], color=colour, label=state)
        if f"{curve}_law" in states[name]["after"].curves:
            axes.plot(*states[name]["after"].curves[f"{curve}_law"], "k--", linewidth=1, label="kernel")
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=7)
    figure.supxlabel(x, fontsize=9)
    figure.supylabel(y, fontsize=9)
    return figure


def draw_bands(bands: pd.DataFrame) -> Figure:
    """Draw what is lost without each band of each layer, beside what is lost without as many filters at random."""
    layers = list(dict.fromkeys(bands["layer"]))
    figure, panels = _panels(layers)
    for axes, name in zip(panels, layers, strict=False):
        part = bands[bands["layer"] == name]
        axes.bar(part["band"] - 0.2, part["drop"], 0.4, color=COLOURS[1], label="the band")
        axes.bar(part["band"] + 0.2, part["random_drop"], 0.4, color=_BEFORE, label="as many at random")
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_xticks(part["band"])
        axes.set_title(name, fontsize=8)
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].legend(frameon=False, fontsize=7)
    figure.supxlabel("band, the shortest frequencies first", fontsize=9)
    figure.supylabel("drop of Dice", fontsize=9)
    return figure


def band_rows_text(report: SpectrumReport) -> list[dict[str, Any]]:
    """Rows of the bands that matter most, the largest drop first; for the command line."""
    if report.bands is None:
        return []
    return [
        {str(key): value for key, value in row.items()}
        for row in report.bands.sort_values("drop", ascending=False).head(5).to_dict("records")
    ]
