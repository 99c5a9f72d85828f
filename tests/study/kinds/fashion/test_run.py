"""Classifiers of small pictures, and the choice of images by hand."""

import gzip
import struct

import numpy as np
import pytest
from sklearn.metrics import f1_score

from prismseg.base import ConfigError, DataError
from prismseg.study import KINDS
from prismseg.study.kinds.fashion.run import classification_measures, nested_subset, run_fashion
from prismseg.study.kinds.fashion.settings import FashionSettings, FrozenSettings


def test_subsets_are_nested_and_balanced():
    labels = np.random.default_rng(0).integers(0, 5, 500)
    small, large = nested_subset(labels, 33, seed=2), nested_subset(labels, 120, seed=2)
    np.testing.assert_array_equal(large[:33], small)
    assert len(set(large)) == 120 and set(np.bincount(labels[large])) == {24}
    assert not np.array_equal(small, nested_subset(labels, 33, seed=3))
    with pytest.raises(ConfigError, match="only 500"):
        nested_subset(labels, 501, seed=0)


def test_measures_by_hand():
    found = classification_measures(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    assert found["accuracy"] == 0.75 and found["recall"] == 0.75
    assert found["precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["f1"] == pytest.approx(f1_score([0, 0, 1, 1], [0, 1, 1, 1], average="macro"))


@pytest.fixture
def tiny(tmp_path):
    """Two kinds of pictures as the four files of Fashion-MNIST: stripes that lie and stripes that stand."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 40)):
        labels = np.arange(count) % 2
        stripes = np.tile(np.where(np.arange(28) % 4 < 2, 200, 30), (28, 1))
        images = np.stack([stripes if label else stripes.T for label in labels]) + rng.integers(
            0, 50, (count, 28, 28)
        )
        data = {
            "images-idx3": (struct.pack(">4I", 2051, count, 28, 28), images),
            "labels-idx1": (struct.pack(">2I", 2049, count), labels),
        }
        for name, (head, values) in data.items():
            with gzip.open(tmp_path / f"{part}-{name}-ubyte.gz", "wb") as file:
                file.write(head + values.astype(np.uint8).tobytes())
    return tmp_path


@pytest.mark.parametrize("method", ["cnn", "crffg", "cnn+rff", "frozen"])
def test_every_method_tells_stripes_apart_and_repeats_itself(method, tiny, tmp_path):
    frozen = FrozenSettings(filters=16, grid=3)
    settings = FashionSettings(
        method=method, images=20, folder=tiny, epochs=1, fewest_steps=8, batch_size=10, frozen=frozen
    )
    (tmp_path / "a").mkdir()
    first, second = (run_fashion(settings, tmp_path / "a") for _ in range(2))
    assert first.equals(second)
    assert first.set_index("measure").loc["accuracy", "value"] >= (0.95 if method == "frozen" else 0.5)
    assert (tmp_path / "a" / "predictions.csv").is_file()


def test_absent_data_say_where_they_come_from(tmp_path):
    with pytest.raises(DataError, match="dataset-fashion-mnist"):
        run_fashion(FashionSettings(folder=tmp_path / "none"), tmp_path)
    with pytest.raises(ConfigError, match="no preset 'thesis'"):
        KINDS["fashion"].check({"method": "frozen", "preset": "thesis"})
