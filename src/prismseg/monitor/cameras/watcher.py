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
from prismseg.monitor.cameras.protocol import LATE, CameraError
from prismseg.thermal import FRAME_SUFFIXES, Frame, read_frame

SETTLED = 0.5  # seconds without change after which a file counts as complete
INTERVAL = 0.1  # seconds between two looks at the folder
# A copy over the network may stall, and the sidecar of a grey picture may come after it.
PATIENCE = 5.0  # seconds for which a file that cannot be read is tried again
# Many cameras save a photograph, which is no thermal picture, beside each thermal one.
COMPANION = 5.0  # seconds within which an unreadable file belongs to the picture before it
CLOCK_TOLERANCE = timedelta(minutes=2)

Signature = tuple[int, int, int]


@dataclass(frozen=True)
class _Arrival:
    """A file that appeared or changed: since when it has been as it is."""

    path: Path
    signature: Signature
    since: float
    at: datetime

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
        while self._latest is None and self._rejected is None and self._clock() < deadline:
            self._sleep(INTERVAL)
            self._look()
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

    def close(self) -> None:
        """Do nothing: no file is held open."""

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
        self._arrivals = {path: arrival for path, arrival in self._arrivals.items() if path in found}
        for path, signature in found.items():
            before = self._arrivals.get(path)
            if self._known.get(path) != signature and (before is None or before.signature != signature):
                self._arrivals[path] = _Arrival(path, signature, now, datetime.now(UTC))
        ready = [arrival for arrival in self._arrivals.values() if now - arrival.since >= self._settled]
        fresh = False
        for arrival in sorted(ready, key=lambda arrival: arrival.order, reverse=True):
            fresh = self._take(arrival) or fresh
        return fresh

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
        self._latest = arrival, _timed(frame, arrival)
        self._active = arrival.since
        self._unreadable.pop(arrival.path, None)
        if self._rejected is not None and self._rejected.order < arrival.order:
            self._rejected = None
        self._mark_known(arrival)
        return True

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


def _timed(frame: Frame, arrival: _Arrival) -> Frame:
    """Give the frame a time in UTC: the camera's where its clock agrees with this computer's, else that of arrival."""
    stated = frame.time or datetime.fromtimestamp(arrival.signature[1] / 1e9, UTC)
    try:
        taken = stated.astimezone(UTC)  # a time without zone is this computer's
        off = taken - arrival.at
    except (OverflowError, ValueError, OSError):
        off = timedelta.max
    if abs(off) <= CLOCK_TOLERANCE:
        return replace(frame, time=taken)
    note = Message(
        "The file states {stated} as its time, far from when it came; the time at which it came is used.",
        stated=stated.isoformat(sep=" ", timespec="seconds"),
    )
    return replace(frame, time=arrival.at, notes=(*frame.notes, note))
