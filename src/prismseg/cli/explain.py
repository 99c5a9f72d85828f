"""`prismseg explain`: where the evidence of each class lies, in every layer of a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from prismseg.base import ConfigError
from prismseg.base.figures import FORMATS
from prismseg.cli.options import Device, Out, Quiet, list_settings, with_data_options
from prismseg.explain.settings import ExplainSettings

DEFAULTS = ExplainSettings()


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command(
        cls=list_settings(
            layout="data.layout",
            methods="prismseg.explain.registries:METHODS",
            regions="prismseg.explain.registries:REGIONS",
            faithfulness="prismseg.explain.registries:FILLS",
        ),
        epilog=(
            "Examples:\n\n"
            "prismseg explain runs/nerves\n\n"
            "prismseg explain runs/nerves --methods gradcam,layercam,hirescam --layers 'skips.*,decoder.*'\n\n"
            "prismseg explain runs/nerves --faithfulness mean,inpaint\n\n"
            "prismseg explain runs/nerves --against runs/baseline/explanation\n\n"
            "prismseg explain --compare runs/nerves runs/baseline runs/third --out runs/compared\n\n"
            "prismseg explain runs/nerves/model other-hospital/ --out runs/other-hospital-explained"
        ),
    )(explain)


@with_data_options
def explain(
    model: Annotated[Path, typer.Argument(help="Folder of a run (or of a network, with DATA).")],
    data: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Explain on these data instead; cases are recognised by content. With --compare: further runs."
        ),
    ] = None,
    out: Out = None,
    methods: Annotated[
        str,
        typer.Option(
            help=(
                "Of {names}; the first is shown large. Random maps and the region as a map are always added, "
                "as the nulls; scorecam is slow."
            )
        ),
    ] = ",".join(DEFAULTS.methods),
    layers: Annotated[
        str,
        typer.Option(help="all, or names and patterns: encoder.0,skips.*; what exists: any wrong name lists it."),
    ] = ",".join(DEFAULTS.layers),
    regions: Annotated[
        str,
        typer.Option(
            help="Pixels that a class's score is averaged over, of {names}, instance:N, pixel:ROWxCOLUMN; "
            "the first is shown large."
        ),
    ] = ",".join(DEFAULTS.regions),
    part: Annotated[
        str | None,
        typer.Option(
            help="test, validation, train; with DATA also new and same-group (of a patient that was trained on); "
            "several with commas, or all. Without: test, and new with DATA."
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="Another explanation's folder, of the same cases, to compare case by case.")
    ] = None,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Compare all the RUNs named, case by case; those without an explanation get one."
        ),
    ] = False,
    border: Annotated[
        int, typer.Option(min=1, help="Half width of the band around contours, pixels.")
    ] = DEFAULTS.border,
    perturb: Annotated[
        bool, typer.Option("--perturb", help="Also measure drop, increase and gain (one more pass a map; slow).")
    ] = False,
    faithfulness: Annotated[
        str,
        typer.Option(
            help="Also hide pixels in the order of the maps and see what it costs, by one or more of {names}: "
            "mean,inpaint (hundreds of passes a case, at most 12 cases)."
        ),
    ] = "",
    sanity: Annotated[bool, typer.Option(help="Scramble layers and see whether the maps change.")] = True,
    formats: Annotated[
        str, typer.Option(help=f"Files of figures and sheets of maps, of {', '.join(FORMATS)}.")
    ] = FORMATS[0],
    memory: Annotated[float, typer.Option(min=1, help="MiB that a batch may take.")] = DEFAULTS.memory,
    seed: Annotated[
        int, typer.Option(min=0, help="Of random maps, scrambled layers and intervals.")
    ] = DEFAULTS.seed,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an explanation that was cut.")] = False,
    data_options: dict[str, Any] | None = None,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Say where the evidence of each class lies: activation maps of every layer, measured against the masks.

    Writes explanation.html, headline.csv, measures.csv, summary.csv, excess.csv, fused.csv, weights.csv, layers.csv,
    figures/, maps/ and paper/ (methods section, BibTeX, LaTeX tables), with --faithfulness also faithfulness.csv; with
    --compare comparison.html, means.csv and differences.csv.
    """
    from prismseg.cli.tables.evaluation import print_relevance
    from prismseg.explain import compare_runs, explain_data, explain_run
    from prismseg.train.runs.data import open_for

    settings = ExplainSettings(
        layers=_names(layers),
        methods=_names(methods),
        regions=_names(regions),
        border=border,
        perturb=perturb,
        faithfulness=_names(faithfulness),
        memory=memory,
        seed=seed,
    )
    output: dict[str, Any] = {
        "resume": resume,
        "against": against,
        "check_sanity": sanity,
        "formats": _names(formats),
        "show_progress": not quiet,
    }
    if compare:
        if against is not None:
            raise ConfigError("--against compares with one explanation, --compare several runs; use one of them.")
        run: dict[str, Any] = {
            "part": part or "test",
            "options": data_options,
            "device": device,
            "settings": settings,
        }
        page = compare_runs([model, *(data or [])], out=out, **run, **output)
        typer.echo(f"Page: {page}")
        return
    if len(data or []) > 1:
        raise ConfigError("A run is explained on one data set; to compare several runs add --compare.")
    output["out"] = out
    if not data:
        page = explain_run(
            model, part=part or "test", options=data_options, settings=settings, device=device, **output
        )
    else:
        dataset, notes = open_for(model, data[0], data_options)
        for note in notes:
            typer.echo(note)
        page = explain_data(model, dataset, part=part, settings=settings, device=device, **output)
    print_relevance(page.parent / "headline.csv")
    typer.echo(f"Page: {page}")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
