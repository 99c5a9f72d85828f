"""Every action that is written into the audit can be read in the reader's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import prismseg
from prismseg.monitor.sessions.details import ORIGIN_LABELS
from prismseg.monitor.store.audit import ERASED
from prismseg.monitor.web.audit_words import ACTIONS
from prismseg.monitor.web.security.record import STARTED

# Where each function that writes an entry takes its action.
PLACES = {
    "record": 1,
    "note": 1,
    "update_session": 1,
    "update_capture": 1,
    "_record": 0,
    "append_sealed": 3,
} | dict.fromkeys(("record_event", "record_login"), 2)


def written_actions() -> Iterator[str]:
    """Find the actions that the sources write down as literals."""
    for path in Path(prismseg.__file__).parent.glob("*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in PLACES and len(node.args) > PLACES[name]:
                action = node.args[PLACES[name]]
                yield from (
                    each.value
                    for each in ast.walk(action)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                )


def test_every_action_has_words():
    masks = {f"mask {origin}" for origin in ORIGIN_LABELS if origin != "none"}  # of none there is no row
    doses = {"test dose given", "time of the test dose corrected"}  # one of them, in a variable
    written = set(written_actions()) - {"mask "} | masks | doses | {ERASED, STARTED}
    assert written == set(ACTIONS)
