"""Thresholds as fields of settings that know their unit and meaning, for messages and tables in the documentation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from prismseg.base import ConfigError, Message


def threshold(default: Any, unit: str, meaning: str) -> Any:
    """Make a field of settings.

    Parameters
    ----------
    default : number or tuple of numbers
        What it is unless stated.
    unit : str
        "°C", "min" …; empty for a count or a share.
    meaning : str
        A sentence for the documentation.
    """
    return field(default=default, metadata={"unit": unit, "meaning": meaning})


@dataclass(frozen=True)
class ThresholdSettings:
    """Settings of which every field is a `threshold`.

    Raises
    ------
    ConfigError
        When one of them is not finite or below 0.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class LateRise(ThresholdSettings):
    ...     late_rise: float = threshold(0.5, "°C", "Rise of a whole sole after 20 min.")
    >>> LateRise(late_rise=0.7).late_rise
    0.7
    >>> LateRise(late_rise=-1)
    Traceback (most recent call last):
    prismseg.base.errors.ConfigError: The flag setting late_rise is -1; it is a finite number of 0 or more.
    """

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            numbers = value if isinstance(value, tuple) else (value,)
            if not all(math.isfinite(number) and number >= 0 for number in numbers):
                raise ConfigError(
                    Message(
                        "The flag setting {name} is {value}; it is a finite number of 0 or more.",
                        name=entry.name,
                        value=repr(value),
                    )
                )
