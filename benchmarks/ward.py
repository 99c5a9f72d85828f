"""Ten bedside monitors at once for half an hour of labour, and everything goes wrong: who was shown, and when?

    python benchmarks/ward.py                  ten beds, then the controls (about two minutes on two free cores)
    python benchmarks/ward.py --beds 30 --seed 7 --no-controls

Each bed is a monitor of its own with its store, its camera and two patients, one after the other, over 30 minutes of the
script's time. Half of the cameras are live, half put files into a folder, at once or late, by clocks that are wrong by
up to hours. Monitors are killed (kill -9) in the midst of acts and started again, computers are started again, their
clocks are set forward and back by up to two hours, cameras are lost and freeze, files come late and are copied again. The
simulator knows who lay where and when; what was stored and what pages were shown is compared with that:

- wrong patients: stored or shown pictures of another patient than the session's;
- wrong minutes: stored minutes off by more than 1 s (live cameras) or 30 s (files, the tolerance of cameras' clocks);
- stale pictures: shown as of now and older than 2 s;
- lost captures: confirmed to a page, and not in the store.

Everything must be 0. The controls are builds with one rule broken, whose faults must be counted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time as real_time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ward_bed import read_truth, true_minute
from ward_life import AGAIN, Bed, Life

from prismseg.monitor.cameras import FolderWatcher, WatchedCamera
from prismseg.monitor.sessions import service as service_module
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import SessionStore, latest_results, list_captures, verify
from prismseg.monitor.store.files import decode_frame
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.routes import live as live_module

FAULTS = ("wrong patients", "wrong minutes", "stale pictures", "lost captures")


def supervise(beds: list[Bed], broken: Callable[[], None] | None) -> Counter[str]:
    """Let all beds live at once; kill those whose hour has come, and start them again."""
    counts: Counter[str] = Counter()
    living = {fork(bed, broken): bed for bed in beds}
    doomed: dict[int, float] = {}
    while living:
        real_time.sleep(0.005)
        for process, bed in list(living.items()):
            place = bed.time.place
            if place in bed.deaths and process not in doomed:
                bed.deaths.discard(place)
                doomed[process] = real_time.monotonic() + float(bed.delays[place])
            if process in doomed and real_time.monotonic() >= doomed[process]:
                os.kill(process, signal.SIGKILL)
            done, status = os.waitpid(process, os.WNOHANG)
            if not done:
                continue
            del living[process]
            doomed.pop(process, None)
            if os.WIFSIGNALED(status):
                counts["kills"] += 1
                bed.time.seconds += 20
            elif os.waitstatus_to_exitcode(status) == AGAIN:
                counts["restarts"] += 1
            elif status:
                raise SystemExit(f"bed {bed.number} failed; see above")
            else:
                continue
            living[fork(bed, broken)] = bed
    return counts


def fork(bed: Bed, broken: Callable[[], None] | None) -> int:
    """Begin a life of a bed's monitor in a process of its own."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        if broken is not None:
            broken()
        status = Life(bed).run()
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def count_faults(bed: Bed) -> Counter[str]:
    """Compare a bed's store and what its page was shown with the truth."""
    counts: Counter[str] = Counter()
    notes = [json.loads(line) for line in bed.notes.read_text().splitlines()]
    doses = {note["patient"]: note["true"] for note in notes if note["kind"] == "dose"}
    confirmed = {note["confirmed"] for note in notes if note["kind"] == "capture" and note["confirmed"]}
    for note in notes:
        counts["losses"] += note["kind"] == "loss"
        counts["clock steps"] += note["kind"] == "clock"
        counts["refused"] += note["kind"] == "capture" and not note["confirmed"]
        counts["messages"] += note["kind"] == "message"
        counts["stale pictures"] += bool(note.get("stale"))
        counts["wrong patients"] += bool(note.get("foreign"))
    store = SessionStore(bed.root / "data", access="read-only")
    with store.read() as db:
        for session in db.query(SessionRow):
            counts["sessions"] += 1
            patient = int(Details.model_validate(session.details).code[1:])
            results = latest_results(db, session.id)
            for row in list_captures(db, session.id, deleted=True):
                counts["captures"] += 1
                confirmed.discard(row.key)
                shown, second = read_truth(decode_frame(store.files.get(row.frame_sha256)).celsius)
                counts["wrong patients"] += shown != patient
                if patient not in doses or row.id not in results or session.test_dose_at is None:
                    continue
                off = abs(results[row.id].minute - true_minute(second, doses[patient]))
                # Digits are whole seconds, and a file's clock has no more.
                counts["wrong minutes"] += off > (30 + 2 if bed.has_folder else 1 + 1) / 60
    counts["lost captures"] += len(confirmed)
    verdict = verify(store)
    counts["faults of the record"] += len(verdict.faults)
    store.close()
    return counts


def take_any_picture() -> None:
    """Break the rule of whose a picture is."""
    service_module.check_frame = lambda db, row, new, pixels: None
    service_module.check_time = lambda new, transaction: None
    FolderWatcher.reset = lambda self: None
    WatchedCamera.reset = lambda self: None
    live_module.LiveHeader.shown = property(lambda self: self.live_frame.taken_at is not None)


def time_by_the_touch() -> None:
    """Break the rule of a picture's time: the moment of the button instead."""
    real = service_module.SessionService.capture

    def touched(self: Any, who: str, session: str, new: Any) -> int:
        return real(self, who, session, replace(new, taken_at=self.store.clock()))

    service_module.SessionService.capture = touched


def trust_the_computers_clock() -> None:
    """Break the rule of the clock."""
    from datetime import UTC, datetime

    SteadyClock.__call__ = lambda self: datetime.fromtimestamp(self._wall(), UTC)


def let_pictures_freeze() -> None:
    """Break the watch for frozen pictures."""
    WatchedCamera._watch = lambda self, frame: None


CONTROLS = {
    "as shipped": None,
    "control: any picture is taken": take_any_picture,
    "control: minutes by the touch": time_by_the_touch,
    "control: the computer's clock is believed": trust_the_computers_clock,
    "control: pictures may freeze": let_pictures_freeze,
}
COLUMNS = (
    "sessions", "captures", "refused", "kills", "restarts", "clock steps", "losses", "messages", *FAULTS,
    "faults of the record",
)  # fmt: skip


def main() -> None:
    """Run all builds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beds", type=int, default=10)
    parser.add_argument("--control-beds", type=int, default=4)
    parser.add_argument("--kills", type=int, default=3, help="of each bed's monitor")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--controls", action=argparse.BooleanOptionalAction, default=True)
    arguments = parser.parse_args()
    print("| build | beds | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * (len(COLUMNS) + 1))
    missed = []
    for name, broken in CONTROLS.items():
        if broken is not None and not arguments.controls:
            continue
        beds = arguments.beds if broken is None else arguments.control_beds
        with tempfile.TemporaryDirectory() as folder:
            ward = [
                Bed(number, Path(folder) / str(number), arguments.seed, arguments.kills) for number in range(beds)
            ]
            counts = supervise(ward, broken)
            for bed in ward:
                counts += count_faults(bed)
        print(f"| {name} | {beds} | " + " | ".join(str(counts[column]) for column in COLUMNS) + " |", flush=True)
        found = sum(counts[fault] for fault in FAULTS)
        if (found == 0) != (broken is None) or counts["faults of the record"]:
            missed.append(name)
    if missed:
        raise SystemExit(f"not as it must be: {', '.join(missed)}")


if __name__ == "__main__":
    main()
