"""Figures as files: raster and vector, the same bytes for the same figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from prismseg.base.errors import ConfigError
from prismseg.base.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

FORMATS = ("png", "svg", "pdf")
"""Formats that figures are written in."""

# Without them the file holds the time at which it was written.
_UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


def check_formats(formats: Sequence[str]) -> tuple[str, ...]:
    """Return the formats of figures, each once.

    Raises
    ------
    ConfigError
        When there is none, or one that cannot be written.

    Examples
    --------
    >>> check_formats(["png", "pdf", "png"])
    ('png', 'pdf')
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise ConfigError(
            f"Figures are written as {', '.join(FORMATS)}, not as {', '.join(unknown) or 'nothing'}."
        )
    return tuple(dict.fromkeys(formats))


def save_figure(
    figure: Figure, stem: str | Path, formats: Sequence[str], *, dpi: int, tight: bool = False
) -> None:
    """Write a figure to ``STEM.png`` and so on, atomically; text stays text in vector files.

    Parameters
    ----------
    figure : matplotlib Figure
        What to write.
    stem : str or Path
        Path without suffix.
    formats : sequence of str
        Of `FORMATS`.
    dpi : int
        Of rasters, also of those within vector files.
    tight : bool
        Whether the margins are cut off.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    import matplotlib

    stem = Path(stem)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "prismseg", "pdf.fonttype": 42}):
        for kind in formats:
            with atomic_path(stem.with_name(f"{stem.name}.{kind}")) as temporary:
                figure.savefig(
                    temporary, dpi=dpi, bbox_inches="tight" if tight else None, metadata=_UNDATED.get(kind)
                )
