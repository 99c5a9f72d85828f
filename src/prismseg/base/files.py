"""Files that are either whole or absent: temporary name, fsync, rename."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prismseg.base.errors import ConfigError, ConfigNotFoundError, OutputError, PrismsegError
from prismseg.base.messages import Message

_REMEDIES = {
    errno.ENOSPC: Message("the disk is full; free some space or choose another output folder"),
    errno.EDQUOT: Message("your disk quota is used up; free some space or choose another output folder"),
    errno.EROFS: Message("the file system is read-only; choose another output folder"),
    errno.EACCES: Message("you may not write there; choose another output folder or change its permissions"),
    errno.EPERM: Message("you may not write there; choose another output folder or change its permissions"),
    errno.ENOTDIR: Message("a part of that path is a file, not a folder; choose another output folder"),
    errno.EEXIST: Message("a file of that name stands where a folder is needed; choose another output folder"),
    errno.EISDIR: Message("a folder of that name is in the way; remove it or choose another name"),
}


def output_error(path: Path, error: OSError) -> OutputError:
    """Turn an operating-system error met while writing `path` into one that says what to do."""
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    return OutputError(Message("Cannot write {path}: {remedy}.", path=path, remedy=remedy))


def make_folder(path: str | Path, *, private: bool = False) -> Path:
    """Create `path` and its parents; an `OutputError` says why it cannot be.

    A private folder is for its user alone; one that is there already stays as it is.
    """
    path = Path(path)
    try:
        path.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    return path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it into place when the block succeeds.

    The temporary keeps the suffix of `path`, since many writers choose their format by it. The content is
    fsynced before the rename and the folder after it, so a crash leaves the old file or the new one.

    Raises
    ------
    OutputError
        When the operating system refuses to write; the temporary is removed.
    """
    target = Path(path)
    make_folder(target.parent)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        sync(temporary)
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
        sync(target.parent)
    except PrismsegError:  # raised in the block; some are OSErrors too
        raise
    except OSError as error:
        raise output_error(target, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_bytes(path: str | Path, content: bytes) -> Path:
    """Write `content` to `path` atomically and return the path."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return Path(path)


def write_text(path: str | Path, content: str) -> Path:
    """Write `content` to `path` as UTF-8, atomically, and return the path.

    What is no text, as in a file's name of other bytes, becomes a question mark.
    """
    return write_bytes(path, content.encode(errors="replace"))


def write_json(path: str | Path, content: Any) -> Path:
    """Write `content` to `path` as indented JSON, atomically, and return the path."""
    return write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_text(path: str | Path) -> str:
    """Read a UTF-8 text file; a `ConfigError` says why it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigNotFoundError(Message("There is no file {path}.", path=path)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            Message("{path} cannot be read as a text file ({error}).", path=path, error=error)
        ) from error


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a `ConfigError` names the file and the place of a syntax error."""
    text = read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(
            Message("{path} is not valid JSON ({error}); restore it or write it anew.", path=path, error=error)
        ) from error
