"""The bedside monitor under load: capture to screen, live view, five hundred sessions, memory.

    python benchmarks/monitor.py --captures 40 --minutes 10

(a) From the touch of the button to the measured capture on the page, in chromium, live view running; (b) pictures
a second with outlines that the page draws; (c) seconds to list and to open among 500 sessions of 10 captures; (d)
memory of the server during live view, and its slope. The server is a process of its own with the shipped network and
the simulator.
"""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np

from prismseg.monitor.sessions.details import Details, Remarks
from prismseg.monitor.store import SessionStore, latest_results, list_captures
from prismseg.monitor.store.schema import MaskRow, SessionRow

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


class Server:
    """`prismseg monitor` as staff start it."""

    def __init__(self, folder: Path, port: int, *options: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        command = [
            sys.executable,
            "-c",
            "from prismseg.cli.main import run; run()",
            "monitor",
            "--data",
            str(folder),
        ]
        self.process = subprocess.Popen(
            [*command, "--port", str(port), *(options or ("--empty", "--no-open"))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.url}/health").read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the monitor did not start")

    def memory(self) -> float:
        """Resident megabytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def in_the_browser(url: str, server: Server, captures: int, minutes: float) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{url}/new")
        page.click("#new button[type=submit]")
        page.wait_for_selector("#picture[data-number]")
        page.wait_for_timeout(2000)
        times = [page.evaluate(_TOUCH, 1)]
        page.click("#dose")
        page.click("#dose-dialog .confirm")
        page.wait_for_timeout(1000)
        for number in range(2, captures + 1):
            times.append(page.evaluate(_TOUCH, number))
            page.wait_for_timeout(300)
        show("(a) touch to measured capture on the page", times)

        start, first = time.monotonic(), int(page.get_attribute("#picture", "data-number"))
        memory = []
        while time.monotonic() - start < 60 * minutes:
            page.wait_for_timeout(5000)
            memory.append((time.monotonic() - start, server.memory()))
        shown = int(page.get_attribute("#picture", "data-number")) - first
        print(f"(b) live view: {shown / (time.monotonic() - start):.1f} pictures a second over {minutes:g} min")
        at, megabytes = np.array(memory).T
        later = at > 60
        slope = np.polyfit(at[later], megabytes[later], 1)[0] * 3600 if later.sum() > 3 else float("nan")
        print(
            f"(d) memory of the server: {megabytes[0]:.0f} MB at first, {megabytes[-1]:.0f} MB at the end, most "
            f"{megabytes.max():.0f} MB; slope after the first minute {slope:+.1f} MB an hour"
        )
        browser.close()


_TOUCH = """
(number) => new Promise((done) => {
  const start = performance.now();
  document.getElementById('capture').click();
  const look = () => document.querySelector(`#captures li[data-number='${number}']`)
    ? requestAnimationFrame(() => done((performance.now() - start) / 1000)) : requestAnimationFrame(look);
  look();
})
"""


def fill(folder: Path, model: Path, sessions: int, captures: int) -> None:
    """Copy the first session of a store many times over, through the store's own ways."""
    source = SessionStore(model)
    with source.read() as db:
        first = db.query(SessionRow).first()
        rows = list_captures(db, first.id)[:captures]
        results = latest_results(db, first.id)
        masks = {row.id: db.get(MaskRow, row.mask_id) for row in rows}
    target = SessionStore(folder)
    shutil.copytree(model / "files", folder / "files", dirs_exist_ok=True)
    for number in range(sessions):
        with target.write() as transaction:
            made = transaction.add_session(
                "benchmark", Details(code=f"B-{number:04d}"), view=first.view, camera="simulator", origin="camera"
            )
            for row in rows:
                capture = transaction.add_capture(
                    "benchmark", made, key=f"{number}-{row.number}", taken_at=row.taken_at, source=row.source,
                    camera=row.camera, frame_sha256=row.frame_sha256,
                    pixels_sha256=row.frame_sha256, size=(row.height, row.width),
                    parameters=row.parameters,
                )  # fmt: skip
                capture.remarks = Remarks().model_dump()
                mask = masks[row.id]
                transaction.add_mask(
                    "benchmark", capture, origin="automatic", sha256=mask.file_sha256, model=mask.model,
                    model_hash=mask.model_hash,
                )  # fmt: skip
                known = results[row.id]
                transaction.add_result(
                    capture, mask_id=capture.mask_id, minute=known.minute, status=known.status, outcome=known.outcome,
                    application=known.application, model=known.model, model_hash=known.model_hash,
                    template_hash=known.template_hash, method=known.method, parameters=known.parameters,
                    mask_origin=known.mask_origin, view=known.view,
                )  # fmt: skip
            transaction.update_session("benchmark", "filled", made, flags=first.flags)
    target.close()
    source.close()


def listing(url: str, turns: int) -> None:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    opener.open(f"{url}/").read()
    found = json.load(opener.open(f"{url}/api/sessions"))
    times: dict[str, list[float]] = {"list, page": [], "list, data": [], "open, page": [], "open, data": []}
    rng = np.random.default_rng(0)
    for _ in range(turns):
        session = found["sessions"][rng.integers(len(found["sessions"]))]["id"]
        number = int(rng.integers(found["total"] // 50))
        for name, path in (
            ("list, page", f"/?page={number}"),
            ("list, data", f"/api/sessions?page={number}"),
            ("open, page", f"/sessions/{session}"),
            ("open, data", f"/api/sessions/{session}"),
        ):
            start = time.perf_counter()
            opener.open(url + path).read()
            times[name].append(time.perf_counter() - start)
    print(f"    {found['total']} sessions")
    for name, seconds in times.items():
        show(f"(c) {name}", seconds)


def show(name: str, seconds: list[float]) -> None:
    low, high = np.quantile(seconds, (0.5, 0.95))
    print(f"{name}: median {1000 * low:.0f} ms, p95 {1000 * high:.0f} ms ({len(seconds)} times)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=10, help="of live view")
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--port", type=int, default=8097)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        one, many = Path(name) / "one", Path(name) / "many"
        server = Server(one, arguments.port)
        try:
            in_the_browser(server.url, server, arguments.captures, arguments.minutes)
        finally:
            server.stop()
        start = time.perf_counter()
        fill(many, one, arguments.sessions, 10)
        print(f"    filled in {time.perf_counter() - start:.0f} s")
        server = Server(many, arguments.port)
        try:
            listing(server.url, 60)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
