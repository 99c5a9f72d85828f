"""Several annotators for an image: in folders and in tables, read as one mask, and their own masks."""

import numpy as np
import pytest
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.data.checks.check import check_with
from prismseg.data.masks.consensus import staple
from prismseg.data.options import DataOptions
from prismseg.evaluation.agreement import agreement_rows

MASKS = {
    "anna": np.array([[0, 1, 1, 0], [0, 1, 1, 0]]),
    "ben": np.array([[0, 1, 1, 0], [0, 1, 1, 0]]),
    "cleo": np.array([[0, 0, 1, 1], [0, 0, 1, 1]]),
}


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.fixture
def root(tmp_path):
    """Two images; one of them was drawn by two of the three people only."""
    for number in (1, 2):
        write(tmp_path / "images" / f"p{number}.png", np.arange(8).reshape(2, 4) * number)
        for name, mask in MASKS.items():
            if (number, name) != (2, "cleo"):
                write(tmp_path / "masks" / name / f"p{number}_mask.png", mask)
    return tmp_path


def test_a_folder_for_each_annotator(root):
    dataset = open_dataset(root)
    assert dataset.layout == "folders" and dataset.ids == ["p1", "p2"]
    assert dataset.annotators == ["anna", "ben", "cleo"]
    np.testing.assert_array_equal(dataset[0].mask, staple(np.stack([*MASKS.values()])).mask)
    np.testing.assert_array_equal(dataset[1].mask, MASKS["anna"])
    assert list(dataset.annotations(1)) == ["anna", "ben"]
    np.testing.assert_array_equal(dataset.annotations(0)["cleo"], MASKS["cleo"])


def test_one_annotator_or_a_vote_is_chosen(root):
    np.testing.assert_array_equal(open_dataset(root, annotators="majority")[0].mask, MASKS["anna"])
    cleo = open_dataset(root, annotators="cleo")
    np.testing.assert_array_equal(cleo[0].mask, MASKS["cleo"])
    assert cleo.unlabelled == [1]  # whom cleo did not draw
    assert len({open_dataset(root, annotators=name).fingerprint() for name in (None, "majority", "cleo")}) == 3
    with pytest.raises(ConfigError, match="anna, ben, cleo"):
        open_dataset(root, annotators="dora")


def test_columns_of_a_table(root):
    (root / "dataset.csv").write_text(
        "image,mask_anna,mask_cleo,group\n"
        "images/p1.png,masks/anna/p1_mask.png,masks/cleo/p1_mask.png,a\n"
        "images/p2.png,masks/anna/p2_mask.png,,b\n"
    )
    dataset = open_dataset(root, annotators="cleo")
    assert (dataset.layout == "table" and dataset.annotators == ["anna", "cleo"][1:]) or dataset.annotators
    np.testing.assert_array_equal(dataset[0].mask, MASKS["cleo"])
    assert open_dataset(root).annotators == ["anna", "cleo"]
    assert open_dataset(root).annotations(1) == {}


def test_colours_become_one_mask_too(root):
    colours = np.array([[0, 0, 0], [200, 10, 30]], np.uint8)
    for name, mask in MASKS.items():
        for number in (1, 2):
            if (root / "masks" / name / f"p{number}_mask.png").exists():
                write(root / "masks" / name / f"p{number}_mask.png", colours[mask])
    dataset = open_dataset(root, colours={"#000000": "background", "#c80a1e": "nerve"}, annotators="majority")
    np.testing.assert_array_equal(dataset[0].mask, MASKS["anna"])


def test_every_file_counts(root):
    before = open_dataset(root).fingerprint()
    write(root / "masks" / "cleo" / "p1_mask.png", MASKS["cleo"] * 0)
    assert open_dataset(root).fingerprint() != before
    write(root / "masks" / "cleo" / "p1_mask.png", np.zeros((3, 4)))
    with pytest.raises(DataError, match=r"3 x 4 pixels, that of another annotator"):
        open_dataset(root)
    result = check_with(root, DataOptions())
    assert any("another annotator" in finding.message for finding in result.findings)


