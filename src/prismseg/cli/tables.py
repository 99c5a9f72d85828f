"""Tables in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prismseg.base import read_json
from prismseg.base.constants import Z95
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS, few_groups
from prismseg.evaluation.statistics.paired import NO_TEST, TWO_NETWORKS
from prismseg.evaluation.statistics.wording import interval_heading, show_interval

if TYPE_CHECKING:
    from prismseg.data import Finding
    from prismseg.study import Run, RunStore
    from prismseg.study.definition.shipped import ShippedStudy
    from prismseg.thermal import FrameSummary, Session, Value

_HEADLINE = {"rho": ".3f", "lift": ".3f", "rho_excess": "+.3f"}
_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_SHOWN_FILES = 4


def print_findings(findings: Sequence[Finding], *, verbose: bool = False) -> None:
    """Print the findings of `prismseg check`, errors first, one entry a kind, and a closing count.

    Of each kind the first finding is told in full and the files of a few others are named; `verbose` tells every one.
    Lines are not broken, so that a path can be copied.
    """
    from prismseg.data.checks.findings import by_kind

    console = Console(soft_wrap=True, highlight=False)
    for alike in by_kind(findings):
        first, *others = alike
        files = f" ({len(alike)} times)" if others else ""
        console.print(Text.assemble((first.severity, _STYLES[first.severity]), f": {first.kind}{files}"))
        for finding in alike if verbose else [first]:
            console.print(Text(f"    {_files(finding)}"))
            console.print(Text(f"        {finding.message.removeprefix(f'{finding.file}: ')}"))
        if others and not verbose:
            for finding in others[:_SHOWN_FILES]:
                console.print(Text(f"    {_files(finding)}"))
            if len(others) > _SHOWN_FILES:
                console.print(f"    and {len(others) - _SHOWN_FILES} more (--verbose tells all)")
    count = Counter(finding.severity for finding in findings)
    console.print(f"{count['error']} errors, {count['warning']} warnings, {count['info']} notes.")


def _files(finding: Finding) -> str:
    return str(finding.file) if finding.other is None else f"{finding.file} and {finding.other}"


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
    console.print(f"{len(summaries) - len(refused)} frames read, {len(refused)} refused.")


def print_session(session: Session) -> None:
    """Print what each frame of a session says of both soles, why others say nothing, and the flags."""
    from prismseg.thermal import SIDES, WHOLE_SOLE

    console = Console()
    title = "Mean of each sole, °C, and its change Δ from t0 (± 95 %)"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("min", "left", "right", "Δ left", "Δ right", "Δ right - left"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("file", overflow="fold")
    for entry in session.measured:
        means = (entry.estimates[side][WHOLE_SOLE] for side in SIDES)
        table.add_row(
            f"{entry.minute:g}",
            *(f"{found.mean:.2f} ± {Z95 * found.error:.2f}" for found in means),
            *(_change(session.delta(entry, side)) for side in SIDES),
            _change(session.difference(entry)),
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
    console.print(
        f"{len(session.measured)} of {len(session.entries)} frames measured. Observations, not diagnoses."
    )


def print_studies(shipped: Sequence[ShippedStudy]) -> None:
    """Print the studies that are part of prismseg."""
    table = Table(box=None, show_header=False, padding=(0, 2, 1, 0), pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for entry in shipped:
        study = entry.study
        facts = f"{study.kind}; {entry.runs} runs, {entry.quick_runs} with --quick"
        needs = f"\nData: {study.needs}" if study.needs else ""
        table.add_row(entry.name, Text.assemble(study.title, ("\n" + facts, "dim"), needs))
    console = Console()
    console.print(table)
    console.print("Run one with: prismseg study run NAME --quick", highlight=False)


def print_stale(kind: str, store: RunStore, runs: Sequence[Run], *, keep: bool) -> None:
    """Print how many finished runs are stale, and why; nothing where none is."""
    from prismseg.study import stale_runs

    reasons = stale_runs(kind, store, runs)
    if not reasons:
        return
    what = "kept (--keep-stale)" if keep else "repeated by `study run`"
    console = Console()
    console.print(f"{len(reasons)} finished runs are stale, and are {what}:")
    for reason, count in Counter(reason for found in reasons.values() for reason in found).items():
        console.print(Text(f"  {reason} ({count} runs)"))


def print_study(kind: str, store: RunStore, runs: Sequence[Run]) -> None:
    """Print how many runs of a study are in which state, which are stale and why, and why runs failed."""
    console = Console()
    states = [store.state(run) for run in runs]
    console.print(", ".join(f"{number} {state}" for state, number in Counter(states).items()))
    print_stale(kind, store, runs, keep=False)
    others = store.count_others(runs)
    if others:
        console.print(f"{others} runs in {store.root} have other settings and are not of this study now.")
    failed = [run for run, state in zip(runs, states, strict=True) if state == "failed"]
    if failed:
        table = Table(title="Failed")
        for heading in ("run", "why", "folder"):
            table.add_column(heading, overflow="fold")
        for run in failed:
            table.add_row(run.name, Text(store.failure(run)), Text(str(store.folder(run))))
        console.print(table)


def _change(value: Value) -> str:
    return f"{value.value:+.2f} ± {Z95 * value.error:.2f}" if value.known else "–"


def _assumed(summary: FrameSummary) -> str:
    """Parameters in a few characters, as thermographers write them."""
    parts = {
        "e {:.2f}": summary.parameters.emissivity,
        "refl {:.1f} °C": summary.parameters.reflected,
        "{:.1f} m": summary.parameters.distance,
        "RH {:.0%}": summary.parameters.humidity,
    }
    return ", ".join(form.format(value) for form, value in parts.items() if value is not None) or summary.kind


def print_summary(path: Path) -> None:
    """Print the table of metrics in a ``summary.json``."""
    summary = read_json(path)
    console = Console()
    parts = " + ".join(f"{count} {name}" for name, count in summary.get("parts", {}).items())
    title = f"{summary['dataset']}: {summary['cases']} cases{parts and f' ({parts})'}, {summary['groups']} groups"
    table = Table(title=title)
    for heading in ("class", "metric", "mean", "SD", interval_heading(summary["metrics"])):
        table.add_column(heading, justify="left" if heading in ("class", "metric") else "right")
    for row in summary["metrics"]:
        table.add_row(row["class"], row["metric"], _number(row["mean"]), _number(row["sd"]), show_interval(row))
    console.print(table)
    if summary["groups"] < FEWEST_GROUPS:
        console.print(few_groups(summary["groups"]))
    for note in summary.get("notes", ()):
        console.print(Text(note, style="bold"))
    console.print(f"Empty masks: {summary['empty_masks']}")
    if summary["comparison"]:
        _print_comparison(console, summary["comparison"])


def print_relevance(path: Path) -> None:
    """Print a ``headline.csv`` of an explanation: the numbers that its page begins with."""
    import pandas as pd

    from prismseg.explain.report.headline import pick_interval

    read = pd.read_csv(path, dtype={"class": str}, keep_default_na=False, na_values=[""]).to_dict("records")
    rows = [{str(key): value for key, value in row.items()} for row in read]
    method, region = rows[0]["method"], rows[0]["region"]
    console = Console()
    shown = interval_heading([pick_interval(row, "rho") for row in rows])
    table = Table(title=f"Where the relevance lies: {method}, region {region} [{shown}]", box=SIMPLE_HEAD)
    table.add_column("class", overflow="fold")
    for heading in ("fused map: rho", "lift\n(1: chance)", "rho over\nregion as map", "single layers:\nrho"):
        table.add_column(heading, justify="right")
    for row in rows:
        rho, lift, excess = (_number(row.get(name), form) for name, form in _HEADLINE.items())
        interval = show_interval(pick_interval(row, "rho"))
        single = " – ".join(_number(row.get(name)) for name in ("lowest", "highest"))
        table.add_row(row["class"], rho if interval == "–" else f"{rho}\n[{interval}]", lift, excess, single)
    console.print(table)
    for row in rows:
        if row["redraws"]:
            console.print(
                f"{row['class']}: the fused map redraws the region it explains, on which {row['region_share']:.1%} of "
                "its relevance lie; read what it has over the region as a map."
            )
    if region == "truth":
        console.print(
            "The true mask is region and reference at once: circular. Look at --regions prediction, too."
        )


def _print_comparison(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="Difference to the other evaluation, case by case (ours minus theirs)")
    for heading in ("class", "metric", "difference", interval_heading(rows), "p (sign flips)"):
        table.add_column(heading, justify="left" if heading in ("class", "metric") else "right")
    for row in rows:
        difference, p_value = _number(row["difference"], "+.3f"), _number(row["p_value"], ".3g")
        table.add_row(row["class"], row["metric"], difference, show_interval(row, "+.3f"), p_value)
    console.print(table)
    console.print(TWO_NETWORKS)
    if any(row["n_groups"] < FEWEST_GROUPS for row in rows):
        console.print(NO_TEST)


def _number(value: float | None, form: str = ".3f") -> str:
    """Format a number; what one case or one group cannot tell is a dash."""
    return "–" if value is None or value != value else format(value, form)
