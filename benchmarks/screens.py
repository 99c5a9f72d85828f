"""Pictures of every page of the monitor at the sizes it is used at, to be looked at.

    python benchmarks/screens.py --out /tmp/screens

A desk screen, a tablet upright and a phone; light and dark; each language; the first screenful (``.fold.png``) and the
whole page; then the dialogs of a page. With ``--url`` the pages of a monitor that runs already are taken, as its
demonstration left them.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from monitor import CHROMIUM, Server
from prismseg.monitor.cameras import Simulator
from prismseg.monitor.store import SessionStore
from prismseg.monitor.web.security.users import UserDirectory

SIZES = {"desk": (1280, 800), "tablet": (800, 1280), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "es": "es-ES"}
PORT = 8299
NAME, PASSWORD = "Ana Ruiz", "correct horse battery"
WITH_DIALOGS = ("running", "users", "board")


@contextmanager
def monitor(url: str) -> Iterator[str]:
    """Give the address of a monitor with the demonstration, an administrator and two more users."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "ward"
        store = SessionStore(data)
        users = UserDirectory(store)
        users.add(NAME, PASSWORD, role="administrator")
        users.add("Lucía Fernández", PASSWORD, role="staff", ward="Paritorio Norte")
        users.add("Ben", PASSWORD, role="reviewer")
        users.disable("Ben")
        store.close()
        server = Server(data, PORT, "--no-open")
        try:
            yield server.url
        finally:
            server.stop()


def log_in(page: Any, url: str) -> None:
    """Log in where the monitor asks who it is."""
    page.goto(url)
    if page.locator("#password").count():
        page.fill("#name", NAME)
        page.fill("#password", PASSWORD)
        page.click("form button[type=submit]")
        page.wait_for_url(f"{url}/")


def paths(page: Any) -> dict[str, str]:
    """Find an address of each kind of page."""
    found = {
        each.locator("strong").inner_text(): each.get_attribute("href") for each in page.locator(".session").all()
    }
    return {
        "sessions": "/",
        "board": "/board",
        "new": "/new",
        "import": "/import",
        "preview": "/import",
        "about": "/about",
        "running": found["DEMO-3"],
        "finished": found["DEMO-1"],
        "capture": f"{found['DEMO-1']}/captures/4",
        "site": "/site",
        "audit": "/audit",
        "users": "/users",
        "erasures": "/erasures",
        "missing": "/nothing-here",
    }


def send_files(page: Any) -> None:
    """Send pictures to the import: two that are read, one without a minute, one that is none."""
    patient = Simulator(5, clock=lambda: 0.0, sleep=lambda _: None)
    files = []
    for name in ("t0.tiff", "t5.tiff", "a-picture-with-a-rather-long-name-and-no-minute.tiff"):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, np.asarray(patient.frame().celsius))
        files.append({"name": name, "mimeType": "image/tiff", "buffer": buffer.getvalue()})
    files.append({"name": "t15.jpg", "mimeType": "image/jpeg", "buffer": b"no picture at all"})
    page.set_input_files("#files", files)
    page.click("#send button")
    page.wait_for_selector("#check:not([hidden])")


def photograph(page: Any, file: Path) -> None:
    """Take the first screenful and the whole page, and say whether it is too wide."""
    page.wait_for_timeout(500)
    page.screenshot(path=str(file.with_suffix(".fold.png")))
    page.screenshot(path=str(file), full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    print(file.name, f"{wide} pixels too wide" if wide > 0 else "", flush=True)


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--url", default="", help="of a monitor that runs already")
    parser.add_argument("--only", nargs="*", default=(), help="names of pages")
    parser.add_argument("--sizes", nargs="*", choices=SIZES, default=tuple(SIZES))
    parser.add_argument("--languages", nargs="*", choices=LANGUAGES, default=tuple(LANGUAGES))
    parser.add_argument("--themes", nargs="*", choices=("light", "dark"), default=("light", "dark"))
    stated = parser.parse_args()
    stated.out.mkdir(parents=True, exist_ok=True)
    with monitor(stated.url) as url, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        for size in stated.sizes:
            width, height = SIZES[size]
            for theme in stated.themes:
                for language in stated.languages:
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, locale=LANGUAGES[language], color_scheme=theme
                    )
                    page, ending = context.new_page(), f"{size}-{theme}-{language}.png"
                    wanted = set(stated.only)
                    if not wanted or "login" in wanted:
                        page.goto(f"{url}/login")
                        photograph(page, stated.out / f"login-{ending}")
                    log_in(page, url)
                    for name, path in paths(page).items():
                        dialogs = not wanted or any(each.endswith("dialog") for each in wanted)
                        if wanted and name not in wanted and not (dialogs and name in WITH_DIALOGS):
                            continue
                        page.goto(url + path)
                        if name in ("running", "finished", "capture", "board"):
                            page.wait_for_selector("html[data-ready]")
                        if name == "running":
                            page.wait_for_selector("#lights li")
                        if name == "preview":
                            send_files(page)
                        if not wanted or name in wanted:
                            photograph(page, stated.out / f"{name}-{ending}")
                        if not dialogs or name not in WITH_DIALOGS:
                            continue
                        for key in page.evaluate(
                            "[...document.querySelectorAll('dialog')].map((each) => each.id)"
                        ):
                            page.evaluate("(id) => document.getElementById(id).showModal()", key)
                            page.wait_for_timeout(200)
                            page.screenshot(path=str(stated.out / f"{name}-{key}-{ending}"))
                            page.evaluate("(id) => document.getElementById(id).close()", key)
                    context.close()
        browser.close()


if __name__ == "__main__":
    main()
