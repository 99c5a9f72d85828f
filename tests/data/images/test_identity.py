import numpy as np
import pytest
from PIL import Image
from tests.conftest import write_discs

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.data.images.identity import group_key, identity


def test_a_copy_has_the_same_identity_whatever_its_name_and_format(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    Image.fromarray(picture).save(tmp_path / "images" / "a.png")
    Image.fromarray(picture).convert("RGB").save(tmp_path / "images" / "b.tif")
    Image.fromarray(picture).save(tmp_path / "images" / "c.bmp")
    changed = picture.copy()
    changed[3, 4] ^= 1
    Image.fromarray(changed).save(tmp_path / "images" / "d.png")
    for name in "abcd":
        Image.fromarray((picture > 99).astype(np.uint8)).save(tmp_path / "masks" / f"{name}.png")
    a, b, c, d = open_dataset(tmp_path).identities
    assert a == b == c != d and len(a) == 16


def test_shape_and_depth_count():
    zeros = np.zeros((4, 6), np.uint8)
    others = [zeros.T, zeros.astype(np.uint16), zeros.astype(np.float32), np.zeros((4, 6, 2), np.uint8)]
    assert len({identity(pixels) for pixels in (zeros, *others)}) == 5
    assert identity(np.asfortranarray(zeros)) == identity(zeros) == identity(zeros[..., None])


def test_a_changed_file_is_read_anew_and_a_subset_keeps_its_identities(tmp_path):
    folder = write_discs(tmp_path / "discs", patients=2)
    dataset = open_dataset(folder)
    before = dataset.identities
    assert dataset.subset([4, 1]).identities == [before[4], before[1]]
    (folder / "p0_0.png").write_bytes((folder / "p1_1.png").read_bytes())
    after = open_dataset(folder).identities
    assert after[0] == after[4] == before[4] and after[1:] == before[1:]
    dataset = open_dataset(folder)
    (folder / "p0_0.png").unlink()
    with pytest.raises(DataError, match=r"p0_0\.png"):
        _ = dataset.identities


def test_group_keys_hide_names():
    assert group_key("Garcia") == group_key("Garcia") != group_key("Lopez")
    assert "garcia" not in group_key("Garcia").lower()


def test_classes_in_another_order_are_other_labels_of_the_same_pixels(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    mask = np.array([[0, 1, 2], [2, 1, 255]], np.uint8)
    Image.fromarray(mask * 0 + np.arange(6, dtype=np.uint8).reshape(2, 3)).save(tmp_path / "images" / "a.png")
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    dataset = open_dataset(tmp_path, classes=["background", "vessel", "nerve"])
    ordered = dataset.with_classes(["background", "nerve", "vessel"])
    assert ordered.classes == ["background", "nerve", "vessel"]
    assert ordered[0].mask.tolist() == [[0, 2, 1], [1, 2, 255]]
    assert dataset[0].mask.tolist() == mask.tolist()
    assert dataset.names_stated and not open_dataset(tmp_path).names_stated
    with pytest.raises(ConfigError, match="cannot be put in the order"):
        dataset.with_classes(["background", "nerve", "bone"])
