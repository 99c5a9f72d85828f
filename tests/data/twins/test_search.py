"""Copies of a picture are found, other pictures of the same kind are not, and splits keep copies together."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from prismseg.data import check_dataset, open_dataset
from prismseg.data.twins import find_twins, find_twins_cached, search, thumbnail
from prismseg.data.twins.thumbnail import TURNS, turned, window_matrix

Turn = Image.Transpose


def scene(seed, size=(200, 240)):
    """Tissue-like picture: blobs of several sizes and speckle, on a ground that all pictures share."""
    rng = np.random.default_rng(seed)
    layers = [gaussian_filter(rng.normal(size=size), sigma) * sigma for sigma in (2, 5, 12)]
    ground = np.hypot(*(np.mgrid[: size[0], : size[1]] - np.reshape(size, (2, 1, 1)) / 2)) < 90
    values = 60 + 80 * ground + 60 * sum(layers) + rng.normal(0, 5, size)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def crop(picture, left=0.0, top=0.0, right=0.0, bottom=0.0):
    width, height = picture.size
    return picture.crop(
        (int(width * left), int(height * top), int(width * (1 - right)), int(height * (1 - bottom)))
    )


def gamma(picture, power):
    return picture.point([round(255 * (value / 255) ** power) for value in range(256)])


def shift(picture, across, down):
    place = (1, 0, picture.width * across, 0, 1, picture.height * down)
    return picture.transform(picture.size, Image.Transform.AFFINE, place)


def jpeg(picture, quality, folder):
    picture.save(folder / "j.jpg", quality=quality)
    return Image.open(folder / "j.jpg").convert("L")


COPIES = {
    "crop left": lambda p: crop(p, left=0.1),
    "crop bottom": lambda p: crop(p, bottom=0.1),
    "crop corner": lambda p: crop(p, right=0.1, top=0.1),
    "crop all round": lambda p: crop(p, 0.05, 0.05, 0.05, 0.05),
    "shift": lambda p: shift(p, 0.04, -0.03),
    "shift far": lambda p: shift(p, 0.1, 0),
    "half": lambda p: p.resize((120, 100)),
    "larger, other shape": lambda p: p.resize((300, 410)),
    "mirror": lambda p: p.transpose(Turn.FLIP_LEFT_RIGHT),
    "upside down": lambda p: p.transpose(Turn.FLIP_TOP_BOTTOM),
    "turned": lambda p: p.transpose(Turn.ROTATE_90),
    "gamma .6": lambda p: gamma(p, 0.6),
    "gamma 1.6": lambda p: gamma(p, 1.6),
    "contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.5),
    "brightness": lambda p: ImageEnhance.Brightness(p).enhance(0.7),
    "crop, half, gamma": lambda p: gamma(crop(p, left=0.1, bottom=0.1).resize((108, 90)), 0.6),
    "mirror, crop, contrast": lambda p: ImageEnhance.Contrast(
        crop(p.transpose(Turn.FLIP_LEFT_RIGHT), top=0.1)
    ).enhance(1.5),
}


@pytest.fixture(scope="module")
def others():
    return [thumbnail(np.asarray(scene(seed))) for seed in range(12)]


def pairs(thumbnails):
    return [(twin.first, twin.second) for twin in find_twins(thumbnails)]


def test_other_pictures_of_the_same_kind_are_no_twins(others):
    assert pairs(others) == []


@pytest.mark.parametrize("name", COPIES)
def test_each_kind_of_copy_is_found(others, name):
    copy = thumbnail(np.asarray(COPIES[name](scene(5))))
    assert pairs([*others, copy]) == [(5, 12)]


def test_a_compressed_copy_is_found(others, tmp_path):
    assert pairs([thumbnail(np.asarray(jpeg(crop(scene(3), left=0.06), 30, tmp_path))), *others]) == [(0, 4)]


def test_where_the_copy_lies_is_said(others):
    (twin,) = find_twins([*others, thumbnail(np.asarray(crop(scene(5), left=0.1)))])
    np.testing.assert_allclose(twin.window, (0, 0.1, 1, 0.9), atol=0.015)
    assert twin.relation == "as it is, 100% x 90% of it" and twin.correlation > 0.9
    (twin,) = find_twins([*others, thumbnail(np.asarray(scene(5).transpose(Turn.FLIP_LEFT_RIGHT)))])
    assert twin.relation == "mirrored"


def test_pictures_without_content_are_no_twins():
    blank = [thumbnail(np.full((50, 60), value, np.uint8)) for value in (0, 9, 255)]
    tiny = [thumbnail(np.zeros((3, 3), np.uint8)), thumbnail(np.eye(3, dtype=np.uint8) * 9)]
    holes = [thumbnail(np.full((20, 20), np.nan, np.float32))]
    assert pairs([*blank, *tiny, *holes]) == []
    assert pairs([]) == [] and pairs(blank[:1]) == []


def test_the_answer_does_not_depend_on_names_or_order(others):
    stack = [*others[:5], thumbnail(np.asarray(gamma(scene(2), 1.6)))]
    order = [4, 5, 0, 3, 2, 1]
    found = find_twins_cached(list("abcdef"), stack)
    again = find_twins_cached([list("abcdef")[k] for k in order], [stack[k] for k in order])
    assert [(t.first, t.second) for t in found] == [(2, 5)]
    assert [sorted("abcdef"[order[k]] for k in (t.first, t.second)) for t in again] == [["c", "f"]]


def test_the_answer_is_kept_by_content(others, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stack = [*others[:3], thumbnail(np.asarray(gamma(scene(2), 1.6)))]
    first = find_twins_cached(list("abcd"), stack)
    (stored,) = tmp_path.rglob("*.json")
    monkeypatch.setattr(search, "find_twins", lambda *_, **__: pytest.fail("it was worked out again"))
    assert find_twins_cached(list("abcd"), iter(())) == first and len(first) == 1
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    stored.write_text("{damaged")
    assert find_twins_cached(list("abcd"), stack) == first
    assert find_twins_cached(list("abc"), stack[:3]) == []


def test_equal_pictures_are_compared_once(others):
    assert find_twins_cached(["a", "b", "a"], [others[0], others[1], others[0]]) == []


def test_turns_are_the_eight_symmetries():
    picture = np.arange(9).reshape(3, 3)
    assert len({turned(picture, turn).tobytes() for turn in range(TURNS)}) == 8
    np.testing.assert_array_equal(turned(picture, 5), np.rot90(picture, -1))
    np.testing.assert_array_equal(turned(picture, 3), np.rot90(picture, 2))


def test_window_matrices_resample_a_ramp_exactly():
    ramp = np.arange(64) + 0.5
    np.testing.assert_allclose(window_matrix(0, 1, 64, 64) @ ramp, ramp, atol=1e-4)
    np.testing.assert_allclose(window_matrix(0.25, 0.5, 64, 16) @ ramp, 16 + (np.arange(16) + 0.5) * 2, atol=1e-4)


# Data sets and splits


@pytest.fixture
def study(tmp_path):
    """Six patients with an image each; the last shows the first one's picture, cut and brightened."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(6):
        picture = scene(number) if number < 5 else gamma(crop(scene(0), left=0.1), 0.7)
        picture.save(tmp_path / "images" / f"p{number}.png")
        mask = np.zeros((picture.height, picture.width), np.uint8)
        mask[50:90, 60:120] = 1
        Image.fromarray(mask).save(tmp_path / "masks" / f"p{number}.png")
    return tmp_path


