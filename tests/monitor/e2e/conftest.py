from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prismseg.monitor.cameras import Simulator, WatchedCamera
from prismseg.monitor.sessions.clock import SteadyClock
from prismseg.monitor.web.serve import create_server
from prismseg.monitor.web.services import AppServices, open_services
from prismseg.monitor.web.settings import MonitorSettings

SHOTS = Path(__file__).parents[3] / "build" / "screenshots"
PATIENCE = 90  # seconds that a page may take on a machine that does much else; a good one takes none of them


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
