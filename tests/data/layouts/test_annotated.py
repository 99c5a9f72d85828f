"""Shapes in files of other tools: COCO, CVAT and LabelMe, painted to pixels that are known."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.layouts import list_cases
from prismseg.data.options import DataOptions

HEIGHT, WIDTH = 6, 8
# A rectangle from column 1 to 4 and row 1 to 3 (COCO: the pixels whose centres are inside).
RING = [1, 1, 5, 1, 5, 4, 1, 4]
RECTANGLE = np.zeros((HEIGHT, WIDTH), np.uint8)
RECTANGLE[1:4, 1:5] = 1


def save(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(str(path)))
    pixels = rng.integers(0, 255, (HEIGHT, WIDTH)) if pixels is None else pixels
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def column_runs(mask):
    """Uncompressed run lengths of COCO, counted one pixel after the other."""
    runs, inside = [0], False
    for value in mask.T.ravel():
        if bool(value) != inside:
            runs.append(0)
            inside = not inside
        runs[-1] += 1
    return runs


def annotation(number, image, category, segmentation, **more):
    return {"id": number, "image_id": image, "category_id": category, "segmentation": segmentation, **more}


def coco(images, annotations, categories=("nerve", "vessel")):
    return {
        "images": [
            {"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH} for number, name in images.items()
        ],
        "annotations": annotations,
        "categories": [{"id": 3 + 2 * k, "name": name} for k, name in enumerate(categories)],
    }


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def masks(root, **options):
    dataset = open_dataset(root, **options)
    return {sample.id: sample.mask for sample in dataset}


def findings(root):
    return {finding.kind: finding for finding in check_dataset(root)}


def test_coco_polygons_runs_and_images_without_annotations(tmp_path):
    right = np.zeros((HEIGHT, WIDTH), np.uint8)
    right[:, 6:] = 1
    save(tmp_path / "images" / "a.png"), save(tmp_path / "images" / "b.png"), save(tmp_path / "images" / "c.png")
    write(
        tmp_path / "annotations" / "instances_default.json",
        coco(
            {1: "a.png", 2: "b.png", 9: "c.png"},
            [
                annotation(1, 1, 3, [RING], iscrowd=0),
                annotation(2, 1, 5, {"counts": column_runs(right), "size": [HEIGHT, WIDTH]}, iscrowd=1),
                annotation(3, 2, 3, [RING, [6, 0, 8, 0, 8, 2, 6, 2]]),
            ],
        ),
    )
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "coco" and dataset.classes == ["background", "nerve", "vessel"]
    found = masks(tmp_path)
    np.testing.assert_array_equal(found["a"], RECTANGLE + 2 * right)
    both = RECTANGLE.copy()
    both[:2, 6:] = 1
    np.testing.assert_array_equal(found["b"], both)
    assert not found["c"].any()
    assert findings(tmp_path)["crowds"].severity == "info"
    assert str(dataset[0].mask_path).endswith("instances_default.json#a.png")


def test_of_overlapping_coco_annotations_the_smaller_lies_on_top_and_is_counted(tmp_path):
    save(tmp_path / "a.png")
    small, large = [2, 2, 4, 2, 4, 3, 2, 3], RING
    shapes = [annotation(1, 1, 5, [small]), annotation(2, 1, 3, [large])]
    expected = RECTANGLE.copy()
    expected[2, 2:4] = 2
    for order in (shapes, shapes[::-1]):
        write(tmp_path / "labels.json", coco({1: "a.png"}, order))
        np.testing.assert_array_equal(masks(tmp_path)["a"], expected)
        assert "in 2 pixels (4.17% of them)" in findings(tmp_path)["overlapping shapes"].message


def test_parts_folders_and_windows_paths_of_coco_files(tmp_path):
    for part, name in (("train", "1"), ("train", "2"), ("valid", "1"), ("test", "3")):
        save(tmp_path / part / f"{name}.jpg")
    write(
        tmp_path / "train" / "_annotations.coco.json",
        coco({0: "1.jpg", 1: "upload\\2.jpg"}, [annotation(1, 0, 3, [RING])]),
    )
    write(tmp_path / "valid" / "_annotations.coco.json", coco({0: "1.jpg"}, [annotation(1, 0, 3, [RING])]))
    write(tmp_path / "test" / "_annotations.coco.json", coco({0: "3.jpg"}, []))
    dataset = open_dataset(tmp_path)
    assert dataset.predefined_splits == (
        {"train": ["train_1", "train_2"], "validation": ["valid_1"], "test": ["test_3"]},
    )


def test_ignored_and_background_categories(tmp_path):
    save(tmp_path / "a.png")
    content = coco(
        {1: "a.png"},
        [annotation(1, 1, 5, [RING]), annotation(2, 1, 7, [[6, 0, 8, 0, 8, 6, 6, 6]])],
        ("Background", "nerve", "ignore"),
    )
    write(tmp_path / "result.json", content)
    expected = RECTANGLE.copy()
    expected[:, 6:] = 255
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ["background", "nerve"]
    np.testing.assert_array_equal(dataset[0].mask, expected)


def test_annotations_of_boxes_alone_are_an_error_and_lost_images_are_told(tmp_path):
    save(tmp_path / "a.png"), save(tmp_path / "extra.png")
    boxes = [annotation(1, 1, 3, [], bbox=[1, 1, 3, 3]), annotation(2, 1, 3, [RING]), annotation(3, 77, 3, [RING])]
    write(tmp_path / "labels.json", coco({1: "a.png", 2: "gone.png"}, boxes))
    found = findings(tmp_path)
    assert found["boxes without a mask"].severity == "error"
    assert found["missing image"].severity == "error" and found["missing image"].file.name == "gone.png"
    assert (
        "extra.png" in found["unlisted images"].message and "1 annotations" in found["stray annotations"].message
    )


@pytest.mark.parametrize(
    "segmentation, words",
    [
        ({"counts": [3, 4], "size": [HEIGHT, WIDTH]}, "run lengths of 7 pixels"),
        ({"counts": "\x01", "size": [HEIGHT, WIDTH]}, "the character"),
        ({"counts": [48], "size": [WIDTH, HEIGHT]}, "run lengths for 8 x 6 pixels"),
        ([[0, 0, 1, 1, 2, 2, 3]], "pairs of numbers"),
    ],
)
def test_broken_coco_shapes_name_file_and_image(tmp_path, segmentation, words):
    save(tmp_path / "a.png")
    write(tmp_path / "labels.json", coco({1: "a.png"}, [annotation(1, 1, 3, segmentation, area=4)]))
    with pytest.raises(DataError, match=rf"labels\.json holds, for a\.png, .*{words}"):
        open_dataset(tmp_path)[0]
    # Without its area stated, it is painted to be sized.
    write(tmp_path / "labels.json", coco({1: "a.png"}, [annotation(1, 1, 3, segmentation)]))
    with pytest.raises(DataError, match=rf"labels\.json holds, for a\.png, .*{words}"):
        open_dataset(tmp_path)[0]


def test_other_json_files_are_no_coco_files(tmp_path):
    save(tmp_path / "images" / "a.png"), save(tmp_path / "masks" / "a.png", RECTANGLE)
    write(tmp_path / "info.json", {"images": 3, "annotations": []})
    write(tmp_path / "broken.json", '{"images": [')
    assert list_cases(tmp_path).layout == "folders"


XML = """<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><labels>
<label><name>vessel</name></label><label><name>nerve</name></label></labels></task></meta>
{}</annotations>"""


def cvat(*images):
    return XML.format("".join(images))


def image(name, *shapes, subset=""):
    return f'<image id="0" name="{name}" subset="{subset}" width="{WIDTH}" height="{HEIGHT}">{"".join(shapes)}</image>'


POLYGON = '<polygon label="nerve" z_order="{}" points="1.00,1.00;5.00,1.00;5.00,4.00;1.00,4.00"/>'


def test_cvat_shapes(tmp_path):
    for name in "abcd":
        save(tmp_path / "images" / f"{name}.png")
    mask = '<mask label="nerve" rle="1, 2, 2, 1" left="5" top="2" width="3" height="2" z_order="0"/>'
    ellipse = '<ellipse label="vessel" cx="3" cy="3" rx="2" ry="1" />'
    turned = '<box label="vessel" xtl="1" ytl="2" xbr="5" ybr="4" rotation="90"/>'
    line = '<polyline label="nerve" points="0,0;3,3"/>'
    write(
        tmp_path / "annotations.xml",
        cvat(image("a.png", POLYGON.format(0), mask), image("b.png", ellipse), image("c.png", turned, line)),
    )
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "cvat" and dataset.classes == ["background", "vessel", "nerve"]
    expected = 2 * RECTANGLE
    expected[2, 6:] = expected[3, 7] = 2
    np.testing.assert_array_equal(dataset[0].mask, expected)
    # Centres (x + ½, y + ½) with ((x - 3) / 2)² + (y - 3)² ≤ 1.
    oval = np.zeros((HEIGHT, WIDTH))
    oval[2:4, 2:4] = 1
    oval[2:4, [1, 4]] = (1.5 / 2) ** 2 + 0.25 <= 1
    np.testing.assert_array_equal(dataset[1].mask, oval)
    upright = np.zeros((HEIGHT, WIDTH))
    upright[1:5, 2:4] = 1  # 4 x 2 around (3, 3), turned by 90 degrees
    np.testing.assert_array_equal(dataset[2].mask, upright)
    found = findings(tmp_path)
    assert {"boxes as masks", "shapes left out", "unlisted images"} <= set(found)


@pytest.mark.parametrize("over, top", [(1, 2), (-1, 1)])
def test_the_z_order_of_cvat_decides(tmp_path, over, top):
    save(tmp_path / "a.png")
    box = '<box label="vessel" xtl="0" ytl="0" xbr="3" ybr="6" z_order="0"/>'
    write(tmp_path / "annotations.xml", cvat(image("a.png", POLYGON.format(over), box)))
    found = masks(tmp_path)["a"]
    assert (found[1:4, 1:3] == top).all() and (found[0, :3] == 1).all() and (found[1:4, 3:5] == 2).all()


def test_subsets_of_cvat_are_parts_and_videos_are_refused(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / f"{name}.png")
    xml = cvat(image("a.png", POLYGON.format(0), subset="Train"), image("b.png", subset="Validation"))
    write(tmp_path / "annotations.xml", xml)
    assert open_dataset(tmp_path).predefined_splits == ({"train": ["a"], "validation": ["b"], "test": []},)
    write(tmp_path / "annotations.xml", XML.format('<track id="0" label="nerve"></track>'))
    with pytest.raises(DataError, match="video"):
        open_dataset(tmp_path)
    write(tmp_path / "annotations.xml", xml[:-5])
    with pytest.raises(DataError, match=r"annotations\.xml is not valid XML"):
        open_dataset(tmp_path)


def labelme(name, *shapes):
    content = {"version": "5.4.1", "flags": {}, "shapes": list(shapes), "imagePath": name, "imageData": None}
    return content | {"imageHeight": HEIGHT, "imageWidth": WIDTH}


def shape(label, kind, points, **more):
    return {"label": label, "shape_type": kind, "points": points, "group_id": None, "flags": {}, **more}


def test_labelme_shapes(tmp_path):
    for name in ("a", "b", "c"):
        save(tmp_path / f"{name}.png")
    stored = io.BytesIO()
    Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(stored, "PNG")
    mask = shape("vessel", "mask", [[5, 4], [6, 5]], mask=base64.b64encode(stored.getvalue()).decode())
    square = shape("nerve", "polygon", [[1, 1], [4, 1], [4, 3], [1, 3]])
    write(tmp_path / "a.json", labelme("a.png", square, mask))
    disc = shape("__ignore__", "circle", [[3, 3], [3, 4]])
    write(tmp_path / "b.json", labelme("a\\b.png", disc, shape("nerve", "line", [[0, 0], [5, 5]])))
    dataset = open_dataset(tmp_path)
    assert dataset.layout == "labelme" and dataset.classes == ["background", "nerve", "vessel"]
    expected = RECTANGLE.copy()
    expected[4, 6] = expected[5, 5:7] = 2
    np.testing.assert_array_equal(dataset[0].mask, expected)
    cross = np.zeros((HEIGHT, WIDTH))
    cross[3, 2:5] = cross[2:5, 3] = 255
    assert set(np.unique(dataset[1].mask)) == {0, 255} and (dataset[1].mask[cross > 0] == 255).all()
    assert dataset.unlabelled == [2]  # an image without a file is not annotated yet
    found = findings(tmp_path)
    assert "1 shapes of the kind line" in found["shapes left out"].message and "missing mask" in found


def test_labels_txt_orders_the_classes_of_labelme(tmp_path):
    save(tmp_path / "a.png")
    write(tmp_path / "a.json", labelme("a.png", shape("nerve", "rectangle", [[4, 3], [1, 1]])))
    write(tmp_path / "labels.txt", "__ignore__\n_background_\nvessel\nnerve\n")
    dataset = open_dataset(tmp_path)
    assert dataset.classes == ["background", "vessel", "nerve"]
    np.testing.assert_array_equal(dataset[0].mask, 2 * RECTANGLE)
    write(tmp_path / "labels.txt", "vessel\n")
    with pytest.raises(DataError, match=r"labels\.txt lacks the labels nerve"):
        open_dataset(tmp_path)


def test_what_was_recognised_is_said(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png")
    write(tmp_path / "instances.json", coco({1: "images/a.png", 2: "images/b.png"}, [annotation(1, 1, 3, [RING])]))
    assert check_with(tmp_path, DataOptions()).recognised == (
        "Recognised as coco: 2 images, all with a mask. Classes: background, nerve (in 1 mask), vessel (in 0 masks). "
        "Each image is its own group."
    )


def test_the_fingerprint_follows_the_annotations(tmp_path):
    save(tmp_path / "a.png")
    write(tmp_path / "labels.json", coco({1: "a.png"}, [annotation(1, 1, 3, [RING])]))
    before = open_dataset(tmp_path).fingerprint()
    assert open_dataset(tmp_path).fingerprint() == before
    write(tmp_path / "labels.json", coco({1: "a.png"}, [annotation(1, 1, 5, [RING])]))
    assert open_dataset(tmp_path).fingerprint() != before


def test_a_ring_inside_another_is_told(tmp_path):
    save(tmp_path / "a.png")
    hole = [2, 2, 4, 2, 4, 3, 2, 3]
    write(tmp_path / "notes.json", coco({1: "a.png"}, [annotation(1, 1, 3, [RING, hole])]))
    np.testing.assert_array_equal(open_dataset(tmp_path)[0].mask, RECTANGLE)  # as pycocotools: the union
    assert "1 annotation" in findings(tmp_path)["polygons in polygons"].message
    write(tmp_path / "notes.json", coco({1: "a.png"}, [annotation(1, 1, 3, [RING, [6, 1, 8, 1, 8, 4, 6, 4]])]))
    assert "polygons in polygons" not in findings(tmp_path)
    holed = RECTANGLE.copy()
    holed[2, 2:4] = 0
    runs = {"counts": column_runs(holed), "size": [HEIGHT, WIDTH]}
    write(tmp_path / "notes.json", coco({1: "a.png"}, [annotation(1, 1, 3, runs)]))
    np.testing.assert_array_equal(open_dataset(tmp_path)[0].mask, holed)
