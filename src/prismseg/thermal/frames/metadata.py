"""What arguments, a sidecar file and the name say about a file: limits of a grey scale or a scale, time, parameters."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from prismseg.base import ConfigError, Message, read_json
from prismseg.thermal.frames.frame import PARAMETER_NAMES, Parameters

LIMITS_IN_NAME = re.compile(r"(?<![\d.])(-?\d+(?:\.\d+)?)to(-?\d+(?:\.\d+)?)C(?![a-zA-Z0-9])")
Polarity = Literal["white-hot", "black-hot"]
_PAIRS = (("low", "high"), ("scale", "offset"))
_DATE_ALONE = len("2026-05-31")  # such a time is no clock
_MAX_SIDECAR = 2**20  # bytes
_MAX_NUMBER = 1e9  # of limits, scales and parameters


@dataclass(frozen=True)
class FrameMetadata:
    """What is said about a file whose numbers do not say themselves what they mean.

    Attributes
    ----------
    limits : tuple or None
        Temperatures in °C of black (0) and white (255) of a grey picture.
    scale : tuple or None
        Factor and offset that turn the file's numbers into °C: ``celsius = factor * number + offset``.
    time, camera, parameters
        For the frame, from a sidecar.
    polarity : {"white-hot", "black-hot"} or None
        Whether white or black is the warm end of a grey picture; None where nobody says.
    """

    limits: tuple[float, float] | None = None
    scale: tuple[float, float] | None = None
    time: datetime | None = None
    camera: str | None = None
    parameters: Parameters = field(default_factory=Parameters)
    polarity: Polarity | None = None


def collect_metadata(
    path: str | Path,
    *,
    low: float | None = None,
    high: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    polarity: str | None = None,
) -> FrameMetadata:
    """Collect what the arguments, the sidecar ``NAME.json`` and the file's name say about a file.

    Arguments go first. Where sidecar and name both state limits they must agree.

    Parameters
    ----------
    path : str or Path
        The file.
    low, high : float, optional
        °C of black and white of a grey picture.
    scale, offset : float, optional
        ``celsius = scale * number + offset``.
    polarity : {"white-hot", "black-hot"}, optional
        Which end of the greys is warm.

    Raises
    ------
    ConfigError
        When half of a pair is stated, a number cannot be, or two sources contradict each other.

    Examples
    --------
    >>> collect_metadata("sole_22.6to34.0C.png").limits
    (22.6, 34.0)
    >>> collect_metadata("counts.tiff", scale=0.01, offset=-273.15).scale
    (0.01, -273.15)
    """
    path = Path(path)
    sidecar_path = path.with_suffix(".json")
    sidecar = _read_sidecar(sidecar_path) if sidecar_path.is_file() else {}
    given = {"low": low, "high": high, "scale": scale, "offset": offset}
    pairs = [_pair(str(path), given, names) or _pair(str(sidecar_path), sidecar, names) for names in _PAIRS]
    limits, factors = pairs
    named = _limits_of_name(path.name)
    if limits is not None and named is not None and low is None and limits != named:
        raise ConfigError(
            Message(
                "{sidecar} states limits of {low:g} to {high:g} °C and the name of the file {named_low:g} to "
                "{named_high:g} °C; correct one of them.",
                sidecar=sidecar_path,
                low=limits[0],
                high=limits[1],
                named_low=named[0],
                named_high=named[1],
            )
        )
    limits = limits or named
    if limits is not None and not limits[0] < limits[1]:
        raise ConfigError(
            Message(
                "{path}: the limits go from {low:g} to {high:g} °C; the lower comes first.",
                path=path,
                low=limits[0],
                high=limits[1],
            )
        )
    if factors is not None and factors[0] == 0:
        raise ConfigError(Message("{path}: a scale of 0 makes all temperatures equal; state another.", path=path))
    stated = polarity if polarity is not None else sidecar.get("polarity")
    source = str(path if polarity is not None else sidecar_path)
    return FrameMetadata(limits, factors, *_described(sidecar_path, sidecar), _polarity(source, stated))


def _polarity(source: str, stated: Any) -> Polarity | None:
    match stated:
        case None:
            return None
        case "white-hot":
            return "white-hot"
        case "black-hot":
            return "black-hot"
    raise ConfigError(
        Message(
            "{source}: the polarity is {stated}; state white-hot or black-hot.", source=source, stated=repr(stated)
        )
    )


def _limits_of_name(name: str) -> tuple[float, float] | None:
    found = LIMITS_IN_NAME.search(name)
    return None if found is None else (float(found[1]), float(found[2]))


def _pair(source: str, values: dict[str, Any], names: tuple[str, str]) -> tuple[float, float] | None:
    first, second = (values.get(name) for name in names)
    if first is None and second is None:
        return None
    if first is None or second is None:
        raise ConfigError(
            Message(
                "{source}: {first} and {second} belong together; state both.",
                source=source,
                first=names[0],
                second=names[1],
            )
        )
    return _number(source, names[0], first), _number(source, names[1], second)


def _number(source: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_NUMBER:
        raise ConfigError(
            Message("{source}: {name} is {value}; state a number.", source=source, name=name, value=repr(value))
        )
    return float(value)


def _read_sidecar(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _MAX_SIDECAR:
        raise ConfigError(Message("{path} is too large for the description of a frame; rename it.", path=path))
    try:
        content = read_json(path)
    except RecursionError as error:
        raise ConfigError(
            Message("{path} is not valid JSON (nested too deeply); restore it or write it anew.", path=path)
        ) from error
    if not isinstance(content, dict):
        raise ConfigError(Message('{path} must hold an object such as {{"low": 22.6, "high": 34.0}}.', path=path))
    return content


def _described(path: Path, sidecar: dict[str, Any]) -> tuple[datetime | None, str | None, Parameters]:
    time, camera, parameters = (sidecar.get(name) for name in ("time", "camera", "parameters"))
    moment = None
    if time is not None:
        try:
            moment = datetime.fromisoformat(time)
            if len(time) <= _DATE_ALONE:
                raise ValueError(time)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                Message("{path}: the time {time} is not like 2026-05-31T14:05:00.", path=path, time=repr(time))
            ) from error
    if parameters is None:
        return moment, None if camera is None else str(camera), Parameters()
    if not isinstance(parameters, dict) or not set(parameters) <= set(PARAMETER_NAMES):
        raise ConfigError(
            Message(
                "{path}: parameters must be an object with any of {names}.",
                path=path,
                names=", ".join(PARAMETER_NAMES),
            )
        )
    numbers = {name: _number(str(path), name, value) for name, value in parameters.items()}
    if not all(map(math.isfinite, numbers.values())):
        raise ConfigError(Message("{path}: a parameter is not a finite number.", path=path))
    return moment, None if camera is None else str(camera), Parameters(**numbers)
