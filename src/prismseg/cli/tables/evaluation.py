"""Evaluations and explanations in the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from prismseg.base import read_json
from prismseg.evaluation.statistics.intervals import FEWEST_GROUPS, few_groups
from prismseg.evaluation.statistics.paired import NO_TEST, TWO_NETWORKS
from prismseg.evaluation.statistics.wording import interval_heading, show_interval

_HEADLINE = {"rho": ".3f", "lift": ".3f", "rho_excess": "+.3f"}


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
    if summary.get("unfamiliar"):
        _print_unfamiliar(console, summary["unfamiliar"])
    if summary["comparison"]:
        _print_comparison(console, summary["comparison"])


def print_relevance(path: Path) -> None:
    """Print a ``headline.csv`` of an explanation: the numbers that its page begins with."""
    import pandas as pd

    from prismseg.explain.registries import REGIONS
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
    if REGIONS[region].is_reference:
        console.print(
            "The true mask is region and reference at once: circular. Look at --regions prediction, too."
        )


def _print_unfamiliar(console: Console, section: dict[str, Any]) -> None:
    title = f"Foreign images against {section['n']} own ones, draws by {section['uncertainty']}: AUROC"
    table = Table(title=title, caption="1: all found; 0.5: chance. distance: rank correlation with added noise.")
    table.add_column("images", overflow="fold")
    for heading in ("n", *section["scores"].values()):
        table.add_column(heading, justify="right")
    for row in section["rows"]:
        table.add_row(row["kind"], str(row["n"]), *(_number(row[score], ".2f") for score in section["scores"]))
    console.print(table)


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
