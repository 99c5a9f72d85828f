"""`prismseg models`: the networks there are."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command()(models)


def models() -> None:
    """List the networks with their sizes: each architecture with each kind of skip layer."""
    from rich.console import Console
    from rich.table import Table

    from prismseg.nets import count_parameters, create_model, list_models
    from prismseg.nets.choices import PRESETS

    table = Table(title="Networks (1 channel, 1 class)")
    for heading in ("name", "--model", "--skip", "--multiplier"):
        table.add_column(heading, no_wrap=heading == "name")
    for preset in PRESETS:
        table.add_column(f"parameters, {preset}", justify="right")
    for entry in list_models():
        networks = [
            create_model(entry.arch, entry.skip, multiplier=entry.multiplier, preset=preset) for preset in PRESETS
        ]
        sizes = [f"{count_parameters(network):,}" for network in networks]
        table.add_row(entry.name, entry.arch, entry.skip, str(entry.multiplier), *sizes)
    Console().print(table)
