"""Where a report is written: a path, whole or not at all, or an open binary file."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from prismseg.base import write_bytes

Target = str | Path | IO[bytes]


def write_target(data: bytes, target: Target) -> None:
    """Write `data` to a path atomically, or into an open file."""
    if isinstance(target, str | Path):
        write_bytes(target, data)
    else:
        target.write(data)
