"""Where training batches come from: the cases of a data set, or simulated frames without end."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import Protocol

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from prismseg.data import Preprocess, TensorCache
from prismseg.thermal.phantom import Pair, pair_at
from prismseg.train.batches import batch_cases
from prismseg.train.config import PhantomConfig

_STEPS_AHEAD = 4


class Source(Protocol):
    """Pictures by number; which numbers make up a step is a pure function of the seed."""

    def numbers(self, step: int) -> list[int]:
        """Numbers of the pictures of step `step`, over all processes."""

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images (B, C, H, W) and masks (B, H, W) of these pictures."""

    def close(self) -> None:
        """Let go of what the source holds."""


class CaseSource:
    """The training cases of a data set, dealt from shuffled decks."""

    def __init__(self, cache: TensorCache, cases: Sequence[int], batch_size: int, seed: int) -> None:
        self.cache, self.cases, self.batch_size, self.seed = cache, cases, batch_size, seed

    def numbers(self, step: int) -> list[int]:
        """Positions of the cases of step `step` in the data set."""
        return [self.cases[k] for k in batch_cases(len(self.cases), self.batch_size, step, self.seed)]

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Read these cases, prepared for the network."""
        return self.cache.batch(numbers)

    def close(self) -> None:
        """Nothing to let go of."""


class PhantomSource:
    """Simulated frames, none of them twice, made ahead by other processes while the network trains.

    Frame k of a seed is the same whoever makes it and whenever, so a resumed run gets the frames that the
    uninterrupted one would have got.
    """

    def __init__(self, config: PhantomConfig, preprocess: Preprocess, batch_size: int) -> None:
        self.preprocess, self.batch_size = preprocess, batch_size
        self._make = partial(
            pair_at, config.seed, domains=config.domains, framings=config.framings, size=config.size
        )
        self._pending: dict[int, Future[Pair]] = {}
        self._pool: ProcessPoolExecutor | None = None

    def numbers(self, step: int) -> list[int]:
        """Numbers of the frames of step `step`."""
        return list(range(step * self.batch_size, (step + 1) * self.batch_size))

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Take these frames, prepared for the network, and have those of the next steps begun."""
        if self._pool is None:
            self._pool = _simulators()
        for ahead in range(_STEPS_AHEAD):
            for number in (number + ahead * self.batch_size for number in numbers):
                if number not in self._pending:
                    self._pending[number] = self._pool.submit(self._make, number)
        pairs = [self._pending.pop(number).result() for number in numbers]
        images = torch.stack([self.preprocess.image_tensor(picture) for picture, _ in pairs])
        masks = torch.stack([self.preprocess.mask_tensor(mask) for _, mask in pairs])
        return images, masks

    def close(self) -> None:
        """Stop the simulating processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self._pending.clear()


def _simulators() -> ProcessPoolExecutor:
    """Start processes for simulation; one core is left to the network."""
    # Spawned, since a forked copy of a process with running threads can hang.
    return ProcessPoolExecutor(
        max(1, (os.cpu_count() or 2) - 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=threadpool_limits,
        initargs=(1,),
    )
