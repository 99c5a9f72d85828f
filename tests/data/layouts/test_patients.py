"""A folder for each patient, masks of single objects, and folders of pictures that were passed over."""

import numpy as np
import pytest
from tests.data.layouts.planted import SQUARE, save

from prismseg.base import DataError
from prismseg.data import check_dataset, convert_dataset, open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.options import DataOptions

ARRANGEMENTS = {
    "folders": ("images/{}.png", "masks/{}.png"),
    "beside": ("{}.tif", "{}_mask.tif"),
    "prefixes": ("Images/img_{}.png", "Labels/mask_{}.png"),
}


@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
@pytest.mark.parametrize("same", [True, False])
def test_the_patient_is_the_group(tmp_path, arrangement, same):
    image, mask = ARRANGEMENTS[arrangement]
    for patient in ("TCGA_1", "TCGA_2"):
        for number in (1, 2):
            name = str(number) if same else f"{patient}_{number}"
            save(tmp_path / patient / image.format(name))
            save(tmp_path / patient / mask.format(name), SQUARE * (number == 1))
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "patients" and dataset.groups == ["TCGA_1", "TCGA_1", "TCGA_2", "TCGA_2"]
    assert len(set(dataset.ids)) == 4 and "TCGA_1_" in dataset.ids[0]
    assert [int(sample.mask.sum()) for sample in dataset] == [9, 0, 9, 0]
    check = check_with(tmp_path, DataOptions())
    assert "Recognised as patients: 4 images, all with a mask" in check.recognised
    assert "Groups: 2, of 2 images each" in check.recognised
    assert any("(2: TCGA_1, TCGA_2) is read as a patient" in finding.message for finding in check.findings)


def test_patients_within_the_parts_of_a_split(tmp_path):
    for part, patient in (("train", "A"), ("train", "B"), ("test", "C")):
        save(tmp_path / part / patient / "images" / "1.png")
        save(tmp_path / part / patient / "masks" / "1.png", SQUARE)
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "split" and dataset.groups == ["A", "B", "C"]
    assert [len(part) for part in dataset.predefined_splits[0].values()] == [2, 0, 1]
    save(tmp_path / "test" / "A" / "images" / "2.png")
    save(tmp_path / "test" / "A" / "masks" / "2.png", SQUARE)
    assert any(
        finding.severity == "error" and "A" in finding.message and "split" in finding.kind
        for finding in check_dataset(tmp_path)
    )


def test_a_patient_without_masks_is_told_and_no_data_sets_are_thrown_together(tmp_path):
    save(tmp_path / "A" / "images" / "1.png")
    save(tmp_path / "A" / "masks" / "1.png", SQUARE)
    save(tmp_path / "B" / "images" / "2.png")
    (tmp_path / "notes").mkdir()
    assert open_dataset(tmp_path).unlabelled == [1]
    (tmp_path / "B" / "dataset.csv").write_text("image,mask\nimages/2.png,\n")
    with pytest.raises(DataError, match="in no known layout"):
        open_dataset(tmp_path)


def test_masks_of_single_objects_are_joined(tmp_path):
    data = tmp_path / "stage1_train"
    second = np.zeros_like(SQUARE)
    second[3:6, 4:8] = 255
    for case, masks in {"c1": {"x": SQUARE * 255, "y": second}, "c2": {"z": SQUARE * 255}}.items():
        save(data / case / "images" / f"{case}.png")
        for name, mask in masks.items():
            save(data / case / "masks" / f"{name}.png", mask)
    dataset = open_dataset(data)
    assert dataset.ids == ["c1", "c2"] and dataset.groups == ["c1", "c2"]
    np.testing.assert_array_equal(dataset[0].mask, (SQUARE > 0) | (second > 0))
    np.testing.assert_array_equal(dataset[1].mask, SQUARE)
    assert any("what any of them marks is foreground" in finding.message for finding in check_dataset(data))
    convert_dataset(dataset, tmp_path / "out", "folders")
    np.testing.assert_array_equal(open_dataset(tmp_path / "out")[0].mask, dataset[0].mask)
    save(data / "c1" / "masks" / "y.png", np.ones((3, 3)))
    with pytest.raises(DataError, match=r"y.png has 3 x 3 pixels, that of another object, .*x.png, 6 x 8"):
        _ = open_dataset(data)[0]


def test_the_field_of_view_is_not_taken_for_vessels(tmp_path):
    for number in ("21", "22"):
        save(tmp_path / "training" / "images" / f"{number}_training.tif")
        save(tmp_path / "training" / "1st_manual" / f"{number}_manual1.gif", SQUARE * 255)
        view = save(tmp_path / "training" / "mask" / f"{number}_training_mask.gif", (1 - SQUARE) * 255)
    (found,) = [finding for finding in check_dataset(tmp_path) if finding.kind == "two folders of masks"]
    assert found.severity == "error" and found.file.name == "1st_manual" and str(view.parent) in found.message
    view.parent.rename(tmp_path / "views")
    dataset = open_dataset(tmp_path)
    assert dataset.unlabelled == []
    np.testing.assert_array_equal(dataset[0].mask, SQUARE)


def test_folders_of_pictures_that_were_passed_over_are_named(tmp_path):
    for number in (1, 2):
        save(tmp_path / "images" / f"{number}.png")
        save(tmp_path / "masks" / f"{number}.png", SQUARE)
        save(tmp_path / "images" / "clinic 2" / f"{number}.png")
        save(tmp_path / "overlays" / f"{number}.png")
        save(tmp_path / ".cache" / f"{number}.png")
    found = {
        (finding.severity, finding.file.name)
        for finding in check_dataset(tmp_path)
        if finding.kind in ("folder left out", "two folders of masks")
    }
    assert found == {("warning", "clinic 2"), ("warning", "overlays")}


@pytest.mark.parametrize(
    "image, text",
    [
        ("images/{}.jpg", "labels/{}.txt"),
        ("images/train/{}.jpg", "labels/train/{}.txt"),
        ("train/images/{}.jpg", "train/labels/{}.txt"),
    ],
)
def test_outlines_of_yolo_are_refused_in_a_sentence(tmp_path, image, text):
    save(tmp_path / image.format("a"))
    path = tmp_path / text.format("a")
    path.parent.mkdir(parents=True)
    path.write_text("0 .1 .1 .5 .1 .5 .6\n")
    with pytest.raises(DataError, match=r"a\.txt .*YOLO.*COCO"):
        open_dataset(tmp_path)
