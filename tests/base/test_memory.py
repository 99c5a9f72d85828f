import platform
import subprocess
import sys

import pytest

from prismseg.base import keep_freed_memory
from prismseg.base.memory import release_memory

FAULTS = """
import sys, resource, torch
from prismseg.base import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
for _ in range(20):
    torch.ones(16, 1024, 1024)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be set")
def test_freed_blocks_are_not_faulted_in_again():
    faults = [
        int(subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, check=True).stdout)
        for mode in ("keep", "give back")
    ]
    # Twenty blocks of 64 MiB are 16,384 pages each.
    assert faults[1] - faults[0] > 10 * 16384


def test_other_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("musl", "1"))
    assert keep_freed_memory() is False and release_memory() is False


RELEASED = """
import numpy as np
from prismseg.base.memory import release_memory

def held():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) // 1024

# Blocks of 128 kB are below what glibc maps, and every other one stays: what is freed between them is kept.
blocks = [np.ones(12_800) for _ in range(2_000)]
blocks = blocks[::2]
before = held()
assert release_memory()
print(before - held())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_what_is_freed_between_blocks_that_stay_is_released():
    released = subprocess.run([sys.executable, "-c", RELEASED], capture_output=True, check=True).stdout
    assert int(released) > 60  # of 100 MB
