"""Learning from the masks of all annotators: each as often as the others, and resumed exactly."""

import numpy as np
import pytest
import torch
from PIL import Image

from prismseg.base import ConfigError
from prismseg.data import Preprocess, TensorCache, open_dataset
from prismseg.train import Trainer

from .conftest import small_config
from .test_loop import assert_equal_runs

PEOPLE = ("anna", "ben", "cleo")


@pytest.fixture
def drawn(tmp_path):
    """Four images; each of three people drew another column of squares, of the last image one alone."""
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 255, (32, 32), dtype=np.uint8)
        for folder in ("images", *(f"masks/{name}" for name in (PEOPLE if number < 3 else PEOPLE[:1]))):
            (tmp_path / "data" / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "data" / "images" / f"p{number}.png")
        for column, name in enumerate(PEOPLE if number < 3 else PEOPLE[:1]):
            mask = np.zeros((32, 32), np.uint8)
            mask[:, 8 * column : 8 * column + 12] = 1
            Image.fromarray(mask).save(tmp_path / "data" / "masks" / name / f"p{number}.png")
    return tmp_path / "data"


@pytest.mark.parametrize("max_mib", [0, 100])
def test_each_annotator_is_drawn_as_often_as_the_others(drawn, max_mib):
    dataset = open_dataset(drawn)
    cache = TensorCache(dataset, Preprocess((32, 32), 1), max_mib=max_mib)
    torch.manual_seed(0)
    count = 600
    mean = sum(cache.batch([0], annotators=True)[1][0].double() for _ in range(count)) / count
    soft = np.mean([*dataset.annotations(0).values()], axis=0)
    assert np.abs(mean.numpy() - soft).max() < 5 * np.sqrt(2 / 9 / count)  # five standard errors
    one = torch.from_numpy(dataset[3].mask).long()
    assert torch.equal(cache.batch([3], annotators=True)[1][0], one)  # whom one person drew
    assert torch.equal(cache.batch([0])[1][0], torch.from_numpy(dataset[0].mask).long())


def test_a_cut_run_is_resumed_exactly(drawn, tmp_path, monkeypatch):
    config = small_config(
        drawn, soft_labels=True, split={"fractions": (0.5, 0.5, 0.0)}, optim={"steps": 4, "batch_size": 2}
    )
    whole = Trainer(config, tmp_path / "whole")
    whole.fit(show_progress=False)
    assert whole.network.metadata["training"]["soft_labels"] is True
    cut = Trainer(config, tmp_path / "cut")
    original = cut.step
    monkeypatch.setattr(cut, "step", lambda step: original(step) if step < 2 else 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cut.fit(show_progress=False)
    Trainer(config, tmp_path / "cut", resume=True).fit(show_progress=False)
    assert_equal_runs(tmp_path / "whole", tmp_path / "cut")


def test_soft_labels_need_annotators(drawn, discs, tmp_path):
    values = {"soft_labels": True, "split": {"fractions": (0.5, 0.5, 0.0)}, "optim": {"batch_size": 2}}
    with pytest.raises(ConfigError, match="no soft labels"):
        Trainer(small_config(discs, soft_labels=True), tmp_path / "run")
    with pytest.raises(ConfigError, match="leave one out"):
        config = small_config(drawn, **values)
        one = config.model_copy(update={"data": config.data.model_copy(update={"annotators": "anna"})})
        Trainer(one, tmp_path / "run")
    assert not (tmp_path / "run").exists()
