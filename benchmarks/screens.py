"""Pictures of every page of the monitor at the sizes it is used at, to be looked at.

    python benchmarks/screens.py --out /tmp/screens

A desk screen, a tablet upright and a phone; light and dark; each language; the first screenful (``.fold.png``) and the
whole page. With ``--url`` the pages of a monitor that runs already are taken, as its demonstration left them.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monitor import CHROMIUM, Server

SIZES = {"desk": (1280, 800), "tablet": (800, 1280), "phone": (390, 844)}
LANGUAGES = {"en": "en-GB", "es": "es-ES"}
PORT = 8299


@contextmanager
def monitor(url: str) -> Iterator[str]:
    """Give the address of a monitor with the demonstration."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "ward", PORT, "--no-open")
        try:
            yield server.url
        finally:
            server.stop()


def paths(page: Any, url: str) -> dict[str, str]:
    """Find an address of each kind of page."""
    page.goto(url)
    found = {
        each.locator("strong").inner_text(): each.get_attribute("href") for each in page.locator(".session").all()
    }
    return {
        "sessions": "/",
        "board": "/board",
        "new": "/new",
        "import": "/import",
        "about": "/about",
        "running": found["DEMO-3"],
        "finished": found["DEMO-1"],
        "capture": f"{found['DEMO-1']}/captures/4",
        "site": "/site",
        "audit": "/audit",
        "missing": "/nothing-here",
    }


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
                    page = context.new_page()
                    for name, path in paths(page, url).items():
                        if stated.only and name not in stated.only:
                            continue
                        page.goto(url + path)
                        if name in ("running", "finished", "capture", "board"):
                            page.wait_for_selector("html[data-ready]")
                        if name == "running":
                            page.wait_for_selector("#lights li")
                        page.wait_for_timeout(500)
                        file = stated.out / f"{name}-{size}-{theme}-{language}.png"
                        page.screenshot(path=str(file.with_suffix(".fold.png")))
                        page.screenshot(path=str(file), full_page=True)
                        wide = page.evaluate(
                            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                        )
                        print(file.name, f"{wide} pixels too wide" if wide > 0 else "", flush=True)
                    context.close()
        browser.close()


if __name__ == "__main__":
    main()
