"""What random numbers of the phantoms are drawn from."""

from __future__ import annotations

import numpy as np


def paired_generators(rng: np.random.Generator) -> tuple[np.random.Generator, np.random.Generator]:
    """Two generators, most often equal ones: both feet of a person have like patterns."""
    seeds = rng.integers(2**32, size=2)
    return np.random.default_rng(seeds[0]), np.random.default_rng(seeds[int(rng.random() < 0.5)])
