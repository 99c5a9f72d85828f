"""What the layouts find on the disk, and what they say of folders that do not fit."""

import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.data.layouts import LAYOUTS, Case, Layout, Listing, list_cases, names_its_masks
from prismseg.train import make_config


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 6), np.uint8) if pixels is None else np.asarray(pixels, np.uint8)).save(path)
    return path


HALF = np.repeat([[0], [1]], 2, axis=0) * np.ones((1, 6))


@pytest.mark.parametrize("folder", ["masks", "labels", "annotations"])
@pytest.mark.parametrize("suffix", ["", "_mask", "_seg"])
def test_mask_folders_and_suffixes(tmp_path, folder, suffix):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png")
        mask = save(tmp_path / folder / f"{name}{suffix}.png")
    listing = list_cases(tmp_path)
    assert listing.layout == "folders"
    assert [case.id for case in listing.cases] == ["a", "b"]
    assert listing.cases[1].mask == mask
    assert listing.orphans == ()


def test_notes_hidden_files_and_folders_are_passed_over(tmp_path):
    save(tmp_path / "images" / "a.png")
    save(tmp_path / "masks" / "a.png")
    (tmp_path / "images" / "._a.png").write_bytes(b"left by macOS")
    (tmp_path / "images" / "old.png").mkdir()
    for note in ("index.csv", "SOURCE.txt", "LICENSE"):
        (tmp_path / note).write_text("a,b")
        (tmp_path / "images" / note).write_text("a,b")
    listing = list_cases(tmp_path)
    assert listing.layout == "folders" and [case.id for case in listing.cases] == ["a"]


def test_masks_of_which_none_belongs_to_an_image(tmp_path):
    save(tmp_path / "images" / "a.png")
    save(tmp_path / "masks" / "a_outline.png")
    with pytest.raises(DataError, match=r"a\.png.*a_outline\.png.*--mask-suffix"):
        list_cases(tmp_path)
    assert list_cases(tmp_path, mask_suffix="_outline").cases[0].mask is not None


def test_two_images_of_one_name(tmp_path):
    save(tmp_path / "images" / "a.png")
    save(tmp_path / "images" / "a.jpg")
    save(tmp_path / "masks" / "a.png")
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png have the same name"):
        list_cases(tmp_path)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_an_empty_folder_fits_no_layout_and_each_says_what_it_needs(tmp_path, layout):
    assert not LAYOUTS[layout].fits(tmp_path)
    with pytest.raises(DataError) as caught:
        list_cases(tmp_path, layout=layout)
    assert str(tmp_path) in str(caught.value)


# Tables


def write_table(folder, *lines):
    (folder / "dataset.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_equal_names_in_the_folders_of_a_table_are_told_apart(tmp_path):
    for patient in ("ann", "bob"):
        save(tmp_path / patient / "1.png")
        save(tmp_path / patient / "1_mask.png", HALF)
    write_table(tmp_path, "image,mask,group", "ann/1.png,ann/1_mask.png,ann", "bob/1.png,bob/1_mask.png,bob")
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ["ann_1", "bob_1"] and dataset.groups == ["ann", "bob"]


def test_spellings_of_a_table_neither_lose_a_split_nor_part_a_patient(tmp_path):
    for name in "abcde":
        save(tmp_path / f"{name}.png")
        save(tmp_path / f"{name}_mask.png", HALF)
    listing = list_cases(
        write_table(
            tmp_path,
            "Image, mask ,Group,Split",
            "a.png,a_mask.png,p1,Train",
            "b.png , b_mask.png,p1 ,training",
            "c.png,c_mask.png,p2,VAL",
            "d.png,d_mask.png,p3, test ",
            "e.png,e_mask.png,p4,NaN",
        )
    )
    assert listing.splits == ({"train": ["a", "b"], "validation": ["c"], "test": ["d"]},)
    assert [case.group for case in listing.cases] == ["p1", "p1", "p2", "p3", "p4"]
    assert all(case.mask.is_file() for case in listing.cases)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["image;mask;group", "a.png;b.png;ann"], "separated by commas"),
        (["image,mask", ",b.png"], "Line 2"),
        (["image,mask,group", "a.png,b.png,ann", "c.png,d.png,"], "Line 3 .* no group"),
        (["image,mask,split", "a.png,b.png,dev"], "'dev'.*train, validation or test"),
        (["image,mask", "a.png,b.png", "a.png,b.png"], "Two cases .* named a"),
        (["image,mask"], "lists no case"),
        (["image,Mask,mask ", "a.png,b.png,c.png"], "two columns mask"),
    ],
)
def test_faults_of_a_table_are_named(tmp_path, lines, words):
    with pytest.raises(DataError, match=words) as caught:
        list_cases(write_table(tmp_path, *lines))
    assert str(tmp_path) in str(caught.value)


def test_a_mask_suffix_is_refused_where_masks_are_named(tmp_path):
    """It was ignored without a word."""
    (tmp_path / "dataset.csv").write_text("image,mask\na.png,b.png\n")
    with pytest.raises(DataError, match="leave out the mask suffix '_mask'"):
        list_cases(tmp_path, mask_suffix="_mask")


def test_a_table_of_another_encoding_is_refused(tmp_path):
    (tmp_path / "dataset.csv").write_bytes("image,mask\nrücken.png,m.png\n".encode("latin-1"))
    with pytest.raises(DataError, match="UTF-8"):
        list_cases(tmp_path)


