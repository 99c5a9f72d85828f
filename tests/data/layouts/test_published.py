"""Data sets as they are published, each planted in its own arrangement, and folders whose names say what they hold."""

from shutil import rmtree

import numpy as np
import pytest
from tests.data.layouts.planted import SQUARE, save

from prismseg.base import DataError
from prismseg.data import check_dataset, convert_dataset, open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.layouts import list_cases
from prismseg.data.layouts.roles import role_of
from prismseg.data.options import DataOptions

OTHER = np.roll(SQUARE, 2, axis=0)


def check(root):
    """Sentence on what was recognised; no error may be found, nor in what the data are converted to and back."""
    result = check_with(root, DataOptions())
    assert [finding.message for finding in result.findings if finding.severity == "error"] == []
    dataset = open_dataset(root)
    for to in ("folders", "nnunet", "coco"):
        there = open_dataset(convert_dataset(dataset, root.parent / f"as {to}", to).folder)
        position = {name: index for index, name in enumerate(there.ids)}
        assert sorted(position) == sorted(dataset.ids) and list(there.classes) == list(dataset.classes)
        for sample in dataset:
            other = there[position[sample.id]]
            np.testing.assert_array_equal(other.image, sample.image)
            np.testing.assert_array_equal(other.mask, sample.mask)
            assert other.group == sample.group
    return result.recognised


@pytest.mark.parametrize("further", [1, 3])
def test_busi_with_further_masks(tmp_path, further):
    root = tmp_path / "Dataset_BUSI_with_GT"
    for kind in ("benign", "malignant", "normal"):
        for number in (1, 12):
            save(root / kind / f"{kind} ({number}).png")
            save(root / kind / f"{kind} ({number})_mask.png", 255 * SQUARE * (kind != "normal"))
    for number in range(1, further + 1):
        save(root / "benign" / f"benign (1)_mask_{number}.png", 255 * np.roll(SQUARE, number, axis=0))
    union = np.max([np.roll(SQUARE, number, axis=0) for number in range(further + 1)], axis=0)
    dataset = open_dataset(root)
    np.testing.assert_array_equal(dataset[dataset.ids.index("benign (1)")].mask, union)
    assert check(root) == (
        "Recognised as busi: 6 images, all with a mask. Classes: background, lesion (in 4 masks). Each image is its own "
        "group."
    )
    for to in ("folders", "nnunet", "coco"):
        rmtree(tmp_path / f"as {to}")
    with pytest.raises(DataError, match=r"The folder Dataset_BUSI_with_GT in it is in one \(busi\): name "):
        open_dataset(tmp_path)


@pytest.mark.parametrize("apart", [True, False])
def test_further_masks_of_other_names(tmp_path, apart):
    root = tmp_path / "data"
    images, masks = ("images/", "masks/") if apart else ("", "")
    for name in ("a", "b"):
        save(root / f"{images}{name}.png")
        save(root / f"{masks}{name}_mask.png", 255 * SQUARE)
    save(root / f"{masks}a_mask_2.png", 255 * OTHER)
    np.testing.assert_array_equal(open_dataset(root)[0].mask, SQUARE | OTHER)
    assert "2 images, all with a mask. Classes: background, foreground (in 2 masks)" in check(root)
    (found,) = [finding for finding in check_dataset(root) if finding.kind == "masks joined"]
    assert "a_mask_2.png beside a_mask.png" in found.message
    save(root / f"{masks}a_mask_2.png", OTHER + 2 * np.roll(SQUARE, 3, axis=1))
    with pytest.raises(DataError, match=r"a_mask_2\.png holds the labels 0, 1, 2, .*of which a union"):
        open_dataset(root)[0]


def test_camvid(tmp_path):
    root, labels = tmp_path / "CamVid", np.full_like(SQUARE, 11)
    labels[:2], labels[2:4] = 0, 8  # sky and cars; the rest has no label
    for part, frames in {"train": (6690, 6720), "val": (7959,), "test": (8550,)}.items():
        for frame in frames:
            save(root / part / f"0001TP_{frame:06d}.png")
            save(root / f"{part}annot" / f"0001TP_{frame:06d}.png", labels)
        (root / f"{part}.txt").write_text(f"/SegNet/CamVid/{part}/0001TP_{frames[0]:06d}.png\n")
    dataset = open_dataset(root)
    assert dataset.layout == "camvid" and len(dataset.classes) == 12
    mask = dataset[0].mask
    assert {dataset.classes[mask[0, 0]], dataset.classes[mask[3, 0]]} == {"sky", "car"} and (mask[4:] == 255).all()
    recognised = check(root)
    assert "sky (in 4 masks)" in recognised and "Split of the data: train 2, validation 1, test 1." in recognised
    (found,) = [finding for finding in check_dataset(root) if finding.kind == "films in several parts"]
    assert "(0001TP)" in found.message


