"""Crops of a data set's objects: scaled alike, of other groups in training than in test, none under the mark."""

import numpy as np
import pytest
import torch
from PIL import Image

from prismseg.base import DataError
from prismseg.study import KINDS, read_study
from prismseg.study.kinds.shortcut.images import MARK, NOISE, SIDE
from prismseg.study.kinds.shortcut.scenes import Crops, Discs
from prismseg.study.kinds.shortcut.settings import ObjectData


@pytest.fixture
def folder(tmp_path):
    """Bright squares on dark ground and dark ones on bright ground, six patients of two pictures of 128 x 160."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for patient in range(6):
        for number in range(2):
            mask = np.zeros((128, 160), np.uint8)
            for row, column in np.random.default_rng([patient, number]).integers(0, 110, (14, 2)):
                mask[row : row + 16, column : column + 16] = 1
            grey = np.where(mask == 1, 200, 50) if number else np.where(mask == 1, 30, 90)
            Image.fromarray(grey.astype(np.uint8)).save(tmp_path / "images" / f"p{patient}_{number}.png")
            Image.fromarray(mask * 255).save(tmp_path / "masks" / f"p{patient}_{number}.png")
    return tmp_path


def test_objects_are_one_and_what_lies_around_them_is_nothing(folder):
    crops = Crops.read(ObjectData(path=str(folder), group="prefix"))
    assert len(crops.pictures) == 12 and len({each.group for each in crops.pictures}) == 6
    for each in crops.pictures:
        assert np.array_equal(each.grey, each.objects)


def test_scenes_show_two_classes_in_turn_with_the_mark_and_no_object_under_it(folder):
    crops = Crops.read(ObjectData(path=str(folder), group="prefix"))
    for mark, bright in (("tied", [True, False]), ("flipped", [False, True]), ("none", [False, False])):
        images, masks, groups = crops.draw(8, mark, 3, "train")
        assert images.shape == (8, 1, SIDE, SIDE) and len(groups) == 8
        assert (images[:, 0, :MARK, :MARK].mean((1, 2)) > 1).tolist() == bright * 4
        assert masks.amax((1, 2)).tolist() == [1, 2] * 4 and not masks[:, :MARK, :MARK].any()
        share = (masks > 0).float().mean((1, 2))
        assert ((share >= 0.1) & (share <= 0.5)).all()
        on, around = (masks > 0)[:, None], (masks == 0)[:, None]
        around[..., :MARK, :MARK] = False
        assert float(images[on].mean()) == pytest.approx(1, abs=0.05)
        assert float(images[around].std()) == pytest.approx(NOISE, abs=0.1)


def test_parts_share_no_group_and_seeds_differ(folder):
    crops = Crops.read(ObjectData(path=str(folder), group="prefix"))
    train, test = (set(crops.draw(60, "tied", 0, part).groups) for part in ("train", "test"))
    assert len(train) == 4 and len(test) == 2 and not train & test
    again, other = (crops.draw(4, "tied", seed, "test").images for seed in (0, 1))
    assert torch.equal(again, crops.draw(4, "tied", 0, "test").images) and not torch.equal(again, other)


def test_discs_are_groups_of_their_own():
    assert Discs().draw(3, "none", 0, "train").groups == ["0", "1", "2"]


def test_data_that_show_nothing_are_refused(folder):
    with pytest.raises(DataError, match="no two groups with objects"):
        Crops.read(ObjectData(path=str(folder), group="regex:(p)"))
    for path in (folder / "images").iterdir():
        Image.fromarray(np.full((128, 160), 70, np.uint8)).save(path)
    with pytest.raises(DataError, match="no two groups with objects"):
        Crops.read(ObjectData(path=str(folder), group="prefix"))


def test_pictures_that_cannot_be_used_are_counted(folder):
    Image.fromarray(np.zeros((128, 160), np.uint8)).save(folder / "masks" / "p0_0.png")
    Image.fromarray(np.full((128, 160), 70, np.uint8)).save(folder / "images" / "p1_0.png")
    with pytest.warns(UserWarning, match="2 of 12 pictures of .* are left out"):
        assert len(Crops.read(ObjectData(path=str(folder), group="prefix")).pictures) == 10


def test_a_study_takes_data_and_runs_without_them_are_hashed_as_before():
    assert read_study("shortcut", data="nuclei").base["data"] == {"path": "nuclei"}
    kind = KINDS["shortcut"]
    plain = kind.check({"seed": 1})
    assert kind.hash("shortcut", plain) == kind.hash("shortcut", {k: v for k, v in plain.items() if k != "data"})
    assert kind.hash("shortcut", plain) != kind.hash("shortcut", kind.check({"seed": 1, "data": {"path": "x"}}))
