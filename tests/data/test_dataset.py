import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset


def save(path: Path, pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def picture(value: int = 50, size=(4, 6)) -> np.ndarray:
    return np.full(size, value, np.uint8)


def mask(*labels: int, size=(4, 6)) -> np.ndarray:
    filled = np.zeros(size, np.uint8)
    for row, label in enumerate(labels):
        filled[row] = label
    return filled


def test_folders_with_and_without_a_suffix(tmp_path):
    for name, suffix in (("images", ""), ("masks", "_seg")):
        for case in ("a", "b"):
            save(tmp_path / name / f"{case}{suffix}.png", picture() if name == "images" else mask(1))
    dataset = open_dataset(tmp_path)
    assert (dataset.layout, dataset.ids, dataset.groups) == ("folders", ["a", "b"], ["a", "b"])
    assert dataset.classes == ["background", "foreground"] and dataset.channels == 1
    assert dataset[1].mask.tolist() == mask(1).tolist() and dataset[0].image.shape == (4, 6, 1)
    assert open_dataset(tmp_path, mask_suffix="_seg").ids == ["a", "b"]


def test_nnunet(tmp_path):
    for case in ("p1", "p2"):
        for channel in (0, 1):
            save(tmp_path / "imagesTr" / f"{case}_{channel:04d}.png", picture(channel + 1))
        save(tmp_path / "labelsTr" / f"{case}.png", mask(1, 2))
    description = {
        "channel_names": {"0": "a", "1": "b"},
        "labels": {"background": 0, "nerve": 1, "ignore": 2},
        "file_ending": ".png",
    }
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    (tmp_path / "splits_final.json").write_text(json.dumps([{"train": ["p1"], "val": ["p2"]}]))
    dataset = open_dataset(tmp_path)
    assert dataset.channels == 2 and dataset[0].image[0, 0].tolist() == [1, 2]
    assert dataset.classes == ["background", "nerve"]
    assert np.unique(dataset[0].mask).tolist() == [0, 1, 255]
    assert dataset.predefined_splits == ({"train": ["p1"], "validation": [], "test": ["p2"]},)
    (tmp_path / "imagesTr" / "p2_0001.png").unlink()
    with pytest.raises(DataError, match="p2"):
        open_dataset(tmp_path)


def test_table_with_groups_and_split(tmp_path):
    save(tmp_path / "x" / "one.png", picture())
    save(tmp_path / "x" / "two.png", picture())
    save(tmp_path / "y" / "m.png", mask(255))
    with (tmp_path / "dataset.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "mask", "group", "split"])
        writer.writerow(["x/one.png", "y/m.png", "ann", "train"])
        writer.writerow(["x/two.png", "y/m.png", "bob", "test"])
    for path in (tmp_path, tmp_path / "dataset.csv"):
        dataset = open_dataset(path)
        assert dataset.groups == ["ann", "bob"]
        assert dataset.predefined_splits[0]["test"] == ["two"]
        assert dataset[0].mask.max() == 1
    (tmp_path / "dataset.csv").write_text("picture,mask\na,b\n")
    with pytest.raises(DataError, match="lacks the column image"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("folder", ["annotations/trimaps", "trimaps"])
def test_pets(tmp_path, folder):
    save(tmp_path / "images" / "pug_1.jpg", np.zeros((4, 6, 3)))
    save(tmp_path / folder / "pug_1.png", mask(1, 2, 3, 2))
    (tmp_path / folder / "._pug_1.png").write_bytes(b"left by macOS")
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "pets" and dataset.classes == ["background", "pet"]
    assert dataset[0].mask[:, 0].tolist() == [1, 0, 255, 0]


def test_pets_absent_says_where_to_get_them(tmp_path):
    with pytest.raises(DataError, match=r"robots\.ox\.ac\.uk"):
        open_dataset(tmp_path, layout="pets")


def test_feet(discs):
    dataset = open_dataset(discs)
    assert dataset.layout == "beside" and len(dataset) == 18 and set(dataset.groups) == {f"p{n}" for n in range(6)}


def test_groupings(tmp_path):
    for number in (3, 11, 12, 30):
        save(tmp_path / "images" / f"scan{number:04d}.png", picture())
        save(tmp_path / "masks" / f"scan{number:04d}.png", mask(1))
    assert open_dataset(tmp_path, group="block:12").groups == [
        "block-0000",
        "block-0000",
        "block-0001",
        "block-0002",
    ]
    assert open_dataset(tmp_path, group=r"regex:scan(\d\d)").groups == ["00"] * 4
    assert open_dataset(tmp_path, group="prefix").groups == ["scan0003", "scan0011", "scan0012", "scan0030"]
    with pytest.raises(ConfigError, match="block:N"):
        open_dataset(tmp_path, group="patient")
    with pytest.raises(DataError, match="does not fit"):
        open_dataset(tmp_path, group="regex:xyz")
    with pytest.raises(DataError, match="states no group"):
        open_dataset(tmp_path, group="csv")


def pair(folder: Path, labels, suffix=".png") -> Path:
    save(folder / "images" / "a.png", picture())
    save(folder / "masks" / f"a{suffix}", labels)
    return folder


def test_codings(tmp_path):
    assert open_dataset(pair(tmp_path / "a", mask(255)))[0].mask.max() == 1
    dataset = open_dataset(pair(tmp_path / "b", mask(1, 2, 255)))
    assert dataset.classes == ["background", "class 1", "class 2"] and dataset[0].mask[2, 0] == 255
    with pytest.raises(DataError, match="--binary"):
        open_dataset(pair(tmp_path / "c", np.arange(24).reshape(4, 6) + 100))
    assert open_dataset(tmp_path / "c", binary=True)[0].mask.min() == 1
    named = open_dataset(pair(tmp_path / "d", mask(1)), classes=["background", "nerve", "vessel"])
    assert named.classes[2] == "vessel"
    with pytest.raises(ConfigError, match="2 class names"):
        open_dataset(tmp_path / "b", classes=["background", "nerve"])


def test_jpeg_masks_are_explained_and_binary_thresholds_them(tmp_path):
    half = np.zeros((32, 32), np.uint8)
    half[:, 13:] = 255
    (tmp_path / "images").mkdir()
    Image.fromarray(half).save(tmp_path / "images" / "a.png")
    save(tmp_path / "masks" / "a.jpg", half)
    with pytest.raises(DataError, match="JPEG"):
        open_dataset(tmp_path)
    assert (open_dataset(tmp_path, binary=True)[0].mask == (half > 0)).mean() > 0.99


def test_sizes_must_agree(tmp_path):
    save(tmp_path / "images" / "a.png", picture(size=(4, 6)))
    save(tmp_path / "masks" / "a.png", mask(1, size=(6, 4)))
    with pytest.raises(DataError, match="6 x 4 pixels"):
        open_dataset(tmp_path)[0]


def test_grey_pictures_stored_as_colour_are_one_channel(tmp_path):
    save(tmp_path / "images" / "a.png", np.stack([picture()] * 3, axis=2))
    save(tmp_path / "masks" / "a.png", mask(1))
    assert open_dataset(tmp_path).channels == 1
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[..., 0] = 200
    save(tmp_path / "images" / "a.png", colour)
    assert open_dataset(tmp_path).channels == 3
    assert open_dataset(tmp_path, channels=1).channels == 1


def test_fingerprint_changes_with_the_files(tmp_path):
    pair(tmp_path, mask(1))
    before = open_dataset(tmp_path).fingerprint()
    assert before == open_dataset(tmp_path).fingerprint()
    save(tmp_path / "images" / "a.png", np.random.default_rng(0).integers(0, 255, (4, 6)))
    assert open_dataset(tmp_path).fingerprint() != before


def test_fingerprint_sees_a_mask_inverted_in_a_file_of_the_same_size(tmp_path):
    pair(tmp_path, mask(1))
    path = tmp_path / "masks" / "a.png"
    labels = (np.asarray(Image.open(path)) > 0).astype(np.uint8)
    found = []
    for each in (labels, 1 - labels):
        Image.fromarray(each).save(path, compress_level=0)
        found.append((path.stat().st_size, open_dataset(tmp_path).fingerprint()))
    assert found[0][0] == found[1][0] and found[0][1] != found[1][1]


def test_what_is_no_data_set(tmp_path):
    with pytest.raises(DataError, match="no folder or table"):
        open_dataset(tmp_path / "absent")
    with pytest.raises(DataError, match="no known layout"):
        open_dataset(tmp_path)
    with pytest.raises(ConfigError, match="nnunet"):
        open_dataset(tmp_path, layout="dicomdir")
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(DataError, match="is a file"):
        open_dataset(tmp_path / "file.txt")


def test_subset_keeps_classes_channels_and_order(discs):
    whole = open_dataset(discs)
    part = whole.subset([5, 0])
    assert part.ids == [whole.ids[5], whole.ids[0]] and part.groups == [whole.groups[5], whole.groups[0]]
    assert (part.classes, part.channels, len(whole)) == (whole.classes, whole.channels, 18)
    np.testing.assert_array_equal(part[0].image, whole[5].image)
    assert part.fingerprint() != whole.fingerprint()


def test_files_that_vanish_are_named(tmp_path):
    pair(tmp_path, mask(1))
    dataset = open_dataset(tmp_path)
    (tmp_path / "images" / "a.png").unlink()
    for use in (dataset.fingerprint, lambda: dataset[0]):
        with pytest.raises(DataError, match=r"no file .*a\.png"):
            use()


def test_a_label_beyond_the_named_classes_is_named_with_its_file(tmp_path):
    pair(tmp_path, mask(1, 2))
    with pytest.raises(ConfigError, match=r"masks/a\.png holds the label 2"):
        open_dataset(tmp_path, classes=["background", "nerve"])


@pytest.mark.parametrize("names", [["a", "a"], ["background", ""], ["nerve", "background"]])
def test_names_that_do_not_tell_classes_apart(discs, names):
    with pytest.raises(ConfigError, match=r"a name of its own|label 0 is the background"):
        open_dataset(discs, classes=names)


def test_masks_of_0_and_255_have_no_third_class(tmp_path):
    pair(tmp_path, mask(255))
    with pytest.raises(ConfigError, match="the masks have 2 classes"):
        open_dataset(tmp_path, classes=["background", "nerve", "vessel"])


def test_only_the_sample_at_hand_is_read(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", picture())
        save(tmp_path / "masks" / f"{name}.png", mask(1))
    dataset = open_dataset(tmp_path)
    (tmp_path / "images" / "b.png").write_bytes(b"damaged")
    assert dataset[0].image.shape == (4, 6, 1)
    with pytest.raises(DataError, match=r"b\.png"):
        dataset[1]


def test_real_data(shared_data):
    usgra = open_dataset(shared_data / "usgra_seg", group="block:12", classes=["background", "nerve", "vessel"])
    assert len(usgra) == 182 and len(set(usgra.groups)) == 21
    nuclei = open_dataset(shared_data / "dsb2018_nuclei", binary=True)
    assert len(nuclei) == 200 and nuclei.channels == 3 and nuclei.classes == ["background", "foreground"]
    pets = open_dataset(shared_data / "oxford_pets_mini")
    assert len(pets) == 31 and pets.layout == "pets" and set(np.unique(pets[0].mask)) == {0, 1, 255}
