"""`prismseg thermal`: frames in °C, soles measured in them, and networks that find the soles."""

from __future__ import annotations

import typer

from prismseg.base.registry.choices import list_choices
from prismseg.cli.thermal_measure import measure
from prismseg.cli.thermal_read import read
from prismseg.cli.thermal_review import review
from prismseg.cli.thermal_summary import summary
from prismseg.cli.thermal_train import train


def register(app: typer.Typer) -> None:
    """Add the verbs to the command line."""
    verbs = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
    verbs.command(
        epilog=(
            "Examples:\n\nprismseg thermal read session/ --emissivity 0.98 --out session-celsius\n\n"
            "prismseg thermal read sole_22.6to34.0C.png\n\nprismseg thermal read counts.tiff --counts 0.01:-273.15\n\n"
            "prismseg thermal read film.seq#0min-20min/5min"
        )
    )(read)
    verbs.command(
        cls=list_choices(
            regions="prismseg.thermal:REGION_SETS",
            borders="prismseg.thermal:REGION_SETS",
            palette="prismseg.thermal:PALETTES",
        ),
        epilog=(
            "Examples:\n\nprismseg thermal measure session/ --out session-measured\n\n"
            "prismseg thermal measure a.jpg b.jpg c.jpg --minutes 0,5,10 --out measured\n\n"
            "prismseg thermal measure film.csq#0min-20min/1min --out measured\n\n"
            "prismseg thermal measure session/images --masks session/masks   (masks drawn by hand)\n\n"
            "prismseg thermal measure session/ --drawn wound.json --threshold toe_warming=1 --out measured\n\n"
            "prismseg thermal measure session/ --out measured --formats png,pdf --palette cividis --isotherms 28,30"
        ),
    )(measure)
    verbs.command(
        cls=list_choices(palette="prismseg.thermal:PALETTES"),
        epilog=(
            "Examples:\n\nprismseg thermal review session/\n\n"
            "prismseg thermal review ward/ --out ward.html   (each folder in it is a session)\n\n"
            "prismseg thermal review pictures/ --separate --grey 22:36"
        ),
    )(review)
    verbs.command(
        epilog="Example: prismseg thermal summary sessions/ --at 10,20 --region toes --out sessions.csv"
    )(summary)
    verbs.command(
        epilog=(
            "Examples, each hours; Ctrl-C and --resume at will:\n\n"
            "prismseg thermal train --out runs/left-out --left-out ellipse --steps 450\n\n"
            "prismseg thermal train --out runs/feet --left-out none --from runs/left-out --steps 220 --seed 2\n\n"
            "prismseg thermal train --out runs/longer --left-out none --from runs/feet --steps 2000 --seed 5\n\n"
            "prismseg thermal train --out runs/small --recipe small   (as thermal-feet-small)"
        )
    )(train)
    app.add_typer(
        verbs,
        name="thermal",
        help="Thermal frames in °C: read them, measure both soles, judge the pictures, train a network for them.",
    )
