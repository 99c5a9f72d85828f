"""What the tests do on pages, in the words of the staff."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .conftest import PATIENCE, SHOTS, Served


class Screen:
    """A browser window with its own cookies; remembers what went wrong in it and whom it asked."""

    def __init__(
        self,
        browser: Any,
        served: Served,
        *,
        locale: str = "en-GB",
        size: tuple[int, int] = (1280, 800),
        dark: bool = False,
    ) -> None:
        self.served = served
        # A device is often set to another time zone than the monitor, whose times all pages show. (Debian's Firefox
        # takes none from its driver.)
        elsewhere = {"timezone_id": "Pacific/Auckland"} if browser.browser_type.name == "chromium" else {}
        self.context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            color_scheme="dark" if dark else "light",
            **elsewhere,
        )
        self.context.set_default_timeout(1000 * PATIENCE)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.strangers: list[str] = []
        self._hear(self.page)

    def _hear(self, page: Any) -> None:
        page.on("pageerror", lambda error: self._fault(str(error)))
        page.on("console", self._told)
        page.on("request", self._asked)
        page.on("websocket", self._asked)

    def _told(self, message: Any) -> None:
        if message.type == "error":
            self._fault(message.text)

    def _fault(self, text: str) -> None:
        # Firefox tells of a socket that was being opened when the page was left, and of the driver's own style in
        # pictures, which the page's policy forbids.
        driver = r"connection to .*ws://.*/live\?|blocked an inline style \(style-src-elem\)"
        if not re.search(driver, text):
            self.errors.append(text)

    def _asked(self, request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("blob", "data") and address.netloc != f"127.0.0.1:{self.served.port}":
            self.strangers.append(request.url)

    def window(self) -> Any:
        page = self.context.new_page()
        self._hear(page)
        return page

    def go(self, path: str) -> None:
        self.page.goto(self.served.url + path)

    def begin(self, code: str) -> str:
        """Begin a session and return its path."""
        self.go("/new")
        self.page.fill("#code", code)
        if self.page.locator("#take").count():
            self.page.check("#take")
        self.page.click("#new button[type=submit]")
        self.page.wait_for_url("**/sessions/*")
        self.ready()
        return urlsplit(self.page.url).path

    def ready(self) -> None:
        self.page.wait_for_selector("html[data-ready]")

    def live(self) -> None:
        self.page.wait_for_selector("#picture[data-number]")
        self.page.wait_for_selector("#lights li.good")

    def capture(self, number: int) -> None:
        self.page.click("#capture")
        self.page.wait_for_selector(f"#captures li[data-number='{number}']", timeout=1000 * PATIENCE)

    def dose(self, minutes_ago: float = 0) -> None:
        """State when the test dose was given."""
        self.page.click("#dose")
        self.page.wait_for_selector("#dose-dialog[open]")
        if minutes_ago:
            at = self.served.services.clock().astimezone() - timedelta(minutes=minutes_ago)
            self.page.fill("#dose-time", f"{at:%H:%M:%S}")
        self.page.click("#dose-dialog .confirm")
        self.until("document.getElementById('clock').textContent.match(/^\\d+:/)")

    def until(self, condition: str, seconds: float = PATIENCE) -> None:
        """Wait for a condition; the driver's own way needs `eval`, which the page forbids."""
        end = time.monotonic() + seconds
        while not self._holds(condition):
            assert time.monotonic() < end, f"not within {seconds:g} s: {condition}"
            self.page.wait_for_timeout(50)

    def _holds(self, condition: str) -> bool:
        try:
            return bool(self.page.evaluate(condition))
        except Exception as error:  # the page is being left for another one
            if "context was destroyed" not in str(error):
                raise
            return False

    def scan(self, text: str, element: str = "body", step: int = 4) -> str:
        """Press keys as a scanner does, one in `step` ms whatever the machine's load, and return the last one's fate."""
        return self.page.evaluate(
            """([keys, element, step]) => {
              const target = document.querySelector(element);
              target.focus();
              let acts = true, stamp = performance.now();
              const press = (kind, told) => {
                const event = new KeyboardEvent(kind, told);
                Object.defineProperty(event, 'timeStamp', { value: stamp += step / 2 });
                return target.dispatchEvent(event);
              };
              for (const key of keys) {
                const told = { key: { '\\n': 'Enter', '\\t': 'Tab' }[key] ?? key, bubbles: true, cancelable: true };
                acts = press('keydown', told);
                acts = press('keyup', told) && acts;
              }
              return acts ? 'acts' : 'stopped';
            }""",
            [text, element, step],
        )

    def shot(self, name: str, *, whole: bool = False) -> Path:
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f"{name}.png"
        self.page.screenshot(path=str(path), full_page=whole)
        return path

    def close(self) -> None:
        self.context.close()
        assert self.errors == [], self.errors
        assert self.strangers == []
