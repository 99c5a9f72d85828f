"""The command line of the contest."""

from __future__ import annotations

import argparse
import os
import shlex
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from contest.cell import FACTS
from contest.kind import KIND, register
from contest.methods import METHODS
from contest.plan import (
    FULL_FOLDS,
    QUICK_FOLDS,
    SECONDS,
    OpenSet,
    Plan,
    list_tuning,
    make_plan,
    show_plan,
)
from contest.record import Recorded, fill_in, hash_code, read_record, write_record
from contest.sets import find_sets, open_set, sizes_of
from contest.tables import CellState, collect
from prismseg.base import ConfigError, PrismsegError, read_json
from prismseg.base.provenance.machine import describe_machine
from prismseg.study import BACKENDS, KINDS, Run, RunStore, execute, stale_runs
from prismseg.study.runs.sources import ProvenanceFinder

ABOUT = """Which tool segments best from 20 to 300 images?

    python benchmarks/accuracy.py --data DATA --plan       # what is run in six hours of two cores, and what is left out
    python benchmarks/accuracy.py --data DATA              # run it, or what is missing of it; then report
    python benchmarks/accuracy.py --data DATA --full       # all cells, all five folds
    python benchmarks/accuracy.py --data DATA --report     # report what is done
    python benchmarks/accuracy.py --data DATA --tune       # the choices of each peer, on a fold that is not tested
    python benchmarks/accuracy.py --data DATA --report --record benchmarks/results/accuracy --keep-stale
                                                           # with cells that other machines have run

DATA is a folder with data sets as benchmarks/contest/sets.py lists them; --add takes any other data set that prismseg
can open. Peers need: pip install -r benchmarks/requirements-peers.txt (a method whose packages are missing fails, and the
report names its cells).

Every method gets the same training images (nested subsets of the same folds) at the same size and is tested on the
other groups at the images' own size: by its own recipe, with as many steps as make its curve flat, and at equal CPU
seconds. Finished cells are not repeated unless their data or code changed; several machines that see the same --out
share the work.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Plan, run and report; returns the exit code."""
    options = _parse(arguments)
    register()
    try:
        return _act(options)
    except PrismsegError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the data sets")
    parser.add_argument("--add", type=Path, action="append", default=[], help="another data set; may be repeated")
    parser.add_argument("--sets", nargs="*", default=[], help="of the known sets only these")
    parser.add_argument("--out", type=Path, default=Path("runs/contest"))
    parser.add_argument("--methods", nargs="*", default=[], help=f"only these of {', '.join(METHODS)}")
    parser.add_argument("--full", action="store_true", help="everything on all folds, however long it takes")
    parser.add_argument(
        "--folds", type=int, nargs="+", help=f"only these; else {QUICK_FOLDS}, with --full all five"
    )
    parser.add_argument("--hours", type=float, default=6.0, help="that the quick form may take on --jobs cores")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of training, where all get the same")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each cell")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cells at a time, one core each")
    parser.add_argument("--device", default="cpu", help="such as cuda; seconds are then those that pass")
    parser.add_argument("--backend", default="loky", choices=list(BACKENDS))
    parser.add_argument("--address", help="of the Ray or Dask cluster")
    parser.add_argument("--keep-stale", action="store_true", help="keep cells whose data or code have changed")
    parser.add_argument(
        "--record",
        type=Path,
        help="folder of small files to which finished cells are added, and that missing ones come from",
    )
    parser.add_argument("--docs", type=Path, help="page of the documentation to put the section into")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--plan", action="store_true", help="say what would be run, and for how long")
    what.add_argument("--report", action="store_true", help="run nothing")
    what.add_argument("--tune", action="store_true", help="try each method's choices on fold 0 with 20 images")
    return parser.parse_args(arguments)


def _act(options: argparse.Namespace) -> int:
    for name in options.methods:
        METHODS.require(name)
    methods = options.methods or list(METHODS)
    folds = options.folds or (FULL_FOLDS if options.full else QUICK_FOLDS)
    data = _open(options, folds)
    store = RunStore(options.out)
    if options.tune:
        runs = list_tuning(data, methods, device=options.device)
        _execute(runs, options)
        print(show_tuning(store, runs))
        return 0
    plan = _plan(options, data, methods, folds, {})
    plan = _plan(options, data, methods, folds, measure_factors(store, plan))
    print(show_plan(plan, options.jobs))
    if options.plan:
        return 0
    if not options.report:
        _execute(plan.runs, options)
    return _report(options, store, plan)


def _open(options: argparse.Namespace, folds: Sequence[int]) -> list[OpenSet]:
    opened = []
    for each in find_sets(options.data, options.sets, options.add):
        print(f"Opening {each.name} …", file=sys.stderr)
        _, groups = open_set(each.path, each.options)
        opened.append(OpenSet(each, groups, sizes_of(groups, folds)))
    return opened


def _plan(
    options: argparse.Namespace,
    data: Sequence[OpenSet],
    methods: Sequence[str],
    folds: Sequence[int],
    factors: dict[str, float],
) -> Plan:
    return make_plan(
        data,
        methods,
        folds=folds,
        hours=None if options.full else options.hours,
        cores=options.jobs,
        seeds=range(options.seeds),
        budget=options.seconds,
        device=options.device,
        factors=factors,
    )


def measure_factors(store: RunStore, plan: Plan) -> dict[str, float]:
    """By which each method took longer here than was estimated: the median over its finished cells."""
    found: dict[str, list[float]] = {}
    for chunk in (*plan.chosen, *plan.left_out):
        for cell in chunk.cells:
            if store.is_done(cell.run):
                ratio = float(store.facts(cell.run)["seconds"]) / cell.seconds
                found.setdefault(cell.run.labels["method"], []).append(ratio)
    return {name: statistics.median(ratios) for name, ratios in found.items()}


