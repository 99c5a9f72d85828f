from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prismseg.monitor.cameras import Simulator, WatchedCamera
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.web.serve import create_server
from prismseg.monitor.web.services import AppServices, open_services
from prismseg.monitor.web.settings import MonitorSettings

SHOTS = Path(__file__).parents[3] / "build" / "screenshots"
PATIENCE = 90  # seconds that a page may take on a machine that does much else; a good one takes none of them
FIREFOX = 153  # older ones, such as 140, do not know the commands by which they are driven
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


class Served:
    """A monitor on a free port, in this process so that tests can unplug its camera."""

    def __init__(
        self, folder: Path, *, demonstration: bool = False, mirrored: bool = False, **settings: object
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.simulator = Simulator(5, mirrored=mirrored, rate=3)  # a faster one would only slow the tests
        self._ahead = 0.0
        self.jump = 0.0  # a jump of the computer's clock
        stated = MonitorSettings(data=folder, port=self.port, demonstration=demonstration, **settings)
        self.services: AppServices = open_services(
            stated,
            camera=WatchedCamera(self.simulator),
            clock=SteadyClock(
                lambda: time.time() + self._ahead + self.jump, lambda: time.monotonic() + self._ahead
            ),
        )
        self.server = create_server(self.services)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{self.port}"

    def forward(self, minutes: float) -> None:
        """Let time pass, for the monitor and for the patient."""
        self._ahead += minutes * 60
        self.simulator.start_dose(self.simulator.minute * 60 + minutes * 60)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=PATIENCE)


def _program(*names: str, oldest: int = 0) -> str:
    """Find a browser of Debian's; without it the tests that need it are skipped, and fail where it must be there."""
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None or (oldest and _version(found) < oldest):
        if names[0] in os.environ.get("PRISMSEG_NEEDS_BROWSERS", "").split():
            raise RuntimeError(f"no {names[0]} that can be driven, though this run must have one")
        pytest.skip(
            f"needs Debian's {names[0]}{f', {oldest} or later' * bool(oldest)}: apt-get install {names[0]}"
        )
    return found


def _version(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"\d+", said)[0])


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(driver: Any) -> Iterator[Any]:
    """Chromium, in which most tests run."""
    launched = driver.chromium.launch(executable_path=_program("chromium", "chromium-browser"), args=QUIET)
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def firefox(driver: Any) -> Iterator[Any]:
    """Firefox as Debian builds it; the channel says that it is driven by WebDriver BiDi."""
    launched = driver.firefox.launch(
        executable_path=_program("firefox-esr", oldest=FIREFOX), channel="moz-firefox"
    )
    yield launched
    launched.close()


@pytest.fixture(params=["browser", "firefox"], ids=["chromium", "firefox"])
def each_browser(request: pytest.FixtureRequest) -> Any:
    """Both, for what browsers do differently: dialogs, inputs of times, sockets, keys."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path / "ward")
    yield made
    made.stop()


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The demonstration, made once."""
    made = Served(tmp_path_factory.mktemp("demonstration") / "ward", demonstration=True)
    yield made
    made.stop()
