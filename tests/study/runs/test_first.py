"""Runs that come first: each is done once, before those that choose by it, and its failure is theirs."""

from pathlib import Path

import pandas as pd
import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from prismseg.base import DataError
from prismseg.cli.main import app
from prismseg.study import KINDS, Run, RunStore, StudyKind, execute, expand, read_study
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.runner import do_run


class Settings(BaseModel):
    """A run that takes the best of three trials, and a seed that its trials do not have."""

    skip: str = "none"
    seed: int = 0
    trial: int | None = None
    log: str = ""
    fail: bool = False


def first(settings):
    if settings.trial is not None:
        return {}
    own = settings.model_dump() | {"seed": 0}
    return {f"number {number}": own | {"trial": number} for number in range(3)}


def act(settings, folder, first):
    with Path(settings.log).open("a") as file:
        file.write(
            f"{settings.skip} {settings.trial if settings.trial is not None else f'seed {settings.seed}'}\n"
        )
    if settings.trial is None:
        best = max(table["value"].item() for table in first)
        return pd.DataFrame({"measure": ["best"], "value": [best + settings.seed]})
    if settings.fail:
        raise DataError("The trial went wrong.")
    return pd.DataFrame(
        {"measure": ["score"], "value": [{"none": 0, "conv": 10}[settings.skip] + settings.trial % 2]}
    )


KIND = StudyKind(Settings, act, draw=lambda rows: {}, first=first)


@pytest.fixture(autouse=True)
def kind():
    with KINDS.temporarily("test", KIND):
        yield


def make_study(folder, **base):
    lines = [
        "title: Trials",
        "kind: test",
        f"base: {{log: '{folder / 'log'}'{''.join(f', {key}: {value}' for key, value in base.items())}}}",
        "grid: {skip: {skip: [none, conv]}, seed: {seed: [0, 1]}}",
        "measures: [best]",
    ]
    (folder / "trials.yaml").write_text("\n".join(lines) + "\n")
    return folder / "trials.yaml"


def done(folder):
    return (folder / "log").read_text().splitlines()


def test_trials_are_shared_and_come_before_the_runs_that_choose_by_them(tmp_path):
    runs = expand(read_study(make_study(tmp_path)))
    assert execute("test", runs, tmp_path / "out", backend="sequential", show_progress=False) == {"done": 4}
    lines = done(tmp_path)
    assert sorted(lines[:6]) == [f"{skip} {number}" for skip in ("conv", "none") for number in range(3)]
    assert sorted(lines[6:]) == ["conv seed 0", "conv seed 1", "none seed 0", "none seed 1"]
    store = RunStore(tmp_path / "out")
    assert [store.results(run)["value"].item() for run in runs] == [1, 2, 11, 12]
    assert execute("test", runs, tmp_path / "out", backend="sequential", show_progress=False) == {"done": 4}
    assert len(done(tmp_path)) == 10, "nothing is done twice"


def test_a_trial_that_fails_fails_the_runs_that_need_it_until_it_works(tmp_path):
    runs = expand(read_study(make_study(tmp_path, fail="true")))
    assert execute("test", runs, tmp_path / "out", backend="sequential", show_progress=False) == {"failed": 4}
    reason = RunStore(tmp_path / "out").failure(runs[0])
    assert "trial number 0, which comes first, failed" in reason and "The trial went wrong." in reason
    assert not [line for line in done(tmp_path) if "seed" in line]


def test_a_run_waits_while_another_process_works_on_its_trial(tmp_path):
    run = expand(read_study(make_study(tmp_path)))[0]
    trials, store = KIND.list_first("test", run.settings), RunStore(tmp_path / "out")
    now = Provenance("prismseg 0", {})
    with store.claim(trials[1]):
        do_run(KIND, trials[0], store.root, now)
        do_run(KIND, run, store.root, now, trials)
    assert store.state(run) == "waiting" and done(tmp_path) == ["none 0"]


def test_status_counts_trials_apart_from_runs_of_other_settings(tmp_path):
    path = make_study(tmp_path)
    runs = expand(read_study(path))
    execute("test", runs[:2], tmp_path / "out", backend="sequential", show_progress=False)
    result = CliRunner().invoke(app, ["study", "status", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "2 done, 2 waiting" in result.output and "other settings" not in result.output
    assert "Trials that come first: 3 of 6 done" in result.output


def test_kinds_without_trials_have_none():
    plain = StudyKind(Settings, lambda settings, folder: pd.DataFrame(), draw=lambda rows: {})
    assert plain.list_first("plain", {}) == []
    assert plain.execute({}, Path()).empty


def test_the_names_of_trials_are_those_of_runs_with_their_settings():
    (trial, *_), settings = KIND.list_first("test", {"skip": "conv", "seed": 5}), {"skip": "conv", "trial": 0}
    assert trial == Run({"trial": "number 0"}, KIND.check(settings), KIND.hash("test", KIND.check(settings)))
