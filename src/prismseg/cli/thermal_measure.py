"""`prismseg thermal measure`: temperature of both soles and their nerve territories, over a session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prismseg.cli.frames import (
    Borders,
    Counts,
    Degrees,
    Formats,
    Frames,
    Grey,
    Histogram,
    Humidity,
    Isotherms,
    Metres,
    PaletteName,
    Polarity,
    Share,
    SoleScale,
    Timelapse,
    Window,
    numbers,
    picture_settings,
    reader,
)
from prismseg.cli.options import Device, Out, Quiet, refuse_idle

if TYPE_CHECKING:
    from prismseg.thermal import FoundFrames, Session, SessionPlan
    from prismseg.thermal.frames.file_names import Unit


_WHAT = "What is measured"
_SAME_MINUTE = 0.05  # between a minute that is typed and that of its frame, which a clock may give to the second


def measure(
    context: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Frames of one session: files, or a folder.")],
    minutes: Annotated[
        str | None,
        typer.Option(
            help="Since the test dose, one a frame in the order of --dry-run: 0,1,5,10; else by the cameras' clocks, or "
            "names with a unit (a_t5min.jpg, a_t-2min.jpg, a_t90s.jpg)."
        ),
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="What a number without a unit means in names such as t5: min or s.")
    ] = None,
    ignore_clock: Annotated[
        bool,
        typer.Option("--ignore-clock", help="The cameras' clocks are wrong: go by names and --minutes alone."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show which file would be taken at which minute.")
    ] = False,
    model: Annotated[str, typer.Option(help="Network that finds the feet: a shipped one, a run, or a folder.")] = (
        "thermal-feet"
    ),
    masks: Annotated[
        Path | None, typer.Option(help="Folder of masks (NAME.png) to use instead of a network.")
    ] = None,
    view: Annotated[
        str, typer.Option(help="soles-to-camera (the patient's right foot is on the left), or mirrored.")
    ] = "soles-to-camera",
    regions: Annotated[
        str | None,
        typer.Option(
            help="Sets of regions to measure, of {names}; '' for the whole soles alone; by default all.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    drawn: Annotated[
        Path | None,
        typer.Option(
            help="Regions of your own, drawn on t0: polygons (JSON as LabelMe writes it), or a mask with a number for "
            "each; carried to the later frames.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Threshold of a flag, such as warming=1.5, or toe_warming=1, which is off by default. May be repeated.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    feet: Annotated[
        str,
        typer.Option(
            help="both; or left or right, where the other foot is missing, in a cast or covered throughout."
        ),
    ] = "both",
    crossed: Annotated[
        str | None,
        typer.Option(
            help="Minutes of the frames with crossed legs: 10,15; none where there is no such frame. Else each frame is "
            "compared with t0, and where it looks crossed no change is given."
        ),
    ] = None,
    emissivity: Share = None,
    reflected: Degrees = None,
    distance: Metres = None,
    humidity: Humidity = None,
    atmosphere: Degrees = None,
    window: Window = None,
    grey: Grey = None,
    counts: Counts = None,
    polarity: Polarity = None,
    frames: Frames = None,
    out: Out = None,
    scale: SoleScale = "soles",
    palette: PaletteName = "inferno",
    isotherms: Isotherms = None,
    borders: Borders = "nerves",
    histogram: Histogram = True,
    formats: Formats = "png",
    timelapse: Timelapse = False,
    device: Device = "cpu",
    quiet: Quiet = False,
) -> None:
    """Measure both soles in the frames of one session: means with errors, changes from t0, left against right, flags.

    Of more pieces than two the pair is chosen; of a sole at the border the visible part is measured, and the share that
    is outside is stated. A frame that cannot be trusted (feet that run together, no °C, a clock that goes back …) gets no
    number, and its reason. With --out: curves.csv, differences.csv, frames.csv, session.json, the curves as a figure, a
    picture of every frame with outlines, regions, means and parameters, and review.html, a page to judge them all.
    Exit code 1 when no frame could be measured. Research use only: observations, not diagnoses.
    """
    from prismseg.base import progress_bar
    from prismseg.cli.tables.thermal import print_session
    from prismseg.thermal import (
        FlagSettings,
        Session,
        check_feet,
        check_view,
        plan_session,
        read_files,
        search_frames,
        write_session,
    )
    from prismseg.thermal.network.segmenter import measure_plan, open_segmenter
    from prismseg.thermal.output.session_files import refuse_measured
    from prismseg.thermal.regions.baseline import describe_drawn, read_drawn_on_baseline

    refuse_idle(
        context,
        (
            out is None and not dry_run,
            "without --out, for which pictures are drawn",
            ("scale", "palette", "isotherms", "borders", "histogram", "formats", "timelapse"),
        ),
        (masks is not None, "beside --masks, which are used instead of a network", ("model",)),
    )
    pictures = picture_settings(scale, palette, isotherms, borders, histogram, formats)
    chosen, stated = _unit(unit), None if minutes is None else numbers("--minutes", minutes)
    about = check_feet(feet)
    flags = FlagSettings.parse(threshold or [])
    found = search_frames(paths, frames)
    read = reader(emissivity, reflected, distance, humidity, atmosphere, window, grey, counts, polarity)
    listed = len(paths) > 1 or not paths[0].is_dir()
    plan = plan_session(
        read_files(found.files, read), stated, unit=chosen, ignore_clock=ignore_clock, listed=listed
    )
    crossing = _crossed(crossed, plan, both=about == "both")
    if dry_run:
        typer.echo(plan.table())
        typer.echo(f"{len(plan.files)} frames, minutes by: {plan.basis}. {_left_out(plan)}".rstrip())
        unread = (f"Not read: {file.path.name}: {file.rejection}" for file in plan.files if file.frame is None)
        for remark in filter(None, (*unread, *plan.remarks, _polarity_unknown(plan), found.remark)):
            typer.echo(remark)
        return
    if out is not None:
        refuse_measured(out)
    segmenter, found_by = open_segmenter(model, masks, device=device)
    session = Session(
        check_view(view),
        feet=about,
        crossed=crossing,
        flags=flags,
        regions=None if regions is None else [name.strip() for name in regions.split(",") if name.strip()],
        drawn=None if drawn is None else read_drawn_on_baseline(drawn, plan),
    )
    with progress_bar("measuring", len(plan.files), visible=not quiet) as advance:
        measure_plan(plan, segmenter, session, progress=advance)
    print_session(session)
    remarks = (
        *plan.remarks,
        _left_out(plan),
        _polarity_unknown(plan),
        found.remark,
        *describe_drawn(session),
        *_answers(session),
    )
    for remark in filter(None, remarks):
        typer.echo(remark)
    if out is not None:
        with progress_bar("drawing", len(plan.files), visible=not quiet) as advance:
            table = write_session(
                session,
                out,
                pictures=pictures,
                timelapse=timelapse,
                untimed=plan.untimed,
                facts=found_by | _times(plan) | _remarks(plan, found),
                progress=advance,
            )
        typer.echo(f"Table: {table}")
        typer.echo(f"Pictures: {out / 'pictures'}, all on one page: {out / 'review.html'}")
        if timelapse:
            typer.echo(f"Time-lapse: {out / 'timelapse.gif'}")
    if not session.measured:
        raise typer.Exit(1)


def _crossed(text: str | None, plan: SessionPlan, *, both: bool) -> list[float] | None:
    """Find the minutes of the frames that `--crossed` names, as the table of minutes shows them."""
    from prismseg.base import ConfigError

    if text is None:
        return None
    if not both and text != "none":
        raise ConfigError(
            "--crossed is about two feet, and the session is set to one; leave one of the two options out."
        )
    found = []
    for stated in [] if text == "none" else numbers("--crossed", text):
        minutes = [file.minute for file in plan.files if file.minute is not None]
        near = [minute for minute in minutes if abs(minute - stated) <= _SAME_MINUTE]
        if not near:
            known = ", ".join(f"{minute:.4g}" for minute in minutes)
            raise ConfigError(f"--crossed {stated:g}: no frame was taken then, only at {known} min.")
        found += near
    return found


def _answers(session: Session) -> list[str]:
    """Name the options that answer what the frames ask; the sentences themselves are also shown where there are none."""
    from prismseg.thermal import Concern

    asked = {observation.concern for entry in session.entries for observation in entry.observations}
    crossed = (
        "Crossed legs: --crossed 10,15 names the minutes of such frames, --crossed none says that there is none."
    )
    options = {
        Concern.SIDES_OPEN: crossed
        if session.feet == "both"
        else "The other foot: --crossed none says that all frames show the same one.",
        Concern.DOUBTFUL_PARAMETERS: "Doubtful parameters: state the true ones with --reflected and --atmosphere; "
        "--window 1 where there is no window.",
    }
    return [text for concern, text in options.items() if concern in asked]


def _unit(text: str | None) -> Unit | None:
    from prismseg.base import ConfigError
    from prismseg.thermal.frames.file_names import UNITS

    if text is None:
        return None
    for unit in UNITS:
        if text == unit:
            return unit
    raise ConfigError(f"--unit {text!r} is neither min nor s.")


def _left_out(plan: SessionPlan) -> str:
    if not plan.untimed:
        return ""
    told = "; ".join(f"{file.path.name}: {file.rejection}" for file in plan.untimed)
    return f"Left out, since they could not be read and nothing tells their minute ({len(plan.untimed)}): {told}"


def _remarks(plan: SessionPlan, found: FoundFrames) -> dict[str, str]:
    remarks = {"polarity": _polarity_unknown(plan), "passed_over": found.remark}
    return {name: remark for name, remark in remarks.items() if remark}


def _polarity_unknown(plan: SessionPlan) -> str:
    from prismseg.cli.tables.thermal import polarity_remark

    return polarity_remark([file.frame.notes for file in plan.files if file.frame is not None])


def _times(plan: SessionPlan) -> dict[str, str]:
    facts = {"minutes_by": " ".join([f"{plan.basis}{'.' if plan.remarks else ''}", *map(str, plan.remarks)])}
    return facts | ({"left_out": ", ".join(file.path.name for file in plan.untimed)} if plan.untimed else {})
