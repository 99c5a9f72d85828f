"""Round trips through the layouts that data sets are written in."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError, OutputError
from prismseg.data import convert_dataset, open_dataset
from prismseg.data.conversion.targets import TARGETS

RNG = np.random.default_rng(5)


def write_source(root, *, colour=False, dtype=np.uint8, split=True):
    """Write a table of five cases of three patients, with two classes, an empty mask and pixels that count nowhere."""
    rows = ["image,mask,group,split"] if split else ["image,mask,group"]
    parts = ["train", "train", "val", "test", "test"]
    for number, (part, group) in enumerate(zip(parts, "aabcc", strict=True)):
        shape = (12, 9 + number, 3) if colour else (12, 9 + number)
        pixels = RNG.integers(0, np.iinfo(dtype).max, shape).astype(dtype)
        mask = RNG.choice([0, 0, 1, 2, 255], (12, 9 + number)).astype(np.uint8) * (number != 2)
        for folder, values in (("scans", pixels), ("truth", mask)):
            (root / folder).mkdir(parents=True, exist_ok=True)
            np.save(root / folder / f"case {number}.npy", values)
        rows.append(f"scans/case {number}.npy,truth/case {number}.npy,{group}" + f",{part}" * split)
    (root / "dataset.csv").write_text("\n".join(rows))
    return open_dataset(root, classes=["background", "nerve", "vessel"])


def same(first, second):
    assert first.ids == second.ids and list(first.classes) == list(second.classes)
    assert first.groups == second.groups
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.image.dtype == other.image.dtype
        np.testing.assert_array_equal(one.mask, other.mask)


KINDS = [{}, {"colour": True}, {"dtype": np.uint16}, {"colour": True, "dtype": np.uint16}]


@pytest.mark.parametrize("to", TARGETS.names())
@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(tmp_path, to, kind):
    source = write_source(tmp_path / "source", **kind)
    there = open_dataset(convert_dataset(source, tmp_path / "there", to).folder)
    same(source, there)
    back = open_dataset(convert_dataset(there, tmp_path / "back", "folders").folder)
    same(source, back)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back", "source", "there"]


def test_parts_are_kept(tmp_path):
    source = write_source(tmp_path / "source")
    for to in ("folders", "coco"):
        assert (
            open_dataset(convert_dataset(source, tmp_path / to, to).folder).predefined_splits
            == source.predefined_splits
        )
    written = convert_dataset(source, tmp_path / "nnunet", "nnunet")
    assert json.loads((written.folder / "splits_final.json").read_text()) == [
        {"train": ["case 0", "case 1", "case 2"], "val": ["case 3", "case 4"]}
    ]
    assert "validation part is trained on" in written.notes[0]


def test_folds_of_nnunet_divide_no_group(tmp_path):
    written = convert_dataset(write_source(tmp_path / "source", split=False), tmp_path / "nnunet", "nnunet")
    folds = json.loads((written.folder / "splits_final.json").read_text())
    group = dict(zip([f"case {number}" for number in range(5)], "aabcc", strict=True))
    assert len(folds) == 3
    for fold in folds:
        assert sorted(fold["train"] + fold["val"]) == sorted(group)
        assert not {group[name] for name in fold["train"]} & {group[name] for name in fold["val"]}
    assert json.loads((written.folder / "dataset.json").read_text())["labels"] == {
        "background": 0, "nerve": 1, "vessel": 2, "ignore": 3,
    }  # fmt: skip


def test_pycocotools_decodes_the_same_masks(tmp_path):
    COCO = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed").COCO
    source = write_source(tmp_path / "source", split=False)
    file = convert_dataset(source, tmp_path / "coco", "coco").folder / "annotations" / "instances.json"
    theirs = COCO(str(file))
    label = {number: {"nerve": 1, "vessel": 2, "ignore": 255}[c["name"]] for number, c in theirs.cats.items()}
    for sample, (number, image) in zip(source, theirs.imgs.items(), strict=True):
        mask = np.zeros((image["height"], image["width"]), int)
        for annotation in theirs.imgToAnns[number]:
            inside = theirs.annToMask(annotation)
            assert inside.sum() == annotation["area"]
            mask[inside > 0] = label[annotation["category_id"]]
        np.testing.assert_array_equal(mask, sample.mask)


def test_nothing_is_overwritten_and_nothing_half_written_stays(tmp_path):
    source = write_source(tmp_path / "source")
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="exists already"):
        convert_dataset(source, tmp_path / "out", "folders")
    np.save(tmp_path / "source" / "truth" / "case 4.npy", np.zeros((3, 3), np.uint8))
    with pytest.raises(DataError, match="3 x 3 pixels"):
        convert_dataset(source, tmp_path / "new", "folders")
    with pytest.raises(ConfigError, match="layout to convert to"):
        convert_dataset(source, tmp_path / "new", "pascal")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]


def test_images_without_a_mask_are_left_out_where_they_would_seem_empty(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "source" / "images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 255, (6, 8)).astype(np.uint8)).save(
            tmp_path / "source" / "images" / f"{name}.png"
        )
    (tmp_path / "source" / "masks").mkdir()
    Image.fromarray(np.eye(6, 8).astype(np.uint8)).save(tmp_path / "source" / "masks" / "a.png")
    source = open_dataset(tmp_path / "source")
    assert [convert_dataset(source, tmp_path / to, to).left_out for to in TARGETS.names()] == [1, 0, 1]
    assert open_dataset(tmp_path / "folders").unlabelled == [1]


ODD = [
    "Fuß links 1",
    "p.1.a",
    "IMG_0001",
    "mask",
    "ümläut",
    "a,b",
    "日本",
    "-dash",
    "a#b",
    "x_0000",
    "100%",
    "it's",
]


@pytest.mark.parametrize("to", TARGETS.names())
def test_odd_names_of_cases_classes_and_groups_come_back(tmp_path, to):
    rows = [["image", "mask", "group", "split"]]
    for number, name in enumerate(ODD):
        for folder, values in (("i", RNG.integers(0, 255, (7, 9))), ("m", RNG.integers(0, 3, (7, 9)))):
            (tmp_path / "source" / folder).mkdir(parents=True, exist_ok=True)
            Image.fromarray(values.astype(np.uint8)).save(tmp_path / "source" / folder / f"{name}.png")
        group, part = (("Ä b", "train"), ('g,"1"', ""), ("0", "test"))[number % 3]
        rows.append([f"i/{name}.png", f"m/{name}.png", group, part])
    with (tmp_path / "source" / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    with (tmp_path / "source" / "classes.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(
            [["value", "class"], [0, "background"], [1, "nerve, left"], [2, 'the "vessel"']]
        )
    source = open_dataset(tmp_path / "source")
    assert source.classes == ["background", "nerve, left", 'the "vessel"'] and source.ids == ODD
    written = convert_dataset(source, tmp_path / "there", to)
    there = open_dataset(written.folder)
    assert sorted(there.ids) == sorted(ODD) and there.classes == source.classes
    for name in ODD:
        one, other = source[source.ids.index(name)], there[there.ids.index(name)]
        assert one.group == other.group
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.mask, other.mask)
    parts = {part: sorted(names) for part, names in source.predefined_splits[0].items()}
    assert {part: sorted(names) for part, names in there.predefined_splits[0].items()} == parts


def test_what_files_do_not_hold_is_told(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    for folder, most in (("images", 255), ("masks", 2)):
        (tmp_path / "source" / folder).mkdir(parents=True)
        image = nibabel.Nifti1Image(RNG.integers(0, most, (5, 4, 2)).astype(np.uint8), np.diag([0.5, 0.7, 3, 1]))
        image.header.set_xyzt_units("mm")
        nibabel.save(image, tmp_path / "source" / folder / "p1.nii.gz")
    written = convert_dataset(open_dataset(tmp_path / "source"), tmp_path / "there", "folders")
    assert any("0.7 x 0.5 mm" in note for note in written.notes)
    for folder in ("images", "masks"):
        (tmp_path / "named" / folder).mkdir(parents=True)
        Image.fromarray(np.eye(6, dtype=np.uint8)).save(tmp_path / "named" / folder / "a:b.png")
    written = convert_dataset(open_dataset(tmp_path / "named"), tmp_path / "safe", "coco")
    assert open_dataset(written.folder).ids == ["a_b"] and "a:b is a_b" in written.notes[0]


@pytest.mark.parametrize("to", TARGETS.names())
@pytest.mark.parametrize("name", ["Ignore", "void", "bg", "_background_"])
def test_names_that_layouts_keep_are_refused_for_classes(tmp_path, to, name):
    source = write_source(tmp_path / "source").named(["background", name, "vessel"])
    with pytest.raises(ConfigError, match=f"The class '{name}' .* layouts keep"):
        convert_dataset(source, tmp_path / "there", to)
    assert not (tmp_path / "there").exists()
