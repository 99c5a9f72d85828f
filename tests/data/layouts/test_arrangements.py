"""Folders of parts, prefixes, capital letters and Pascal VOC."""

import numpy as np
import pytest
from PIL import Image
from tests.data.layouts.planted import SQUARE, save

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.layouts import list_cases
from prismseg.data.options import DataOptions

ARRANGEMENTS = {
    "parts of folders": ("{part}/images/{name}.png", "{part}/masks/{name}.png"),
    "folders of parts": ("images/{part}/{name}.png", "labels/{part}/{name}_mask.png"),
    "beside in parts": ("{part}/{name}.png", "{part}/{name}_mask.png"),
    "named folders": ("{part}_images/{name}.png", "{part}_labels/{name}.png"),
    "masks apart": ("{part}/{name}.png", "{part}_masks/{name}_mask.png"),
    "prefixes in parts": ("{part}/Images/img_{name}.png", "{part}/Masks/mask_{name}.png"),
}


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Train", "Valid", "Test"), ("training", "validation")]
)
@pytest.mark.parametrize("arrangement", ARRANGEMENTS)
def test_parts(tmp_path, arrangement, names):
    image, mask = ARRANGEMENTS[arrangement]
    for number, part in enumerate(names):
        for name in ("a", f"b{number}"):
            save(tmp_path / image.format(part=part, name=name))
            save(tmp_path / mask.format(part=part, name=name), SQUARE)
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "split" and dataset.unlabelled == []
    np.testing.assert_array_equal(dataset[0].mask, SQUARE)
    split = dataset.predefined_splits[0]
    assert [len(split[part]) for part in ("train", "validation", "test")] == [2, 2, 2 * (len(names) > 2)]
    assert len(set(dataset.ids)) == 2 * len(names)  # both parts have an image a
    assert not any(finding.severity == "error" and "mask" in finding.kind for finding in check_dataset(tmp_path))


PAIRS = [
    ("img_{}.png", "mask_{}.png"), ("IMG-{}.png", "Mask-{}.png"), ("{}_img.png", "{}_mask.png"),
    ("{}.png", "seg_{}.png"), ("image_{}.jpg", "label_{}.png"), ("{}.png", "{}_gt.png"),
]  # fmt: skip


@pytest.mark.parametrize("image, mask", PAIRS)
@pytest.mark.parametrize("apart", [True, False])
def test_prefixes_and_suffixes(tmp_path, image, mask, apart):
    images, labels = ("IMAGES", "Masks") if apart else ("", "")
    for name in ("p1_1", "p1_2", "p2_1"):
        save(tmp_path / images / image.format(name))
        save(tmp_path / labels / mask.format(name), SQUARE)
    dataset = open_dataset(tmp_path)
    assert dataset.layout == ("folders" if apart else "beside")
    assert len(dataset) == 3 and dataset.unlabelled == []
    if not apart:
        assert dataset.groups == ["p1", "p1", "p2"]  # not "img"


def test_masks_whose_names_add_nothing_win_over_those_that_seem_to(tmp_path):
    for name in ("mask_1", "mask_2"):
        save(tmp_path / "images" / f"{name}.png")
        save(tmp_path / "masks" / f"{name}.png", SQUARE)
    assert open_dataset(tmp_path).unlabelled == []


def voc_palette():
    """Build the palette of the challenge, bit by bit as its development kit does."""
    palette = np.zeros((256, 3), int)
    for index in range(256):
        rest = index
        for place in range(7, -1, -1):
            for channel in range(3):
                palette[index, channel] |= (rest >> channel & 1) << place
            rest >>= 3
    return palette


def save_voc(root, name, labels, *, colour=False):
    save(root / "JPEGImages" / f"{name}.jpg", np.random.default_rng(len(name)).integers(0, 255, (6, 8, 3)))
    path = root / "SegmentationClass" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(labels, np.uint8), mode="P")
    image.putpalette(voc_palette().astype(np.uint8).ravel().tolist())
    (image.convert("RGB") if colour else image).save(path)


