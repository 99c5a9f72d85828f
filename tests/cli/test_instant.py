"""What `prismseg instant` refuses before it fits anything."""

import pytest
from tests.conftest import write_discs
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError
from prismseg.cli.main import app


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--pool", "data"], ConfigError, "how many to suggest with --suggest"),
        (["--pool", "nowhere", "--suggest", "2"], DataError, "no file or folder nowhere"),
        (["--suggest", "-1"], SystemExit, "2"),
    ],
)
def test_wrong_suggestions_are_refused_at_once(tmp_path, monkeypatch, words, error, message):
    monkeypatch.chdir(tmp_path)
    write_discs(tmp_path / "data", patients=3, images=1)
    result = CliRunner().invoke(app, ["instant", "data", "--encoder-weights", "none", *words, "--out", "run"])
    assert isinstance(result.exception, error) and message in str(result.exception)
    assert not (tmp_path / "run").exists()
