"""What a page of frames shows of each: a small picture, outlines as lines over it, numbers, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from skimage.measure import approximate_polygon

from prismseg.base.constants import Z95
from prismseg.base.page import photo_uri
from prismseg.thermal.anatomy import SIDES, WHOLE_SOLE
from prismseg.thermal.output.measured_picture import legend_masks
from prismseg.thermal.output.palettes import DEFAULT_PALETTE, NO_VALUE, PALETTES, Palette
from prismseg.thermal.output.picture import show_name
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.sessions.timed_file import TimedFile
from prismseg.thermal.soles.contours import trace_outlines

Kind = Literal["refused", "caution", "clean"]

_LARGEST = 400  # pixels of the longer side of a picture: 200 of them fit into some megabytes
# Percentiles of a frame between which its colours reach.
_ENDS = (0.5, 99.5)
_TOLERANCE = 0.5  # pixels by which a line may depart from the outline


@dataclass(frozen=True)
class Outline:
    """A closed line over a picture.

    Attributes
    ----------
    name : str
        In the legend.
    colour : str
        As HTML writes it.
    path : str
        As SVG writes it, in pixels of the frame.
    """

    name: str
    colour: str
    path: str


@dataclass(frozen=True)
class Card:
    """One frame on the page.

    Attributes
    ----------
    file : str
        Name of the file.
    minute : float or None
        Since the test dose, where it is known.
    kind : {"refused", "caution", "clean"}
        Whether it has numbers, and cautions.
    status : str
        ``measured``, or what left it without numbers.
    reason : str
        Why it has no numbers; empty where it has.
    cautions : tuple of str
        What a reader should know.
    notes : tuple of str
        What is told of the frame besides, such as the share of a sole outside the picture.
    concerns : tuple of str
        What reason and cautions are about.
    numbers : tuple of str
        Means of the soles.
    picture : str or None
        As a ``data:`` address.
    size : (int, int)
        Height and width of the frame in pixels.
    outlines : tuple of Outline
        Of the soles, or of what was found.
    """

    file: str
    minute: float | None
    kind: Kind
    status: str
    reason: str = ""
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    picture: str | None = None
    size: tuple[int, int] = (3, 4)
    outlines: tuple[Outline, ...] = ()


@dataclass(frozen=True)
class Group:
    """Frames that belong together: one session, or a folder of single pictures.

    Attributes
    ----------
    title : str
        Such as the folder's name.
    cards : tuple of Card
        In the order of time.
    remark : str
        What holds for all of them; may be empty.
    """

    title: str
    cards: tuple[Card, ...]
    remark: str = ""


def review_session(
    session: Session, untimed: Sequence[TimedFile] = (), *, palette: str = DEFAULT_PALETTE
) -> Group:
    """Give the frames of a measured session, and those that have no place in it, for the page."""
    cards = cards_of(session, palette=palette, timed=True) + [card_of_unread(file) for file in untimed]
    return Group("session", tuple(cards))


def cards_of(session: Session, *, palette: str, timed: bool) -> list[Card]:
    """Make a card for each frame of a session.

    Parameters
    ----------
    session : Session
        As measured.
    palette : str
        Of `PALETTES`.
    timed : bool
        Whether its minutes mean anything.
    """
    return [_card(entry, session, PALETTES[palette], timed) for entry in session.entries]


def card_of_unread(file: TimedFile) -> Card:
    """Make a card for a file that has no place in a session, with what can be seen of it."""
    why = "The file was not read." if file.rejection is None else str(file.rejection)
    picture, size = _preview(file.path)
    return Card(
        file=show_name(str(file.path)),
        minute=None,
        kind="refused",
        status="unreadable frame",
        reason=why,
        concerns=("unreadable frame",),
        picture=picture,
        size=size,
    )


def _card(entry: Entry, session: Session, palette: Palette, timed: bool) -> Card:
    if entry.frame is None:
        picture, size = _preview(Path(entry.source))
    else:
        picture, size = photo_uri(_colours(entry.frame.celsius, palette)), entry.frame.size
    numbers = []
    for side in SIDES:
        if side in entry.estimates:
            found, change = entry.estimates[side][WHOLE_SOLE], session.delta(entry, side)
            since = f" (Δ {change} °C)" if timed and change.known and entry is not session.baseline else ""
            numbers.append(f"{side} {found.mean:.1f} ± {Z95 * found.error:.1f} °C{since}")
    return Card(
        file=show_name(entry.source),
        minute=entry.minute if timed else None,
        kind="refused" if not entry.ok else "caution" if entry.cautions else "clean",
        status=str(entry.status),
        reason=str(entry.reason),
        cautions=tuple(dict.fromkeys(map(str, entry.cautions))),
        notes=tuple(map(str, entry.notes)),
        concerns=tuple(dict.fromkeys(str(seen.concern) for seen in entry.observations)),
        numbers=tuple(numbers),
        picture=picture,
        size=size,
        outlines=_outlines(entry, palette),
    )


def _colours(celsius: NDArray[np.float32], palette: Palette) -> NDArray[np.uint8]:
    """Colours of a frame on its own scale, reduced to a small picture."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    step = max(1, int(max(celsius.shape) // _LARGEST))
    small = celsius[::step, ::step] if step > 1 else celsius
    known = np.isfinite(small)
    low, high = np.percentile(small[known], _ENDS) if known.any() else (0.0, 1.0)
    scaled = np.clip((np.where(known, small, low) - low) / max(float(high - low), 1e-6), 0, 1)
    rgb = (255 * colormaps[palette.colour_map](scaled)[..., :3]).astype(np.uint8)
    rgb[~known] = np.rint(255 * np.array(to_rgb(NO_VALUE)))
    return _reduced(Image.fromarray(rgb))


def _reduced(picture: Image.Image) -> NDArray[np.uint8]:
    picture = picture.convert("RGB")
    picture.thumbnail((_LARGEST, _LARGEST))
    return np.asarray(picture)


def _preview(path: Path) -> tuple[str | None, tuple[int, int]]:
    """Show a file that holds no temperatures as the picture that it may be."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * _LARGEST, 2 * _LARGEST))
            upright: Any = ImageOps.exif_transpose(picture)
            pixels = _reduced(upright)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None, (3, 4)
    return photo_uri(pixels), pixels.shape[:2]


def _outlines(entry: Entry, palette: Palette) -> tuple[Outline, ...]:
    colours = {f"patient's {side}": colour for side, colour in palette.sides.items()}
    return tuple(
        Outline(name, colours.get(name, palette.other[0]), _path(trace_outlines(mask).get(1, [])))
        for name, mask in legend_masks(entry).items()
    )


def _path(lines: Sequence[NDArray[np.float64]]) -> str:
    """Write lines (rows, columns from the first pixel's centre) as an SVG path from the picture's corner."""
    parts = []
    for line in lines:
        points = approximate_polygon(line, _TOLERANCE)[:-1] + 0.5
        parts.append("M" + "L".join(f"{column:.1f} {row:.1f}" for row, column in points) + "Z")
    return "".join(parts)
