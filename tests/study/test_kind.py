"""A kind of study that another package adds with one registration."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from prismseg.base import ConfigError
from prismseg.base.provenance.sources import code_of
from prismseg.cli.main import app
from prismseg.study import KINDS, RunStore, expand, read_study, stale_runs

MODULE = """
import pandas as pd
from pydantic import BaseModel

from coins.odds import chance
from prismseg.study import StudyKind


class CoinSettings(BaseModel):
    heads: float = 0.5


def toss(settings, folder):
    return pd.DataFrame({"measure": ["heads"], "value": [chance(settings.heads)]})


COIN = StudyKind(CoinSettings, toss, draw=lambda rows: {})
"""


@pytest.fixture
def coins(tmp_path, monkeypatch):
    """A package with a kind of study, and a file that uses it."""
    package = tmp_path / "coins"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "kind.py").write_text(MODULE)
    (package / "odds.py").write_text("def chance(heads):\n    return heads\n")
    study = {"title": "Coins", "kind": "coin", "grid": {"heads": {"heads": [0.25, 0.5]}}, "measures": ["heads"]}
    (tmp_path / "coins.yaml").write_text(yaml.safe_dump(study))
    monkeypatch.syspath_prepend(str(tmp_path))
    with KINDS.temporarily("coin", "coins.kind:COIN"):
        yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "coins"]:
        del sys.modules[name]


def test_it_is_run_reported_and_watched_for_changes(coins):
    command = ["study", "run", str(coins / "coins.yaml"), "--out", str(coins / "out"), "--backend", "sequential"]
    result = CliRunner().invoke(app, [*command, "--quiet"])
    assert result.exit_code == 0 and "2 done" in result.output, result.output
    runs, store = expand(read_study(coins / "coins.yaml")), RunStore(coins / "out")
    assert [store.results(run)["value"].item() for run in runs] == [0.25, 0.5]
    assert "Coins" in (coins / "out" / "report" / "study.html").read_text()
    code_of.cache_clear()
    assert stale_runs("coin", store, runs) == {}
    (coins / "coins" / "odds.py").write_text("def chance(heads):\n    return 1 - heads\n")
    code_of.cache_clear()
    assert set(map(tuple, stale_runs("coin", store, runs).values())) == {("code changed: coins.odds",)}
    code_of.cache_clear()


def test_an_unknown_kind_is_refused_with_those_there_are(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("title: Cakes\nkind: cooking\n")
    with pytest.raises(ConfigError, match="kind: Input should be 'segmentation', 'fashion', 'kernel'") as error:
        read_study(path)
    assert all(f"'{kind}'" in str(error.value) for kind in KINDS)


def test_a_study_is_listed_and_checked_without_torch(tmp_path):
    code = (
        "import sys, prismseg.study as s\n"
        "assert len(s.list_studies()) > 5\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules\n"
    )
    source = Path(__file__).parents[2] / "src"
    command, options = [sys.executable, "-c", code], {"env": {"PYTHONPATH": str(source)}, "cwd": tmp_path}
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
