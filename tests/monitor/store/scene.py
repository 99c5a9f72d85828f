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

from prismseg.monitor.sessions.keeping import Shot
from prismseg.monitor.sessions.measuring import METHOD, Model
from prismseg.monitor.sessions.records import Provenance
from prismseg.monitor.sessions.ward import Ward
from prismseg.monitor.store import SessionStore, Verdict, verify
from prismseg.monitor.store.files import encode_probabilities
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


class Seer:
    """Finds the soles without a network."""

    model = Model("seer", "5" * 64)

    def __init__(self) -> None:
        self.provenance = Provenance("9.9", "seer", "5" * 64, "7" * 64, str(METHOD))

    def looks(self, _: Frame) -> bytes:
        found = np.where(soles(), 0.99, 0.01)
        return encode_probabilities(found, found)


def capture(ward: Ward, number: int, session: str = "", **degrees: float) -> int:
    """Capture frame `number` under a key of its own, by default in the session the ward was given."""
    shot = Shot(frame(number, **degrees), f"key-{number}", "none", ward.store.clock())
    return ward.capture("ana", session or ward.session, shot)


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
