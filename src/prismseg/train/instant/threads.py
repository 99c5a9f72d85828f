"""Work on the parts of a fit on as many threads as PyTorch has, each with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_WORKERS = 8  # each has some sums over pairs of features of its own, some 100 MB


def map_on_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply a function to items, several at a time, and give the results in the items' order.

    The steps of a fit are many and short. Two threads that share each of them mostly wait for each other; two threads
    with an item each hardly do. Where there are fewer items than threads, each gets several.

    Parameters
    ----------
    function : callable
        Must not change what another item reads.
    items : iterable

    Raises
    ------
    Exception
        That of the first item, in their order, for which there is one; items that had not begun are left out.

    Examples
    --------
    >>> map_on_threads(lambda number: number**2, [1, 2, 3])
    [1, 4, 9]
    """
    threads, inference = torch.get_num_threads(), torch.is_inference_mode_enabled()

    def apply(item: Item) -> Result:
        with torch.inference_mode(inference):  # a mode is of one thread
            return function(item)

    work = list(items)
    workers = max(1, min(threads, MOST_WORKERS, len(work)))
    # A new thread takes as many threads for its operations as were set last.
    torch.set_num_threads(threads // workers)
    pool = ThreadPoolExecutor(workers)
    try:
        return list(pool.map(apply, work))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)
