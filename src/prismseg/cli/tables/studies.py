"""Studies in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from prismseg.study import Run, RunStore, ShippedStudy


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
    from prismseg.study import KINDS

    trials = [trial for run in runs for trial in KINDS[kind].list_first(kind, run.settings)]
    if trials:
        done = sum(store.is_done(trial) for trial in {trial.key: trial for trial in trials}.values())
        console.print(f"Trials that come first: {done} of {len({trial.key for trial in trials})} done.")
    others = store.count_others([*runs, *trials])
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
