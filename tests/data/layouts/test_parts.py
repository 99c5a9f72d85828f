"""Parts with images and a folder of masks for each class."""

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset
from prismseg.data.layouts import LAYOUTS, list_cases, names_its_masks
from prismseg.train import make_config
from prismseg.train.runs.partition import make_partition

FOOT = np.zeros((6, 8), np.uint8)
FOOT[1:4, 2:5] = 1


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def write(root, parts, *, classes=1, images="images", high=255):
    """Write each part's cases; the mask of case n is FOOT moved by n to the right, the image is noise."""
    rng = np.random.default_rng(0)
    for part, names in parts.items():
        for number, name in enumerate(names):
            foot = np.roll(FOOT, number, axis=1)
            save(root / part / images / f"{name}.png", rng.integers(0, 255, foot.shape))
            of_class = {0: foot} if classes == 1 else {0: 1 - foot, 1: foot}
            for index, mask in of_class.items():
                save(root / part / "masks" / f"class_{index}" / f"{name}.png", high * mask)
    return root


NAMES = {"Train": ["t0_case1", "t0_case2", "t5_case1"], "Valid": ["t0_case3"], "Test": ["t0_case4", "t5_case4"]}


@pytest.mark.parametrize("classes", [1, 2])
@pytest.mark.parametrize("images", ["images", "patches"])
@pytest.mark.parametrize("high", [1, 255])
def test_cases_masks_and_the_split_of_the_folders(tmp_path, classes, images, high):
    dataset = open_dataset(write(tmp_path, NAMES, classes=classes, images=images, high=high))
    assert dataset.layout == "parts" and names_its_masks(tmp_path)
    assert dataset.ids == [name for names in NAMES.values() for name in names]
    assert dataset.predefined_splits == (
        {"train": NAMES["Train"], "validation": NAMES["Valid"], "test": NAMES["Test"]},
    )
    for position, number in enumerate([0, 1, 2, 0, 0, 1]):
        np.testing.assert_array_equal(dataset[position].mask, np.roll(FOOT, number, axis=1))
    assert dataset.classes == ["background", "foreground"]


def test_a_training_run_takes_that_split_and_named_groups(tmp_path):
    dataset = open_dataset(write(tmp_path, NAMES), group=r"regex:case(\d+)")
    assert dataset.groups == ["1", "2", "1", "3", "4", "4"]
    config = make_config({"data": {"path": str(tmp_path)}})
    assert make_partition(config, dataset).split.test == (4, 5)


def test_a_patient_in_two_parts_is_refused(tmp_path):
    names = NAMES | {"Test": ["t10_case1"]}
    dataset = open_dataset(write(tmp_path, names), group=r"regex:case(\d+)")
    with pytest.raises(DataError, match="--ignore-split"):
        make_partition(make_config({"data": {"path": str(tmp_path)}}), dataset)


def test_equal_names_in_two_parts_are_told_apart(tmp_path):
    listing = list_cases(write(tmp_path, {"train": ["1", "2"], "val": ["1"]}))
    assert [case.id for case in listing.cases] == ["1_train", "2", "1_validation"]
    assert listing.splits == ({"train": ["1_train", "2"], "validation": ["1_validation"], "test": []},)
    assert listing.cases[2].mask == tmp_path / "val" / "masks" / "class_0" / "1.png"


def test_a_missing_mask_and_one_without_image_are_findings(tmp_path):
    write(tmp_path, NAMES)
    (tmp_path / "Train" / "masks" / "class_0" / "t5_case1.png").unlink()
    save(tmp_path / "Test" / "masks" / "class_0" / "nobody.png", FOOT)
    found = {(finding.kind, finding.file.name) for finding in check_dataset(tmp_path)}
    assert {("missing mask", "t5_case1.png"), ("missing image", "nobody.png")} <= found
    assert open_dataset(tmp_path).unlabelled == [2]


@pytest.mark.parametrize("change", ["overlap", "gap"])
def test_two_classes_that_are_no_complement_are_refused(tmp_path, change):
    write(tmp_path, NAMES, classes=2)
    mask = 255 * (1 - FOOT)
    mask[0, 0] = 0
    if change == "overlap":
        mask = np.full_like(FOOT, 255)
    save(tmp_path / "Valid" / "masks" / "class_0" / "t0_case3.png", mask)
    with pytest.raises(DataError, match=r"class_0.*t0_case3.*overlap or leave pixels out.*dataset\.csv"):
        list_cases(tmp_path)


def test_what_cannot_be_read_says_what_to_do(tmp_path):
    write(tmp_path, NAMES, classes=2)
    save(tmp_path / "Train" / "masks" / "class_2" / "t0_case1.png", FOOT)
    with pytest.raises(DataError, match=r"Train has the class folders class_0, class_1, class_2|each part needs"):
        list_cases(tmp_path)
    for part in ("Valid", "Test"):
        (tmp_path / part / "masks" / "class_2").mkdir()
    with pytest.raises(DataError, match=r"3 class folders.*dataset\.csv"):
        list_cases(tmp_path)


def test_other_folders_do_not_fit(tmp_path):
    save(tmp_path / "Train" / "images" / "a.png", FOOT)
    save(tmp_path / "Train" / "masks" / "a.png", FOOT)
    assert not LAYOUTS["parts"].fits(tmp_path)
    save(tmp_path / "images" / "a.png", FOOT)
    save(tmp_path / "masks" / "a.png", FOOT)
    assert list_cases(tmp_path).layout == "folders"
