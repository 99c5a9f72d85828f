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
import re
import signal
import struct
import sys
import tempfile
import time as real_time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from ward_bed import (
    SCALE,
    FolderCamera,
    LiveCamera,
    Segmenter,
    Time,
    read_shown,
    read_truth,
    true_minute,
    watched_folder,
)

from prismseg.monitor.cameras import FolderWatcher, WatchedCamera
from prismseg.monitor.sessions import service as service_module
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.details import Details
from prismseg.monitor.store import SessionStore, latest_results, list_captures, verify
from prismseg.monitor.store.files import decode_frame
from prismseg.monitor.store.schema import SessionRow
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.routes import live as live_module
from prismseg.monitor.web.services import open_services
from prismseg.monitor.web.settings import MonitorSettings

HERE = "127.0.0.1:8080"
AGAIN = 75  # a monitor that ends with this is started again
HALF = 900.0  # seconds of the script for each patient
FAULTS = ("wrong patients", "wrong minutes", "stale pictures", "lost captures")


@dataclass(frozen=True)
class Step:
    """What happens at a second of the script."""

    at: float
    act: str
    value: float = 0.0


def write_script(rng: np.random.Generator, folder: bool) -> list[Step]:
    """Write half an hour of one bed: two patients, and what goes wrong between."""
    steps = []
    for patient in (1, 2):
        begin = HALF * (patient - 1)
        dose = begin + 120
        steps += [
            Step(begin, "patient", patient),
            Step(begin + 10, "begin"),
            Step(dose, "dose", rng.uniform(0, 30)),
        ]
        for minute in (-1.0, 1.0, 5.0, 10.0):
            at = dose + 60 * minute + rng.uniform(0, 20)
            steps += [Step(at - 2, "look"), Step(at, "capture")]
        for act, value in (("loss", 0), ("freeze", 0), ("clock", rng.uniform(-7200, 7200)), ("restart", 0)):
            steps.append(Step(begin + rng.uniform(130, 880), act, value))
    steps.append(Step(rng.uniform(200, 1700), "start", 0))
    if folder:
        steps += [Step(HALF - 5, "late"), Step(HALF + 40, "arrive"), Step(HALF + 41, "capture")]
        steps += [Step(HALF + 50, "copy"), Step(HALF + 51, "capture"), Step(HALF + 52, "look")]
        steps += [Step(500.0, "late"), Step(640.0, "arrive"), Step(641.0, "capture")]
    else:
        steps += [Step(HALF + 12, "look"), Step(HALF + 13, "frozen capture")]
    return sorted(steps, key=lambda step: step.at)


