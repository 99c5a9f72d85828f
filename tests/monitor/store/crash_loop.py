"""Kill a monitor's store at random moments, again and again, and look at what is left.

    python crash_loop.py FOLDER KILLS

A child confirms captures by writing their numbers to a pipe after `Ward.capture` has returned; the parent sends SIGKILL
after a random time, opens the store, and checks that each confirmed capture is there, whole, with its frame, mask and
result, and that nothing hangs in the air. Prints the counts as JSON; ends with 1 at the first fault.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from scene import TrueSegmenter, capture
from sqlalchemy import select

from prismseg.monitor.sessions.service import SessionService
from prismseg.monitor.store import SessionStore, verify
from prismseg.monitor.store.schema import CaptureRow, MaskRow, ResultRow

PER_STORE = 5


def confirm(folder: Path, session: str, out: int, first: int) -> None:
    """Capture until killed."""
    service = SessionService(SessionStore(folder), TrueSegmenter())  # type: ignore[arg-type]
    number = first
    while True:
        number += 1
        made = capture(service, number, session)
        os.write(out, f"{made} {number}\n".encode())


def left_behind(folder: Path, confirmed: dict[int, int]) -> tuple[list[str], int]:
    store = SessionStore(folder)
    faults = []
    with store.read() as db:
        rows = {row.number: row for row in db.scalars(select(CaptureRow))}
        masks = list(db.scalars(select(MaskRow)))
        results = list(db.scalars(select(ResultRow)))
    for made, number in confirmed.items():
        row = rows.get(made)
        if row is None or row.key != f"key-{number}":
            faults.append(f"confirmed capture {made} is lost")
        elif not store.files.path(row.frame_sha256).exists():
            faults.append(f"the frame of capture {made} is lost")
    known = {row.id for row in rows.values()}
    faults += [
        f"{kind} without a capture"
        for kind, each in (("mask", masks), ("result", results))
        for row in each
        if row.capture_id not in known
    ]
    for row in rows.values():
        if not any(mask.id == row.mask_id for mask in masks):
            faults.append(f"capture {row.number} has no mask")
        if not any(result.capture_id == row.id for result in results):
            faults.append(f"capture {row.number} has no result")
    faults += verify(store).faults
    store.close()
    return faults, len(rows)


def main(root: Path, kills: int) -> None:
    rng = random.Random(1)
    start, confirmed_in_all, unconfirmed = time.monotonic(), 0, 0
    for done in range(kills):
        if done % PER_STORE == 0:
            folder, confirmed, first = root / str(done), {}, 0
            store = SessionStore(folder)
            service = SessionService(store, TrueSegmenter())  # type: ignore[arg-type]
            session = service.begin("crash", {"code": "E-CRASH"}, camera="none", take_camera=True)
            service.record_dose("crash", session)  # before it each capture moves the zero of all others
            store.close()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            confirm(folder, session, writer, first)
        os.close(writer)
        heard = (
            os.read(reader, 1) if done % 4 else b""
        )  # mostly wait for the first one, sometimes strike at the start
        time.sleep(rng.uniform(0, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while chunk := os.read(reader, 65536):
            heard += chunk
        os.close(reader)
        for line in heard.decode().splitlines():
            made, number = map(int, line.split())
            confirmed[made] = number
            first = number
        faults, kept = left_behind(folder, confirmed)
        if faults:
            sys.exit(f"after kill {done + 1}: {faults}")
        first = max(first, 1000 * (done + 1))  # a capture that was kept but not confirmed has used its key
        if (done + 1) % PER_STORE == 0:
            confirmed_in_all, unconfirmed = confirmed_in_all + len(confirmed), unconfirmed + kept - len(confirmed)
    print(
        json.dumps(
            {
                "kills": kills,
                "confirmed": confirmed_in_all,
                "kept though not confirmed": unconfirmed,
                "seconds": round(time.monotonic() - start, 1),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
