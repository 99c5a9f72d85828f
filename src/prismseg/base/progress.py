"""Progress bars: on a terminal a live bar, in a log file nothing that floods it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

Advance = Callable[[int, str], None]


@contextmanager
def progress_bar(title: str, total: int, *, start: int = 0, visible: bool = True) -> Iterator[Advance]:
    """Show a bar on standard error while the block runs.

    Yields a function ``advance(done, note)`` that moves the bar to `done` of `total` and shows `note`.
    Where standard error is no terminal, a plain line is printed at each tenth instead.
    """
    console = Console(stderr=True)
    if not visible:
        yield lambda done, note: None
        return
    if not console.is_terminal:
        yield _plain(console, title, total)
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total, completed=start, note="")
        yield lambda done, note: bar.update(task, completed=done, note=note)


def _plain(console: Console, title: str, total: int) -> Advance:
    marks = {max(1, round(total * tenth / 10)) for tenth in range(1, 11)}

    def advance(done: int, note: str) -> None:
        if done in marks:
            console.print(f"{title} {done}/{total} {note}".rstrip(), highlight=False)

    return advance