def test_voc_with_its_void(tmp_path):
    labels = 15 * SQUARE
    labels[0] = 255
    save_voc(tmp_path, "2007_1", labels)
    save_voc(tmp_path, "2007_2", 7 * SQUARE)
    save(tmp_path / "JPEGImages" / "2007_3.jpg", np.zeros((6, 8, 3)))
    for kind, names in (
        ("Segmentation/train", "2007_1"),
        ("Segmentation/val", "2007_2"),
        ("Main/aeroplane_val", "x"),
    ):
        path = tmp_path / "ImageSets" / f"{kind}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{names}\n")
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "voc" and len(dataset.classes) == 21 and dataset.classes[15] == "person"
    np.testing.assert_array_equal(dataset[0].mask, labels)
    assert dataset.predefined_splits == ({"train": ["2007_1"], "validation": ["2007_2"], "test": []},)
    told = {finding.kind: finding.message for finding in check_dataset(tmp_path)}
    assert "1 images" in told["images without a segmentation"]


@pytest.mark.parametrize("colour", [True, False])
def test_a_labelmap_names_the_classes_of_voc(tmp_path, colour):
    labels = 2 * SQUARE
    labels[:, 7] = 255
    save_voc(tmp_path, "a", labels, colour=colour)
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::", "vessel:128,0,0::", "nerve:0,128,0::"]
    (tmp_path / "labelmap.txt").write_text("\n".join(lines))
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ["background", "vessel", "nerve"]
    np.testing.assert_array_equal(dataset[0].mask, labels)
    assert open_dataset(tmp_path, classes=["background", "v", "n"]).classes == ["background", "v", "n"]
    assert "nerve (in 1 mask)" in check_with(tmp_path, DataOptions()).recognised


def test_class_names_of_labelme2voc_and_lists_that_name_lost_images(tmp_path):
    save_voc(tmp_path, "a", SQUARE)
    (tmp_path / "class_names.txt").write_text("_background_\nnerve\n")
    assert open_dataset(tmp_path).classes == ["background", "nerve"]
    path = tmp_path / "ImageSets" / "Segmentation" / "train.txt"
    path.parent.mkdir(parents=True)
    path.write_text("a\ngone\n")
    with pytest.raises(DataError, match=r"1 images that are not in .*gone"):
        list_cases(tmp_path)


def test_orphans_unread_files_and_groups_are_told(tmp_path):
    for name in ("p1_1", "p1_2", "p2_1"):
        save(tmp_path / "images" / f"{name}.png")
        save(tmp_path / "masks" / f"{name}.png", SQUARE)
    save(tmp_path / "masks" / "p9.png", SQUARE)
    (tmp_path / "images" / "p3.psd").write_bytes(b"8BPS")
    said = check_with(tmp_path, DataOptions(group="prefix")).recognised
    assert said == (
        "Recognised as folders: 3 images, all with a mask. Classes: background, foreground (in 3 masks). Groups: 2, of 1 "
        "to 2 images each. Left out: 1 mask without an image, 1 file of another kind."
    )


@pytest.mark.parametrize("same", [True, False])
def test_a_folder_for_each_patient(tmp_path, same):
    for patient in ("Ann", "Ben"):
        for number in (1, 2):
            name = f"{number}.png" if same else f"{patient[0]}{number}.png"
            save(tmp_path / "images" / patient / name)
            save(tmp_path / "masks" / patient / name, SQUARE * (number == 1))
    (tmp_path / "masks" / "Ben" / ("2.png" if same else "B2.png")).unlink()
    save(tmp_path / "masks" / "Cid" / "9.png", SQUARE)
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "folders" and dataset.groups == ["Ann", "Ann", "Ben", "Ben"]
    assert dataset.ids == (["Ann_1", "Ann_2", "Ben_1", "Ben_2"] if same else ["A1", "A2", "B1", "B2"])
    assert [None if sample.mask is None else int(sample.mask.sum()) for sample in dataset] == [9, 0, 9, None]
    found = {(finding.severity, finding.kind, finding.file.name) for finding in check_dataset(tmp_path)}
    assert ("warning", "missing image", "9.png") in found
    assert ("error", "missing mask", "2.png" if same else "B2.png") in found
