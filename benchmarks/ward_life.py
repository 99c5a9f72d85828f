"""One bed's script and a life of its monitor, for `benchmarks/ward.py`: what happens, and what a page is shown of it."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from ward_bed import SCALE, FolderCamera, LiveCamera, Segmenter, Time, read_shown, watched_folder

from prismseg.monitor.cameras import WatchedCamera
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.services import open_services
from prismseg.monitor.web.settings import MonitorSettings

HERE = "127.0.0.1:8080"
AGAIN = 75  # a monitor that ends with this is started again
HALF = 900.0  # seconds of the script for each patient


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
        self.taken: str | None = None
        self.ahead = -float("inf")  # of the monitor's time before the script's, as far as the page has heard

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
        self.ahead = -float("inf")
        with self.client.websocket_connect(f"ws://{HERE}/live?session={session}", headers=headers) as socket:
            for pause in (0.0, *pauses):  # a page hears the monitor's time as it opens
                self.time.seconds += pause
                for _ in range(3):
                    data = socket.receive_bytes()
                    (length,) = struct.unpack(">I", data[:4])
                    self.judge(json.loads(data[4 : 4 + length]), data[4 + length :])

    def judge(self, header: dict[str, Any], jpeg: bytes) -> None:
        """Note what the page shows now as of now."""
        if jpeg:
            self.shown, self.taken = read_shown(jpeg), header["taken_at"]
        # As `live.js` does: a message may have been under way for long, the page's own clock ran on meanwhile.
        self.ahead = max(self.ahead, _seconds(header["now"]) - self.time.seconds)
        taken = self.taken if header["taken_at"] is not None else None
        old = taken is None or self.time.seconds + self.ahead - _seconds(taken) > live_limit()
        if header["failure"] or not header["fresh"] or old or self.shown is None:
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


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def live_limit() -> float:
    """Seconds after which a picture is old: the rule itself, whatever a control does to it."""
    return 2.0