def _execute(runs: Sequence[Run], options: argparse.Namespace) -> None:
    counts = execute(
        KIND,
        runs,
        options.out,
        backend=options.backend,
        jobs=options.jobs,
        address=options.address,
        keep_stale=options.keep_stale,
    )
    print(", ".join(f"{number} {state}" for state, number in counts.items()))


def _report(options: argparse.Namespace, store: RunStore, plan: Plan) -> int:
    from contest.report import write_report, write_section

    cells, origins = read_cells(store, plan, record=options.record, keep_stale=options.keep_stale)
    contest = collect(cells, budget=options.seconds)
    if contest.cases.empty:
        raise ConfigError(f"No cell in {options.out} is done; run the same command without --report.")
    command = f"python benchmarks/accuracy.py {shlex.join(_told(options))}"
    facts = {"command": command, "origins": origins, "budget": options.seconds}
    path = write_report(contest, options.out / "report", **facts)
    print(path.read_text())
    if options.docs is not None:
        write_section(contest, options.docs, **facts)
    return 0


def read_cells(
    store: RunStore, plan: Plan, *, record: Path | None = None, keep_stale: bool = False
) -> tuple[list[CellState], list[str]]:
    """Read every cell of the plan, also of what is left out: it may have been run before.

    Parameters
    ----------
    store : RunStore
        With the cells that were run here.
    plan : Plan
        What is asked.
    record : Path, optional
        A record that gets the cells that are done here, and gives those that are not.
    keep_stale : bool
        Whether cells count whose data or code have changed.

    Returns
    -------
    list of CellState
    list of str
        Machines and versions that the numbers come from.
    """
    chosen = {run.key for run in plan.runs}
    runs = [cell.run for chunk in (*plan.chosen, *plan.left_out) for cell in chunk.cells]
    stale = {} if keep_stale else stale_runs(KIND, store, runs)
    states, origins = [], dict.fromkeys(())
    made: dict[tuple[str, ...], Recorded] = {} if record is None else read_record(record)
    for run in runs:
        state, rows = str(store.state(run)), pd.DataFrame()
        if run.key in stale:
            state = f"stale ({stale[run.key][0]})"
        elif state == "done":
            rows = store.results(run)
            code = (store.made_from(run) or {"code": {}})["code"]
            cell = Recorded(run.labels, hash_code(code), list_origins(store, run), rows)
            made[tuple(run.labels.values())] = cell
            origins |= dict.fromkeys(cell.origins)
        elif state == "failed":
            state = f"failed: {store.failure(run)}"
        elif state != "running":
            state = "not run" if run.key in chosen else "left out"
        states.append(CellState(run.labels, state, rows))
    if record is None:
        return states, list(origins)
    write_record(record, list(made.values()))
    finder = ProvenanceFinder(store.root)
    codes = {run.key: hash_code(finder.find(KINDS[KIND], run.settings).code) for run in runs}
    recorded = read_record(record)
    filled = list(fill_in(states, runs, recorded, codes, keep_stale=keep_stale))
    origins |= dict.fromkeys(origin for _, cell in filled if cell is not None for origin in cell.origins)
    shown = [run for run, (state, _) in zip(runs, filled, strict=True) if state.state == "done"]
    changed = [run for run in shown if recorded[tuple(run.labels.values())].code != codes[run.key]]
    return [state for state, _ in filled], [*origins, *count_changed(changed, len(shown))]


def count_changed(changed: Sequence[Run], shown: int) -> list[str]:
    """Say how many of the cells that are shown were made by code that has changed since; nothing where none was."""
    if not changed:
        return []
    methods = Counter(run.labels["method"] for run in changed)
    told = ", ".join(f"{name} {count}" for name, count in methods.items())
    return [f"{len(changed)} of {shown} cells by code that has changed since ({told})"]


def list_origins(store: RunStore, run: Run) -> tuple[str, ...]:
    """List the machine and the versions that a finished cell was made with."""
    facts = store.facts(run)
    versions = read_json(store.work_folder(run) / FACTS)["versions"]
    return (
        f"{facts['software']} on {describe_machine(facts['machine'])}",
        *sorted(f"{name} {number}" for name, number in versions.items()),
    )


def show_tuning(store: RunStore, runs: Sequence[Run]) -> str:
    """Write the mean Dice of each choice by data set."""
    rows = []
    for run in runs:
        if store.is_done(run):
            table = store.results(run)
            dice = table[table["measure"] == "dice"].groupby("case")["value"].mean().mean()
            rows.append({**run.labels, "dice": dice})
    if not rows:
        return "No choice has been tried."
    table = pd.DataFrame(rows).pivot_table(index=["method", "choice"], columns="data", values="dice", sort=False)
    return table.assign(mean=table.mean(axis=1)).round(3).to_string()


def _told(options: argparse.Namespace) -> list[str]:
    """What a reader has to type for the same."""
    told = ["--data", options.data.name]
    for path in options.add:
        told += ["--add", path.name]
    for name in ("sets", "methods"):
        if getattr(options, name):
            told += [f"--{name}", *getattr(options, name)]
    told += ["--full"] if options.full else []
    told += ["--folds", *map(str, options.folds)] if options.folds else []
    told += ["--record", str(options.record), "--keep-stale"] if options.record and options.keep_stale else []
    for name, usual in (("hours", 6.0), ("seconds", SECONDS), ("seeds", 1), ("device", "cpu")):
        if getattr(options, name) != usual:
            told += [f"--{name}", format(getattr(options, name))]
    return told
