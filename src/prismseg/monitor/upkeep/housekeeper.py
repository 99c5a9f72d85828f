"""Threads that do what is due from time to time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prismseg.base import PrismsegError
from prismseg.monitor.upkeep.log import EventLog

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Task:
    """Something that is done again and again.

    Attributes
    ----------
    name : str
        For the log.
    seconds : float
        Between two times.
    act : callable
        Does it.
    """

    name: str
    seconds: float
    act: Callable[[], object]


class Housekeeper:
    """Does each task in a thread of its own until it is stopped; one that fails is tried again when it is due.

    A copy may take long: the watch over the clock would take the time without a look for sleep of the computer.

    Parameters
    ----------
    tasks : sequence of Task
        What is done.
    log : EventLog
        Told of failures.
    clock : callable
        Seconds that only increase.
    """

    def __init__(
        self, tasks: Sequence[Task], log: EventLog, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tasks, self._log, self._clock = tasks, log, clock
        self._due = [clock() + task.seconds for task in tasks]
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin; without it nothing is done."""
        for place, task in enumerate(self._tasks):
            name = f"housekeeper: {task.name}"
            self._threads.append(threading.Thread(target=self._run, args=(place,), name=name, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        """End, after what is under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def look(self) -> None:
        """Do what is due now."""
        for place in range(len(self._tasks)):
            self._look_at(place)

    def _look_at(self, place: int) -> None:
        task, now = self._tasks[place], self._clock()
        if now < self._due[place] or self._stop.is_set():
            return
        self._due[place] = now + task.seconds
        try:
            task.act()
        except (PrismsegError, OSError) as error:
            self._log.failed("task failed", error, task=task.name)

    def _run(self, place: int) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            self._look_at(place)