def test_own_data_arranged_as_camvid_have_classes_of_their_own(tmp_path):
    for part in ("train", "val", "test"):
        save(tmp_path / "own" / part / f"{part}_1.png")
        save(tmp_path / "own" / f"{part}annot" / f"{part}_1.png", SQUARE)
    recognised = check(tmp_path / "own")
    assert recognised.startswith("Recognised as split: 3 images, all with a mask. Classes: background, foreground")


def write_cityscapes(root, *, labelled_test):
    labels = np.full_like(SQUARE, 3)  # out of the region of interest
    labels[:2], labels[2:4] = 7, 26
    for part, city in (("train", "aachen"), ("train", "bochum"), ("val", "lindau"), ("test", "berlin")):
        for number in (0, 1):
            name = f"{city}_{number:06d}_000019"
            save(root / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png")
            folder = root / "gtFine" / part / city
            real = part != "test" or labelled_test
            save(folder / f"{name}_gtFine_labelIds.png", labels if real else 0 * labels + 3)
            save(folder / f"{name}_gtFine_instanceIds.png", labels)
            save(folder / f"{name}_gtFine_color.png", labels)
            (folder / f"{name}_gtFine_polygons.json").write_text("{}")
    return root


@pytest.mark.parametrize("labelled_test", [True, False])
def test_cityscapes(tmp_path, labelled_test):
    root = write_cityscapes(tmp_path / "city", labelled_test=labelled_test)
    dataset = open_dataset(root)
    assert dataset.layout == "cityscapes" and len(dataset.classes) == 20
    first = dataset.ids.index("aachen_000000_000019")
    assert dataset.groups[first : first + 4] == ["aachen", "aachen", "bochum", "bochum"]
    mask = dataset[first].mask
    assert {dataset.classes[mask[0, 0]], dataset.classes[mask[3, 0]]} == {"road", "car"} and (
        mask[4:] == 255
    ).all()
    parts = "train 4, validation 2, test 2" if labelled_test else "train 4, validation 2"
    assert f"Groups: {4 if labelled_test else 3}, of 2 images each. Split of the data: {parts}." in check(root)
    told = [finding.message for finding in check_dataset(root) if finding.kind == "images without labels"]
    assert len(told) == (not labelled_test) and all("2 images in" in message for message in told)


def test_cityscapes_without_its_labels_says_what_to_unpack(tmp_path):
    root = write_cityscapes(tmp_path, labelled_test=True)
    for path in root.glob("gtFine/*/*/*_labelIds.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"NAME_gtFine_labelIds\.png .*gtFine_trainvaltest\.zip"):
        open_dataset(root)


ISIC = {
    "2018": ("ISIC2018_Task1-2_{}_Input", "ISIC2018_Task1_{}_GroundTruth"),
    "2017": ("ISIC-2017_{}_Data", "ISIC-2017_{}_Part1_GroundTruth"),
}


@pytest.mark.parametrize("year", ISIC)
def test_isic(tmp_path, year):
    images, masks = ISIC[year]
    root = tmp_path / "isic"
    for number, part in enumerate(("Training", "Validation", "Test_v2" if year == "2017" else "Test")):
        name = f"ISIC_000000{number}"
        save(root / images.format(part) / f"{name}.jpg")
        save(root / images.format(part) / f"{name}_superpixels.png")
        save(root / masks.format(part) / f"{name}_segmentation.png", 255 * SQUARE)
        (root / images.format(part) / "ATTRIBUTION.txt").write_text("CC-BY")
    recognised = check(root)
    assert recognised.startswith("Recognised as split: 3 images, all with a mask.")
    assert "Split of the data: train 1, validation 1, test 1." in recognised
    np.testing.assert_array_equal(open_dataset(root)[0].mask, SQUARE)


ANNOTATED = {
    "CHASE_DB1": ("Image_0{}{}.jpg", "Image_0{}{}_{}.png", ("1stHO", "2ndHO")),
    "STARE": ("im0{}{}.ppm", "im0{}{}.{}.ppm", ("ah", "vk")),
    "raters": ("p{}_{}.png", "p{}_{}_rater{}.png", ("1", "2")),
}


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("kind", ANNOTATED)
def test_annotators_in_one_folder(tmp_path, kind, apart):
    image, mask, people = ANNOTATED[kind]
    root = tmp_path / "eyes"
    images, masks = ("Images/", "Masks/") if apart else ("", "")
    for child in "123":
        for eye in "LR":
            save(root / f"{images}{image.format(child, eye)}")
            for number, person in enumerate(people):
                drawn = 255 * np.roll(SQUARE, number, axis=1)
                save(root / f"{masks}{mask.format(child, eye, person)}", drawn)
    dataset = open_dataset(root)
    names = [f"rater{person}" for person in people] if kind == "raters" else list(people)
    assert len(dataset) == 6 and dataset.annotators == names
    np.testing.assert_array_equal(dataset.annotations(0)[names[1]], np.roll(SQUARE, 1, axis=1))
    assert f"Masks of 2 annotators: {names[0]} (6), {names[1]} (6)" in check(root)
    if kind == "CHASE_DB1":
        assert dataset.groups == ["01", "01", "02", "02", "03", "03"]  # both eyes of a child are together
    first = open_dataset(root, annotators=names[0])
    np.testing.assert_array_equal(first[0].mask, SQUARE)


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    "image, mask",
    [
        ("img{}.png", "img{}Mask.png"), ("cell{}.png", "cell{}mask.png"), ("{}_HC.png", "{}_HC_Annotation.png"),
        ("x_{}.bmp", "x_{}_anno.bmp"),
    ],
)  # fmt: skip
def test_words_without_a_mark_and_of_other_kinds(tmp_path, apart, image, mask):
    root = tmp_path / "data"
    for name in "123":
        save(root / ("images" * apart) / image.format(name))
        save(root / ("masks" * apart) / mask.format(name), 255 * SQUARE)
    assert "3 images, all with a mask" in check(root)


FOLDERS = {
    "Original": "Ground Truth", "CXR_png": "masks", "Tissue Images": "Labels", "images_png": "masks_png",
    "p_Dermoscopic_Image": "p_lesion", "raw": "GT", "photos": "Annotations",
}  # fmt: skip


@pytest.mark.parametrize("images", FOLDERS)
def test_folders_whose_names_say_what_they_hold(tmp_path, images):
    for name in "12":
        save(tmp_path / "data" / images / f"{name}.png")
        save(tmp_path / "data" / FOLDERS[images] / f"{name}.png", SQUARE)
    assert check(tmp_path / "data").startswith("Recognised as folders: 2 images, all with a mask.")


def test_groups_within_parts_of_folders(tmp_path):
    for part, city in (("train", "a"), ("train", "b"), ("val", "c")):
        save(tmp_path / "data" / "images" / part / city / "1.png")
        save(tmp_path / "data" / "labels" / part / city / "1.png", SQUARE)
    assert "Split of the data: train 2, validation 1." in check(tmp_path / "data")
    assert open_dataset(tmp_path / "data").groups == ["a", "b", "c"]


def test_what_all_masks_add_to_names_need_not_be_a_known_word(tmp_path):
    """CamVid as Kaggle has it: train/0001TP_006690.png, train_labels/0001TP_006690_L.png."""
    for part, numbers in (("train", (6690, 6720)), ("val", (7500, 7530)), ("test", (9060, 9090))):
        for number in numbers:
            save(tmp_path / part / f"0001TP_00{number}.png")
            save(tmp_path / f"{part}_labels" / f"0001TP_00{number}_L.png", SQUARE)
    listing = list_cases(tmp_path)
    assert len(listing.cases) == 6
    assert all(case.mask.stem == f"{case.images[0].stem}_L" for case in listing.cases)


def test_masks_that_add_different_things_are_nobodys(tmp_path):
    for number, added in enumerate(("_a", "_b", "_c")):
        save(tmp_path / "images" / f"{number}.png")
        save(tmp_path / "masks" / f"{number}{added}.png", SQUARE)
    with pytest.raises(DataError, match="say what mask names add"):
        list_cases(tmp_path)


def test_the_field_of_view_of_hrf_is_not_taken_for_vessels(tmp_path):
    for name in ("01_h", "02_dr"):
        save(tmp_path / "images" / f"{name}.jpg")
        save(tmp_path / "manual1" / f"{name}.tif", SQUARE)
        save(tmp_path / "mask" / f"{name}_mask.tif", 1 - SQUARE)
    assert "two folders of masks" in {f.kind for f in check_dataset(tmp_path) if f.severity == "error"}


def test_folders_of_no_layout_are_told_with_what_they_hold(tmp_path):
    for folder in ("x", "y"):
        save(tmp_path / folder / "1.png")
    with pytest.raises(
        DataError, match=r"holds x/ \(1 pictures\), y/ \(1 pictures\)\. .*dataset\.csv .*image,mask,group"
    ):
        list_cases(tmp_path)


@pytest.mark.parametrize(
    "name, part, kind",
    [
        ("train_masks", "train", "masks"), ("TrainingImages", "train", "images"), ("testannot", "test", "masks"),
        ("images", None, "images"), ("latest", None, None), ("label_images", None, "masks"),
        ("val", "validation", None),
        ("gtFine", None, "masks"), ("trainer", None, None), ("1st_manual", None, "masks"),
    ],
)  # fmt: skip
def test_what_names_of_folders_say(name, part, kind):
    assert (role_of(name).part, role_of(name).kind) == (part, kind)
