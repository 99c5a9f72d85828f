"""Thermal frames and sessions in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prismseg.base.constants import Z95

if TYPE_CHECKING:
    import pandas as pd

    from prismseg.thermal import FrameSummary, Session, Value


def print_summaries(summaries: Sequence[FrameSummary]) -> None:
    """Print what thermal files say, then those that are refused with the reason, and a closing count."""
    console = Console()
    refused = [summary for summary in summaries if summary.rejection is not None]
    if len(refused) < len(summaries):
        table = Table(title="Frames in °C")
        for heading in ("file", "lowest", "mean", "highest", "pixels", "parameters", "time", "camera"):
            right = heading in ("lowest", "mean", "highest")
            table.add_column(heading, justify="right" if right else "left", overflow="fold")
        for summary in summaries:
            if summary.size is not None and summary.span is not None and summary.mean is not None:
                degrees = (f"{value:.1f}" for value in (summary.span[0], summary.mean, summary.span[1]))
                time = summary.time.isoformat(sep=" ", timespec="seconds") if summary.time is not None else "–"
                height, width = summary.size
                size = f"{height} x {width}"
                assumed = _assumed(summary)
                table.add_row(Text(summary.path.name), *degrees, size, assumed, time, Text(summary.camera or "–"))
        console.print(table)
    for summary in summaries:
        for note in summary.notes:
            if note.startswith(("doubtful", "stored turned")):
                console.print(Text.assemble((f"{summary.path.name}: ", "bold"), note))
    if refused:
        table = Table(title="Refused")
        table.add_column("file", overflow="fold")
        table.add_column("why", overflow="fold")
        for summary in refused:
            table.add_row(
                Text(summary.path.name), Text((summary.rejection or "").replace(str(summary.path), "It"))
            )
        console.print(table)
    remark = polarity_remark([summary.notes for summary in summaries])
    if remark:
        console.print(remark)
    console.print(f"{len(summaries) - len(refused)} frames read, {len(refused)} refused.")


def polarity_remark(notes: Sequence[Sequence[str]]) -> str:
    """Say of how many frames, by their notes, nobody stated the polarity; empty where there are none."""
    count = sum(any(note.startswith("polarity not stated") for note in each) for each in notes)
    if not count:
        return ""
    return (
        f"Grey pictures whose polarity is not stated: {count}. White was taken as warm; if black was, every change has "
        "the wrong sign: state --polarity."
    )


def print_session(session: Session) -> None:
    """Print what each frame of a session says of both soles, why others say nothing, and the flags."""
    from prismseg.thermal import WHOLE_SOLE, sides_of

    console = Console()
    sides = sides_of(session.feet)
    title = "Mean of each sole, °C, and its change Δ from t0 (± 95 %)"
    table = Table(title=title, box=SIMPLE_HEAD, padding=0, show_edge=False)
    # Narrow numbers leave 20 of a terminal's 80 columns to the names of files.
    apart = ("Δ right\n- Δ left",) if len(sides) > 1 else ()
    for heading in ("min", *sides, *(f"Δ {side}" for side in sides), *apart):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("file", overflow="fold")
    for entry in session.measured:
        means = (entry.estimates.get(side, {}).get(WHOLE_SOLE) for side in sides)
        table.add_row(
            f"{entry.minute:g}",
            *("–" if found is None else f"{found.mean:.2f}±{Z95 * found.error:.2f}" for found in means),
            *(_change(session.delta(entry, side)) for side in sides),
            *(_change(session.difference(entry)) for _ in apart),
            Text(Path(entry.source).name),
        )
    if session.measured:
        console.print(table)
    failed = [entry for entry in session.entries if not entry.ok]
    if failed:
        table = Table(title="Without numbers")
        for heading in ("min", "file", "why"):
            table.add_column(heading, overflow="fold")
        for entry in failed:
            reason = entry.reason.replace(entry.source, "The file")
            table.add_row(f"{entry.minute:g}", Text(Path(entry.source).name), Text(reason))
        console.print(table)
    for flag in session.flags():
        console.print(Text.assemble((f"{flag.name}: ", "bold"), flag.sentence, (f" [{flag.source}]", "dim")))
    noted: dict[str, list[str]] = {}
    for entry in session.measured:
        for note in entry.notes:
            noted.setdefault(note, []).append(f"{entry.minute:g}")
    for sentence, minutes in noted.items():
        console.print(Text.assemble(("note: ", "bold"), f"{', '.join(minutes)} min: {sentence}"))
    console.print(
        f"{len(session.measured)} of {len(session.entries)} frames measured. Observations, not diagnoses."
    )


def print_sessions(sessions: pd.DataFrame, minutes: Sequence[float], region: str) -> None:
    """Print a row for each session of `prismseg.thermal.summarize_sessions`, and what they do not share."""
    from prismseg.thermal import SIDES
    from prismseg.thermal.output.summary import differing_conditions

    console = Console()
    title = f"Baseline and change Δ from t0 of the left sole, and below it of the right one, °C: {region}"
    table = Table(title=title, box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("session", overflow="fold")
    for heading in ("frames", "t0", *(f"Δ {minute:g} min" for minute in minutes), "largest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for _, row in sessions.iterrows():
        starts = "\n".join(
            "–" if isnan(row[f"baseline_{side}"]) else f"{row[f'baseline_{side}']:.1f}" for side in SIDES
        )
        columns = [[f"delta_{side}_{minute:g}min" for side in SIDES] for minute in minutes]
        changes = ("\n".join(_signed(row[name]) for name in names) for names in columns)
        largest = "\n".join(_signed(row[f"largest_{side}"]) for side in SIDES)
        table.add_row(Text(row["session"]), f"{row['measured']}/{row['frames']}", starts, *changes, largest)
    console.print(table)
    for _, row in sessions.iterrows():
        if row["flags"]:
            console.print(Text.assemble((f"{row['session']}: ", "bold"), row["flags"]))
    for condition in differing_conditions(sessions):
        console.print(f"Not alike in all sessions: {condition.replace('_', ' ')}. Compare with care.")
    console.print(f"{len(sessions)} sessions. Observations, not diagnoses.")


def _signed(value: float) -> str:
    return "–" if isnan(value) else f"{value:+.1f}"


def _change(value: Value) -> str:
    return f"{value.value:+.2f}±{Z95 * value.error:.2f}" if value.known else "–"


def _assumed(summary: FrameSummary) -> str:
    """Parameters in a few characters, as thermographers write them."""
    parts = {
        "e {:.2f}": summary.parameters.emissivity,
        "refl {:.1f} °C": summary.parameters.reflected,
        "{:.1f} m": summary.parameters.distance,
        "RH {:.0%}": summary.parameters.humidity,
    }
    return ", ".join(form.format(value) for form, value in parts.items() if value is not None) or summary.kind
