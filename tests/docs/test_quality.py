"""The table of risks: every control has a test, and every test that is named exists."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[list[str]]:
    """Cells of the table's rows but those that only head a group."""
    page = (ROOT / "docs" / "monitor" / "quality.md").read_text()
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line[:1] == "|"
    ]
    return [cells for cells in found[2:] if any(cells[1:])]


def test_every_risk_has_a_control_and_a_test():
    assert len(rows()) >= 20
    for cells in rows():
        assert len(cells) == 5 and all(cells), cells
        assert NAMED.search(cells[4]), cells


def test_every_test_that_is_named_exists():
    for *_, tests in rows():
        assert NAMED.sub("", tests).strip(", ") == "", tests
        for file, name in NAMED.findall(tests):
            text = (ROOT / "tests" / "monitor" / file).read_text()
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{file}::{name}"
