"""Version of the installed package, and of its code."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

VERSION = version("prismseg")


@cache
def sources_digest(*rooms: str) -> str:
    """Hash of the source files of some rooms of this package, such as "nets": another one means other code."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
