"""A camera before a simulated patient, so that everything can be tried without one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from prismseg.base import ConfigError, Message
from prismseg.base.deprecation import renamed
from prismseg.monitor.cameras.protocol import Camera, CameraError, Now, utc_now
from prismseg.thermal import SKIN_EMISSIVITY, Frame, Parameters
from prismseg.thermal.phantom import (
    LEFT,
    REFERENCE_SIZE,
    RIGHT,
    FootCourse,
    Motion,
    PhantomFrame,
    Subject,
    draw_subject,
)

Field = NDArray[np.float32]

STILL = Motion()  # the patient lies still and the camera is on a stand

CACHED_MINUTES = 1 / 6  # between two computed fields; in between they are blended
CACHED_SECONDS = 1.0  # the same in real time, for fast sessions

MOST_DRAWN = 20_000
SOLE_SHARE = (0.05, 0.17)  # of the picture, each sole
MARGIN = 0.02  # of the picture, free of soles above, beside and between them

# Real seconds and amplitudes in picture heights: breathing and slow sway down, sway across.
SWAYS = ((3.7, 0.0007, 0.0), (31.0, 0.0009, 0.0), (23.0, 0.0, 0.0011))
PULSE_SECONDS, PULSE = 0.85, 0.0003
DRIFT_SECONDS, DRIFT = 97.0, 0.03  # °C: uncooled detectors wander between two calibrations


def _works(courses: tuple[FootCourse, FootCourse]) -> bool:
    return min(course.rise for course in courses) >= 3


def _works_on_one_side(courses: tuple[FootCourse, FootCourse]) -> bool:
    rises = sorted(course.rise for course in courses)
    return rises[0] <= 0.8 and rises[1] >= 3


def _has_no_effect(courses: tuple[FootCourse, FootCourse]) -> bool:
    return max(course.rise for course in courses) == 0 and max(course.baseline for course in courses) < 31


def _is_warm(courses: tuple[FootCourse, FootCourse]) -> bool:
    return min(course.baseline for course in courses) >= 33.5


PATIENTS: Mapping[str, Callable[[tuple[FootCourse, FootCourse]], bool]] = MappingProxyType(
    {"working": _works, "one-sided": _works_on_one_side, "none": _has_no_effect, "warm": _is_warm}
)


@dataclass(frozen=True)
class _StaticScene:
    """The scene at one minute through the lens, without noise, and its slopes in °C a pixel."""

    celsius: Field
    down: Field
    across: Field


@renamed(dose_given="start_dose", no_dose="clear_dose", twin="copy_with_clock")
class Simulator:
    """A thermal camera at the feet of a simulated patient who lies still.

    Until `start_dose` the patient stays as at the baseline.

    Parameters
    ----------
    seed : int
        Who it is; equal seeds and equal clocks give equal pictures.
    kind : str
        What the block does, one of `KINDS`: both feet warm, one foot, none, or feet that are warm before.
    speed : float
        Simulated minutes in a real minute, for demonstrations; `Frame.time` is real in any case.
    size : (int, int)
        Height and width, pixels.
    rate : float
        Pictures a second.
    mirrored : bool
        Whether the camera shows everything mirrored, as some do by a setting.
    clock, sleep : callable
        Seconds that only increase, and waiting.
    now : callable
        Tells the time of a picture.

    Raises
    ------
    ConfigError
        For an unknown kind and impossible numbers.
    """

    def __init__(
        self,
        seed: int = 0,
        kind: str = "working",
        *,
        speed: float = 1.0,
        size: tuple[int, int] = REFERENCE_SIZE,
        rate: float = 9.0,
        mirrored: bool = False,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Now = utc_now,
    ) -> None:
        _check(seed, kind, speed, size, rate)
        self.name: str = Message("Simulator (no real patient)")
        self.subject, picture = _choose(seed, kind, size)
        self._labels = picture.labels
        self._speed = speed
        self._period = 1 / rate
        self._mirrored = mirrored
        self._clock = clock
        self._sleep = sleep
        self._now = now
        self._start = self._due = clock()
        self._dose_at: float | None = None
        self._plugged = True
        self._noise = np.random.default_rng([*self.subject.seed, 5])
        self._lens = replace(self.subject.camera, noise=0.0)
        self._step = max(CACHED_MINUTES, speed * CACHED_SECONDS / 60)
        self._static_scenes: dict[int, _StaticScene] = {}

    @property
    def minute(self) -> float:
        """Simulated minutes since the test dose; 0 before it."""
        dose_at = self._dose_at
        return 0.0 if dose_at is None else max(0.0, self._clock() - dose_at) * self._speed / 60

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The truth (H, W): 1 on the patient's left sole, 2 on the right one."""
        return np.ascontiguousarray(self._labels[:, ::-1]) if self._mirrored else self._labels

    def copy_with_clock(self, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> Simulator:
        """Put the same patient, at real speed, before a camera with another clock."""
        made = copy(self)
        made._clock, made._sleep, made._speed = clock, sleep, 1.0
        made._step = CACHED_MINUTES
        made._start = made._due = clock()
        made._dose_at, made._plugged, made._static_scenes = None, True, {}
        made._noise = np.random.default_rng([*self.subject.seed, 6])
        return made

    def start_dose(self, seconds_ago: float = 0.0) -> None:
        """Let the test dose act from now, or from some real seconds ago, when a session is taken up again."""
        self._dose_at = self._clock() - seconds_ago

    def clear_dose(self) -> None:
        """Go back to the baseline, for a new session."""
        self._dose_at = None

    def unplug(self) -> None:
        """Behave as if someone pulled the cable."""
        self._plugged = False

    def plug_in(self) -> None:
        """Put the cable back."""
        self._plugged = True

    def frame(self) -> Frame:
        """Give the next picture, when it is due.

        Raises
        ------
        CameraError
            While it is unplugged.
        """
        if not self._plugged:
            raise CameraError(Message("The simulated camera is unplugged. Plug it in again."))
        now = self._clock()
        if self._due > now:
            self._sleep(self._due - now)
        self._due = max(self._due, now) + self._period
        celsius = self._exposed(self._clock() - self._start, self.minute)
        return Frame(
            celsius=celsius[:, ::-1] if self._mirrored else celsius,
            time=self._now(),
            source=str(self.name),
            parameters=Parameters(emissivity=SKIN_EMISSIVITY),
            camera="prismseg simulator",
        )

    def reset(self) -> None:
        """Do nothing: every picture is taken when it is asked for."""

    def close(self) -> None:
        """Do nothing: there is no device."""

    def _exposed(self, seconds: float, minute: float) -> Field:
        index, share = divmod(minute / self._step, 1)
        still = self._static_scene(int(index))
        down, across = _sway(seconds, still.celsius.shape[0])
        # Movements far below a pixel: the first term of the series is enough, and cheap.
        celsius: Field = still.celsius + np.float32(down) * still.down + np.float32(across) * still.across
        if share > 0:
            following = self._static_scene(int(index) + 1)
            celsius += np.float32(share) * (following.celsius - still.celsius)
        celsius += np.float32(self.subject.camera.noise) * self._noise.standard_normal(celsius.shape, np.float32)
        celsius += np.float32(DRIFT * np.sin(2 * np.pi * seconds / DRIFT_SECONDS))
        return celsius

    def _static_scene(self, index: int) -> _StaticScene:
        if index not in self._static_scenes:
            height, width = self._labels.shape
            picture = self.subject.frame_at(index * self._step, size=(height, width), motion=STILL)
            # The same generator each time: stripes and shading belong to the camera and stay.
            celsius = self._lens.measure(np.random.default_rng([*self.subject.seed, 4]), picture.truth)
            down, across = np.gradient(celsius, axis=0), np.gradient(celsius, axis=1)
            self._static_scenes = {
                kept: self._static_scenes[kept] for kept in (index - 1, index + 1) if kept in self._static_scenes
            }
            self._static_scenes[index] = _StaticScene(celsius, down, across)
        return self._static_scenes[index]


def find_simulator(camera: Camera) -> Simulator | None:
    """Find the simulator in a camera, through whatever watches over it; None for other cameras."""
    inner: object = camera
    while inner is not None and not isinstance(inner, Simulator):
        inner = getattr(inner, "camera", None)
    return inner


def _choose(seed: int, kind: str, size: tuple[int, int]) -> tuple[Subject, PhantomFrame]:
    """Draw people until one is of the kind and has placed both soles well before the camera."""
    for number in range(MOST_DRAWN):
        subject = draw_subject(seed, number)
        if PATIENTS[kind](subject.courses):
            picture = subject.frame_at(0.0, size=size, motion=STILL)
            if _well_placed(picture.labels):
                return subject, picture
    raise ConfigError(
        Message("No simulated person of kind {kind} was found; choose another seed.", kind=kind)
    )  # pragma: no cover


def _well_placed(labels: NDArray[np.uint8]) -> bool:
    height, width = labels.shape
    top, side = max(1, round(MARGIN * height)), max(1, round(MARGIN * width))
    if labels[:top].any() or labels[:, :side].any() or labels[:, -side:].any():
        return False
    shares = [float((labels == label).mean()) for label in (LEFT, RIGHT)]
    if not all(SOLE_SHARE[0] <= share <= SOLE_SHARE[1] for share in shares):
        return False
    if (ndimage.binary_dilation(labels == LEFT, iterations=side) & (labels == RIGHT)).any():
        return False
    left, right = (float(np.nonzero(labels == label)[1].mean()) for label in (LEFT, RIGHT))
    return right < left


def _sway(seconds: float, height: int) -> tuple[float, float]:
    """Pixels by which the feet are off their place, down and across."""
    down = sum(amplitude * np.sin(2 * np.pi * seconds / period) for period, amplitude, _ in SWAYS)
    across = sum(amplitude * np.sin(2 * np.pi * seconds / period) for period, _, amplitude in SWAYS)
    down += PULSE * max(0.0, np.sin(2 * np.pi * seconds / PULSE_SECONDS)) ** 4
    return float(down * height), float(across * height)


def _check(seed: int, kind: str, speed: float, size: tuple[int, int], rate: float) -> None:
    if kind not in PATIENTS:
        raise ConfigError(
            Message(
                "There is no simulated person of kind {kind}; choose from {known}.",
                kind=repr(kind),
                known=", ".join(PATIENTS),
            )
        )
    limits = (
        ("seed", seed, 0, 10**9),
        ("speed", speed, 0.1, 600),
        ("rate", rate, 0.5, 60),
        ("height", size[0], 60, 768),
        ("width", size[1], 80, 1024),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise ConfigError(
                Message(
                    "The simulator's {name} is {value}; it can be {low} to {high}.",
                    name=name,
                    value=value,
                    low=low,
                    high=high,
                )
            )
