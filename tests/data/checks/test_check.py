import numpy as np
import pytest
import tifffile
from PIL import Image

from prismseg.base import DataError
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
        (copy_across, ("warning", "duplicate across groups"), "p2_0.png"),
        (copy_within, ("warning", "duplicate"), "p1_1.png"),
        (nearly_across, ("warning", "twin across groups"), "p2_0.png"),
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
    assert ("warning", "one group") in kinds(study, group="regex:p")
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
    assert kinds(study, binary=True) == {("warning", "masks may be inverted")}  # all but one pixel
    for path in (study / "masks").iterdir():
        Image.fromarray((np.arange(24 * 32, dtype=np.uint8).reshape(24, 32) > 99).astype(np.uint8) * 255).save(
            path
        )
    assert kinds(study) == {("info", "labels 0 and 255")}


def test_a_copy_in_another_format_is_a_duplicate(study):
    pixels = np.asarray(Image.open(study / "images" / "p1_0.png"))
    (study / "images" / "p2_0.png").unlink()
    np.save(study / "images" / "p2_0.npy", pixels)
    assert ("warning", "duplicate across groups") in kinds(study)


def test_twins_within_a_group_are_notes(study):
    pixels = np.asarray(Image.open(study / "images" / "p1_0.png")).copy()
    for number in (1, 2):
        pixels[0, number] ^= 3
        Image.fromarray(pixels).save(study / "images" / f"p1_{number}.png")
    found = check_dataset(study, group="prefix")
    assert {(f.severity, f.kind) for f in found} == {("info", "twin")} and len(found) == 3


def test_masks_of_0_and_255_among_masks_of_0_and_1(study):
    for name in ("p1_1.png", "p2_2.png"):
        labels = np.asarray(Image.open(study / "masks" / name))
        set_mask(study, name, labels * 255)
    assert ("error", "mixed foreground") in kinds(study)
    assert kinds(study, binary=True) == set()
    set_mask(study, "p2_2.png", labels + np.eye(24, 32) * 254 * (labels == 1))
    # Now 255 lies beside 1, so it counts nowhere, and the mask of 0 and 255 holds nothing else.
    assert kinds(study) == {("info", "label 255"), ("info", "empty mask"), ("warning", "nothing but 255")}


def test_no_foreground_at_all(study):
    for path in (study / "masks").iterdir():
        set_mask(study, path.name, np.zeros((24, 32)))
    assert ("error", "no foreground") in kinds(study)


def test_names_that_do_not_fit_the_labels(study):
    assert kinds(study, classes=["background", "sole"]) == set()
    assert kinds(study, classes=["background", "nerve", "vessel"]) == {("warning", "unused labels")}
    set_mask(study, "p1_1.png", np.eye(24, 32) * 2)
    found = check_dataset(study, group="prefix", classes=["background", "sole"])
    assert [(f.severity, f.kind, f.file.name) for f in found] == [("error", "unexpected labels", "p1_1.png")]
    for path in (study / "masks").iterdir():
        set_mask(study, path.name, np.eye(24, 32) * 255)
    assert ("error", "class names") in kinds(study, classes=["background", "nerve", "vessel"])


def test_channels_without_a_conversion(study):
    (study / "images" / "p1_1.png").unlink()
    np.save(study / "images" / "p1_1.npy", np.random.default_rng(1).integers(0, 255, (24, 32, 5), dtype=np.uint8))
    found = check_dataset(study, group="prefix")
    assert [(f.severity, f.kind, f.file.name) for f in found] == [("error", "channels", "p1_1.npy")]
    assert len([f for f in check_dataset(study, group="prefix", channels=5) if f.kind == "channels"]) == 11


def test_grey_and_rgb_may_be_mixed(study):
    pixels = np.random.default_rng(8).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(study / "images" / "p1_1.png")
    assert kinds(study) == set()


def write_split(study, parts):
    rows = [
        f"images/{p.name},masks/{p.name},{p.name[:2]},{parts[p.stem]}"
        for p in sorted((study / "images").iterdir())
    ]
    (study / "dataset.csv").write_text("image,mask,group,split\n" + "\n".join(rows) + "\n")


def test_a_split_that_divides_a_patient(study):
    parts = {
        f"p{patient}_{number}": "test" if patient == 3 else "train" for patient in range(4) for number in range(3)
    }
    write_split(study, parts)
    assert kinds(study, group="auto") == set()
    write_split(study, parts | {"p3_1": "train"})
    found = check_dataset(study)
    assert [(f.severity, f.kind) for f in found] == [("error", "leaking split")]
    assert "p3" in found[0].message and "train and test" in found[0].message


def test_a_listed_file_that_is_gone_is_reported_once(study):
    write_split(study, dict.fromkeys((p.stem for p in (study / "images").iterdir()), "train"))
    (study / "images" / "p0_0.png").unlink()
    (study / "masks" / "p1_0.png").unlink()
    found = check_dataset(study)
    assert [(f.kind, f.file.name) for f in found] == [("missing image", "p0_0.png"), ("missing mask", "p1_0.png")]


def test_splits_that_name_absent_cases(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    for case in ("a", "b"):
        Image.fromarray(rng.integers(0, 255, (24, 32), dtype=np.uint8)).save(
            tmp_path / "imagesTr" / f"{case}_0000.png"
        )
        Image.fromarray(np.eye(24, 32, dtype=np.uint8)).save(tmp_path / "labelsTr" / f"{case}.png")
    (tmp_path / "dataset.json").write_text('{"labels": {"background": 0, "nerve": 1}}')
    (tmp_path / "splits_final.json").write_text('[{"train": ["a"], "val": ["c"]}]')
    assert ("error", "unknown case in split") in kinds(tmp_path, group="auto")


def test_cases_that_differ_in_one_channel_are_no_duplicates(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("imagesTr", "labelsTr"):
        (tmp_path / folder).mkdir()
    common = rng.integers(0, 255, (24, 32), dtype=np.uint8)
    for case in ("a", "b"):
        for channel, pixels in enumerate((rng.integers(0, 255, (24, 32), dtype=np.uint8), common)):
            Image.fromarray(pixels).save(tmp_path / "imagesTr" / f"{case}_{channel:04d}.png")
        Image.fromarray(np.eye(24, 32, dtype=np.uint8)).save(tmp_path / "labelsTr" / f"{case}.png")
    description = '{"labels": {"background": 0, "nerve": 1}, "channel_names": {"0": "x", "1": "y"}}'
    (tmp_path / "dataset.json").write_text(description)
    assert kinds(tmp_path, group="auto") == {("info", "one case a group")}


def test_no_data_set_is_one_error(tmp_path):
    assert [(f.severity, f.kind) for f in check_dataset(tmp_path)] == [("error", "layout")]


def test_what_is_clean_can_be_opened(study):
    assert len(open_dataset(study, group="prefix")) == 12


def test_a_real_set_has_no_error(shared_data):
    assert [f for f in check_dataset(shared_data / "usgra_seg") if f.severity == "error"] == []


def test_channels_that_come_first_are_recognised(tmp_path):
    for folder, values in (("images", np.arange(3 * 5 * 7).reshape(3, 5, 7)), ("masks", np.eye(5, 7))):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "a.npy", values.astype(np.uint8))
    assert any(
        "channels seem to come first" in f.message for f in check_dataset(tmp_path) if f.severity == "error"
    )
    with pytest.raises(DataError, match="channels seem to come first"):
        open_dataset(tmp_path)[0]
