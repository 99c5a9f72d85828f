"""Files of an explanation besides its page: tables, figures and sheets of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from prismseg.base import atomic_path
from prismseg.base.figures import FORMATS, save_figure
from prismseg.explain.report.examples import Example
from prismseg.explain.report.pictures import draw_sheet

_FOLDERS = ("figures", "maps")
_DPI = 160


def write_tables(out: Path, tables: Mapping[str, pd.DataFrame | None]) -> None:
    """Write each table as a CSV file; where a table is None, remove the file of an earlier explanation."""
    for name, table in tables.items():
        path = out / f"{name}.csv"
        if table is None:
            path.unlink(missing_ok=True)
            continue
        with atomic_path(path) as temporary:
            table.to_csv(temporary, index=False)


def write_figures(
    out: Path, figures: Mapping[str, Figure], examples: Sequence[Example], formats: Sequence[str], *, what: str
) -> None:
    """Write figures and sheets of maps in each of `formats`, and remove those of an earlier explanation.

    Parameters
    ----------
    what : str
        Method and region, for the titles of the sheets.
    """
    for folder in _FOLDERS:
        for old in (path for kind in FORMATS for path in (out / folder).glob(f"*.{kind}")):
            old.unlink()
    for name, figure in figures.items():
        save_figure(figure, out / "figures" / safe_filename(name), formats, dpi=_DPI, tight=True)
    taken: set[str] = set()
    for example in examples:
        for cls, tiles in example.tiles.items():
            captions = [("truth and prediction\n(white)", example.masks)]
            for tile in tiles:
                top = "" if tile.top == "max" else f", top {tile.top}"
                captions.append((f"{tile.layer}\nrho {tile.rho:.2f}{top}", tile.picture))
            sheet = draw_sheet(captions, f"{example.title}: {cls} ({what})")
            stem = f"{safe_filename(example.title)}-{safe_filename(cls)}"
            while stem in taken:  # "vena cava" and "vena_cava" are two classes
                stem += "_"
            taken.add(stem)
            save_figure(sheet, out / "maps" / stem, formats, dpi=_DPI, tight=True)


def safe_filename(name: str) -> str:
    """Turn a name into one that every file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
