"""Debian's browsers, started once in a process: a second driver beside the first one cannot be."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

FIREFOX = 153  # older ones, such as 140, do not know the commands by which they are driven
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


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
