"""Names of files that do not exist: the message says who names them, and which existing name is the nearest."""

import pytest
from tests.data.layouts.test_names import RECTANGLE, annotate, save, write

from prismseg.base import DataError, DataNotFoundError
from prismseg.data import check_dataset, open_dataset
from prismseg.data.images.nearest import NearestNames


def missing(root):
    return [f.message for f in check_dataset(root) if f.severity == "error" and f.kind.startswith("missing")]


@pytest.mark.parametrize("kind", ["coco", "labelme", "cvat"])
@pytest.mark.parametrize("stored", ["img_1.jpg", "IMG_01.png", "img-01.jpeg", "img_01 .png", "imgs_01.png"])
def test_a_misspelt_image_of_an_annotated_file(tmp_path, kind, stored):
    save(tmp_path / "images" / stored), save(tmp_path / "images" / "other.png")
    annotate(kind, tmp_path, "img_01.jpg")
    file = tmp_path / ("notes.xml" if kind == "cvat" else "notes.json")
    message = (
        f"{file} names img_01.jpg, which does not exist; the nearest name in {tmp_path} is images/{stored}. "
        "Correct one of the two."
    )
    assert missing(tmp_path)[0] == message
    with pytest.raises(DataNotFoundError) as refused:
        open_dataset(tmp_path)
    assert str(refused.value) == message


def test_an_image_that_another_entry_names_is_not_the_nearest(tmp_path):
    save(tmp_path / "img_7.png"), save(tmp_path / "img_8.png")
    write(
        tmp_path / "dataset.csv",
        "image,mask\nimg_7.png,img_7.png\nimg_8.png,img_8.png\nimg_07.png,img_8.png\nimg_9.png,img_8.png\n",
    )
    first, second = missing(tmp_path)
    assert first.startswith(
        f"Line 4 of {tmp_path / 'dataset.csv'} names img_07.png, which does not exist, and no name"
    )
    with pytest.raises(DataNotFoundError, match=r"Line 4 .* 1 more file is missing\.$"):
        open_dataset(tmp_path)
    save(tmp_path / "IMG_009.tif")
    assert missing(tmp_path)[1].startswith(second.split(", and")[0]) and "is IMG_009.tif." in missing(tmp_path)[1]


def test_masks_and_paths_of_other_computers_in_a_table(tmp_path):
    save(tmp_path / "scans" / "left 1.png"), save(tmp_path / "truth" / "left_1.png", RECTANGLE)
    write(tmp_path / "list.csv", "image,mask\n/home/bob/scans/left 1.png,truth/left-01.png\n")
    image, mask = missing(tmp_path / "list.csv")
    assert f"the nearest name in {tmp_path} is scans/left 1.png" in image
    assert (
        f"names truth/left-01.png, which does not exist; the nearest name in {tmp_path / 'truth'} is left_1.png"
        in mask
    )
    write(tmp_path / "list.csv", "\ufeffimage,mask\r\nscans\\left 1.png,truth\\left_1.png\r\n")
    dataset = open_dataset(tmp_path / "list.csv")
    assert dataset.ids == ["left 1"] and dataset[0].mask.sum() == RECTANGLE.sum()


def test_a_renamed_image_of_labelme_is_found_by_its_file(tmp_path):
    save(tmp_path / "notes.png")
    annotate("labelme", tmp_path, "DSC0815.jpg")
    assert "names DSC0815.jpg, which does not exist; the nearest" in missing(tmp_path)[0]
    assert "is notes.png." in missing(tmp_path)[0]


def test_lists_of_voc(tmp_path):
    save(tmp_path / "JPEGImages" / "a.png"), save(tmp_path / "JPEGImages" / "scan_1.png")
    save(tmp_path / "SegmentationClass" / "a.png", RECTANGLE)
    write(tmp_path / "ImageSets" / "Segmentation" / "train.txt", "a\nscan_01\nlost\n")
    with pytest.raises(DataError, match=r"among them lost, scan_01 \(scan_1 is near\)"):
        open_dataset(tmp_path)


def test_cases_of_equal_names_elsewhere_have_names_that_files_can_have(tmp_path):
    for folder in ("a", "b"):
        save(tmp_path / folder / "x.png"), save(tmp_path / folder / "m.png", RECTANGLE)
    (tmp_path / "lists").mkdir()
    rows = [
        [f"{tmp_path}/a/x.png,{tmp_path}/a/m.png", "../b/x.png,../b/m.png"],
        ["../a/x.png,../a/m.png", "../b/x.png,../b/m.png"],
    ]
    for lines in rows:
        write(tmp_path / "lists" / "all.csv", "image,mask\n" + "\n".join(lines))
        assert open_dataset(tmp_path / "lists" / "all.csv").ids == ["a_x", "b_x"]


def test_numbers_are_not_taken_for_each_other():
    names = NearestNames(["1_1.png", "11.tif", "p10.png"])
    assert names.find("11.png") == "11.tif"
    assert names.find("1-01.jpg") == "1_1.png" and names.find("P_010") == "p10.png" and names.find("left") is None
