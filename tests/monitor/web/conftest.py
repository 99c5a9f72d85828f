from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import sleep as pause

import numpy as np
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from prismseg.base import Message
from prismseg.monitor.cameras import CameraError, Simulator
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.sessions.segmenter import SoleSegmenter
from prismseg.monitor.web.app import create_app
from prismseg.monitor.web.services import open_services
from prismseg.monitor.web.settings import MonitorSettings

HERE = "http://127.0.0.1:8080"
JSON = {"Content-Type": "application/json"}
NAME, PASSWORD = "midwife", "correct horse battery"


@dataclass
class Time:
    """Seconds that pass only when a test lets them."""

    seconds: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def wait(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Feet:
    """A camera before two soles whose temperatures the test chooses; no two of its pictures are the same."""

    still: object
    left_mask: np.ndarray
    right_mask: np.ndarray
    warmer: dict[str, float] = field(default_factory=lambda: {"left": 0.0, "right": 0.0})
    plugged: bool = True
    now: object = None
    taken: int = 0
    again: object = None
    hangs: object = field(default_factory=threading.Event)
    name: str = "Feet of the test"

    def frame(self):
        if not self.plugged:
            raise CameraError(Message("The camera is not plugged in."))
        while self.hangs.is_set():
            pause(0.01)
        if self.again is not None:
            return self.again
        self.taken += 1
        celsius = self.still.celsius.copy()
        celsius[0, 0] += 1e-3 * self.taken
        celsius[self.left_mask] += self.warmer["left"]
        celsius[self.right_mask] += self.warmer["right"]
        return replace(self.still, celsius=celsius, time=self.now())

    def reset(self):
        pass

    def close(self):
        pass


class Page:
    """One browser: cookies, and the token of the page it has open."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.token = ""

    def open(self, path: str = "/"):
        answer = self.client.get(path)
        found = re.search(r'name="csrf" content="([^"]*)"', answer.text)
        self.token = found.group(1) if found else ""
        return answer

    def log_in(self, name: str = NAME, password: str = PASSWORD, **headers: str):
        answer = self.client.post(
            "/login", data={"name": name, "password": password}, headers=headers, follow_redirects=False
        )
        if answer.status_code == 303:
            self.open()
        return answer

    def get(self, path: str, **options):
        return self.client.get(path, **options)

    def ask(self, method: str, path: str, **options):
        headers = {"X-CSRF-Token": self.token, **options.pop("headers", {})}
        return self.client.request(method, path, headers=headers, **options)

    def post(self, path: str, data: object = None, **options):
        return self.ask("POST", path, json={} if data is None else data, **options)

    def patch(self, path: str, data: object):
        return self.ask("PATCH", path, json=data)

    def begin(self, code: str = "E-1", **more: str) -> str:
        """Begin a session and give the path of its API."""
        answer = self.post("/api/sessions", {"code": code, "take_camera": True, **more})
        assert answer.status_code == 201, answer.text
        return f"/api/sessions/{answer.json()['id']}"

    def capture(self, session: str, key: str = "") -> dict:
        answer = self.post(f"{session}/captures", {"key": key} if key else {})
        assert answer.status_code == 201, answer.text
        return answer.json()["session"]


def delta(capture, side, region="whole sole"):
    return capture["values"][side][region]["delta"]["value"]


def as_json(value) -> bytes:
    return json.dumps(value).encode()


def make_certificate(folder, name="ward"):
    """Make a key and a certificate for this machine, signed with that key."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    made = {"certificate": folder / f"{name}.pem", "key": folder / f"{name}.key"}
    words = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    words += ["-keyout", made["key"], "-out", made["certificate"]]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *words], check=True, capture_output=True
    )
    return made


@pytest.fixture(scope="session")
def segmenter():
    return SoleSegmenter()


@pytest.fixture(scope="session")
def feet_still():
    time = Time(0.0)
    simulator = Simulator(3, "none", clock=time, sleep=time.wait)
    return simulator.frame(), simulator.labels


@pytest.fixture
def camera(feet_still):
    frame, labels = feet_still
    return Feet(frame, labels == 1, labels == 2)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def open_monitor(tmp_path, segmenter, camera, time):
    """Open a monitor under settings of choice."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    opened = []

    def open_one(**settings):
        made = MonitorSettings(**{"data": tmp_path / "data", "demonstration": False, **settings})
        clock = camera.now = SteadyClock(time, time)
        opened.append(
            open_services(made, camera=camera, segmenter=segmenter, clock=clock, idle_clock=time, hasher=hasher)
        )
        return opened[-1]

    yield open_one
    for services in opened:
        services.close()


@contextmanager
def browsing(services, base_url: str = HERE, **options):
    yield Page(TestClient(create_app(services), base_url, raise_server_exceptions=False, **options))


@pytest.fixture
def services(open_monitor):
    return open_monitor()


@pytest.fixture
def page(services):
    """A browser at a monitor without users."""
    with browsing(services) as made:
        made.open()
        yield made


@pytest.fixture
def guarded(open_monitor):
    """A monitor that asks for a log-in; it locks after ten minutes."""
    services = open_monitor(lock_minutes=10)
    services.users.add(NAME, PASSWORD)
    return services


@pytest.fixture
def visitor(guarded):
    """A browser that is not logged in."""
    with browsing(guarded) as made:
        yield made


@pytest.fixture
def midwife(visitor):
    """A browser that is logged in."""
    assert visitor.log_in().status_code == 303
    return visitor
