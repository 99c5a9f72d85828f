from __future__ import annotations

import threading
from contextlib import ExitStack
from urllib.request import Request, urlopen

from websockets.sync.client import connect

from .conftest import PATIENCE, Served

PAGES = 45  # a server's threads are 40


def test_live_pages_that_wait_take_no_thread_from_others(served: Served, monkeypatch) -> None:
    freed, waiting = threading.Event(), threading.Semaphore(0)

    def stuck(number: int, timeout: float) -> None:
        waiting.release()
        freed.wait(20)

    monkeypatch.setattr(served.services.live, "after", stuck)
    with urlopen(served.url) as page:
        cookie = page.headers["set-cookie"].partition(";")[0]
    with ExitStack() as stack:
        stack.callback(freed.set)
        for _ in range(PAGES):
            address = f"ws://127.0.0.1:{served.port}/live"
            stack.enter_context(connect(address, origin=served.url, additional_headers={"Cookie": cookie}))
        assert all(waiting.acquire(timeout=PATIENCE) for _ in range(PAGES))
        with urlopen(Request(f"{served.url}/api/status", headers={"Cookie": cookie}), timeout=PATIENCE) as answer:
            assert answer.status == 200
