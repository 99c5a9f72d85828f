import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import SHARED_DATA

SCRIPT = Path(__file__).with_name("fuzz_readers.py")
INPUTS = 2500


@pytest.mark.timeout(180)
def test_damaged_files_are_read_or_refused_quickly_and_in_little_memory(tmp_path):
    samples = SHARED_DATA / "flir_radiometric"
    arguments = [str(tmp_path), str(INPUTS), "1", *([str(samples)] if samples.is_dir() else [])]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert result["escaped"] == []
    assert result["inputs"] >= INPUTS and result["refused"] > INPUTS / 2 and result["frames"] > INPUTS / 20
    assert result["peak_mib"] <= 200
    # A hundred times what the slowest takes; a loop without end would exceed it on any machine.
    assert result["slowest_seconds"] < 25, result["slowest"]
