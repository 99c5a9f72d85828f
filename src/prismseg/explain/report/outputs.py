"""Files of an explanation besides its page: tables, figures and sheets of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from prismseg.base import ConfigError, atomic_path
from prismseg.explain.report.examples import Example
from prismseg.explain.report.pictures import draw_sheet
from prismseg.explain.settings import FORMATS

_FOLDERS = ("figures", "maps")


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats of pictures that cannot be written.

    Raises
    ------
    ConfigError
        Naming the formats that can.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ConfigError(
            f"Figures are written as {', '.join(FORMATS)}, not as {', '.join(unknown) or 'nothing'}."
        )


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
        _save(figure, out / "figures" / safe_filename(name), formats)
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
            _save(sheet, out / "maps" / stem, formats)


def _save(figure: Figure, stem: Path, formats: Sequence[str]) -> None:
    # Text stays text in vector files, and a figure always gives the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "prismseg", "pdf.fonttype": 42}):
        for kind in formats:
            with atomic_path(stem.with_name(f"{stem.name}.{kind}")) as temporary:
                figure.savefig(temporary, dpi=160, bbox_inches="tight")


def safe_filename(name: str) -> str:
    """Turn a name into one that every file system takes."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
