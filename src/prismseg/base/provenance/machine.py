"""The machine that numbers were made on, printed beside them."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

MAKES_NUMBERS = False  # see prismseg.base.provenance.sources

STABLE = (
    "The same command on the same machine with the same number of threads gives the same digits. Another processor, "
    "number of threads or torch version rounds differently, and trainings then drift apart: compare conclusions across "
    "machines, not digits."
)


class Machine(TypedDict):
    """What decides the last digits of a result."""

    cpu: str
    cores: int
    threads: int
    torch: str
    python: str


def this_machine() -> Machine:
    """Describe the machine that this process runs on."""
    return Machine(
        cpu=_processor(),
        cores=os.cpu_count() or 1,
        threads=_threads(),
        torch=_version("torch"),
        python=platform.python_version(),
    )


def describe_machine(machine: Machine) -> str:
    """Write a machine in a line.

    Examples
    --------
    >>> describe_machine(Machine(cpu="Z80", cores=1, threads=1, torch="2.6.0", python="3.11.2"))
    'Z80, 1 core, 1 thread, torch 2.6.0, Python 3.11.2'
    """
    cores, threads = machine["cores"], machine["threads"]
    return (
        f"{machine['cpu']}, {cores} core{'s' if cores != 1 else ''}, {threads} thread{'s' if threads != 1 else ''}, "
        f"torch {machine['torch']}, Python {machine['python']}"
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown processor"


def _threads() -> int:
    """Threads that torch computes with; before it is loaded, those that it will take."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) > 0 else os.cpu_count() or 1


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
