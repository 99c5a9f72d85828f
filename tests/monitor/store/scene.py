"""A small scene, and a stand-in for the network that knows the truth of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np

from prismseg.monitor.sessions.captures import NewCapture
from prismseg.monitor.sessions.details import Provenance
from prismseg.monitor.sessions.segmenter import METHOD, ModelIdentity
from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, Verdict, verify
from prismseg.thermal import Frame, Parameters

SIZE = (60, 80)


def soles() -> np.ndarray:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    mask = np.zeros(SIZE, bool)
    for centre in (25, 55):
        mask |= ((rows - 30) / 22) ** 2 + ((columns - centre) / 9) ** 2 <= 1
    return mask


def frame(number: int, *, left: float = 28.0, right: float = 28.0) -> Frame:
    """The patient's right sole is on the left of the picture."""
    warmth = np.where(np.arange(SIZE[1]) < SIZE[1] / 2, right, left)[None]
    celsius = np.where(soles(), warmth, 22.0)
    celsius = celsius + np.random.default_rng(number).normal(0, 0.05, SIZE)
    return Frame(celsius.astype(np.float32), source=f"frame {number}", parameters=Parameters(emissivity=0.98))


class TrueSegmenter:
    """Finds the soles without a network."""

    model = ModelIdentity("seer", "5" * 64)

    def __init__(self) -> None:
        self.provenance = Provenance("9.9", "seer", "5" * 64, "7" * 64, str(METHOD))

    def segment(self, _: Frame) -> tuple[np.ndarray, np.ndarray]:
        found = np.where(soles(), 0.99, 0.01)
        return found, found


def capture(service: SessionService, number: int, session: str = "", **degrees: float) -> int:
    """Capture frame `number` under a key of its own, by default in the session the ward was given."""
    new = NewCapture(frame(number, **degrees), f"key-{number}", "none", service.store.clock())
    return service.capture("ana", session or service.session, new)


# What somebody does first who changes the audit table.
UNLOCK = ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete")


def verdict(folder: Path, **more: object) -> Verdict:
    """What `verify` says of a folder, looked at as the command does."""
    store = SessionStore(folder, access="read-only")
    try:
        return verify(store, pause=0.05, **more)
    finally:
        store.close()


def sql(folder: Path, *statements: str) -> None:
    """Change the database behind the monitor's back."""
    database = sqlite3.connect(folder / "monitor.db")
    for statement in statements:
        database.execute(statement)
    database.commit()
    database.close()


@contextmanager
def busy(capture: Callable[[int], object]) -> Iterator[None]:
    """Capture 1, 2, 3 … in a thread of its own while the block runs; what goes wrong there is raised at its end."""
    stop = Event()

    def write() -> None:
        for number in count(1):
            if stop.is_set():
                return
            capture(number)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        try:
            yield
        finally:
            stop.set()
        writer.result()
