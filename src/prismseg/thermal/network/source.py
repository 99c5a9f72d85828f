"""Training batches of simulated frames, made ahead by other processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from prismseg.data import Preprocess
from prismseg.thermal.phantom import Pair

STEPS_AHEAD = 4  # steps whose frames are simulated while the network trains


class PhantomSource:
    """Simulated frames, none of them twice, made ahead by other processes while the network trains.

    Frame k of a seed is the same whoever makes it and whenever, so a resumed run gets the frames that the
    uninterrupted one would have got.

    Parameters
    ----------
    make_pair : callable
        Makes frame and mask number k; sent to other processes, so it must be picklable.
    preprocess : Preprocess
        How they are prepared for the network.
    batch_size : int
        Frames of a step.
    """

    def __init__(self, make_pair: Callable[[int], Pair], preprocess: Preprocess, batch_size: int) -> None:
        self.make_pair, self.preprocess, self.batch_size = make_pair, preprocess, batch_size
        self._pending: dict[int, Future[Pair]] = {}
        self._pool: ProcessPoolExecutor | None = None

    def numbers(self, step: int) -> list[int]:
        """Numbers of the frames of step `step`."""
        return list(range(step * self.batch_size, (step + 1) * self.batch_size))

    def batch(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Take these frames, prepared for the network, and have those of the next steps begun."""
        if self._pool is None:
            self._pool = _start_simulators()
        for ahead in range(STEPS_AHEAD):
            for number in (number + ahead * self.batch_size for number in numbers):
                if number not in self._pending:
                    self._pending[number] = self._pool.submit(self.make_pair, number)
        pairs = [self._pending.pop(number).result() for number in numbers]
        images = torch.stack([self.preprocess.image_tensor(image) for image, _ in pairs])
        masks = torch.stack([self.preprocess.mask_tensor(mask) for _, mask in pairs])
        return images, masks

    def close(self) -> None:
        """Stop the simulating processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
        self._pending.clear()


def _start_simulators() -> ProcessPoolExecutor:
    """Start processes for simulation; one core is left to the network."""
    # Spawned, since a forked copy of a process with running threads can hang.
    return ProcessPoolExecutor(
        max(1, (os.cpu_count() or 2) - 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=threadpool_limits,
        initargs=(1,),
    )
