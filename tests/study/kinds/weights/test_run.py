"""A small network beside its untrained twin."""

import numpy as np
import pandas as pd
import pytest

from prismseg.base import ModelError
from prismseg.nets import create_model, load_model
from prismseg.study.kinds.weights.figures import draw_weights
from prismseg.study.kinds.weights.layers import compare_weights
from prismseg.study.kinds.weights.run import run_weights, untrained_twin
from prismseg.study.kinds.weights.settings import WeightsSettings
from prismseg.train.config import make_config, write_config


def settings(root, **training):
    base = {
        "data": {"path": str(root / "data"), "channels": 1, "classes": ["background", "foot"]},
        "simulate": {"sessions": 6, "size": [48, 64]},
        "size": [32, 32],
        "model": {"width": 0.25},
        "optim": {"steps": 4, "batch_size": 2},
        "split": {"fractions": [0.5, 0.2, 0.3]},
        "evaluate_every": 4,
        "compile": "no",
        "seed": 7,
    }
    return WeightsSettings.model_validate({"training": base | training})


def test_the_twin_is_where_training_began(tmp_path):
    """With hardly any learning rate the trained network is its twin, and with another seed it is not."""
    still = {"steps": 2, "batch_size": 2, "lr": 1e-12, "weight_decay": 0.0}
    table = run_weights(settings(tmp_path, optim=still), tmp_path / "work")
    changes = table[table["measure"].isin(("weight_change", "phase_change"))]
    assert len(changes) == 2 * 5 and changes["value"].max() < 1e-6
    trained = load_model(tmp_path / "work" / "run" / "model")
    trained.metadata["training"]["seed"] = 8
    other = compare_weights(untrained_twin(trained), trained)
    assert other.query("measure == 'weight_change'")["value"].min() > 1
    # Version 0.1 drew weights by another rule; its networks have no twin that could be drawn.
    del trained.metadata["training"]["weight_streams"]
    with pytest.raises(ModelError, match="another rule"):
        untrained_twin(trained)


def test_layers_that_were_fitted_to_data_have_no_twin_that_could_be_drawn():
    fitted = create_model("unet", "crffg_whitened", width=0.25, seed=3)
    fitted.metadata = {"training": {"seed": 3, "weight_streams": 1}}
    with pytest.raises(ModelError, match=r"\(crffg_whitened\) were fitted to the first training batch"):
        untrained_twin(fitted)


def test_the_twin_of_a_network_that_went_on_is_the_one_it_began_from(tmp_path):
    first = create_model("unet", "crffg", width=0.25, seed=3)
    first.save_pretrained(tmp_path / "first")
    going_on = create_model("unet", "crffg", width=0.25, seed=4)
    going_on.metadata = {"training": {"initial": "first", "seed": 0, "weight_streams": 1}}
    going_on.save_pretrained(tmp_path / "run" / "model")
    with pytest.raises(ModelError, match="began from the network first"):
        run_weights(WeightsSettings(source=str(tmp_path / "run" / "model")), tmp_path)
    config = make_config({"data": {"path": "x"}, "initial": str(tmp_path / "first")})
    write_config(tmp_path / "run" / "config.yaml", config)
    table = run_weights(WeightsSettings(source=str(tmp_path / "run")), tmp_path)
    expected = compare_weights(first, going_on)
    pd.testing.assert_frame_equal(table, expected)


def test_a_run_trains_measures_and_draws(tmp_path):
    table = run_weights(settings(tmp_path), tmp_path / "work")
    assert {"dice", "ks_p_after", "spectrum_before", "norms_law"} <= set(table["measure"])
    assert table.query("measure == 'weight_change'")["value"].min() > 0
    again = run_weights(WeightsSettings(source=str(tmp_path / "work" / "run")), tmp_path / "again")
    weights = table[table["layer"] != ""].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, weights, check_dtype=False)
    arrays = np.load(tmp_path / "again" / "weights.npz")
    assert arrays["skips.0.frequencies.before"].shape == (2, 18)
    for name in ("norms_after", "phases_after"):
        curve = table[(table["measure"] == name) & (table["layer"] == "skips.1")]
        assert curve["value"].sum() * curve["x"].diff().iloc[-1] == pytest.approx(1)
    law = table[(table["measure"] == "norms_law") & (table["layer"] == "skips.1")]
    assert law["value"].sum() * law["x"].diff().iloc[-1] == pytest.approx(1, abs=0.01)
    both = pd.concat([table.assign(seed="0", arch="unet"), table.assign(seed="0", arch="another one")])
    figures = draw_weights(both)
    kinds = ("norms", "phases", "spectrum")
    assert set(figures) == {f"{kind}-{name}" for kind in kinds for name in ("unet", "another-one")} | {"layers"}
    for name, figure in (figures | draw_weights(table)).items():
        figure.savefig(tmp_path / f"{name}.png")
