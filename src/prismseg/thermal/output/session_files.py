"""Files of a measured session: tables, flags, curves, pictures with outlines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from prismseg.base import OutputError, make_folder, write_json, write_text
from prismseg.base.figures import FORMATS, save_figure
from prismseg.base.version import VERSION
from prismseg.thermal.output.curves import draw_curves, has_changes
from prismseg.thermal.output.measured_picture import PictureSettings, draw_measured, scale_of
from prismseg.thermal.output.picture import show_name
from prismseg.thermal.output.timelapse import Timelapse
from prismseg.thermal.regions.region_set import REGION_SETS
from prismseg.thermal.review.cards import review_session
from prismseg.thermal.review.page import write_review
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.sessions.timed_file import TimedFile
from prismseg.thermal.soles.template import template_hash

_DOTS_PER_INCH = 130
_LAST = "session.json"  # the file that is written last: with it a folder is complete


def refuse_measured(out: str | Path) -> None:
    """Refuse a folder that holds a measurement already: nothing may take another session's place unseen.

    Raises
    ------
    OutputError
        Saying what to do.
    """
    if (Path(out) / _LAST).exists():
        raise OutputError(f"{out} holds a measurement already; choose another --out folder, or remove this one.")


def write_session(
    session: Session,
    out: str | Path,
    *,
    pictures: PictureSettings | None = None,
    timelapse: bool = False,
    untimed: Sequence[TimedFile] = (),
    facts: dict[str, str] | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> Path:
    """Write a session below `out`; what a measurement that was broken off left there is replaced.

    ``curves.csv`` (every frame, side and region), ``differences.csv`` (right minus left), ``frames.csv`` (what became of
    each frame), ``session.json`` (flags with evidence and source, settings, template), ``curves.png`` and so on,
    ``pictures/NAME.png`` and so on, see `draw_measured`, ``review.html`` with all frames to judge, and ``timelapse.gif``
    (and ``.mp4`` where ffmpeg is installed).

    Parameters
    ----------
    session : Session
        As measured.
    out : str or Path
        Folder to make.
    pictures : PictureSettings, optional
        How frames are drawn, and the formats of pictures and curves.
    timelapse : bool
        Whether the pictures are animated too.
    untimed : sequence of TimedFile
        Files that have no place in the session, for the page.
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
        When the folder holds a measurement already, the results would land among the frames, or cannot be written.

    Examples
    --------
    >>> from prismseg.thermal import Session
    >>> from prismseg.thermal.phantom import draw_subject
    >>> session, frame = Session(), draw_subject(seed=5, number=0).frame_at(0)
    >>> entry = session.add(frame.celsius, frame.mask, minute=0, source="t0")
    >>> folder = write_session(session, "measured").parent
    >>> sorted(path.name for path in folder.iterdir())
    ['curves.csv', 'differences.csv', 'frames.csv', 'pictures', 'review.html', 'session.json']
    """
    out, settings = Path(out), pictures or PictureSettings()
    refuse_measured(out)
    if any(Path(entry.source).resolve().parent == out.resolve() for entry in session.entries):
        raise OutputError(f"The results would be written among the frames in {out}; choose another --out.")
    make_folder(out / "pictures")
    written = _write_pictures(session, out, settings, timelapse=timelapse, progress=progress)
    if has_changes(session):
        save_figure(draw_curves(session), out / "curves", settings.formats, dpi=_DOTS_PER_INCH)
        written |= {out / f"curves.{kind}" for kind in settings.formats}
    _remove_earlier(out, written)
    write_review(out / "review.html", [review_session(session, untimed, palette=settings.palette)])
    write_text(out / "frames.csv", session.statements().to_csv(index=False))
    write_text(out / "differences.csv", session.differences().to_csv(index=False))
    table = write_text(out / "curves.csv", session.table().to_csv(index=False))
    write_json(out / _LAST, _facts(session) | (facts or {}))
    return table


def _write_pictures(
    session: Session,
    out: Path,
    settings: PictureSettings,
    *,
    timelapse: bool,
    progress: Callable[[int, str], None] | None,
) -> set[Path]:
    shown = [entry for entry in session.entries if entry.frame is not None]
    fixed: tuple[float, float] | None = None
    written, animation = set(), Timelapse()
    for number, entry in enumerate(shown):
        assert entry.frame is not None
        if fixed is None or settings.scale == "each":
            fixed = scale_of(session, settings.scale, entry.frame)
        # Numbered in front, so that equal file names of two folders cannot meet.
        stem = out / "pictures" / f"{number:03d}_{Path(entry.source).stem}"
        figure = draw_measured(session, entry, settings, scale=fixed)
        save_figure(figure, stem, settings.formats, dpi=_DOTS_PER_INCH)
        written |= {stem.with_name(f"{stem.name}.{kind}") for kind in settings.formats}
        if timelapse:
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            animation.add(Image.fromarray(np.asarray(canvas.buffer_rgba())))
        if progress is not None:
            progress(number + 1, show_name(entry.source))
    return written | set(animation.write(out))


def _remove_earlier(out: Path, written: set[Path]) -> None:
    """Remove figures of an earlier measurement, which would be taken for this one's."""
    for kind in FORMATS:
        for path in (out / f"curves.{kind}", *(out / "pictures").glob(f"[0-9][0-9][0-9]_*.{kind}")):
            if path not in written:
                path.unlink(missing_ok=True)
    for path in (out / "timelapse.gif", out / "timelapse.mp4"):
        if path not in written:
            path.unlink(missing_ok=True)


def _facts(session: Session) -> dict[str, object]:
    return {
        "software": f"prismseg {VERSION}",
        "use": "Research use only: observations, not diagnoses.",
        "view": session.view,
        "feet": session.feet,
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