# nnU-Net


def write_nnunet(folder, description, names=("p1", "p2"), channels=1, pixels=None):
    for name in names:
        for channel in range(channels):
            save(folder / "imagesTr" / f"{name}_{channel:04d}.png", pixels)
        save(folder / "labelsTr" / f"{name}.png", HALF)
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


LABELS = {"background": 0, "nerve": 1}


def test_a_colour_picture_in_one_file_has_all_its_channels(tmp_path):
    colour = np.zeros((4, 6, 3))
    colour[..., 0] = 200
    names = {"0": "R", "1": "G", "2": "B"}
    dataset = open_dataset(write_nnunet(tmp_path, {"channel_names": names, "labels": LABELS}, pixels=colour))
    assert dataset.channels == 3 and dataset[0].image.shape == (4, 6, 3)


def test_all_incomplete_cases_are_named(tmp_path):
    description = {"channel_names": {"0": "a", "1": "b"}, "labels": LABELS}
    write_nnunet(tmp_path, description, names=("p1", "p2", "p3"), channels=2)
    (tmp_path / "imagesTr" / "p1_0001.png").unlink()
    (tmp_path / "imagesTr" / "p3_0000.png").unlink()
    with pytest.raises(DataError, match=r"2 cases .* p1, p3"):
        list_cases(tmp_path)


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ([1], "not a description"),
        ({"labels": {"background": 0, "nerve": 2}}, "must be 0, 1, 2"),
        ({"labels": LABELS, "file_ending": ".mha"}, "holds .mha files; read are"),
    ],
)
def test_faults_of_a_description_are_named(tmp_path, description, words):
    with pytest.raises(DataError, match=words):
        list_cases(write_nnunet(tmp_path, description))


@pytest.mark.parametrize("text", ["{", "[1]", '[{"train": ["p1"]}]'])
def test_broken_splits_are_named(tmp_path, text):
    write_nnunet(tmp_path, {"labels": LABELS})
    (tmp_path / "splits_final.json").write_text(text)
    with pytest.raises(DataError, match=r"splits_final\.json.*restore or remove"):
        list_cases(tmp_path)


def test_broken_json_and_no_images(tmp_path):
    write_nnunet(tmp_path, {"labels": LABELS}, names=())
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "labelsTr").mkdir()
    with pytest.raises(DataError, match="no image"):
        list_cases(tmp_path)
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(DataError, match=r"dataset\.json is not valid JSON"):
        list_cases(tmp_path)


def test_binary_joins_the_classes_of_a_layout_that_names_them(tmp_path):
    labels = {"background": 0, "nerve": 1, "vessel": 2, "ignore": 3}
    write_nnunet(tmp_path, {"labels": labels})
    save(tmp_path / "labelsTr" / "p1.png", np.arange(4)[:, None] * np.ones((1, 6)))
    dataset = open_dataset(tmp_path, binary=True)
    assert dataset.classes == ["background", "foreground"]
    assert dataset[0].mask[:, 0].tolist() == [0, 1, 1, 255]


def test_binary_leaves_trimaps_alone(tmp_path):
    save(tmp_path / "images" / "pug_1.png")
    save(tmp_path / "trimaps" / "pug_1.png", np.array([1, 2, 3, 2])[:, None] * np.ones((1, 6)))
    assert open_dataset(tmp_path, binary=True)[0].mask[:, 0].tolist() == [1, 0, 255, 0]


def test_idx_files_are_recognised_and_explained(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"")
    with pytest.raises(DataError, match="open_idx"):
        open_dataset(tmp_path)


def test_the_former_name_of_a_layout(tmp_path):
    save(tmp_path / "p1_a.jpg")
    save(tmp_path / "p1_a_mask.png")
    with pytest.warns(DeprecationWarning, match="'feet' is called 'beside'"):
        listing = list_cases(tmp_path, layout="feet")
    assert listing.layout == "beside" and listing.cases[0].group == "p1"
    with pytest.warns(DeprecationWarning, match="'beside'"):
        assert make_config({"data": {"path": "x", "layout": "feet"}}).data.layout == "beside"


def test_a_layout_that_is_registered_is_found_read_and_named(tmp_path):
    """An extension's layout: its folder is recognised, and settings take its name."""

    def read(root, mask_suffix):
        pairs = [(path, path.parent / "mask.png") for path in sorted(root.glob("*/scan.png"))]
        return Listing("scans", tuple(Case(path.parent.name, (path,), mask) for path, mask in pairs))

    layout = Layout(lambda root: any(root.glob("*/scan.png")), read, states_masks=True)
    save(tmp_path / "ann" / "scan.png")
    save(tmp_path / "ann" / "mask.png", HALF[:4])
    with pytest.raises(DataError, match="in no known layout"):
        list_cases(tmp_path)
    with LAYOUTS.temporarily("scans", layout, summary="CASE/scan.png with CASE/mask.png"):
        assert open_dataset(tmp_path).ids == ["ann"] and open_dataset(tmp_path, layout="scans").layout == "scans"
        assert names_its_masks(tmp_path) and make_config({"data": {"path": "x", "layout": "scans"}})
    with pytest.raises(ConfigError, match="layout"):
        open_dataset(tmp_path, layout="scans")
