"""A scene that every reader test knows the temperatures of."""

from __future__ import annotations

import numpy as np
import pytest


def warm_scene(height: int = 48, width: int = 64) -> np.ndarray:
    """Two warm ellipses before a cooler sheet, with noise: between 20 and 34 °C, no two rows alike."""
    rng = np.random.default_rng(11)
    rows, columns = np.mgrid[:height, :width]
    celsius = 21 + 1.5 * rows / height
    for centre in (0.3, 0.7):
        distance = np.hypot((rows / height - 0.5) / 0.4, (columns / width - centre) / 0.16)
        celsius = celsius + 9.5 / (1 + np.exp(12 * (distance - 1)))
    return celsius + rng.normal(0, 0.05, celsius.shape)


@pytest.fixture
def scene() -> np.ndarray:
    """(48, 64) float64 °C."""
    return warm_scene()


def centikelvin(celsius: np.ndarray) -> np.ndarray:
    """Counts of hundredths of a kelvin."""
    return np.rint((celsius + 273.15) * 100).astype(np.uint16)


def greys(celsius: np.ndarray, low: float = 18.0, high: float = 36.0) -> np.ndarray:
    """8-bit grey levels between two temperatures."""
    return np.rint((celsius - low) / (high - low) * 255).astype(np.uint8)