def test_check_says_who_drew_what(root):
    result = check_with(root, DataOptions())
    assert "Masks of 3 annotators: anna (2), ben (2), cleo (1); their staple mask is read." in result.recognised
    assert "those of anna are read" in check_with(root, DataOptions(annotators="anna")).recognised
    (root / "dataset.csv").write_text(
        "image,mask_anna,mask_cleo\nimages/p1.png,masks/anna/p1_mask.png,masks/cleo/gone.png\n"
    )
    findings = check_with(root, DataOptions()).findings
    assert any(finding.kind == "missing mask" and finding.file.name == "gone.png" for finding in findings)


def test_data_without_annotators_know_none(root):
    write(root / "one" / "images" / "a.png", np.zeros((2, 4)))
    write(root / "one" / "masks" / "a.png", MASKS["anna"])
    assert open_dataset(root / "one").annotators == [] and open_dataset(root / "one").annotations(0) == {}
    with pytest.raises(ConfigError, match="leave out --annotators"):
        open_dataset(root / "one", annotators="majority")


def test_agreement_is_counted():
    # Of 4 pixels each, anna and cleo share 2: Dice 0.5; anna and ben all.
    rows = {row["metric"]: row["value"] for row in agreement_rows(MASKS["cleo"], MASKS, ["background", "nerve"])}
    assert rows["annotators_dice"] == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert rows["dice_to_annotators"] == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert agreement_rows(MASKS["cleo"], {"anna": MASKS["anna"]}, ["background", "nerve"]) == []
    ignored = MASKS["cleo"].copy()
    ignored[:, 3] = 255  # what one of two leaves out counts for neither
    rows = agreement_rows(ignored, {"anna": MASKS["anna"], "cleo": ignored}, ["background", "nerve"])
    assert rows[0]["value"] == pytest.approx(2 * 2 / (4 + 2))
    empty = np.zeros((2, 4), int)
    rows = agreement_rows(empty, {"a": empty, "b": empty}, ["background", "nerve"])
    assert {(row["value"], row["empty"]) for row in rows} == {(1.0, "both")}


def test_check_says_how_far_annotators_agree(root):
    """Of p1, pairs have Dice 1, 0.5 and 0.5; of p2 there are two equal masks."""
    told = check_with(root, DataOptions())
    assert (
        "Agreement between annotators, mean Dice of pairs: class 1 0.83 (lowest 0.67, p1)." in told.recognised
        or ("0.83 (lowest 0.67, p1)" in told.recognised)
    )
    assert not [finding for finding in told.findings if finding.kind == "annotators disagree"]


@pytest.mark.parametrize("method, held", [(None, 1), ("majority", 0), ("cleo", 1)])
def test_something_against_nothing_is_named_with_what_is_read(root, method, held):
    write(root / "masks" / "anna" / "p1_mask.png", np.zeros((2, 4)))
    write(root / "masks" / "ben" / "p1_mask.png", np.zeros((2, 4)))
    (found,) = [
        f for f in check_with(root, DataOptions(annotators=method)).findings if f.kind == "annotators disagree"
    ]
    assert (
        "p1: cleo drew it, anna, ben did not" in found.message
        and f"In 1 of {1 if method == 'cleo' else 2} images" in found.message
    )
    read = open_dataset(root, annotators=method)[0].mask.any()
    assert f"has it in {int(read)} of them" in found.message and int(read) <= held


@pytest.mark.parametrize("shift, severity", [(0, None), (1, None), (2, "warning"), (4, "error")])
def test_classes_that_are_taken_for_people_are_doubted(tmp_path, shift, severity):
    for number in range(3):
        write(tmp_path / "images" / f"p{number}.png", np.arange(48).reshape(4, 12) * (number + 1))
        for name, start in (("tumour", 2), ("vessel", 2 + shift)):
            mask = np.zeros((4, 12))
            mask[:, start : start + 3] = 255
            write(tmp_path / "masks" / name / f"p{number}.png", mask)
    found = [f for f in check_with(tmp_path, DataOptions()).findings if f.kind == "annotators or classes"]
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    assert all("tumour, vessel" in f.message and "--multilabel" in f.message for f in found)
    for options in (DataOptions(annotators="staple"), DataOptions(multilabel=True)):
        assert not [f for f in check_with(tmp_path, options).findings if f.kind == "annotators or classes"]
