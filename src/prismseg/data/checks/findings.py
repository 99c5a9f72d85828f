"""What a check finds, one thing at a time and sorted into kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing to know about a data set.

    Attributes
    ----------
    severity : {"error", "warning", "info"}
        An error must be mended before training.
    kind : str
        Short name, such as "size mismatch".
    file : Path
        File (or folder) it is about.
    message : str
        What is wrong and what to do.
    other : Path, optional
        The other file of a pair.
    """

    severity: Severity
    kind: str
    file: Path
    message: str
    other: Path | None = None


def by_kind(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Put findings of one severity and kind together, errors first, each kind in the order in which it was found."""
    kinds: dict[tuple[str, str], list[Finding]] = {}
    for severity in get_args(Severity):
        for finding in findings:
            if finding.severity == severity:
                kinds.setdefault((severity, finding.kind), []).append(finding)
    return list(kinds.values())
