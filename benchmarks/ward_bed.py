"""A simulated bed for `benchmarks/ward.py`: its clocks, its camera, its patients, and the truth about them.

Every picture carries the truth as digits in its upper border, one a block of 8 x 8 pixels: who lay before the camera, and
the second at which it was taken; they are read from what was stored and from what a page was shown alike. Time is the
script's: it goes on in steps, in the computer's clocks and in the camera's alike, so that half an hour takes seconds.
"""

from __future__ import annotations

import io
import mmap
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import tifffile
from PIL import Image

from prismseg.base import Message
from prismseg.monitor.cameras import CameraError, FolderWatcher, WatchedCamera
from prismseg.monitor.live.pictures import colours
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.details import Provenance
from prismseg.monitor.sessions.segmenter import METHOD, ModelIdentity
from prismseg.thermal import Frame, Parameters

SIZE = (60, 80)
SCALE = (20.0, 38.0)  # °C of the page's colours
LOWEST, STEP = 21.0, 1.6  # °C of the digit 0, and between two
EPOCH = 1_900_000_000.0  # seconds since 1970 at which every script begins
_FIELDS = struct.Struct("<6d")


def soles() -> np.ndarray:
    """Two upright ellipses (H, W), one for each sole."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    left, right = (((rows - 30) / 20) ** 2 + ((columns - middle) / 9) ** 2 <= 1 for middle in (26, 54))
    return left | right


SOLES = soles()


def picture(patient: int, seconds: float, number: int) -> np.ndarray:
    """Temperatures (H, W) of a patient's soles, with the truth as five digits above them."""
    celsius = np.where(SOLES, 27.0 + seconds / 900, 22.0)
    celsius = celsius + np.random.default_rng([patient, number]).normal(0, 0.05, SIZE)
    for place, digit in enumerate(f"{patient}{int(seconds):04d}"):
        celsius[:8, 8 * place : 8 * place + 8] = LOWEST + STEP * int(digit)
    return celsius.astype(np.float32)


def read_truth(celsius: np.ndarray) -> tuple[int, int]:
    """Patient and second of a picture (H, W) in °C."""
    digits = [round((float(celsius[4, 8 * place + 4]) - LOWEST) / STEP) for place in range(5)]
    return digits[0], int("".join(map(str, digits[1:])))


def read_shown(data: bytes) -> tuple[int, int]:
    """Patient and second of a picture that a page was shown, by its colours."""
    rgb = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), int)
    low, high = SCALE
    known = colours().astype(int)
    steps = [int(((rgb[4, 8 * k + 4] - known) ** 2).sum(1).argmin()) for k in range(5)]
    celsius = np.zeros(SIZE)
    for place, step in enumerate(steps):
        celsius[4, 8 * place + 4] = low + (high - low) * step / 255
    return read_truth(celsius)


class Segmenter:
    """Sees the true soles; a network would see them a hundred times slower."""

    predictor = None
    model = ModelIdentity("truth", "5" * 64)
    provenance = Provenance("benchmark", "truth", "5" * 64, "7" * 64, str(METHOD))

    def segment(self, _: Frame) -> tuple[np.ndarray, np.ndarray]:
        """Give the soles twice."""
        seen = np.where(SOLES, 0.99, 0.01).astype(np.float32)
        return seen, seen

    def segment_live(self, _: Frame) -> np.ndarray:
        """Give the soles."""
        return np.where(SOLES, 0.99, 0.01).astype(np.float32)


class Time:
    """The script's time, in memory that outlives a killed process.

    Attributes of the memory: seconds of the script, seconds by which the computer's clock was stepped, the number of its
    starts, the script's place, the pictures taken, the patient.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _FIELDS.size)

    def _get(self, place: int) -> float:
        return _FIELDS.unpack_from(self._memory)[place]

    def _set(self, place: int, value: float) -> None:
        struct.pack_into("<d", self._memory, 8 * place, value)

    seconds = property(lambda self: self._get(0), lambda self, value: self._set(0, value))
    stepped = property(lambda self: self._get(1), lambda self, value: self._set(1, value))
    starts = property(lambda self: self._get(2), lambda self, value: self._set(2, value))
    place = property(lambda self: int(self._get(3)), lambda self, value: self._set(3, value))
    taken = property(lambda self: int(self._get(4)), lambda self, value: self._set(4, value))
    patient = property(lambda self: int(self._get(5)), lambda self, value: self._set(5, value))

    def wall(self) -> float:
        """Tell the computer's time of day, with all its steps."""
        return EPOCH + self.seconds + self.stepped

    def steady(self) -> float:
        """Tell seconds that only increase, within a start of the computer."""
        return self.seconds

    def clock(self) -> SteadyClock:
        """Make the monitor's clock on this computer."""
        return SteadyClock(self.wall, self.steady, lambda: f"start {self.starts}")


