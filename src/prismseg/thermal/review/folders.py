"""Folders of frames, measured as the sessions that they are or picture by picture, for the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from prismseg.base import ConfigError, DataError
from prismseg.thermal.frames.frame import Frame
from prismseg.thermal.frames.listing.find import search_frames
from prismseg.thermal.network.segmenter import Segmenter, measure_plan
from prismseg.thermal.output.palettes import DEFAULT_PALETTE
from prismseg.thermal.output.picture import show_name
from prismseg.thermal.review.cards import Card, Group, card_of_unread, cards_of
from prismseg.thermal.sessions.session import Session
from prismseg.thermal.sessions.timed_file import TimedFile
from prismseg.thermal.sessions.timing import SessionPlan, plan_session, read_files

# What `prismseg.thermal.write_session` leaves in its folder.
_RESULTS = "session.json"
_LONGEST = 12  # hours of a session; pictures over a longer time are those of several


@dataclass(frozen=True)
class FrameFolder:
    """Files that lie together.

    Attributes
    ----------
    title : str
        Name of the folder.
    files : tuple of Path
        The frames, in natural order.
    remark : str
        What was passed over; may be empty.
    """

    title: str
    files: tuple[Path, ...]
    remark: str = ""


def find_folders(sources: Sequence[str | Path], frames: str | None = None) -> list[FrameFolder]:
    """Find the folders of frames: those named, and the folders directly in them; named files are one more.

    Parameters
    ----------
    sources : sequence of str or Path
        Folders and files.
    frames : str, optional
        The choice of frames of films, see `prismseg.thermal.search_frames`.

    Raises
    ------
    DataError
        When a source does not exist, or there is no frame in any.
    ConfigError
        When a folder holds results of a measurement instead of frames.
    """
    found, single = [], []
    for source in map(Path, sources):
        if not source.is_dir():
            single.append(source)
            continue
        if (source / _RESULTS).is_file():
            raise ConfigError(
                f"{source} holds the results of a measurement; its page is {source / 'review.html'}. Name the folder of "
                "the frames to judge them anew."
            )
        inside = sorted(path for path in source.iterdir() if path.is_dir() and not path.name.startswith("."))
        for folder in (source, *(path for path in inside if not (path / _RESULTS).is_file())):
            try:
                listed = search_frames([folder], frames)
            except DataError:
                if folder == source and not inside:
                    raise
                continue
            title = source.resolve().name if folder == source else f"{source.resolve().name}/{folder.name}"
            found.append(FrameFolder(title, tuple(listed.files), str(listed.remark)))
    if single:
        listed = search_frames(single, frames)
        found.append(FrameFolder("files", tuple(listed.files), str(listed.remark)))
    if not found:
        raise DataError(f"There is no frame in {', '.join(map(str, sources))}, nor in a folder directly in it.")
    return found


def review_folder(
    folder: FrameFolder,
    read: Callable[[Path], Frame],
    segmenter: Segmenter,
    new_session: Callable[[], Session],
    *,
    palette: str = DEFAULT_PALETTE,
    separate: bool = False,
    progress: Callable[[int, str], None] | None = None,
) -> Group:
    """Measure the frames of a folder for the page: as a session where their times can be told, else each by itself.

    Parameters
    ----------
    folder : FrameFolder
        From `find_folders`.
    read : callable
        Reads a frame, see `prismseg.thermal.read_frame`.
    segmenter : callable
        Finds the feet, see `prismseg.thermal.network.segmenter.open_segmenter`.
    new_session : callable
        Makes an empty session with its settings.
    palette : str
        Colours of the pictures.
    separate : bool
        Judge each frame by itself in any case.
    progress : callable, optional
        Told how many frames are done, and the last one's name.
    """
    files = read_files(folder.files, read)
    plan = "As asked for." if separate else _plan(files)
    if isinstance(plan, str):
        cards = _single_cards(files, segmenter, new_session, palette, progress)
        told = f"Each frame was judged by itself. {plan}"
    else:
        session = measure_plan(plan, segmenter, new_session(), progress=progress)
        cards = cards_of(session, palette=palette, timed=True) + [card_of_unread(file) for file in plan.untimed]
        told = " ".join([f"Minutes by: {plan.basis}.", *map(str, plan.remarks)])
    return Group(folder.title, tuple(cards), " ".join(filter(None, (told, folder.remark))))


def _plan(files: Sequence[TimedFile]) -> SessionPlan | str:
    """Find the frames' minutes, or say why they are not those of one session."""
    try:
        plan = plan_session(files)
    except ConfigError as error:
        return str(error).splitlines()[0]
    minutes = [file.minute for file in plan.files if file.minute is not None]
    hours = (max(minutes) - min(minutes)) / 60 if minutes else 0.0
    return plan if hours <= _LONGEST else f"They were taken over {hours:.0f} hours, longer than one session."


def _single_cards(
    files: Sequence[TimedFile],
    segmenter: Segmenter,
    new_session: Callable[[], Session],
    palette: str,
    progress: Callable[[int, str], None] | None,
) -> list[Card]:
    cards: list[Card] = []
    for number, file in enumerate(files, start=1):
        if file.frame is None:
            cards.append(card_of_unread(file))
        else:
            alone = plan_session([replace(file, named=None)], ignore_clock=True)
            session = measure_plan(alone, segmenter, new_session())
            cards += cards_of(session, palette=palette, timed=False)
        if progress is not None:
            progress(number, show_name(str(file.path)))
    return cards
