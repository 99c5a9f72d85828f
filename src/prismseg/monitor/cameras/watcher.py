"""A folder into which a camera, or its program, puts its pictures."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from prismseg.base import ConfigError, Message, PrismsegError
from prismseg.monitor.cameras.picture_times import CLOCK_TOLERANCE, PictureTimes
from prismseg.monitor.cameras.protocol import LATE, CameraError, Now, utc_now
from prismseg.thermal import FRAME_SUFFIXES, Frame, read_frame

SETTLED = 0.5  # seconds without change after which a file counts as complete
INTERVAL = 0.1  # seconds between two looks at the folder
# A copy over the network may stall, and the sidecar of a grey picture may come after it.
PATIENCE = 5.0  # seconds for which a file that cannot be read is tried again
# Many cameras save a photograph, which is no thermal picture, beside each thermal one.
COMPANION = 5.0  # seconds within which an unreadable file belongs to the picture before it

Signature = tuple[int, int, int]


@dataclass(frozen=True)
class _Arrival:
    """A file that appeared or changed: since when it has been as it is."""

    path: Path
    signature: Signature
    since: float
    at: datetime  # by the monitor's clock
    wall: float  # by the computer's, which the files' own times are by

    @property
    def order(self) -> tuple[float, int, str]:
        return self.since, self.signature[1], self.path.name


class FolderWatcher:
    """The newest thermal picture that has come into a folder since the watch began.

    What was there before is left alone: it may be another patient's. A file that is written anew under the same name
    is a new picture. The order is that of arrival, since cameras' clocks are often wrong.

    Parameters
    ----------
    folder : path
        Watched without its subfolders.
    read : callable
        Reads a frame from a file.
    stale : float, optional
        Seconds after which a missing new picture is an error; never by default.
    timeout : float
        Seconds that `frame` waits for the first picture.
    settled, patience : float
        Seconds for which a file must not change before it is read, and for which reading it is tried.
    companion : float
        Seconds within which an unreadable file belongs to the picture before it.
    clock, sleep : callable
        Seconds that only increase, and waiting.
    now : callable
        Tells the time by the monitor's clock.
    wall : callable
        Seconds since 1970 by the computer's clock, which the files' own times are by.

    Raises
    ------
    ConfigError
        When `stale` is not positive.

    Attributes
    ----------
    name : str
        What staff know it by.
    """

    def __init__(
        self,
        folder: str | Path,
        read: Callable[[Path], Frame] = read_frame,
        *,
        stale: float | None = None,
        timeout: float = LATE,
        settled: float = SETTLED,
        patience: float = PATIENCE,
        companion: float = COMPANION,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Now = utc_now,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if stale is not None and not stale > 0:
            raise ConfigError(
                Message("The seconds without a new picture are {stale:g}; state more than 0.", stale=stale)
            )
        self._folder = Path(folder)
        self.name: str = Message("Folder {folder}", folder=self._folder.name or str(self._folder))
        self._read = read
        self._stale = stale
        self._timeout = timeout
        self._settled = settled
        self._patience = patience
        self._companion = companion
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._wall = wall
        self._cameras_times, self._files_times = PictureTimes(), PictureTimes()
        self._left: dict[Path, tuple[Signature, float]] = {}  # still coming when another patient came
        self._untimed: Message | None = None
        self._known: dict[Path, Signature] | None = None
        self._arrivals: dict[Path, _Arrival] = {}
        self._unreadable: dict[Path, str] = {}
        self._latest: tuple[_Arrival, Frame] | None = None
        self._rejected: _Arrival | None = None
        self._active = self._clock()
        with contextlib.suppress(CameraError):  # said by `frame`, until the folder is there
            self._known = self._scan()

    @property
    def unreadable(self) -> Mapping[Path, str]:
        """Files that came and could not be read, with the reasons."""
        return MappingProxyType(self._unreadable)

    def frame(self) -> Frame:
        """Give the newest picture: a new one, or after a moment the same one again, with its own time.

        Raises
        ------
        CameraError
            When there is none yet, the newest cannot be read, none came for `stale` seconds, or the folder is gone.
        """
        deadline = self._clock() + self._timeout
        fresh = self._look()
        if not fresh:
            self._sleep(INTERVAL)
            self._look()
        while not self._has_news() and self._clock() < deadline:
            self._sleep(INTERVAL)
            self._look()
        if self._untimed is not None:
            raise CameraError(self._untimed)
        self._raise_rejected()
        self._raise_stale()
        if self._latest is None:
            raise CameraError(
                Message(
                    "No picture has come into {folder} since the watch began. Take one with the camera, and check that "
                    "it saves there.",
                    folder=str(self._folder),
                )
            )
        return self._latest[1]

    def reset(self) -> None:
        """Leave alone all that is there, and what is still coming: it is the last patient's."""
        before = self._known or {}
        self._known = None
        self._left = {}
        with contextlib.suppress(CameraError):  # said by `frame`
            self._known = self._scan()
            now = self._clock()
            self._left = {path: (sign, now) for path, sign in self._known.items() if before.get(path) != sign}
        self._arrivals, self._unreadable = {}, {}
        self._latest, self._rejected, self._untimed = None, None, None
        self._active = self._clock()

    def close(self) -> None:
        """Do nothing: no file is held open."""

    def _has_news(self) -> bool:
        return self._latest is not None or self._rejected is not None or self._untimed is not None

    def _raise_rejected(self) -> None:
        rejected = self._rejected
        if rejected is None or (
            self._latest is not None and rejected.since <= self._latest[0].since + self._companion
        ):
            return
        raise CameraError(
            Message(
                "The newest file {file} cannot be used ({count} such so far): {reason} Take another picture.",
                file=rejected.path.name,
                count=len(self._unreadable),
                reason=self._unreadable[rejected.path],
            )
        )

    def _raise_stale(self) -> None:
        still = self._clock() - self._active
        if self._stale is not None and still > self._stale:
            raise CameraError(
                Message(
                    "No new picture has come into {folder} for {seconds:.0f} s. Take one, and check that the camera "
                    "saves there.",
                    folder=str(self._folder),
                    seconds=still,
                )
            )

    def _look(self) -> bool:
        """Take note of what is in the folder; say whether a new picture was read."""
        found = self._scan()
        if self._known is None:
            self._known = found
        now = self._clock()
        self._pass_over(found, now)
        self._arrivals = {path: arrival for path, arrival in self._arrivals.items() if path in found}
        for path, signature in found.items():
            before = self._arrivals.get(path)
            if self._known.get(path) != signature and (before is None or before.signature != signature):
                self._arrivals[path] = _Arrival(path, signature, now, self._now(), self._wall())
        ready = [arrival for arrival in self._arrivals.values() if now - arrival.since >= self._settled]
        fresh = False
        for arrival in sorted(ready, key=lambda arrival: arrival.order, reverse=True):
            fresh = self._take(arrival) or fresh
        return fresh

    def _pass_over(self, found: Mapping[Path, Signature], now: float) -> None:
        """Let files of the last patient come to their end without taking them for new ones."""
        assert self._known is not None
        for path, (signature, since) in list(self._left.items()):
            if path in found and found[path] != signature:
                self._known[path] = found[path]
                self._left[path] = found[path], now
            elif path not in found or now - since >= self._settled:
                del self._left[path]

    def _take(self, arrival: _Arrival) -> bool:
        if self._latest is not None and arrival.order < self._latest[0].order:
            self._mark_known(arrival)
            return False
        try:
            frame = self._read(arrival.path)
            complete = _signature(arrival.path.stat()) == arrival.signature
        except (PrismsegError, OSError) as error:
            if self._clock() - arrival.since >= self._patience:
                self._unreadable[arrival.path] = (
                    error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)
                )
                if self._rejected is None or arrival.order > self._rejected.order:
                    self._rejected = arrival
                self._mark_known(arrival)
            return False
        if not complete:
            return False
        self._active = arrival.since
        self._unreadable.pop(arrival.path, None)
        timed = self._timed(frame, arrival)
        if timed is not None:
            self._latest = arrival, timed
        if self._rejected is not None and self._rejected.order < arrival.order:
            self._rejected = None
        self._mark_known(arrival)
        return True

    def _timed(self, frame: Frame, arrival: _Arrival) -> Frame | None:
        """Give a frame its time by the monitor's clock: by the camera's clock, else by the time of its file."""
        stated, times = _in_utc(frame.time), self._cameras_times
        if stated is None:
            behind = timedelta(seconds=arrival.wall - arrival.signature[1] / 1e9)
            stated, times = arrival.at - behind, self._files_times
        taken = times.place(stated, arrival.at)
        if taken is None:
            self._untimed = Message(
                "{file} states {stated} as its time and came at {came}: the camera's clock is wrong, or the picture is "
                "an old one. Set the clock, or take new pictures: two that came apart and agree show how wrong it is.",
                file=arrival.path.name,
                stated=stated.isoformat(sep=" ", timespec="seconds"),
                came=arrival.at.isoformat(sep=" ", timespec="seconds"),
            )
            return None
        self._untimed = None
        if abs(taken - stated) <= CLOCK_TOLERANCE:
            return replace(frame, time=taken)
        note = Message(
            "The file states {stated} as its time; the camera's clock is wrong by {minutes:.0f} min, which was set "
            "right.",
            stated=stated.isoformat(sep=" ", timespec="seconds"),
            minutes=(taken - stated).total_seconds() / 60,
        )
        return replace(frame, time=taken, notes=(*frame.notes, note))

    def _mark_known(self, arrival: _Arrival) -> None:
        assert self._known is not None
        self._known[arrival.path] = arrival.signature
        self._arrivals.pop(arrival.path, None)

    def _scan(self) -> dict[Path, Signature]:
        found = {}
        try:
            for path in self._folder.iterdir():
                if path.suffix.lower() in FRAME_SUFFIXES and not path.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):  # renamed or taken away meanwhile
                        status = path.stat()
                        if stat.S_ISREG(status.st_mode):
                            found[path] = _signature(status)
        except OSError as error:
            raise CameraError(
                Message(
                    "The folder {folder} cannot be read ({reason}). Plug its drive in, connect the network again, or "
                    "choose another folder.",
                    folder=str(self._folder),
                    reason=error.strerror or str(error),
                )
            ) from error
        return found


def _signature(status: os.stat_result) -> Signature:
    return status.st_size, status.st_mtime_ns, status.st_ino


def _in_utc(moment: datetime | None) -> datetime | None:
    """Bring a camera's time to UTC, one without a zone from this computer's; None where it is no time of today."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        return None
