from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("dying.py")


@pytest.mark.parametrize("act", ["capture", "correct", "exclude", "open"])
def test_stopped_at_any_step_an_act_is_done_whole_or_not_at_all(tmp_path: Path, act: str) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), act], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    assert "before COMMIT" in steps and len(steps) > 15
    if act != "open":
        assert {"after COMMIT", "half of an audit line", "before fsync", "after the audit file"} <= set(steps)
    if act in ("capture", "correct"):
        assert {"before replace", "after replace"} <= set(steps)
