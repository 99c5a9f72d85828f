"""Names that left prismseg.train still lead to where they are now, with a warning, for one version."""

import importlib

import pytest

import prismseg.train

MOVED = {
    "Predictor": "prismseg.inference",
    "Prediction": "prismseg.inference",
    "PredictionReport": "prismseg.inference",
    "predict_files": "prismseg.inference",
    "case_metrics": "prismseg.evaluation",
    "summarize": "prismseg.evaluation",
    "evaluate": "prismseg.evaluation",
    "find_model": "prismseg.nets",
}


@pytest.mark.parametrize("name", MOVED)
def test_names_that_moved(name):
    with pytest.warns(DeprecationWarning, match=f"{MOVED[name]}.{name}"):
        found = getattr(prismseg.train, name)
    assert found is getattr(importlib.import_module(MOVED[name]), name)
    assert name not in prismseg.train.__all__


def test_a_trial_is_an_evaluated_network():
    with pytest.warns(DeprecationWarning, match=r"prismseg\.evaluation\.EvaluatedNetwork"):
        from prismseg.train import Trial
    network = Trial(predictor=None, cases=(1, 2))
    assert network.name == "network" and network.parts == ()
