"""Thresholds of flags and of the checks of a recording."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from prismseg.base import ConfigError, Message


@dataclass(frozen=True)
class FlagSettings:
    """Every threshold of flags and quality checks.

    Attributes
    ----------
    warming, clear_warming : float
        Rise of a whole sole from baseline, °C.
    clear_rate, rate_minutes : float
        °C/min that make a warming clear, and the shortest time over which a rate is judged.
    asymmetric, asymmetric_minute : float
        Difference of both sides' rises, °C, and the first minute at which it counts.
    frames, persistence : int, float
        Consecutive measured frames in which warming or asymmetry must be seen, and the minutes from the first to the last
        of them (with one frame, none). Values are medians over as many minutes, so that no flag depends on how often
        frames are taken.
    no_sign, no_sign_minute : float
        Rise below which a sole shows no thermal sign, °C, and when this is asked.
    no_headroom : float
        Baseline of a whole sole from which a rise cannot be expected, °C.
    tolerance : float
        Minutes by which a capture may be early.
    plausible : (float, float)
        Range of a sole's mean in °C; what lies outside is no skin in °C.
    jump : float
        Change of the background between two frames that may be a shutter event, °C.
    drift : float
        Change of the background from baseline that is stated, °C.
    clipped : float
        Share of a sole's pixels at the frame's limit from which its mean is doubted.
    unsure : float
        Pixels of which the network is unsure (probability from 0.16 to 0.84) at a sole's outline, as a share of the sole,
        from which the outline is doubted.
    second_look : float
        Change of a sole's mean in a second look at the same frame from which the outline is doubted, °C.
    span : float
        Change of a grey picture's limits that is stated, °C.
    clock : float
        Difference between the session's and the camera's clock that is stated, minutes.
    """

    warming: float = 1.0
    clear_warming: float = 2.0
    clear_rate: float = 0.4
    rate_minutes: float = 1.0
    asymmetric: float = 1.0
    asymmetric_minute: float = 10.0
    frames: int = 2
    persistence: float = 1.0
    no_sign: float = 1.0
    no_sign_minute: float = 20.0
    no_headroom: float = 33.5
    tolerance: float = 0.5
    plausible: tuple[float, float] = (5.0, 50.0)
    jump: float = 0.8
    drift: float = 0.3
    clipped: float = 0.01
    unsure: float = 0.15
    second_look: float = 0.12
    span: float = 0.5
    clock: float = 1.0

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
        if self.frames < 1:
            raise ConfigError(Message("A flag needs at least one frame."))
        if self.clear_warming < self.warming:
            raise ConfigError(
                Message(
                    "Clear warming from {clear:g} °C lies below warming from {warming:g} °C.",
                    clear=self.clear_warming,
                    warming=self.warming,
                )
            )
        low, high = self.plausible
        if not low < high:
            raise ConfigError(Message("The plausible range goes from {low:g} to {high:g} °C.", low=low, high=high))
