"""A network is found by one function, whatever names it."""

import warnings
from pathlib import Path

import pytest
import torch

from prismseg import train
from prismseg.base import ModelError
from prismseg.nets import (
    SHIPPED,
    SegmentationModel,
    create_model,
    fetch_model,
    find_model,
    load_model,
    results_folder,
)
from prismseg.nets.storage.files import hash_weights
from prismseg.nets.storage.lookup import list_folds


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Folder of a training run with a network in it."""
    root = tmp_path_factory.mktemp("run")
    model = create_model("unet", width=0.25, seed=0)
    model.metadata = {"classes": ["background", "nerve"]}
    model.save_pretrained(root / "model")
    (root / "config.yaml").write_text("")
    return root


@pytest.fixture
def folds(tmp_path):
    for number in (10, 2):
        create_model("unet", width=0.125, seed=0).save_pretrained(tmp_path / f"fold-{number}" / "model")
        (tmp_path / f"fold-{number}" / "config.yaml").write_text("")
    (tmp_path / "fold-3").mkdir()
    return tmp_path


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_run_and_its_network_are_the_same(run, kind):
    assert find_model(kind(run)) == find_model(kind(run / "model")) == run / "model"
    assert fetch_model(kind(run)) == run / "model"
    weights = load_model(kind(run)).state_dict()
    expected = load_model(kind(run / "model")).state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert SegmentationModel.from_pretrained(kind(run)).metadata == {"classes": ["background", "nerve"]}


def test_a_name_means_the_shipped_network_and_a_path_the_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    create_model("fcn", width=0.125, seed=0).save_pretrained("thermal-feet")
    assert find_model("thermal-feet") == SHIPPED["thermal-feet"] != tmp_path / "thermal-feet"
    assert load_model("thermal-feet").settings.arch == "ensemble"
    for folder in ("./thermal-feet", Path("thermal-feet"), tmp_path / "thermal-feet"):
        assert load_model(folder).settings.arch == "fcn"
    monkeypatch.chdir(run)
    assert load_model(Path("thermal-feet")).settings.arch == "ensemble"


def test_the_folds_of_a_cross_validation_are_named(folds):
    assert list_folds(folds) == [folds / "fold-2", folds / "fold-10"]
    for find in (find_model, fetch_model, load_model):
        with pytest.raises(ModelError, match=r"cross-validation of 2 networks.*fold-2.model, .*fold-10.model"):
            find(folds)
    assert load_model(folds / "fold-10").settings.width == 0.125


def test_folders_without_a_network_say_what_was_looked_for(tmp_path):
    with pytest.raises(ModelError, match=r"no trained network in .*it holds model/.*config\.json"):
        find_model(tmp_path)
    (tmp_path / "weights.pt").touch()
    with pytest.raises(ModelError, match=r"weights\.pt could run code"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.*thermal-feet"):
        find_model(tmp_path / "nowhere")


def test_the_hub_is_asked_for_names_that_are_no_paths(tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(name, revision, allow_patterns):
        asked.append((name, revision))
        raise huggingface_hub.errors.LocalEntryNotFoundError("the hub cannot be reached")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"no folder owner/name.*hub cannot be reached"):
        fetch_model("owner/name", "v1")
    for path in ("name", "./owner/name", "a/b/c", "/owner/name", "../name"):
        with pytest.raises(ModelError, match="no folder"):
            fetch_model(path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    with pytest.raises(ModelError, match="no trained network"):
        fetch_model("owner/name")
    assert asked == [("owner/name", "v1")]


def test_results_lie_beside_the_network(run, folds, tmp_path):
    assert results_folder(run) == results_folder(run / "model") == run
    assert results_folder(folds) == folds
    assert str(results_folder("thermal-feet")) == "."


def test_weights_have_a_hash(run, folds):
    first = hash_weights(run / "model")
    assert len(first) == 64 and first == hash_weights(run / "model") != hash_weights(folds / "fold-2" / "model")


def test_the_old_name_warns_and_works(run):
    with pytest.warns(DeprecationWarning, match=r"prismseg\.nets\.find_model"):
        assert train.find_model is find_model
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_model(run) == run / "model"
