"""Class-balanced sampling: weights by hand, how often cases come, exact resuming, and where it is refused."""

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError
from prismseg.data import open_dataset
from prismseg.train import Trainer
from prismseg.train.sampling import balanced, case_weights, draw_cases, find_classes
from prismseg.train.sources import CaseSource, SourceInputs

from .conftest import small_config


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """Twenty images of two classes; a vessel is in three of them."""
    root = tmp_path_factory.mktemp("rare")
    for part in ("images", "masks"):
        (root / part).mkdir()
    rng = np.random.default_rng(0)
    for number in range(20):
        mask = np.zeros((32, 32), np.uint8)
        mask[4:12, 4:12] = 1
        if number < 3:
            mask[20:23, 20:23] = 2
        Image.fromarray((100 * mask + rng.integers(0, 30, mask.shape)).astype(np.uint8)).save(
            root / "images" / f"p{number:02}.png"
        )
        Image.fromarray(mask).save(root / "masks" / f"p{number:02}.png")
    return root


def test_weights_by_hand():
    # Background in all three, nerve in two, vessel in one, a fourth class nowhere.
    shown = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]], bool)
    expected = [(1 / 3 + 1 / 2) / 3, (1 / 3 + 1 / 2 + 1) / 3, (1 / 3) / 3]
    np.testing.assert_allclose(case_weights(shown), expected)
    assert case_weights(np.zeros((4, 2), bool)).tolist() == [0.25] * 4


def test_cases_come_as_often_as_they_weigh():
    weights = np.array([0.5, 0.3, 0.1, 0.1])
    counts = np.array([np.bincount(draw_cases(weights, 5, step, seed=3), minlength=4) for step in range(2000)])
    np.testing.assert_allclose(counts.mean(0) / 5, weights, atol=0.01)
    assert (np.abs(counts - 5 * weights) < 1).all()  # in every step
    assert draw_cases(weights, 5, 7, seed=3) == draw_cases(weights, 5, 7, seed=3)
    assert any(draw_cases(weights, 5, step, 3) != draw_cases(weights, 5, step, 4) for step in range(5))


def test_rare_classes_come_more_often_and_are_told(rare):
    dataset, notes = open_dataset(rare), []
    assert find_classes(dataset, range(20)).sum(0).tolist() == [20, 20, 3]
    draw = balanced(dataset, range(20), notes)
    drawn = [case for step in range(400) for case in draw(4, step, 0)]
    share = np.isin(drawn, [0, 1, 2]).mean()
    assert share == pytest.approx((3 / 20 + 3 / 20 + 1) / 3, abs=0.02)
    assert notes == [
        f"Balanced sampling: the 3 of 20 training images that show {dataset.classes[2]} make up 43% of the images of a "
        "step."
    ]
    plain = CaseSource(SourceInputs(None, range(20), 4, 0))
    usual = [case for step in range(400) for case in plain.numbers(step)]
    assert np.isin(usual, [0, 1, 2]).mean() == pytest.approx(0.15, abs=0.01)


def test_a_run_that_is_cut_and_resumed_learns_the_same(rare, tmp_path, monkeypatch):
    config = small_config(rare, optim={"sampling": "balanced", "steps": 4}, checkpoint_every=1)
    Trainer(config, tmp_path / "whole").fit(show_progress=False)
    cut = Trainer(config, tmp_path / "cut")
    usual = cut.step

    def failing(step):
        if step == 2:
            raise KeyboardInterrupt
        return usual(step)

    monkeypatch.setattr(cut, "step", failing)
    with pytest.raises(KeyboardInterrupt):
        cut.fit(show_progress=False)
    Trainer(config, tmp_path / "cut", resume=True).fit(show_progress=False)
    whole, resumed = (tmp_path / name / "model" / "model.safetensors" for name in ("whole", "cut"))
    assert whole.read_bytes() == resumed.read_bytes()
    assert "sampling" not in small_config(rare).model_dump(mode="json")["optim"]


def test_it_is_refused_where_no_cases_are_drawn(rare, tmp_path):
    source = {"kind": "phantoms", "domains": ["ellipse"]}
    config = small_config(rare, optim={"sampling": "balanced"}, source=source, size=(96, 128))
    with pytest.raises(
        ConfigError, match=r"chooses among training cases, and this run draws its images otherwise"
    ):
        Trainer(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
