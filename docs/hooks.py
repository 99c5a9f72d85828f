"""Hooks of MkDocs: tables in the pages that are derived from the package's registries."""

from __future__ import annotations

import re
from collections.abc import Callable

MARK = re.compile(r"^<!-- table: (?P<name>[\w-]+) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace each line ``<!-- table: NAME -->`` by the table of that name."""
    return MARK.sub(lambda match: TABLES[match["name"]](), markdown)


def _models() -> str:
    from prismseg import list_models

    rows = [(f"`{model.name}`", model.arch, model.skip, model.multiplier) for model in list_models()]
    return _table(("name", "architecture", "skips", "multiplier"), rows)


def _frame_readers() -> str:
    from prismseg.thermal import FRAME_READERS

    rows = [(name, what, " ".join(FRAME_READERS[name].suffixes)) for name, what in FRAME_READERS.rows()]
    return _table(("reader", "files", "suffixes"), rows)


def _flags() -> str:
    from prismseg.thermal import FLAG_RULES

    return _table(("flag", "when"), list(FLAG_RULES.rows()))


def _thresholds() -> str:
    from prismseg.thermal import list_thresholds

    rows = [
        (flag, f"`{name}`", f"{value} {unit}".strip(), meaning)
        for flag, name, value, unit, meaning in list_thresholds()
    ]
    return _table(("flag", "threshold", "default", "meaning"), rows)


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "flags": _flags,
    "frame-readers": _frame_readers,
    "models": _models,
    "thresholds": _thresholds,
}
