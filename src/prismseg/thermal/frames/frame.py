"""One thermal frame in °C, with the parameters it was measured with."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ConfigError, DataError, Message
from prismseg.base.deprecation import renamed

ZERO_CELSIUS = 273.15  # in kelvin

# Steketee 1973, Phys. Med. Biol. 18:686: skin of any colour, 3–14 µm.
SKIN_EMISSIVITY = 0.98

# Pixels of a frame's shorter side: the coarsest thermal arrays sold have 8 x 8.
MIN_SIDE = 8
# Pixels of a frame, to which the largest thermal cameras interpolate.
MAX_PIXELS = 2048 * 1536
# Share of pixels that must have a temperature.
MIN_FINITE = 0.95
# °C; what is colder than any sky or hotter than any range a camera is sold with is not a temperature in °C.
PLAUSIBLE_CELSIUS = (-100.0, 2000.0)
# Smallest emissivity and window transmission: with less, the camera would see only reflections.
_MIN_SHARE = 0.01
_MAX_DISTANCE = 10_000  # m; beyond it the air is opaque


@renamed(stated="to_dict")
@dataclass(frozen=True)
class Parameters:
    """What the radiometric formula assumes of object, air and window; None where the source does not say.

    Attributes
    ----------
    emissivity : float or None
        Of the object, above 0 and at most 1.
    reflected : float or None
        Reflected apparent temperature in °C.
    distance : float or None
        From the camera to the object in metres.
    humidity : float or None
        Relative humidity of the air, 0 to 1. Cameras store 0.5 or 50 for the same air: what is above 1 is taken as
        percent.
    atmosphere : float or None
        Temperature of the air in °C.
    window_temperature : float or None
        Temperature of an infrared window in front of the lens, in °C.
    window_transmission : float or None
        Share of the radiation that the window lets through, above 0 and at most 1; 1 is no window.

    Raises
    ------
    ConfigError
        When one of them is impossible.

    Examples
    --------
    >>> Parameters(emissivity=0.98, humidity=50).humidity
    0.5
    >>> Parameters(emissivity=1.2)
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: The emissivity is 1.2, which is impossible; it is a share from 0.01 to 1.
    """

    emissivity: float | None = None
    reflected: float | None = None
    distance: float | None = None
    humidity: float | None = None
    atmosphere: float | None = None
    window_temperature: float | None = None
    window_transmission: float | None = None

    def __post_init__(self) -> None:
        if self.humidity is not None and 1 < self.humidity <= 100:
            object.__setattr__(self, "humidity", self.humidity / 100)
        for name in ("emissivity", "window_transmission"):
            share = Message("a share from {low:g} to {high:g}", low=_MIN_SHARE, high=1)
            _require(name, getattr(self, name), _MIN_SHARE, 1, share)
        _require("humidity", self.humidity, 0, 1, Message("0 to 1, or in percent up to 100"))
        _require("distance", self.distance, 0, _MAX_DISTANCE, Message("0 to 10,000 m"))
        for name in ("reflected", "atmosphere", "window_temperature"):
            _require(name, getattr(self, name), *PLAUSIBLE_CELSIUS, Message("a temperature in °C"))

    def to_dict(self) -> dict[str, float]:
        """Return the parameters that have a value, by name.

        Examples
        --------
        >>> Parameters(emissivity=0.98, distance=1.0).to_dict()
        {'emissivity': 0.98, 'distance': 1.0}
        """
        return {name: value for name in PARAMETER_NAMES if (value := getattr(self, name)) is not None}


# Files store parameters as 32-bit floats, temperatures in kelvin.
_RELATIVE_ROUNDING, _ABSOLUTE_ROUNDING = 1e-5, 1e-3


def same_value(one: float | None, other: float | None) -> bool:
    """Tell whether two parameters are the same but for rounding in files; None equals only None.

    Examples
    --------
    >>> same_value(0.95, 0.9500001), same_value(0.95, None)
    (True, False)
    """
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_RELATIVE_ROUNDING, abs_tol=_ABSOLUTE_ROUNDING)


def same_conditions(one: Frame, other: Frame) -> bool:
    """Tell whether two frames come from the same camera, kind of file and parameters, so that they can be compared."""
    return (one.camera, one.kind) == (other.camera, other.kind) and all(
        same_value(getattr(one.parameters, name), getattr(other.parameters, name)) for name in PARAMETER_NAMES
    )


PARAMETER_NAMES = tuple(entry.name for entry in fields(Parameters))
PARAMETER_LABELS = {
    "emissivity": Message("emissivity"),
    "reflected": Message("reflected"),
    "distance": Message("distance"),
    "humidity": Message("humidity"),
    "atmosphere": Message("atmosphere"),
    "window_temperature": Message("window temperature"),
    "window_transmission": Message("window transmission"),
}


def check_parameter_names(parameters: dict[str, float]) -> dict[str, float]:
    """Return `parameters`; a `ConfigError` says that one is unknown or impossible."""
    unknown = sorted(set(parameters) - set(PARAMETER_NAMES))
    if unknown:
        raise ConfigError(
            Message(
                "There is no radiometric parameter {name}; there are {names}.",
                name=repr(unknown[0]),
                names=", ".join(PARAMETER_NAMES),
            )
        )
    Parameters(**parameters)
    return parameters


# °C of surroundings near people; a cold sky or a furnace may be beyond, but no foot is measured in front of them. Rooms
# in °F (60 to 80) and in kelvin are beyond too.
PLAUSIBLE_ROOM = (-40.0, 50.0)
# Skin has 0.97 to 0.99, factory settings 0.90 to 1; less is metal, or the setting of another object.
PLAUSIBLE_EMISSIVITY = 0.8
PLAUSIBLE_DISTANCE = 20.0  # m; feet fill no frame from farther away


def find_implausible(own: Parameters) -> list[Message]:
    """Name parameters that cannot be true of feet in a room, or that assume a window before the lens.

    Parameters
    ----------
    own : Parameters
        Those used, without a window's transmission that a person stated: only a person knows whether there is one.

    Examples
    --------
    >>> [str(doubt)[:28] for doubt in find_implausible(Parameters(reflected=295.0))]
    ['reflected 295 °C cannot be n']
    """
    doubts = []
    low, high = PLAUSIBLE_ROOM
    passed = 1.0 if own.window_transmission is None else own.window_transmission
    windowed = passed < 1 and not same_value(passed, 1.0)
    for name in ("reflected", "atmosphere", *(("window_temperature",) if windowed else ())):
        value = getattr(own, name)
        if value is not None and not low <= value <= high:
            doubts.append(
                Message(
                    "{parameter} {value:.4g} °C cannot be near people ({low:g} to {high:g} °C; kelvin or °F, perhaps)",
                    parameter=PARAMETER_LABELS[name],
                    value=value,
                    low=low,
                    high=high,
                )
            )
    if own.emissivity is not None and own.emissivity < PLAUSIBLE_EMISSIVITY:
        doubts.append(Message("emissivity {value:.2g} is not that of skin (0.98)", value=own.emissivity))
    if own.distance is not None and own.distance > PLAUSIBLE_DISTANCE:
        doubts.append(
            Message("distance {value:.4g} m is farther than feet are photographed from", value=own.distance)
        )
    if windowed:
        doubts.append(
            Message(
                "window transmission {value:.2g} assumes an infrared window in front of the lens", value=passed
            )
        )
    return doubts


def _require(name: str, value: float | None, low: float, high: float, meaning: Message) -> None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(
            Message(
                "The {parameter} is {value:g}, which is impossible; it is {meaning}.",
                parameter=PARAMETER_LABELS[name],
                value=value,
                meaning=meaning,
            )
        )


Kind = Literal["radiometric", "matrix", "counts", "grey"]


@dataclass(frozen=True, eq=False)
class Frame:
    """A thermal frame: an array of temperatures, never a palette picture.

    Attributes
    ----------
    celsius : (H, W) float32 array, read-only
        Temperatures in °C; up to 5 % may be NaN (outside the camera's range).
    time : datetime or None
        When it was taken; with a time zone where the camera stores one, else as its clock showed.
    source : str
        File or camera, for messages.
    parameters : Parameters
        What the temperatures were computed with.
    kind : Kind
        ``radiometric`` (computed here from a detector's counts), ``matrix`` (°C as another program wrote them),
        ``counts`` (a stated scale and offset) or ``grey`` (8 bits between stated limits: coarse, with burned-in text).
    camera : str or None
        Model.
    notes : tuple of Message
        What a reader of the numbers should know.
    doubts : tuple of Message
        Implausible parameters that the temperatures were computed with: such a frame is shown, but not
        measured until the true ones are stated.
    orientation : int
        In which the file stores the picture (Exif, 1 to 8); here it is upright.

    Raises
    ------
    DataError
        When the array is no picture, is mostly not a number, or cannot be in °C.

    Examples
    --------
    >>> frame = Frame(np.linspace(22.0, 31.5, 4800).reshape(60, 80), parameters=Parameters(emissivity=0.98))
    >>> frame.size, frame.span, round(frame.mean, 2)
    ((60, 80), (22.0, 31.5), 26.75)
    """

    celsius: NDArray[np.float32]
    time: datetime | None = None
    source: str = "frame"
    parameters: Parameters = field(default_factory=Parameters)
    kind: Kind = "matrix"
    camera: str | None = None
    notes: tuple[Message, ...] = ()
    doubts: tuple[Message, ...] = ()
    orientation: int = 1

    def __post_init__(self) -> None:
        check_size(self.source, np.shape(self.celsius))
        celsius = np.array(self.celsius, dtype=np.float32, order="C")
        _check_values(self.source, celsius)
        celsius.setflags(write=False)
        object.__setattr__(self, "celsius", celsius)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.celsius.shape
        return height, width

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest temperature in °C."""
        return float(np.nanmin(self.celsius)), float(np.nanmax(self.celsius))

    @property
    def mean(self) -> float:
        """Mean temperature in °C over the pixels that have one."""
        return float(np.nanmean(self.celsius, dtype=np.float64))


def check_size(source: str, shape: tuple[int, ...]) -> None:
    """Reject what has not the height and width of a thermal frame, before memory is taken for it.

    Raises
    ------
    DataError
        Naming `source` and the shape.
    """
    if len(shape) != 2:
        raise DataError(
            Message(
                "{source} holds an array of shape {shape}; a thermal frame has a height and a width.",
                source=source,
                shape=shape,
            )
        )
    height, width = shape
    if min(shape) < MIN_SIDE:
        raise DataError(
            Message(
                "{source} has {height} x {width} pixels; a thermal frame has at least {least} x {least}.",
                source=source,
                height=height,
                width=width,
                least=MIN_SIDE,
            )
        )
    if height * width > MAX_PIXELS:
        raise DataError(
            Message(
                "{source} has {height} x {width} pixels, more than any thermal camera ({megapixels} megapixels); it is "
                "damaged or no thermal frame. Cut it down if it is one.",
                source=source,
                height=height,
                width=width,
                megapixels=MAX_PIXELS // 10**6,
            )
        )


def reject_constant(source: str, numbers: NDArray[np.generic]) -> None:
    """Reject a file with one value everywhere, which no scene gives.

    Raises
    ------
    DataError
        Naming `source` and the value.
    """
    first = numbers.flat[0] if numbers.size else None
    if first is not None and bool((numbers == first).all()):
        raise DataError(
            Message(
                "{source} holds the value {value:g} in every pixel: a closed shutter or a broken export. Leave it out.",
                source=source,
                value=first,
            )
        )


def _check_values(source: str, celsius: NDArray[np.float32]) -> None:
    finite = np.isfinite(celsius)
    share = float(finite.mean())
    if share < MIN_FINITE:
        raise DataError(
            Message(
                "{source} has a temperature in only {share:.0%} of its pixels (the rest is NaN or infinite); at least "
                "{least:.0%} are needed. Export it again, within the camera's range.",
                source=source,
                share=share,
                least=MIN_FINITE,
            )
        )
    low, high = float(celsius[finite].min()), float(celsius[finite].max())
    if low < PLAUSIBLE_CELSIUS[0] or high > PLAUSIBLE_CELSIUS[1]:
        raise DataError(
            Message(
                "{source} holds values from {low:g} to {high:g}, which are no temperatures in °C. State the scale and "
                "offset if they are counts or kelvin, or export °C.",
                source=source,
                low=low,
                high=high,
            )
        )
