"""What a run of the weights study reads, and is found by."""

import pytest
from pydantic import ValidationError

from prismseg.nets import create_model
from prismseg.study import KINDS
from prismseg.study.kinds.weights.settings import WeightsSettings, source_files


def test_runs_that_earlier_versions_finished_are_found():
    """This name stands on the disks of users: a setting that is added or renamed must leave it as it is."""
    training = {
        "optim": {"steps": 4, "batch_size": 2},
        "size": [32, 32],
        "evaluate_every": 4,
        "compile": "no",
        "model": {"width": 0.25, "arch": "unet"},
        "split": {"fractions": [0.5, 0.2, 0.3]},
        "simulate": {"sessions": 6, "size": [48, 64]},
        "seed": 0,
    }
    kind = KINDS["weights"]
    assert kind.hash("weights", kind.check({"training": training})) == "3aff9c718d4aabc0"


def test_a_study_of_given_weights_reads_their_network(tmp_path):
    """Another network under the same name is other data; one that is trained on phantoms reads none."""
    create_model("unet", skip="crffg", width=0.25).save_pretrained(tmp_path / "model")
    given = WeightsSettings.model_validate({"source": str(tmp_path / "model")})
    assert "model.safetensors" in [path.name for path in source_files(given)]
    assert source_files(WeightsSettings()) == []


def test_settings_are_whole_and_checked():
    whole = WeightsSettings()
    assert whole.training is not None and whole.training.simulate.sessions == 12
    assert WeightsSettings.model_validate(whole.model_dump(mode="json")) == whole
    partial = WeightsSettings.model_validate({"training": {"seed": 3, "simulate": {"sessions": 2}}})
    assert (partial.training.seed, partial.training.simulate.sessions) == (3, 2)
    own = WeightsSettings.model_validate({"training": {"data": {"path": "mine"}}})
    assert own.training.simulate is None
    found = WeightsSettings(source="runs/a")
    assert found.training is None and WeightsSettings.model_validate(found.model_dump()) == found
    tuned = {"tune": {"values": [0.1, 0.01]}, "split": {"folds": 3, "fold": 0}}
    wrong = (
        {"source": "a", "training": {"seed": 1}},
        {"sauce": "a"},
        {"training": {"sed": 1}},
        {"training": tuned},
    )
    for values in wrong:
        with pytest.raises(ValidationError):
            WeightsSettings.model_validate(values)
