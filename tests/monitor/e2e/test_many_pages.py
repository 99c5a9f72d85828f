from __future__ import annotations

import threading
from contextlib import ExitStack
from urllib.request import Request, urlopen

from websockets.sync.client import connect

from .conftest import PATIENCE, Served
from .pages import Screen

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


def test_two_idle_windows_are_locked(browser, tmp_path) -> None:
    served = Served(tmp_path / "ward", lock_minutes=0.05)
    served.services.users.add("ana", "correct horse battery")
    screen = Screen(browser, served)
    first, second = screen.page, screen.window()
    screen.go("/login")
    first.fill("#name", "ana")
    first.fill("#password", "correct horse battery")
    first.click("main button[type=submit]")
    first.wait_for_selector("#logout")
    first.wait_for_timeout(1500)  # the windows come to their end one after the other
    second.goto(served.url + "/about")
    screen.until("location.pathname === '/login'")
    second.wait_for_url("**/login*")
    assert first.locator("#password").is_visible() and second.locator("#password").is_visible()
    screen.errors.clear()  # the refused requests
    screen.close()
    served.stop()


def test_what_somebody_half_typed_comes_back_to_them_after_a_lock(browser, tmp_path) -> None:
    served = Served(tmp_path / "ward")
    for name in ("ana", "eva"):
        served.services.users.add(name, "correct horse battery")
    screen = Screen(browser, served)
    page = screen.page

    def log_in(name: str, path: str = "") -> None:
        """Log in, where the browser is no longer known."""
        page.context.clear_cookies()
        page.goto(f"{served.url}{path or '/login'}")
        page.fill("#name", name)
        page.fill("#password", "correct horse battery")
        page.click("main button[type=submit]")
        page.wait_for_selector("#logout")
        if path:
            screen.ready()

    log_in("ana")
    path = screen.begin("E-LOCK")
    page.click("#d-note")
    page.keyboard.type("shivers since")
    log_in("ana", path)
    assert page.url.endswith(path) and page.input_value("#d-note") == "shivers since"
    log_in("eva", path)
    assert page.url.endswith(path) and page.input_value("#d-note") == ""
    screen.errors.clear()  # the refused requests
    screen.close()
    served.stop()
