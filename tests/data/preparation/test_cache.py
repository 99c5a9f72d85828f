from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from prismseg.base import DataError
from prismseg.data import open_dataset
from prismseg.data.preparation.cache import TensorCache
from prismseg.data.preparation.preprocess import Preprocess

PREPARE = Preprocess((32, 32), 1)
CASE_BYTES = 32 * 32 * (4 + 1)  # float32 image and uint8 mask


class CountingDataset:
    """Stands in for a data set and counts how often each case is read."""

    def __init__(self, count=4):
        rng = np.random.default_rng(0)
        self.samples = [
            SimpleNamespace(
                image=rng.integers(0, 255, (20, 30, 1), dtype=np.uint8),
                mask=rng.choice([0, 1, 255], (20, 30)).astype(np.uint8),
                image_path=Path(f"case{number}.png"),
            )
            for number in range(count)
        ]
        self.reads = [0] * count

    def __getitem__(self, index):
        self.reads[index] += 1
        return self.samples[index]


def test_a_batch_holds_the_prepared_cases_in_the_asked_order():
    data = CountingDataset()
    images, masks = TensorCache(data, PREPARE).batch([2, 0, 2])
    assert images.shape == (3, 1, 32, 32)
    assert images.dtype == torch.float32
    assert masks.shape == (3, 32, 32)
    assert masks.dtype == torch.int64
    for row, case in enumerate([2, 0, 2]):
        assert torch.equal(images[row], PREPARE.image_tensor(data.samples[case].image))
        assert torch.equal(masks[row], PREPARE.mask_tensor(data.samples[case].mask))


def test_every_case_is_read_once():
    data = CountingDataset()
    cache = TensorCache(data, PREPARE)
    for _ in range(3):
        cache.batch([0, 1, 2, 3])
    assert data.reads == [1, 1, 1, 1]


def test_the_limit_is_kept_and_changes_no_value():
    data = CountingDataset()
    cache = TensorCache(data, PREPARE, max_mib=2.5 * CASE_BYTES / 2**20)
    first = cache.batch([0, 1, 2, 3])
    second = cache.batch([0, 1, 2, 3])
    assert data.reads == [1, 1, 2, 2]
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_no_memory_keeps_nothing():
    data = CountingDataset()
    cache = TensorCache(data, PREPARE, max_mib=0)
    cache.batch([0])
    cache.batch([0])
    assert data.reads[0] == 2


def test_changing_a_batch_leaves_the_cache_alone():
    cache = TensorCache(CountingDataset(), PREPARE)
    images, masks = cache.batch([0])
    expected = images.clone(), masks.clone()
    images.zero_()
    masks.zero_()
    again = cache.batch([0])
    assert torch.equal(again[0], expected[0])
    assert torch.equal(again[1], expected[1])


def test_faults_name_the_file():
    data = CountingDataset()
    data.samples[1].image = np.full((20, 30, 1), np.nan, dtype=np.float32)
    data.samples[2].mask = None
    cache = TensorCache(data, PREPARE)
    with pytest.raises(DataError, match=r"case1\.png: .*NaN"):
        cache.batch([0, 1])
    with pytest.raises(DataError, match=r"case2\.png has no mask"):
        cache.batch([2])


def test_shapes_that_cannot_share_a_batch_are_refused(tmp_path):
    for name, size in (("a", (64, 48)), ("b", (48, 64))):
        for part in ("images", "masks"):
            (tmp_path / part).mkdir(exist_ok=True)
            Image.fromarray(np.ones(size, np.uint8)).save(tmp_path / part / f"{name}.png")
    cache = TensorCache(open_dataset(tmp_path), Preprocess((96, 96), 1, fit="area"))
    assert cache.batch([0])[0].shape[2:] != cache.batch([1])[0].shape[2:]
    with pytest.raises(DataError, match="different shapes"):
        cache.batch([0, 1])
