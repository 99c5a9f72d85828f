from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

from prismseg.monitor.web.parts import EXTRAS, PURPOSES, as_markdown, parts

PAGE = Path(__file__).parents[3] / "docs" / "monitor" / "parts.md"


def test_every_requirement_has_version_licence_and_purpose() -> None:
    listed = {part.name.lower().replace("_", "-"): part for part in parts()}
    optional = "|".join(EXTRAS)
    direct = {
        re.match(r"[\w.-]+", text)[0].lower().replace("_", "-")
        for text in requires("prismseg")
        if "extra ==" not in text or re.search(rf"extra == ['\"]({optional})['\"]", text)
    }
    assert direct <= set(listed), direct - set(listed)
    for name, part in listed.items():
        assert part.version and part.licence and part.purpose, name
    assert direct == set(PURPOSES), direct ^ set(PURPOSES)


def test_nothing_forbids_use_in_a_hospital() -> None:
    strong = [part for part in parts() if re.search(r"(?<!L)\bA?GPL", part.licence)]
    assert strong == []


def test_the_page_is_what_the_command_prints() -> None:
    """Names only: versions are those of `constraints.txt` at the time of writing."""
    names = re.compile(r"^\| ([\w.-]+) \|", re.MULTILINE)
    assert names.findall(PAGE.read_text()) == names.findall(as_markdown(parts()))
