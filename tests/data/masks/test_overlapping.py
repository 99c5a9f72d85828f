"""Classes that overlap: bits, folders, columns and regions of nnU-Net."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import check_dataset, convert_dataset, open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.masks.overlapping import bits_of, labels_in, region_of
from prismseg.data.options import DataOptions

TUMOUR = np.array([[0, 1, 1, 0], [0, 1, 1, 0]])
VESSEL = np.array([[0, 0, 1, 1], [0, 0, 0, 0]])


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    """Three images: with both classes, with one, and without any file."""
    for number in (1, 2, 3):
        write(tmp_path / "images" / f"p{number}.png", np.arange(8).reshape(2, 4) * 9 * number)
    for number in (1, 2):
        write(tmp_path / "masks" / "tumour" / f"p{number}.png", 255 * TUMOUR)
    write(tmp_path / "masks" / "vessel" / "p1.png", VESSEL)
    return tmp_path


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=7))
def test_bits_give_the_planes_back(planes):
    planes = np.array(planes).reshape(-1, 2, 3)
    mask = bits_of(planes)
    for label, plane in enumerate(planes, start=1):
        np.testing.assert_array_equal(region_of(mask, label, multilabel=True), plane)
    held = {label for label, plane in enumerate(planes, start=1) if plane.any()}
    assert labels_in(np.unique(mask).tolist(), multilabel=True) - {0} == held


def test_a_folder_for_each_class(root):
    dataset = open_dataset(root, multilabel=True)
    assert dataset.classes == ["background", "tumour", "vessel"] and dataset.names_stated
    assert dataset.annotators == [] and dataset.unlabelled == [2]
    np.testing.assert_array_equal(dataset[0].mask, TUMOUR + 2 * VESSEL)
    np.testing.assert_array_equal(dataset[1].mask, TUMOUR)
    assert dataset.find_classes([0]) == {0, 1, 2} and dataset.find_classes([1]) == {0, 1}


def test_columns_of_a_table(root):
    (root / "dataset.csv").write_text(
        "image,mask_vessel,mask_tumour\nimages/p1.png,masks/vessel/p1.png,masks/tumour/p1.png\n"
    )
    dataset = open_dataset(root, multilabel=True)
    assert dataset.classes == ["background", "vessel", "tumour"]
    np.testing.assert_array_equal(dataset[0].mask, VESSEL + 2 * TUMOUR)


def nnunet(folder, labels, mask):
    write(folder / "imagesTr" / "a_0000.png", np.arange(8).reshape(2, 4))
    write(folder / "labelsTr" / "a.png", mask)
    (folder / "dataset.json").write_text(
        json.dumps({"labels": labels, "channel_names": {"0": "x"}, "file_ending": ".png", "numTraining": 1})
    )


def test_regions_of_nnunet(tmp_path):
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "ignore": 4}
    nnunet(tmp_path, labels, [[0, 1, 2, 3], [4, 0, 0, 0]])
    dataset = open_dataset(tmp_path, multilabel=True)
    assert dataset.classes == ["background", "whole", "core"]
    np.testing.assert_array_equal(dataset[0].mask, [[0, 1, 3, 3], [255, 0, 0, 0]])
    with pytest.raises(ConfigError, match="--multilabel"):
        open_dataset(tmp_path)
    write(tmp_path / "labelsTr" / "a.png", np.full((2, 4), 9))
    with pytest.raises(DataError, match="labels 9, which are in no region"):
        open_dataset(tmp_path, multilabel=True)[0]


def test_check_counts_each_class(root):
    result = check_with(root, DataOptions(multilabel=True))
    assert "Classes: background, tumour (in 2 masks), vessel (in 1 mask)." in result.recognised
    assert "annotator" not in result.recognised
    kinds = {finding.kind for finding in check_dataset(root, multilabel=True) if finding.severity == "error"}
    assert kinds == {"missing mask"}


def test_what_does_not_go_with_it_is_refused(root, tmp_path):
    for options in ({"classes": ["background", "a", "b"]}, {"annotators": "majority"}, {"binary": True}):
        with pytest.raises(ConfigError, match=f"leave out --{next(iter(options))}"):
            open_dataset(root, multilabel=True, **options)
    with pytest.raises(ConfigError, match="have one class a pixel"):
        convert_dataset(open_dataset(root, multilabel=True), tmp_path / "out", "coco", show_progress=False)
    with pytest.raises(ConfigError, match="cannot be put in the order"):
        open_dataset(root, multilabel=True).with_classes(["background", "vessel", "tumour"])
    for number in range(8):
        write(root / "masks" / f"class{number}" / "p1.png", TUMOUR)
    with pytest.raises(ConfigError, match="at most 7"):
        open_dataset(root, multilabel=True)
    write(root / "one" / "images" / "a.png", TUMOUR)
    write(root / "one" / "masks" / "a.png", TUMOUR)
    with pytest.raises(ConfigError, match="a folder each"):
        open_dataset(root / "one", multilabel=True)


def test_masks_of_other_sizes_are_named(root):
    write(root / "masks" / "vessel" / "p1.png", np.zeros((3, 4)))
    with pytest.raises(DataError, match=r"3 x 4 pixels, that of another class"):
        open_dataset(root, multilabel=True)[0]
