"""Files of frames in folders, and what else lies there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from prismseg.base import ConfigError, DataError, Message
from prismseg.thermal.frames.file_names import sort_naturally
from prismseg.thermal.frames.foreign.kind import Specimen, identify
from prismseg.thermal.frames.listing.choice import MARK, choose_frames, frame_path, split_choice
from prismseg.thermal.frames.reader import FRAME_READERS, FRAME_SUFFIXES, FrameFile, read_head
from prismseg.thermal.frames.readers import find_reader


@dataclass(frozen=True)
class FoundFrames:
    """Files of frames.

    Attributes
    ----------
    files : tuple of Path
        In natural order within each folder; one frame of a film as ``film.seq#120``.
    passed_over : tuple of (Message, int)
        What else lies in the folders, by kind, and how many of each.
    """

    files: tuple[Path, ...]
    passed_over: tuple[tuple[Message, int], ...] = ()

    @property
    def remark(self) -> str:
        """How many files were passed over, and of which kinds; empty where there are none.

        Examples
        --------
        >>> FoundFrames((), ((Message(".txt"), 2), (Message("a video"), 1))).remark
        'Passed over 3 files that are no frames of a kind that is read: 2 x .txt; 1 x a video.'
        """
        if not self.passed_over:
            return ""
        number = sum(count for _, count in self.passed_over)
        told = "; ".join(f"{count} x {kind}" for kind, count in self.passed_over)
        files = "1 file that is no frame" if number == 1 else f"{number} files that are no frames"
        return f"Passed over {files} of a kind that is read: {told}."


def find_frames(sources: Sequence[str | Path], frames: str | None = None) -> list[Path]:
    """Find the files of frames; see `search_frames`, which also says what was passed over.

    Examples
    --------
    >>> folder = Path("frames")
    >>> folder.mkdir()
    >>> for name in ("t10.csv", "t2.csv", "notes.txt"):
    ...     _ = (folder / name).write_text("")
    >>> [path.name for path in find_frames([folder])]
    ['t2.csv', 't10.csv']
    """
    return list(search_frames(sources, frames).files)


def search_frames(sources: Sequence[str | Path], frames: str | None = None) -> FoundFrames:
    """Find the files of frames, and count the files in folders that are none.

    Parameters
    ----------
    sources : sequence of str or Path
        Files, and folders whose files with a suffix of `FRAME_SUFFIXES` (and text files that look like exported
        temperatures) are taken, in natural order (``t2`` before ``t10``). A choice of frames may stand behind a film's
        name: ``film.seq#120``, ``film.seq#0-600/30``, ``film.seq#0min-20min/1min``.
    frames : str, optional
        The choice for all films that have none of their own.

    Raises
    ------
    DataError
        When a source does not exist or a folder holds no such file.
    ConfigError
        When a choice cannot be understood or a film has no such frames.
    """
    found: list[Path] = []
    others: Counter[str] = Counter()
    kinds: dict[str, Message] = {}
    for source in sources:
        path, choice = split_choice(source)
        if not path.exists():
            raise DataError(Message("There is no file or folder {path}.", path=path))
        inside = [path]
        if path.is_dir():
            inside, passed = _look_into(path)
            for kind in passed:
                kinds[str(kind)] = kind
            others.update(map(str, passed))
            if not inside:
                raise DataError(
                    Message(
                        "There is no frame directly in {folder}; looked for {suffixes}. {remark}",
                        folder=path,
                        suffixes=", ".join(sorted(FRAME_SUFFIXES)),
                        remark=FoundFrames((), _counted(others, kinds)).remark,
                    )
                )
        for file in inside:
            found.extend(_own_choice(file, choice) if choice is not None else _common_choice(file, frames))
    return FoundFrames(tuple(dict.fromkeys(found)), _counted(others, kinds))


def _counted(others: Counter[str], kinds: dict[str, Message]) -> tuple[tuple[Message, int], ...]:
    return tuple((kinds[text], count) for text, count in others.most_common())


def _look_into(folder: Path) -> tuple[list[Path], list[Message]]:
    """Part the files of a folder into frames and the kinds of the others."""
    shown = [path for path in folder.iterdir() if not path.name.startswith(".")]
    files = [path for path in shown if path.is_file()]
    lost = [path for path in shown if path.is_symlink() and not path.exists()]
    frames = sort_naturally([path for path in files if _may_be_frame(path)])
    described = {path.with_suffix(".json") for path in frames}
    others = sort_naturally([path for path in files if path not in described and path not in frames])
    return frames, [*(Message("a link that leads to no file") for _ in lost), *(_kind_of(path) for path in others)]


def _may_be_frame(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in FRAME_SUFFIXES:
        return True
    asked = [reader for reader in FRAME_READERS.values() if suffix in reader.unlisted_suffixes]
    try:
        return bool(asked) and any(reader.recognises(FrameFile(path, read_head(path))) for reader in asked)
    except DataError:
        return False


def _kind_of(path: Path) -> Message:
    kind = identify(Specimen(path))
    return Message(path.suffix.lower() or "no suffix") if kind is None else kind.what


def _own_choice(path: Path, choice: str) -> list[Path]:
    """List the frames that were chosen behind a file's name."""
    times = _times_of(path)
    if times is None:
        raise ConfigError(
            Message(
                "{path} is no file of several frames; leave {choice} out.",
                path=path,
                choice=repr(f"{MARK}{choice}"),
            )
        )
    return [frame_path(path, number) for number in choose_frames(str(path), times, choice)]


def _common_choice(path: Path, choice: str | None) -> list[Path]:
    """List the frames that were chosen for all films; files of one frame are taken as they are."""
    times = None if choice is None else _times_of(path)
    if choice is None or times is None or len(times) == 1:
        return [path]
    return [frame_path(path, number) for number in choose_frames(str(path), times, choice)]


def _times_of(path: Path) -> Sequence[datetime | None] | None:
    """When each frame of a file was taken; None for kinds that hold one."""
    file = FrameFile(path, read_head(path))
    reader = find_reader(file, by_content=True)
    return None if reader is None or reader.list_times is None else reader.list_times(file)
