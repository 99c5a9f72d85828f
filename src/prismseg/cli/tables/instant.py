"""Fits of instant segmenters in the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from prismseg.base import read_json
from prismseg.train import RunFolder

MOST_GROUPS = 20  # that are listed one by one


def print_held_out(folder: RunFolder) -> None:
    """Print the Dice of each class on each group that was left out, the penalty that was chosen, and what to know."""
    import pandas as pd

    console = Console()
    training = read_json(folder.model / "config.json")["metadata"]["training"]["fit"]
    if training["held_out_dice"] is None:
        console.print(
            "Nothing could be left out, so there is no measure of how good this network is on other groups."
        )
        _print_notes(console, training)
        return
    table = pd.read_csv(folder.held_out / "dice.csv", dtype={"case": str, "group": str, "class": str})
    classes = list(dict.fromkeys(table["class"]))
    by_group = table.pivot_table(index="group", columns="class", values="dice", sort=False)[classes]
    images = table.drop_duplicates("case")["group"].value_counts().to_dict()
    shown = Table(title="Dice of groups that were left out, at the network's size")
    for heading in ("group", "images", *classes):
        shown.add_column(heading, justify="left" if heading == "group" else "right", overflow="fold")
    for group, row in list(by_group.iterrows())[:MOST_GROUPS]:
        shown.add_row(str(group), str(images[str(group)]), *(f"{value:.3f}" for value in row))
    if len(by_group) > MOST_GROUPS:
        shown.add_row(f"… {len(by_group) - MOST_GROUPS} more", "", *("" for _ in classes))
    shown.add_section()
    means = table.groupby("class")["dice"].mean()
    shown.add_row(
        "all images", str(sum(images.values())), *(f"{means[name]:.3f}" for name in classes), style="bold"
    )
    console.print(shown)
    light = f"weight {training['light']:g}" if training["light"] else "not used"
    tried = len(training["penalties"]) * len(training["balances"]) * len(training["lights"])
    console.print(
        f"{training['averaged']} of {tried} fits are averaged by their Dice on groups left out; the best: penalty "
        f"{training['penalty']:g} of the trace, class weights to the power {training['balance']:g}, copies in another "
        f"light: {light}. Fitted in {training['seconds']:.0f} s. Tables and report: {folder.held_out}"
    )
    _print_notes(console, training)


def _print_notes(console: Console, training: dict[str, Any]) -> None:
    for note in training.get("notes", []):  # runs of before have none
        console.print(note)
