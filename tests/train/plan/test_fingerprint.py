"""Fingerprints of images that were made for it."""

import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import open_dataset
from prismseg.train.plan.fingerprint import take_fingerprint


def write(folder, images, masks, dtype=np.uint8):
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        Image.fromarray(np.asarray(image, dtype)).save(folder / f"p{number // 2}_{number}.png")
        Image.fromarray(np.asarray(mask, np.uint8)).save(folder / f"p{number // 2}_{number}_mask.png")
    return open_dataset(folder, classes=["background", "strip", "square"])


def test_sizes_shares_pieces_and_thickness_are_those_that_were_drawn(tmp_path):
    rng = np.random.default_rng(0)
    shapes = [(40, 50), (40, 50), (60, 50), (60, 100)]
    images = [rng.integers(0, 255, shape) for shape in shapes]
    masks = [np.zeros(shape, np.uint8) for shape in shapes]
    for mask in masks:
        mask[5:8] = 1  # a strip 3 pixels wide from side to side
    masks[0][20:30, 10:20] = masks[0][20:30, 30:40] = 2  # two squares of 10 x 10
    masks[1][30:, :] = 255  # counts nowhere
    found = take_fingerprint(write(tmp_path, images, masks))
    assert (found.images, found.labelled, found.groups, found.sampled, found.channels) == (4, 4, 2, 4, 1)
    assert found.heights == (40, 50, 60) and found.widths == (50, 50, 100) and found.depth == "uint8"
    assert found.aspects == pytest.approx((50 / 60, 100 / 60))
    strip, square = found.classes
    counted = 4 * 0 + 40 * 50 + 30 * 50 + 60 * 50 + 60 * 100
    assert strip.share == pytest.approx(3 * 250 / counted) and square.share == pytest.approx(200 / counted)
    assert (strip.presence, square.presence) == (1, 0.25)
    assert (strip.objects, square.objects, square.object_area) == (1, 2, 100)
    assert strip.thickness == 3.5
    # By area a tenth lies in the image where the strip is finest, the largest one.
    assert strip.fineness == pytest.approx(3.5 / np.sqrt(6000))
    assert found.finest == strip
    assert json.loads(json.dumps(found.to_dict()))["classes"][1]["name"] == "square"


def test_images_without_a_mask_are_counted_and_not_looked_at(tmp_path):
    dataset = write(tmp_path, [np.zeros((32, 32))] * 3, [np.eye(32)] * 3)
    (tmp_path / "p0_1_mask.png").unlink()
    found = take_fingerprint(open_dataset(tmp_path, classes=dataset.classes))
    assert (found.images, found.labelled, found.sampled) == (3, 2, 2)
    assert found.classes[1].thickness is None and found.classes[1].presence == 0
    for path in tmp_path.glob("*_mask.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"has a mask|no layout|mask"):
        take_fingerprint(open_dataset(tmp_path, layout="beside"))


def test_no_more_than_the_sample_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("prismseg.train.plan.fingerprint.SAMPLED_IMAGES", 3)
    dataset = write(tmp_path, [np.zeros((16, 16))] * 9, [np.eye(16)] * 9)
    read = []
    original = type(dataset).__getitem__
    monkeypatch.setattr(
        type(dataset), "__getitem__", lambda self, index: read.append(index) or original(self, index)
    )
    assert take_fingerprint(dataset).sampled == 3 and read == [0, 4, 8]