@dataclass
class LiveCamera:
    """A camera that gives a picture whenever it is asked, unless it is lost or frozen."""

    time: Time
    now: object
    name: str = "Live camera"
    lost: bool = False
    frozen: np.ndarray | None = None

    def frame(self) -> Frame:
        """Take a picture of whoever lies there; a frozen camera gives the last one as new."""
        if self.lost:
            raise CameraError(Message("The cable is out."))
        if self.frozen is None:
            self.time.taken += 1
            celsius = picture(self.time.patient, self.time.seconds, self.time.taken)
        else:
            celsius = self.frozen
        self.last = celsius
        return Frame(
            celsius, time=self.now(), source="live", parameters=Parameters(emissivity=0.98), camera="live"
        )

    def freeze(self, on: bool) -> None:
        """Let the picture stand still, or move again."""
        self.frozen = getattr(self, "last", None) if on else None

    def reset(self) -> None:
        """Keep what a driver keeps: nothing helps a frozen camera but its cable."""

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class FolderCamera:
    """A hand-held camera that puts files into a folder, at once or much later, with a clock of its own."""

    time: Time
    folder: Path
    error: float  # seconds by which its clock is ahead
    waiting: list[tuple[Path, bytes]] = field(default_factory=list)

    def shoot(self, *, late: bool = False) -> None:
        """Take a picture of whoever lies there."""
        self.time.taken += 1
        taken = datetime.fromtimestamp(EPOCH + self.time.seconds + self.error, UTC)
        celsius = picture(self.time.patient, self.time.seconds, self.time.taken)
        buffer = io.BytesIO()
        tags = [(36867, "s", 0, f"{taken:%Y:%m:%d %H:%M:%S}", True), (36881, "s", 0, "+00:00", True)]
        tifffile.imwrite(buffer, celsius, metadata=None, extratags=tags)
        path = self.folder / f"IR_{self.time.taken:04d}.tiff"
        self.waiting.append((path, buffer.getvalue()))
        if not late:
            self.deliver()

    def deliver(self) -> None:
        """Let what was taken arrive."""
        for path, data in self.waiting:
            temporary = path.with_suffix(".part")
            temporary.write_bytes(data)
            os.utime(temporary, (self.time.wall(),) * 2)
            temporary.rename(path)
        self.waiting.clear()

    def copy_again(self) -> None:
        """Copy the newest file under another name, as somebody does who looks for a picture."""
        files = sorted(self.folder.glob("IR_*.tiff"))
        if files:
            again = self.folder / f"copy_{files[-1].name}"
            again.write_bytes(files[-1].read_bytes())
            os.utime(again, (self.time.wall(),) * 2)


def watched_folder(time: Time, folder: Path, clock: SteadyClock) -> WatchedCamera:
    """Watch a folder by the script's time; waiting for a file to settle lets no time of the script pass."""
    waits = SimpleNamespace(seconds=0.0)

    def rest(seconds: float) -> None:
        waits.seconds += seconds

    def ticks() -> float:
        return time.seconds + waits.seconds

    watcher = FolderWatcher(
        folder, clock=ticks, sleep=rest, now=clock, wall=time.wall, settled=0.05, timeout=0.3, patience=0.3
    )
    return WatchedCamera(watcher, clock=ticks, now=clock)


def true_minute(taken: float, dose: float) -> float:
    """Minutes from the test dose to a picture, both in seconds of the script."""
    return timedelta(seconds=taken - dose) / timedelta(minutes=1)