@dataclass
class Bed:
    """One bed: its script and its memory outlive the monitor's process."""

    number: int
    root: Path
    seed: int
    kills: int
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, self.number])
        self.has_folder = self.number % 2 == 1
        self.script = write_script(rng, self.has_folder)
        self.error = float(rng.choice([0.0, -7.0, 11.0, -5400.0, 3600.0]))
        acts = [
            place for place, step in enumerate(self.script) if step.act in ("begin", "dose", "capture", "look")
        ]
        self.deaths = set(rng.choice(acts, self.kills, replace=False).tolist())
        self.delays = rng.uniform(0, 0.12, 1000)
        for name in ("pictures", "data"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    @property
    def notes(self) -> Path:
        """What was done, shown and confirmed, a JSON object a line."""
        return self.root / "notes.jsonl"

    def note(self, kind: str, **facts: Any) -> None:
        """Write something down before the next act."""
        with self.notes.open("a") as file:
            file.write(json.dumps({"kind": kind, "at": self.time.seconds, **facts}) + "\n")


class Life:
    """One life of a bed's monitor, with one page before it."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.time = bed, bed.time
        clock = bed.time.clock()
        if bed.has_folder:
            self.source = FolderCamera(bed.time, bed.root / "pictures", bed.error)
            camera = watched_folder(bed.time, bed.root / "pictures", clock)
        else:
            self.source = LiveCamera(bed.time, clock)
            camera = WatchedCamera(self.source, clock=bed.time.steady, now=clock)
        settings = MonitorSettings(
            data=bed.root / "data", demonstration=False, scale=SCALE, log=bed.root / "log.jsonl"
        )
        self.services = open_services(
            settings, camera=camera, segmenter=Segmenter(), clock=clock, hasher=PasswordHasher(1, 8, 1)
        )
        self.client = TestClient(create_app(self.services), f"http://{HERE}")
        self.token = re.search('name="csrf" content="([^"]*)"', self.client.get("/").text)[1]
        self.shown: tuple[int, int] | None = None

    def post(self, path: str, data: dict[str, Any]) -> Any:
        """Ask as a page does."""
        return self.client.post(path, json=data, headers={"X-CSRF-Token": self.token})

    def session(self) -> str:
        """Find the session of the patient who lies there."""
        found = self.client.get("/api/sessions", params={"text": f"P{self.time.patient}"}).json()["sessions"]
        return found[0]["id"] if found else ""

    def run(self) -> int:
        """Go on with the script from where it stands; the exit status."""
        while self.time.place < len(self.bed.script):
            step = self.bed.script[self.time.place]
            self.time.seconds = max(self.time.seconds, step.at)
            self.services.clock_watch.look()
            getattr(self, step.act.replace(" ", "_"))(step.value)
            self.time.place += 1
            if step.act in ("restart", "start"):
                self.services.close()
                return AGAIN
        self.services.close()
        return 0

    def patient(self, value: float) -> None:
        """Let another patient lie there."""
        self.time.patient = value

    def begin(self, _: float) -> None:
        """Begin the patient's session, if the life before did not."""
        if self.session():
            return
        self.post("/api/sessions", {"code": f"P{self.time.patient}", "take_camera": True})

    def dose(self, ago: float) -> None:
        """State the test dose; the truth is noted before."""
        self.bed.note("dose", patient=self.time.patient, true=self.time.seconds - ago)
        self.post(f"/api/sessions/{self.session()}/dose", {"seconds_ago": ago})

    def capture(self, _: float) -> None:
        """Take a picture and press the button; the same request again after a death."""
        if self.bed.has_folder and self.bed.script[self.time.place - 1].act == "look":
            self.source.shoot()
            self.services.camera.frame() if self.ready() else None
        key = f"bed-{self.bed.number}-{self.time.place:04d}"
        answer = self.post(f"/api/sessions/{self.session()}/captures", {"key": key})
        kept = answer.status_code == 201
        self.bed.note("capture", confirmed=key if kept else None, status=answer.status_code)

    def ready(self) -> bool:
        """Let the folder's watcher see what came, as an open page does all the time."""
        try:
            self.services.camera.frame()
        except Exception:  # told to the page; here only the look counts
            return False
        return True

    def look(self, _: float) -> None:
        """Let a page watch for a moment."""
        self.watch(self.session(), pauses=(0.0, 0.2))

    def watch(self, session: str, pauses: tuple[float, ...]) -> None:
        """Watch while the script's time goes on; judge each message as a page shows it."""
        headers = {"host": HERE, "origin": f"http://{HERE}"}
        with self.client.websocket_connect(f"ws://{HERE}/live?session={session}", headers=headers) as socket:
            for pause in pauses:
                self.time.seconds += pause
                for _ in range(3):
                    data = socket.receive_bytes()
                    (length,) = struct.unpack(">I", data[:4])
                    self.judge(json.loads(data[4 : 4 + length]), data[4 + length :])

    def judge(self, header: dict[str, Any], jpeg: bytes) -> None:
        """Note what the page shows now as of now."""
        if jpeg:
            self.shown = read_shown(jpeg)
        if header["failure"] or not header["fresh"] or self.shown is None:
            self.bed.note("message", fresh=False)
            return
        patient, second = self.shown
        # Digits are whole seconds.
        stale = self.time.seconds - second > live_limit() + 1
        self.bed.note("message", fresh=True, stale=stale, foreign=patient != self.time.patient)

    def loss(self, _: float) -> None:
        """Pull the cable; somebody presses the button all the same."""
        self.bed.note("loss")
        if self.bed.has_folder:
            return
        self.source.lost = True
        self.watch(self.session(), pauses=(0.5, 1.0, 1.0))
        self.capture(0)
        self.source.lost = False
        self.time.seconds += 10

    def freeze(self, _: float) -> None:
        """Let the picture stand still while somebody looks, then presses the button."""
        if self.bed.has_folder:
            return
        self.bed.note("loss")
        self.look(0)
        self.source.freeze(True)
        self.watch(self.session(), pauses=(0.4,) * 10)
        self.capture(0)
        self.source.freeze(False)

    def frozen_capture(self, _: float) -> None:
        """The camera froze before this patient came."""
        self.source.frozen = getattr(self.source, "last", None)
        self.capture(0)
        self.source.freeze(False)

    def clock(self, value: float) -> None:
        """Set the computer's clock."""
        self.bed.note("clock")
        self.time.stepped += value

    def restart(self, _: float) -> None:
        """Start the program again, half a minute later."""
        self.time.seconds += 30

    def start(self, _: float) -> None:
        """Start the computer again; its clock is right by then."""
        self.time.seconds += 120
        self.time.starts += 1
        self.time.stepped = 0.0

    def late(self, _: float) -> None:
        """Take a picture that comes later."""
        self.source.shoot(late=True)

    def arrive(self, _: float) -> None:
        """Let late pictures come."""
        self.source.deliver()
        self.ready()

    def copy(self, _: float) -> None:
        """Copy the newest file under another name."""
        self.source.copy_again()
        self.ready()


def live_limit() -> float:
    """Seconds after which a picture is old: the rule itself, whatever a control does to it."""
    return 2.0


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
