"""Memory that is given back to the system after each use has to be cleared anew by it: keep it instead."""

from __future__ import annotations

import ctypes
import platform

# Numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let this process reuse freed memory instead of returning it to the operating system.

    By default glibc maps every block above 32 MiB afresh, so each activation of a CPU training step costs page
    faults that take longer than the arithmetic: without them a U-Net step takes about 0.6 of its
    time (``benchmarks/speed.py`` prints both). The setting holds for the whole process.

    Returns
    -------
    bool
        Whether the C library could be set; other libraries than glibc are left alone.
    """
    library = _glibc()
    if library is None:
        return False
    return bool(library.mallopt(_MMAP_MAX, 0)) and bool(library.mallopt(_TRIM_THRESHOLD, _NEVER))


def release_memory() -> bool:
    """Return to the operating system what is freed and was kept.

    Where work goes on for as long as an image has pieces, what is kept breaks up into parts of which none is large enough
    for the next piece, so that a process grows to several times what it needs (``benchmarks/large.py``).

    Returns
    -------
    bool
        Whether memory was returned; other libraries than glibc are left alone.
    """
    library = _glibc()
    return library is not None and bool(library.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
