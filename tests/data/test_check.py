import numpy as np
import pytest
import tifffile
from PIL import Image

from prismseg.data import check_dataset, open_dataset


@pytest.fixture
def study(tmp_path):
    """Clean data set: 4 patients with 3 images each, all different."""
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for patient in range(4):
        for number in range(3):
            name = f"p{patient}_{number}.png"
            Image.fromarray(rng.integers(0, 255, (24, 32), dtype=np.uint8)).save(tmp_path / "images" / name)
            labels = np.zeros((24, 32), np.uint8)
            labels[5:15, 5:15] = 1
            Image.fromarray(labels).save(tmp_path / "masks" / name)
    return tmp_path


def kinds(folder, **options):
    return {(f.severity, f.kind) for f in check_dataset(folder, **{"group": "prefix", **options})}


def test_clean_set_has_no_finding(study):
    assert check_dataset(study, group="prefix") == []


def set_mask(study, name, labels):
    Image.fromarray(np.asarray(labels, np.uint8)).save(study / "masks" / name)


def unreadable_image(study):
    (study / "images" / "p1_1.png").write_bytes(b"")


def unreadable_mask(study):
    (study / "masks" / "p1_1.png").write_bytes(b"x" * 50)


def missing_mask(study):
    (study / "masks" / "p1_1.png").unlink()


def orphan_mask(study):
    (study / "images" / "p1_1.png").unlink()


def size_mismatch(study):
    set_mask(study, "p1_1.png", np.ones((32, 24)))


def unexpected_labels(study):
    set_mask(study, "p1_1.png", np.full((24, 32), 200))


def ignored_label(study):
    set_mask(study, "p1_1.png", np.eye(24, 32) * 255)


def unused_label(study):
    set_mask(study, "p1_1.png", np.eye(24, 32) * 3)


def empty_mask(study):
    set_mask(study, "p1_1.png", np.zeros((24, 32)))


def constant_image(study):
    Image.fromarray(np.full((24, 32), 7, np.uint8)).save(study / "images" / "p1_1.png")


def other_depth(study):
    pixels = np.random.default_rng(9).integers(0, 60000, (24, 32), dtype=np.uint16)
    Image.fromarray(pixels).save(study / "images" / "p1_1.png")


def nan_pixels(study):
    (study / "images" / "p1_1.png").unlink()
    pixels = np.random.default_rng(9).random((24, 32), dtype=np.float32)
    pixels[3, 3] = np.nan
    tifffile.imwrite(study / "images" / "p1_1.tif", pixels)


def copy_across(study):
    (study / "images" / "p2_0.png").write_bytes((study / "images" / "p1_0.png").read_bytes())


def copy_within(study):
    (study / "images" / "p1_1.png").write_bytes((study / "images" / "p1_0.png").read_bytes())


def nearly_across(study):
    pixels = np.asarray(Image.open(study / "images" / "p1_0.png")).copy()
    pixels[0, 0] ^= 3
    Image.fromarray(pixels).save(study / "images" / "p2_0.png")


@pytest.mark.parametrize(
    ("plant", "finding", "file"),
    [
        (unreadable_image, ("error", "unreadable image"), "p1_1.png"),
        (unreadable_mask, ("error", "unreadable mask"), "p1_1.png"),
        (missing_mask, ("error", "missing mask"), "p1_1.png"),
        (orphan_mask, ("warning", "missing image"), "p1_1.png"),
        (size_mismatch, ("error", "size mismatch"), "p1_1.png"),
        (unexpected_labels, ("error", "unexpected labels"), "p1_1.png"),
        (ignored_label, ("info", "label 255"), "p1_1.png"),
        (unused_label, ("warning", "unused labels"), "p1_1.png"),
        (empty_mask, ("info", "empty mask"), "p1_1.png"),
        (constant_image, ("warning", "constant image"), "p1_1.png"),
        (other_depth, ("error", "bit depth"), "p1_1.png"),
        (nan_pixels, ("error", "NaN"), "p1_1.tif"),
        (copy_across, ("error", "duplicate across groups"), "p2_0.png"),
        (copy_within, ("warning", "duplicate"), "p1_1.png"),
        (nearly_across, ("warning", "near duplicate across groups"), "p2_0.png"),
    ],
)
def test_each_planted_fault_is_found_and_no_other(study, plant, finding, file):
    plant(study)
    findings = check_dataset(study, group="prefix")
    found = [f for f in findings if (f.severity, f.kind) == finding]
    assert [f.file.name for f in found] == [file]
    assert {f.file.name for f in findings} == {file}
    assert all(len(f.message) > 20 for f in found)


def test_all_faults_at_once_are_all_found(study):
    unreadable_image(study)
    set_mask(study, "p2_1.png", np.ones((32, 24)))
    (study / "masks" / "p3_1.png").unlink()
    assert kinds(study) >= {("error", "unreadable image"), ("error", "size mismatch"), ("error", "missing mask")}


def test_groups(study):
    assert ("info", "one case a group") in kinds(study, group="image")
    assert ("error", "one group") in kinds(study, group="regex:p")
    for number in range(3, 12):
        for folder in ("images", "masks"):
            pixels = np.random.default_rng(number).integers(0, 2, (24, 32), dtype=np.uint8)
            for patient in (0, 1, 2):
                noise = pixels * (1 if folder == "masks" else 90 + patient * 37) + (
                    patient if folder == "images" else 0
                )
                Image.fromarray(noise.astype(np.uint8)).save(study / folder / f"p{patient}_{number}.png")
    for number in (1, 2):
        for folder in ("images", "masks"):
            (study / folder / f"p3_{number}.png").unlink()
    assert ("warning", "tiny group") in kinds(study)


def test_instance_labels_and_zero_255(study):
    for path in (study / "masks").iterdir():
        Image.fromarray(np.arange(24 * 32, dtype=np.uint16).reshape(24, 32)).save(path)
    assert ("error", "unexpected labels") in kinds(study)
    assert kinds(study, binary=True) == set()
    for path in (study / "masks").iterdir():
        Image.fromarray((np.arange(24 * 32, dtype=np.uint8).reshape(24, 32) > 99).astype(np.uint8) * 255).save(
            path
        )
    assert kinds(study) == {("info", "labels 0 and 255")}


def test_no_data_set_is_one_error(tmp_path):
    assert [(f.severity, f.kind) for f in check_dataset(tmp_path)] == [("error", "layout")]


def test_what_is_clean_can_be_opened(study):
    assert len(open_dataset(study, group="prefix")) == 12


def test_real_duplicate_is_found(shared_data):
    findings = check_dataset(shared_data / "usgra_seg", group="block:12")
    errors = [f for f in findings if f.severity == "error"]
    # The published set holds image 43 a second time as 77.
    assert [(f.kind, f.file.name) for f in errors] == [("duplicate across groups", "0077.png")]
