"""Holes, parts, overlaps and kinds of shapes in annotated files, painted to pixels that were counted by hand."""

import numpy as np
import pytest
from PIL import Image
from tests.data.layouts.test_annotated import (
    RECTANGLE,
    RING,
    annotation,
    coco,
    column_runs,
    cvat,
    findings,
    image,
    labelme,
    masks,
    save,
    shape,
    write,
)

HOLED = RECTANGLE.copy()
HOLED[2, 2:4] = 0


def test_compressed_runs_of_coco_with_a_hole(tmp_path):
    """The text is what pycocotools 2.0.11 writes for the rectangle from (1, 1) to (3, 4) less (2, 2) and (2, 3)."""
    save(tmp_path / "a.png")
    write(
        tmp_path / "labels.json",
        coco({1: "a.png"}, [annotation(1, 1, 3, {"size": [6, 8], "counts": "733NN020N022a0"}, iscrowd=1)]),
    )
    np.testing.assert_array_equal(masks(tmp_path)["a"], HOLED)


def test_parts_of_coco_that_overlap_are_one_object(tmp_path):
    save(tmp_path / "a.png")
    parts = [RING, [3, 2, 7, 2, 7, 6, 3, 6], [7, 0, 8, 0, 8, 1, 7, 1]]
    write(tmp_path / "labels.json", coco({1: "a.png"}, [annotation(1, 1, 5, parts)]))
    expected = 2 * RECTANGLE
    expected[2:6, 3:7] = expected[0, 7] = 2
    np.testing.assert_array_equal(masks(tmp_path)["a"], expected)
    assert "overlapping shapes" not in findings(tmp_path)


def test_a_smaller_crowd_lies_on_a_larger_object(tmp_path):
    save(tmp_path / "a.png")
    inner = RECTANGLE - HOLED
    runs = {"size": [6, 8], "counts": column_runs(inner)}
    both = [annotation(1, 1, 5, runs, iscrowd=1), annotation(2, 1, 3, [RING], iscrowd=0)]
    write(tmp_path / "labels.json", coco({1: "a.png"}, both))
    np.testing.assert_array_equal(masks(tmp_path)["a"], RECTANGLE + inner)


def test_holes_of_cvat_by_a_background_above_and_by_runs(tmp_path):
    save(tmp_path / "a.png"), save(tmp_path / "b.png")
    outer = '<polygon label="nerve" z_order="0" points="1,1;5,1;5,4;1,4"/>'
    hole = '<polygon label="background" z_order="{}" points="2,2;4,2;4,3;2,3"/>'
    runs = '<mask label="nerve" rle="0, 5, 2, 5" left="1" top="1" width="4" height="3" z_order="0"/>'
    write(tmp_path / "annotations.xml", cvat(image("a.png", hole.format(1), outer), image("b.png", runs)))
    for mask in masks(tmp_path).values():
        np.testing.assert_array_equal(mask, 2 * HOLED)  # vessel is class 1
    write(tmp_path / "annotations.xml", cvat(image("a.png", hole.format(-1), outer), image("b.png", runs)))
    np.testing.assert_array_equal(masks(tmp_path)["a"], 2 * RECTANGLE)


def test_holes_of_labelme_are_shapes_of_the_background_above(tmp_path):
    save(tmp_path / "a.png")
    outer = shape("nerve", "polygon", [[1, 1], [4, 1], [4, 3], [1, 3]])
    hole = shape("_background_", "rectangle", [[2, 2], [3, 2]])
    write(tmp_path / "a.json", labelme("a.png", outer, hole))
    np.testing.assert_array_equal(masks(tmp_path)["a"], HOLED)
    write(tmp_path / "a.json", labelme("a.png", hole, outer))
    np.testing.assert_array_equal(masks(tmp_path)["a"], RECTANGLE)


@pytest.mark.parametrize("kind", ["rectangle", "rotation", "oriented_rectangle", "quadrilateral", "polygon"])
def test_rectangles_of_four_corners(tmp_path, kind):
    save(tmp_path / "a.png")
    write(
        tmp_path / "a.json", labelme("a.png", shape("nerve", kind, [[1, 1], [4, 1], [4, 3], [1, 3]], direction=0))
    )
    np.testing.assert_array_equal(masks(tmp_path)["a"], RECTANGLE)
    assert not {"shapes left out", "unknown shapes"} & set(findings(tmp_path))


def test_shapes_of_an_unknown_kind_are_an_error_and_lines_a_warning(tmp_path):
    save(tmp_path / "a.png")
    lines = [shape("nerve", kind, [[0, 0], [5, 5]]) for kind in ("line", "linestrip", "points")]
    blob = shape("nerve", "brush", [[0, 0], [5, 5]])
    write(tmp_path / "a.json", labelme("a.png", *lines, shape("nerve", "point", [[1, 1]]), blob))
    assert not masks(tmp_path)["a"].any()
    found = findings(tmp_path)
    assert found["unknown shapes"].severity == "error" and "kind brush" in found["unknown shapes"].message
    assert found["shapes left out"].severity == "warning"


def test_a_circle_of_labelme(tmp_path):
    """Centre (3, 2) and a point at a distance of 2: every pixel whose centre is that near, as Pillow draws it."""
    save(tmp_path / "a.png")
    write(tmp_path / "a.json", labelme("a.png", shape("nerve", "circle", [[3, 2], [3, 4]])))
    expected = np.zeros((6, 8), np.uint8)
    expected[[0, 4], 2:5] = expected[1:4, 1:6] = 1
    np.testing.assert_array_equal(masks(tmp_path)["a"], expected)


def test_the_palette_and_borders_of_voc(tmp_path):
    """Indices count, not colours; 255, the border that the palette paints in cream, counts nowhere."""
    palette = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 3 * 252 + [224, 224, 192]
    stored = RECTANGLE.copy()
    stored[1:4, 5] = stored[4, 1:6] = 255
    stored[2, 2] = 2
    for folder in ("JPEGImages", "SegmentationClass"):
        (tmp_path / folder).mkdir()
    save(tmp_path / "JPEGImages" / "a.jpg")
    drawn = Image.fromarray(stored)
    drawn.putpalette(palette)
    drawn.save(tmp_path / "SegmentationClass" / "a.png")
    write(tmp_path / "class_names.txt", "_background_\nnerve\nvessel\n")
    np.testing.assert_array_equal(masks(tmp_path)["a"], stored)
    kinds = set(findings(tmp_path))
    assert not {"colour mask", "unexpected labels", "nothing but 255"} & kinds


def test_the_text_of_runs_is_that_of_pycocotools():
    mask = pytest.importorskip("pycocotools.mask")
    encoded = mask.encode(np.asfortranarray(HOLED))
    assert encoded["counts"].decode() == "733NN020N022a0"
