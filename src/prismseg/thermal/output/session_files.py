"""Files of a measured session: tables, flags, curves, pictures with outlines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.base import OutputError, atomic_path, make_folder, write_json, write_text
from prismseg.base.version import VERSION
from prismseg.thermal.output.curves import draw_curves
from prismseg.thermal.output.picture import whole_degree_scale, write_picture
from prismseg.thermal.regions.region_set import REGION_SETS
from prismseg.thermal.sessions.entry import Entry
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.soles.template import template_hash

_DOTS_PER_INCH = 130

Scale = tuple[float, float] | Literal["all", "each"]


def write_session(
    session: Session,
    out: str | Path,
    *,
    scale: Scale = "all",
    facts: dict[str, str] | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Path:
    """Write a session below `out`.

    ``curves.csv`` (every frame, side and region), ``differences.csv`` (right minus left), ``frames.csv`` (what became of
    each frame), ``session.json`` (flags with evidence and source, settings, template), ``curves.png``, and
    ``pictures/NAME.png`` with both soles outlined.

    Parameters
    ----------
    session : Session
        As measured.
    out : str or Path
        Folder to make.
    scale : tuple of float, "all" or "each"
        Lowest and highest °C of the pictures; "all" takes the whole degrees that hold every frame.
    facts : dict, optional
        What else ``session.json`` says, such as which network found the soles.
    progress : callable, optional
        Told how many pictures are done, and the last one's name.

    Returns
    -------
    Path
        ``curves.csv``.

    Raises
    ------
    OutputError
        When the results would land among the frames, or cannot be written.

    Examples
    --------
    >>> from prismseg.thermal import Session
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, frame = Session(), draw_subject(seed=5, number=0).frame_at(0)
    >>> entry = session.add(frame.celsius, frame.mask, minute=0, source="t0")
    >>> folder = write_session(session, "measured").parent
    >>> sorted(path.name for path in folder.iterdir())
    ['curves.csv', 'differences.csv', 'frames.csv', 'pictures', 'session.json']
    """
    out = Path(out)
    if any(Path(entry.source).resolve().parent == out.resolve() for entry in session.entries):
        raise OutputError(f"The results would be written among the frames in {out}; choose another --out.")
    make_folder(out / "pictures")
    shown = [entry for entry in session.entries if entry.frame is not None]
    spans = [entry.frame.span for entry in shown if entry.frame is not None]
    names = _picture_names(shown)
    for done, (entry, name) in enumerate(zip(shown, names, strict=True), start=1):
        _write_picture(out / "pictures" / name, entry, _scale_of(entry, scale, spans))
        if progress is not None:
            progress(done, name)
    if session.baseline is not None and len(session.measured) > 1:
        with atomic_path(out / "curves.png") as temporary:
            draw_curves(session).savefig(temporary, dpi=_DOTS_PER_INCH)
    write_json(out / "session.json", _facts(session) | (facts or {}))
    write_text(out / "frames.csv", session.statements().to_csv(index=False))
    write_text(out / "differences.csv", session.differences().to_csv(index=False))
    return write_text(out / "curves.csv", session.table().to_csv(index=False))


def legend_masks(entry: Entry) -> dict[str, NDArray[np.bool_]]:
    """Give the soles of a frame (H, W) by their names in a picture's legend; after a failure what was found, unnamed.

    Examples
    --------
    >>> from prismseg.thermal import Soles
    >>> mask = np.zeros((120, 160), bool)
    >>> mask[20:100, 25:55] = mask[20:100, 95:125] = True
    >>> list(legend_masks(Entry(0.0, "frame", soles=Soles.from_mask(mask))))
    ["patient's left", "patient's right"]
    """
    soles = entry.soles
    if soles is None:
        return {}
    if soles.left is None or soles.right is None:
        return {"foreground": soles.cleaned} if soles.cleaned.any() else {}
    return {"patient's left": soles.left, "patient's right": soles.right}


def _write_picture(path: Path, entry: Entry, scale: tuple[float, float]) -> None:
    if entry.frame is None:
        return
    title = f"{Path(entry.source).name}, {entry.minute:g} min"
    if not entry.ok:
        title += f": no numbers ({entry.status})"
    write_picture(path, entry.frame, scale=scale, outlines=legend_masks(entry), title=title)


def _scale_of(entry: Entry, scale: Scale, spans: list[tuple[float, float]]) -> tuple[float, float]:
    if not isinstance(scale, str):
        return scale
    assert entry.frame is not None  # only frames that were read are drawn
    return whole_degree_scale(spans if scale == "all" else [entry.frame.span])


def _picture_names(entries: list[Entry]) -> list[str]:
    """One name a picture, numbered in front so that equal file names of two folders cannot meet."""
    return [f"{number:03d}_{Path(entry.source).stem}.png" for number, entry in enumerate(entries)]


def _facts(session: Session) -> dict[str, object]:
    return {
        "software": f"prismseg {VERSION}",
        "use": "Research use only: observations, not diagnoses.",
        "view": session.view,
        "template": template_hash(),
        "regions": {name: REGION_SETS[name].digest() for name in session.region_sets},
        "drawn": None
        if session.drawn is None
        else {"regions": session.drawn.names, "sha256": session.drawn.digest},
        "parameters": None if session.parameters is None else session.parameters.to_dict(),
        "errors": asdict(session.errors),
        "settings": session.settings.to_dict(),
        "flags": [asdict(flag) for flag in session.flags()],
    }
