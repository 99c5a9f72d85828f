"""Which cases make up step number `step`, and which random numbers it draws: pure functions of the seed.

Nothing about order or randomness has to be stored in a checkpoint: a resumed run asks for step 1234 and gets
what the uninterrupted run got.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

# Positions of the cases of a step among the training cases, from the batch's size, the step and the run's seed.
Draw = Callable[[int, int, int], list[int]]


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


def cut_chunks(
    cases: Sequence[int], shapes: Sequence[tuple[int, int]], batch_size: int, crop: tuple[int, int] | None = None
) -> list[list[int]]:
    """Cut cases into chunks of images of one shape that take no more memory than a training batch (or hold one image).

    Parameters
    ----------
    cases : sequence of int
        In an order that stays, but for cases of another shape, which come in chunks of their own.
    shapes : sequence of (int, int)
        Height and width of each, prepared for the network.
    batch_size : int
        Images of a training batch.
    crop : (int, int), optional
        Height and width of these, where they are not whole images.

    Examples
    --------
    >>> cut_chunks([4, 5, 6, 7], [(32, 32), (32, 64), (32, 32), (32, 32)], batch_size=2)
    [[4, 6], [7], [5]]
    >>> cut_chunks([4, 5, 6], [(64, 64)] * 3, batch_size=8, crop=(32, 32))
    [[4, 5], [6]]
    """
    alike: dict[tuple[int, int], list[int]] = {}
    for case, shape in zip(cases, shapes, strict=True):
        alike.setdefault(shape, []).append(case)
    chunks = []
    for (height, width), same in alike.items():
        count = batch_size if crop is None else max(1, batch_size * crop[0] * crop[1] // (height * width))
        count = min(count, batch_size)
        chunks += [same[start : start + count] for start in range(0, len(same), count)]
    return chunks


def step_seed(seed: int, step: int, rank: int = 0, part: int = 0) -> int:
    """Seed for the random draws of one step, process and accumulation part, well mixed and 63 bits wide."""
    words = np.random.SeedSequence([seed, step, rank, part]).generate_state(2, np.uint32)
    return int(words[0]) << 31 | int(words[1]) >> 1
