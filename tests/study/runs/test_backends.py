"""Backends do the same runs, whatever happens to their workers."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from prismseg.base import ConfigError
from prismseg.cli.main import app
from prismseg.study import BACKENDS, KINDS, Run, StudyKind, execute


class Settings(BaseModel):
    """Nothing to set."""


def answer(settings, folder):
    return pd.DataFrame({"measure": ["answer"], "value": [42]})


def test_a_backend_is_added_with_one_registration(tmp_path):
    asked = []

    @contextmanager
    def use_queue(jobs, address):
        """Use a queue."""
        asked.append((jobs, address))
        yield {"n_jobs": 1}

    with BACKENDS.temporarily("queue", use_queue), KINDS.temporarily("test", StudyKind(Settings, answer, dict)):
        options = {"backend": "queue", "jobs": 3, "address": "here", "show_progress": False}
        assert execute("test", [Run({}, {}, "key")], tmp_path, **options) == {"done": 1}
        assert "queue" in CliRunner().invoke(app, ["study", "run", "--help"]).output
    assert asked == [(3, "here")]


def test_unknown_backends_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no backend 'slurm'; choose one of loky, ray, dask, sequential"):
        execute("kernel", [], tmp_path, backend="slurm")


SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import tests.study.runs.killing as killing
from prismseg.study import execute
print(dict(execute("killing", killing.runs({log!r}), Path({out!r}), backend={backend!r}, jobs=2, show_progress=False)))
"""


@pytest.mark.parametrize("backend", ["loky", "dask", "ray"])
def test_a_killed_worker_loses_nothing(backend, tmp_path):
    """Six runs of which one kills its worker the first time: all are done, and none that was finished is done twice."""
    module = {"ray": "ray", "dask": "distributed", "loky": "joblib"}[backend]
    pytest.importorskip(module, reason=f"the extra [cluster] with {module} is not installed")
    root = str(Path(__file__).parents[3])
    script = SCRIPT.format(root=root, log=str(tmp_path / "log"), out=str(tmp_path / "out"), backend=backend)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([root, str(Path(root, "src"))])}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=280
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "{'done': 6}" in done.stdout
    begun = Counter((tmp_path / "log").read_text().split())
    # Number 3 twice; what the other worker was at may fall with it (loky stops all), what was finished may not.
    assert begun.pop("3") == 2 and sorted(begun) == ["0", "1", "2", "4", "5"]
    assert sum(count - 1 for count in begun.values()) <= 1
