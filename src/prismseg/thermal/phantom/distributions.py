"""Distributions that people, scenes and cameras are drawn from.

Every field of a parameter set (`SplineParameters`, `CameraParameters`, …) is one of these or a number that does not
vary. Where a set gives no source, its numbers were chosen by eye on contact sheets: wide enough that the scenes hold
those that are met, without images that no camera would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Uniform:
    """Uniform distribution over [`low`, `high`).

    Examples
    --------
    >>> Uniform(2.0, 5.0).draw(np.random.default_rng(0))
    3.910...
    """

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        return rng.uniform(self.low, self.high)

    def sample(self, rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
        """Draw an array of `shape`."""
        return rng.uniform(self.low, self.high, size=shape)


@dataclass(frozen=True)
class Normal:
    """Normal distribution with standard deviation `sd`."""

    mean: float
    sd: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number."""
        return rng.normal(self.mean, self.sd)

    def sample(self, rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
        """Draw an array of `shape`."""
        return rng.normal(self.mean, self.sd, size=shape)


@dataclass(frozen=True)
class FoldedNormal:
    """Distribution of the absolute value of a normal number."""

    mean: float
    sd: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number, 0 or more."""
        return abs(rng.normal(self.mean, self.sd))


@dataclass(frozen=True)
class Integers:
    """Integers from `low` to `high`, both included, each as likely as the others."""

    low: int
    high: int

    def draw(self, rng: np.random.Generator) -> int:
        """Draw one integer."""
        return int(rng.integers(self.low, self.high + 1))


@dataclass(frozen=True)
class Mixture:
    """One of several distributions or fixed numbers, with the given `chances` or equal ones.

    Examples
    --------
    Feet that are clearly warmer or clearly colder than the leg:

    >>> difference = Mixture((Uniform(0.5, 6.0), Uniform(-5.0, -0.5)))
    >>> bool(abs(difference.draw(np.random.default_rng(0))) >= 0.5)
    True
    """

    parts: tuple[Uniform | Normal | float, ...]
    chances: tuple[float, ...] | None = None

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one number; every part is drawn, whichever is chosen, so that streams keep in step."""
        drawn = [part if isinstance(part, int | float) else part.draw(rng) for part in self.parts]
        number: float = rng.choice(drawn, p=self.chances)
        return number


def paired_generators(
    rng: np.random.Generator, same: float = 0.5
) -> tuple[np.random.Generator, np.random.Generator]:
    """Make a generator for each foot of a person; with the chance `same` both give the same numbers."""
    seeds = rng.integers(2**32, size=2)
    return np.random.default_rng(seeds[0]), np.random.default_rng(seeds[int(rng.random() < 1 - same)])
