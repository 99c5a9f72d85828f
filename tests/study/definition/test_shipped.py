"""Studies that are part of prismseg are found by name, from anywhere."""

import pytest
import yaml

from prismseg.base import ConfigError, ConfigNotFoundError, OutputError
from prismseg.study import KINDS, copy_study, default_folder, expand, find_study, list_studies, read_study
from tests.study.examples import write_study

NAMES = [shipped.name for shipped in list_studies()]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quick", [False, True])
def test_every_one_can_be_run(name, quick):
    file = yaml.safe_load(find_study(name).read_text())
    data = "images" if "null" in find_study(name).read_text().partition("grid:")[0] else None
    study = read_study(name, quick=quick, data=data)
    (shipped,) = [each for each in list_studies() if each.name == name]
    assert len(expand(study)) == (shipped.quick_runs if quick else shipped.runs)
    assert study.kind == file["kind"] in KINDS


@pytest.mark.parametrize(("name", "sizes"), [("usgra", 2), ("thermalfeet", 1), ("nuclei", 2)])
def test_skips_are_compared_on_equal_terms(name, sizes):
    """One architecture at full width, the same rates tried for each skip and fold, the same folds for every seed."""
    study = read_study(name, data=None if name == "thermalfeet" else "images")
    runs = expand(study)
    assert len(runs) == sizes * 3 * 5 * 3
    models = {tuple(run.settings["model"].get(key) for key in ("arch", "width", "encoder")) for run in runs}
    assert models == {("unet", 1.0, None)}
    terms: dict[str, set[str]] = {}
    for run in runs:
        rest = {key: value for key, value in run.settings.items() if key not in ("model", "seed")}
        terms.setdefault(run.labels["skip"], set()).add(f"{run.labels['seed']} {rest}")
    assert len({frozenset(each) for each in terms.values()}) == 1
    trials = {trial.key: trial for run in runs for trial in KINDS[study.kind].list_first(study.kind, run.settings)}
    assert len(trials) == sizes * 3 * 3 * (3 * 2)  # skips, folds, rates on inner folds; shared by seeds
    assert (study.primary.value, study.primary.reference) == ("crffg M3", "conv M3")


def test_none_reads_data_from_outside():
    """A path in a study lies below the working directory, or is left to --data."""
    for name in NAMES:
        text = find_study(name).read_text()
        assert ".." not in text and "path: /" not in text, name


def test_a_file_of_that_name_is_not_taken_unnoticed(tmp_path):
    (tmp_path / "kernel").write_text("title: Mine\nkind: kernel\n")
    assert read_study("kernel").title != "Mine"
    assert read_study("./kernel").title == "Mine"


def test_an_unknown_name_leads_to_a_known_one():
    with pytest.raises(ConfigNotFoundError, match=r"kernel-sigma.*Did you mean kernel"):
        find_study("kernal")
    with pytest.raises(ConfigNotFoundError, match="is part of prismseg: prismseg study run usgra"):
        read_study("studies/usgra.yaml")


def test_data_that_are_left_open_must_be_named():
    with pytest.raises(
        ConfigError, match=r"usgra needs data. Frames of .*--data FOLDER, or write it into data.path"
    ):
        read_study("usgra", quick=True)
    assert read_study("usgra", quick=True, data="mine").base["data"]["path"] == "mine"
    assert read_study("fashion", data="mine").base["folder"] == "mine"
    assert read_study("weights", data="mine").base["training"]["data"] == {"path": "mine"}


def test_data_of_ones_own_study_can_be_replaced(tmp_path):
    path = write_study(tmp_path)
    assert read_study(path).base["data"]["path"] == "nowhere"
    assert {run.settings["data"]["path"] for run in expand(read_study(path, data="here"))} == {"here"}


def test_data_that_would_not_be_read_are_refused():
    with pytest.raises(ConfigError, match="kernel reads no data"):
        read_study("kernel", data="mine")
    with pytest.raises(ConfigError, match=r"simulates its data.*leave out simulate"):
        read_study("thermalfeet", data="mine")


def test_a_copy_is_the_same_study_and_replaces_nothing(tmp_path):
    path = copy_study("kernel")
    assert path.name == "kernel.yaml" and path.read_text() == find_study("kernel").read_text()
    with pytest.raises(OutputError, match="already"):
        copy_study("kernel")
    assert copy_study("kernel", tmp_path / "mine.yaml").stem == "mine"
    assert default_folder("./mine.yaml").name == "study-mine"
    assert default_folder("kernel", quick=True).name == "study-kernel-quick"
