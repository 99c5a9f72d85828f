"""The page asks nobody but the monitor: no address of another host in anything that a browser runs or follows."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from prismseg.monitor import web
from prismseg.monitor.web.security.responses import HEADERS

WEB = Path(web.__file__).parent
SOURCES = sorted(
    path for folder in ("templates", "static") for path in (WEB / folder).rglob("*") if path.is_file()
)
SVG = "http://www.w3.org/2000/svg"
# What a script can reach out with.
REACHING = re.compile(
    r"\b(?:fetch|WebSocket|EventSource|XMLHttpRequest|sendBeacon|importScripts|Worker|SharedWorker|import|open|"
    r"RTCPeerConnection|URL)\s*\(\s*([^)]*)"
)
ATTRIBUTE = re.compile(
    r"\b(?:src|href|action|formaction|poster|data|srcset|ping|manifest)\s*=\s*[\"']([^\"']*)[\"']"
)


def without_comments(path):
    text = path.read_text("utf-8")
    if path.suffix in (".js", ".mjs", ".css"):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    if path.suffix in (".js", ".mjs"):
        text = re.sub(r"(^|\s)//.*", "", text)
    if path.suffix in (".html", ".svg"):
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return text.replace(SVG, "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_names_another_host(path):
    if path.name.endswith("LICENSE.txt"):
        return
    text = without_comments(path)
    assert not re.findall(r"(?:(?:https?|wss?|ftp)://|data:text|javascript:)[^\s\"'`)]*", text)
    assert not re.findall(r"[\"'(=]\s*//[a-z0-9]", text), "an address without a scheme is on another host too"
    for target in re.findall(r"url\(\s*[\"']?([^\"')]*)", text) + re.findall(r"@import\s+[\"']([^\"']*)", text):
        assert target.startswith(("/", "data:image", "#")), target
    if path.suffix == ".html":
        for target in ATTRIBUTE.findall(text):
            assert target.startswith(("/", "#", "{{")) or target == "", target


def test_scripts_reach_out_to_the_monitor_alone():
    known = set()
    for path in SOURCES:
        if path.suffix in (".js", ".mjs"):
            for found in REACHING.finditer(without_comments(path)):
                known.add((path.name, found.group(0).split("(")[0].strip(), found.group(1).strip()))
    for name, call, target in known:
        if call == "WebSocket":
            assert target.startswith("`${scheme}://${location.host}/live"), name
        elif call == "fetch":
            assert target.startswith(("`/", '"/', "path", "`${root}/", "`${folder}/")), (name, target)
        elif call in ("XMLHttpRequest", "EventSource", "sendBeacon", "RTCPeerConnection", "importScripts"):
            raise AssertionError(f"{name} uses {call}")


def test_imports_of_scripts_are_files_of_the_monitor():
    names = {path.name for path in SOURCES}
    for path in SOURCES:
        if path.suffix in (".js", ".mjs"):
            for target in re.findall(r"(?:from|import)\s+[\"']([^\"']+)[\"']", without_comments(path)):
                assert target.startswith(("./", "/static/")), (path.name, target)
                assert target.rsplit("/", 1)[-1] in names, (path.name, target)


def test_templates_have_no_scripts_or_styles_of_their_own():
    for path in SOURCES:
        if path.suffix == ".html":
            text = without_comments(path)
            for tag in re.findall(r"<script\b[^>]*>", text):
                assert "src=" in tag or 'type="application/json"' in tag, (path.name, tag)
            assert not re.search(r"<style|\bstyle\s*=|\son[a-z]+\s*=|<iframe|<object|<embed|<base", text), (
                path.name
            )


def test_shown_pages_follow_only_addresses_of_the_monitor(page):
    session = page.begin("E-<b>&\"'")
    page.capture(session)
    here = "http://127.0.0.1:8080/"
    shown = session.removeprefix("/api")
    for path in ("/", "/new", "/import", "/about", shown, f"{shown}/captures/1", "/login"):
        answer = page.get(path)
        assert answer.status_code == 200
        assert "<b>&" not in answer.text
        for target in ATTRIBUTE.findall(answer.text):
            assert urlsplit(urljoin(here, target)).netloc == "127.0.0.1:8080", (path, target)
            if target.startswith("/static/"):
                assert page.get(target).status_code == 200, target


def test_the_browser_is_told_to_ask_nobody_else():
    policy = dict(each.strip().split(" ", 1) for each in HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    allowed = {"'self'", "'none'", "blob:", "data:"}
    for name, value in policy.items():
        assert set(value.split()) <= allowed, name
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