def configured(folder, **split):
    from prismseg.train.config import make_config

    return make_config({"data": {"path": str(folder)}, "split": split})


def test_check_names_twins_across_groups(study):
    (found,) = [f for f in check_dataset(study) if "twin" in f.kind]
    assert (found.severity, found.kind, found.file.name) == ("warning", "twin across groups", "p5.png")
    assert "p0.png" in found.message and "90%" in found.message


@pytest.mark.parametrize("seed", range(4))
def test_a_drawn_split_keeps_twins_together_and_says_so(study, seed):
    from prismseg.train.runs.partition import make_partition

    dataset = open_dataset(study)
    for split in ({"fractions": (0.5, 0.2, 0.3), "seed": seed}, {"folds": 3, "fold": seed % 3, "seed": seed}):
        partition = make_partition(configured(study, **split), dataset)
        (home,) = [part for part in ("train", "validation", "test") if 0 in getattr(partition.split, part)]
        assert 5 in getattr(partition.split, home)
        assert any("p0 and p5" in note for note in partition.notes)


def test_a_given_split_that_parts_twins_is_refused(study):
    from prismseg.base import DataError
    from prismseg.train.runs.partition import make_partition

    def write(last):
        rows = [
            f"images/p{k}.png,masks/p{k}.png,g{k},{part}" for k, part in enumerate(["train"] * 4 + ["test", last])
        ]
        (study / "dataset.csv").write_text("\n".join(["image,mask,group,split", *rows]) + "\n")

    write("test")
    with pytest.raises(DataError, match=r"1 pairs .*p0 and p5.*--ignore-split"):
        make_partition(configured(study), open_dataset(study))
    assert [f.kind for f in check_dataset(study) if f.severity == "error"] == ["twin across parts"]
    assert "twin across groups" in {f.kind for f in check_dataset(study, given_splits=False)}
    assert make_partition(configured(study, predefined=False), open_dataset(study)).split
    write("train")
    assert make_partition(configured(study), open_dataset(study)).split.test == (4,)
    assert [f for f in check_dataset(study) if f.severity == "error"] == []


def test_phantom_feet_are_no_twins(tmp_path):
    from prismseg.thermal.phantom import pair_at

    thumbnails = [thumbnail(pair_at(3, number)[0]) for number in range(24)]
    assert pairs(thumbnails) == []


def test_real_pictures(shared_data):
    """The groups of usgra were made by eye: whatever is found lies within them."""
    dataset = open_dataset(shared_data / "usgra_seg")
    few = dataset.subset(range(60))
    for twin in few.twins():
        assert few.groups[twin.first] == few.groups[twin.second]
