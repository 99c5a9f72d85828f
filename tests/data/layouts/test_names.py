"""Names of images that differ from those on the disk in capital letters only, in annotated files, VOC and folders."""

import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset

HEIGHT, WIDTH = 6, 8
RECTANGLE = np.zeros((HEIGHT, WIDTH), np.uint8)
RECTANGLE[1:4, 1:5] = 1


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((HEIGHT, WIDTH), 7, np.uint8) if pixels is None else pixels).save(path)
    return path


def findings(root):
    return {finding.kind: finding for finding in check_dataset(root)}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def annotate(kind, root, name, size=(HEIGHT, WIDTH)):
    """Write a file of annotations about one image, without any shape."""
    height, width = size
    if kind == "cvat":
        meta = "<meta><task><labels><label><name>nerve</name></label></labels></task></meta>"
        image = f'<image id="0" name="{name}" width="{width}" height="{height}"></image>'
        return write(root / "notes.xml", f"<annotations><version>1.1</version>{meta}{image}</annotations>")
    image = {"id": 1, "file_name": name, "height": height, "width": width}
    content = {
        "coco": {"images": [image], "annotations": [], "categories": [{"id": 1, "name": "nerve"}]},
        "labelme": {
            "version": "5.4", "flags": {}, "shapes": [],
            "imagePath": name, "imageData": None, "imageHeight": height, "imageWidth": width,
        },
    }[kind]  # fmt: skip
    return write(root / "notes.json", json.dumps(content))


@pytest.mark.parametrize("kind", ["coco", "labelme", "cvat"])
def test_names_in_other_capital_letters_find_their_image(tmp_path, kind):
    save(tmp_path / "images" / "Scan_1.PNG")
    annotate(kind, tmp_path, "Images/scan_1.png")
    dataset = open_dataset(tmp_path)
    assert dataset[0].image_path == tmp_path / "images" / "Scan_1.PNG"
    assert not dataset[0].mask.any()  # no shapes: background
    assert "scan_1.png is images/Scan_1.PNG" in findings(tmp_path)["names in other letters"].message


@pytest.mark.parametrize("kind", ["coco", "labelme", "cvat"])
def test_names_that_two_images_have_but_for_capital_letters_are_refused(tmp_path, kind):
    save(tmp_path / "in" / "scan.png"), save(tmp_path / "in" / "Scan.png")
    if len(list((tmp_path / "in").iterdir())) < 2:
        pytest.skip("this disk does not tell capital letters apart")
    annotate(kind, tmp_path, "SCAN.png")
    with pytest.raises(DataError, match=r"SCAN\.png may be .*Scan\.png or .*scan\.png"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("kind", ["coco", "labelme", "cvat"])
def test_missing_images_and_other_sizes_are_told(tmp_path, kind):
    save(tmp_path / "a.png")
    annotate(kind, tmp_path, "a.png", (HEIGHT + 1, WIDTH))
    assert any(f.severity == "error" and "a.png" in f.message for f in check_dataset(tmp_path))
    (tmp_path / "a.png").rename(tmp_path / "b.png")
    assert findings(tmp_path)["missing image"].file.name == "a.png"


def test_names_of_voc_in_other_capital_letters(tmp_path):
    save(tmp_path / "JPEGImages" / "Scan_1.png"), save(tmp_path / "JPEGImages" / "b.png")
    save(tmp_path / "SegmentationClass" / "scan_1.png", RECTANGLE)
    save(tmp_path / "SegmentationClass" / "b.png", 0 * RECTANGLE)
    write(tmp_path / "ImageSets" / "Segmentation" / "train.txt", "SCAN_1\n")
    write(tmp_path / "ImageSets" / "Segmentation" / "val.txt", "b\n")
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ["Scan_1", "b"] and dataset[0].mask.sum() == RECTANGLE.sum()
    assert dataset[1].mask.sum() == 0


def test_masks_in_folders_in_other_capital_letters(tmp_path):
    save(tmp_path / "images" / "IMG_A1.png"), save(tmp_path / "images" / "img_b.png")
    save(tmp_path / "masks" / "a1_Mask.png", RECTANGLE), save(tmp_path / "masks" / "B_mask.png", 0 * RECTANGLE)
    dataset = open_dataset(tmp_path)
    assert [sample.mask.sum() for sample in dataset] == [RECTANGLE.sum(), 0]


def test_a_mask_of_that_very_name_comes_first(tmp_path):
    save(tmp_path / "images" / "a.png"), save(tmp_path / "images" / "A.png")
    if len(list((tmp_path / "images").iterdir())) < 2:
        pytest.skip("this disk does not tell capital letters apart")
    save(tmp_path / "masks" / "a.png", RECTANGLE)
    dataset = open_dataset(tmp_path)
    assert [(sample.id, sample.mask is None) for sample in dataset] == [("A", True), ("a", False)]
