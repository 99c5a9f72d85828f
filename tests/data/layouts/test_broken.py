"""Files of annotations with values that no program should write: one sentence that names the file, no traceback."""

import copy
import json

import pytest
from tests.data.layouts.test_annotated import annotation, coco, cvat, image, labelme, save, shape, write

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset

HUGE = 10**12


def changed(content, place, value):
    """Copy of a file's content with another value at a place."""
    content = copy.deepcopy(content)
    *path, last = place
    inner = content
    for key in path:
        inner = inner[key]
    inner[last] = value
    return content


def refused(root, name):
    with pytest.raises(DataError, match=name):
        [sample.mask for sample in open_dataset(root)]
    assert any(name in finding.message for finding in check_dataset(root) if finding.severity == "error")


SHAPES = ("annotations", 0, "segmentation")


@pytest.mark.parametrize(
    "place, value",
    [
        (("images", 0, "height"), ""),
        (("images", 0, "height"), [1]),
        (("images", 0, "width"), HUGE),
        (("images", 0, "width"), float("nan")),
        (("images", 0, "id"), [1]),
        (("images", 0, "file_name"), ""),
        (("annotations", 0, "image_id"), {"a": 1}),
        (("annotations", 0, "category_id"), ["x"]),
        (SHAPES, [["a", 1, 2, 3, 4, 5]]),
        (SHAPES, [[{}, 1, 2, 3, 4, 5]]),
        (SHAPES, [[HUGE, 1, 2, 3, 4, 5]]),
        (SHAPES, {"counts": 3, "size": [6, 8]}),
        (SHAPES, {"counts": [{}], "size": [6, 8]}),
        (SHAPES, {"counts": [48], "size": [6]}),
        (SHAPES, {"counts": [48], "size": [{}, 8]}),
        (SHAPES, {"counts": [3, HUGE], "size": [6, 8]}),
    ],
)
def test_coco(tmp_path, place, value):
    save(tmp_path / "a.png")
    good = coco({1: "a.png"}, [annotation(1, 1, 3, [[1, 1, 5, 1, 5, 4, 1, 4]])])
    write(tmp_path / "labels.json", json.dumps(changed(good, place, value)))
    refused(tmp_path, "labels.json")


@pytest.mark.parametrize(
    "place, value",
    [
        (("imageHeight",), "six"),
        (("imageWidth",), [8]),
        (("imageWidth",), HUGE),
        (("shapes",), 3),
        (("shapes", 0, "points", 0), [HUGE, 1]),
        (("shapes", 0, "points", 0), [float("nan"), 1]),
        (("shapes", 1, "points", 0), [float("nan"), 1]),
        (("shapes", 1, "mask"), "iVBORw0KGgo="),
    ],
)
def test_labelme(tmp_path, place, value):
    save(tmp_path / "a.png")
    stored = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4nGNg+M/A8B8ABAIB/8hd6TYAAAAASUVORK5CYII="
    mask = shape("vessel", "mask", [[1, 1], [2, 2]], mask=stored)
    good = labelme("a.png", shape("nerve", "polygon", [[1, 1], [4, 1], [4, 3]]), mask)
    write(tmp_path / "notes.json", json.dumps(changed(good, place, value)))
    refused(tmp_path, "notes.json")


MASK = 'rle="1, 2, 2, 1" left="5" top="2" width="3" height="2"'


@pytest.mark.parametrize(
    "before, after",
    [
        ('width="8"', f'width="{HUGE}"'),
        ('height="6"', 'height="-1"'),
        ('height="6"', ""),
        ('cx="3"', 'cx="inf"'),
        ('cx="3"', 'cx="nan"'),
        ('rx="2"', 'rx="1e400"'),
        ('xbr="5"', 'xbr="inf"'),
        ('points="1', f'points="{HUGE}'),
        (MASK, f'rle="{HUGE}" left="0" top="0" width="{HUGE}" height="1"'),
        ('name="a.png"', 'name=""'),
        ('name="a.png"', 'name="."'),
    ],
)
def test_cvat(tmp_path, before, after):
    save(tmp_path / "a.png")
    good = cvat(
        image(
            "a.png",
            '<polygon label="nerve" z_order="0" points="1,1;5,1;5,4"/>',
            '<ellipse label="vessel" cx="3" cy="3" rx="2" ry="1"/>',
            '<box label="vessel" xtl="1" ytl="2" xbr="5" ybr="4"/>',
            f'<mask label="nerve" {MASK} z_order="0"/>',
        )
    )
    assert before in good
    write(tmp_path / "annotations.xml", good.replace(before, after))
    refused(tmp_path, "annotations.xml")


@pytest.mark.parametrize(
    "place, value",
    [
        (("d", "channel_names"), 3.5),
        (("d", "file_ending"), {"a": 1}),
        (("d", "labels", "nerve"), []),
        (("s", 0, "train"), [1, "b"]),
        (("s", 0, "val"), [["b"]]),
    ],
)
def test_nnunet(tmp_path, place, value):
    for folder, suffix in (("imagesTr", "_0000"), ("labelsTr", "")):
        save(tmp_path / folder / f"a{suffix}.png")
    good = {
        "d": {"labels": {"background": 0, "nerve": 1}, "file_ending": ".png"},
        "s": [{"train": ["a"], "val": ["b"]}],
    }
    content = changed(good, place, value)
    write(tmp_path / "dataset.json", content["d"]), write(tmp_path / "splits_final.json", content["s"])
    told = {"s": "splits_final.json", "d": "dataset.json"}[place[0]]
    refused(tmp_path, " files; read are" if place[1] == "file_ending" else told)
