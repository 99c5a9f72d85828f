"""Thresholds of the checks of a recording."""

from __future__ import annotations

from dataclasses import dataclass

from prismseg.base import ConfigError, Message
from prismseg.thermal.sessions.thresholds import ThresholdSettings, threshold


@dataclass(frozen=True)
class QualitySettings(ThresholdSettings):
    """When a frame is rejected, and when a caution is given.

    The thresholds were chosen on simulated sessions so that few good frames carry a caution (`benchmarks/thermal.py`).
    """

    plausible: tuple[float, float] = threshold(
        (5.0, 50.0), "°C", "Range of a sole's mean; what lies outside is no skin in °C."
    )
    jump: float = threshold(0.8, "°C", "Change of the background between two frames that may be a shutter event.")
    drift: float = threshold(0.3, "°C", "Change of the background from baseline that is stated.")
    clipped: float = threshold(
        0.01, "", "Share of a sole's pixels at the frame's limit from which its mean is doubted."
    )
    outline: float = threshold(
        0.25, "°C", "Standard error of a sole's mean by its outline from which the outline is doubted."
    )
    outline_change: float = threshold(
        0.14,
        "",
        "Change since t0 of the logarithm of the ratio of both soles' areas from which an outline is doubted.",
    )
    span: float = threshold(0.5, "°C", "Change of a grey picture's limits that is stated.")
    clock: float = threshold(1.0, "min", "Difference between the session's and the camera's clock that is stated.")

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = self.plausible
        if not low < high:
            raise ConfigError(Message("The plausible range goes from {low:g} to {high:g} °C.", low=low, high=high))
