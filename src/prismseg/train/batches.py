"""Which cases make up step number `step`, and which random numbers it draws: pure functions of the seed.

Nothing about order or randomness has to be stored in a checkpoint: a resumed run asks for step 1234 and gets
what the uninterrupted run got.
"""

from __future__ import annotations

import numpy as np


def batch_cases(count: int, batch_size: int, step: int, seed: int) -> list[int]:
    """Positions (into `count` training cases) of the batch of step `step`.

    Cases are dealt from one shuffled deck after another, so that each is seen once before any is seen
    twice; a batch may span two decks, and one larger than the data set holds repeats.
    """
    position = step * batch_size
    cases: list[int] = []
    while len(cases) < batch_size:
        epoch, offset = divmod(position + len(cases), count)
        deck = np.random.default_rng([seed, epoch]).permutation(count)
        cases.extend(int(case) for case in deck[offset : offset + batch_size - len(cases)])
    return cases


def step_seed(seed: int, step: int, rank: int = 0, part: int = 0) -> int:
    """Seed for the random draws of one step, process and accumulation part, well mixed and 63 bits wide."""
    words = np.random.SeedSequence([seed, step, rank, part]).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1
