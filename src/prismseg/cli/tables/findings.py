"""Findings of `prismseg check` in the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from prismseg.data import Finding

_STYLES = {"error": "bold red", "warning": "yellow", "info": "cyan"}
_SHOWN_FILES = 4


def print_findings(findings: Sequence[Finding], *, verbose: bool = False) -> None:
    """Print the findings of `prismseg check`, errors first, one entry a kind, and a closing count.

    Of each kind the first finding is told in full and the files of a few others are named; `verbose` tells every one.
    Lines are not broken, so that a path can be copied.
    """
    from prismseg.data.checks.findings import by_kind

    console = Console(soft_wrap=True, highlight=False)
    for alike in by_kind(findings):
        first, *others = alike
        files = f" ({len(alike)} times)" if others else ""
        console.print(Text.assemble((first.severity, _STYLES[first.severity]), f": {first.kind}{files}"))
        for finding in alike if verbose else [first]:
            console.print(Text(f"    {_files(finding)}"))
            console.print(Text(f"        {finding.message.removeprefix(f'{finding.file}: ')}"))
        if others and not verbose:
            for finding in others[:_SHOWN_FILES]:
                console.print(Text(f"    {_files(finding)}"))
            if len(others) > _SHOWN_FILES:
                console.print(f"    and {len(others) - _SHOWN_FILES} more (--verbose tells all)")
    count = Counter(finding.severity for finding in findings)
    console.print(f"{count['error']} errors, {count['warning']} warnings, {count['info']} notes.")


def _files(finding: Finding) -> str:
    return str(finding.file) if finding.other is None else f"{finding.file} and {finding.other}"
