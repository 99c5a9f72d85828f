"""Masks whose labels are meant otherwise than they would be read, and controls that must not be called faulty."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset
from prismseg.data.masks.labels import LabelWarning

SHAPE = (24, 32)


def labels(*classes):
    """Boxes of the given labels on a ground of 0."""
    mask = np.zeros(SHAPE, np.int64)
    for place, label in enumerate(classes):
        mask[3:15, 2 + 9 * place : 10 + 9 * place] = label
    return mask


def write(folder, masks, *, suffix=".png", save=None):
    """Write masks (arrays, or Pillow pictures) with noise images, two patients."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, mask in enumerate(masks):
        name = f"p{number % 2}_{number}"
        Image.fromarray(rng.integers(0, 255, SHAPE, dtype=np.uint8)).save(folder / "images" / f"{name}.png")
        path = folder / "masks" / f"{name}{suffix}"
        if save is not None:
            save(path, mask)
        elif isinstance(mask, Image.Image):
            mask.save(path)
        else:
            Image.fromarray(mask.astype(np.uint8)).save(path)
    return folder


def found(folder, **options):
    findings = check_dataset(folder, **{"group": "prefix", **options})
    return {(f.severity, f.kind): f.message for f in findings}


def errors(folder, **options):
    return {kind for severity, kind in found(folder, **options) if severity == "error"}


def rgba(colours, alpha):
    return Image.fromarray(np.dstack([colours, alpha]).astype(np.uint8))


# Labels in the alpha channel


def test_labels_in_the_alpha_channel(tmp_path):
    alpha = labels(255)
    write(tmp_path / "white", [rgba(np.full((*SHAPE, 3), 255), alpha)] * 2)
    write(tmp_path / "grey", [Image.fromarray(np.dstack([np.zeros(SHAPE), alpha]).astype(np.uint8), "LA")] * 2)
    tiff = np.dstack([np.full((*SHAPE, 3), 255), alpha]).astype(np.uint8)
    write(
        tmp_path / "tiff",
        [tiff] * 2,
        suffix=".tif",
        save=lambda path, mask: tifffile.imwrite(path, mask, photometric="rgb", extrasamples=["unassalpha"]),
    )
    for case in ("white", "grey", "tiff"):
        assert errors(tmp_path / case) == {"labels in the alpha channel"}
        assert "getchannel" in found(tmp_path / case)["error", "labels in the alpha channel"]
        with pytest.raises(DataError, match="alpha channel"):
            open_dataset(tmp_path / case)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_constant_alpha_says_nothing(tmp_path, level):
    grey = np.repeat(labels(1, 2)[..., None], 3, axis=2)
    write(tmp_path, [rgba(grey, np.full(SHAPE, level))] * 2)
    assert errors(tmp_path) == set()
    assert open_dataset(tmp_path)[0].mask.tolist() == labels(1, 2).tolist()


def test_an_alpha_that_follows_the_colours_says_nothing(tmp_path):
    grey = np.repeat(labels(255)[..., None], 3, axis=2)
    write(tmp_path, [rgba(grey, labels(255))] * 2)
    assert errors(tmp_path) == set()
    assert open_dataset(tmp_path)[0].mask.max() == 1


def test_a_palette_with_transparency_is_read_by_index(tmp_path):
    picture = Image.fromarray(labels(1, 2).astype(np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    write(tmp_path, [picture] * 2, save=lambda path, mask: mask.save(path, transparency=bytes([0, 255, 90])))
    assert errors(tmp_path) == set()
    assert open_dataset(tmp_path)[0].mask.tolist() == labels(1, 2).tolist()


# Colours


def test_colour_masks_and_the_legend_that_check_proposes(tmp_path):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]])[labels(1, 2)]
    write(tmp_path, [colours] * 3)
    result = found(tmp_path)
    assert "--colours" in result["error", "colour mask"]
    note = result["info", "colours of the masks"]
    assert "'#000000: background' (75.0%)" in note and "#ff0000" in note and "#00ff00" in note
    assert errors(tmp_path, colours={"#000000": "background", "#f00": "nerve", "#0f0": "vessel"}) == set()


def test_colours_that_were_blurred(tmp_path):
    rng = np.random.default_rng(1)
    write(tmp_path, [rng.integers(0, 255, (*SHAPE, 3))] * 2)
    assert "without smoothing" in found(tmp_path)["info", "colours of the masks"]


def test_palettes_whose_numbers_differ_from_picture_to_picture(tmp_path):
    def picture(*colours):
        image = Image.fromarray((labels(1) > 0).astype(np.uint8), "P")
        image.putpalette([channel for colour in colours for channel in colour])
        return image

    red, green, black = [255, 0, 0], [0, 255, 0], [0, 0, 0]
    write(tmp_path / "mixed", [picture(black, red), picture(black, green)])
    assert errors(tmp_path / "mixed") == {"palettes differ"}
    entries = {"#000000": "background", "#ff0000": "nerve", "#00ff00": "vessel"}
    assert errors(tmp_path / "mixed", colours=entries) == set()
    assert [sample.mask.max() for sample in open_dataset(tmp_path / "mixed", colours=entries)] == [1, 2]
    write(tmp_path / "alike", [picture(black, red), picture(black, red)])
    assert errors(tmp_path / "alike") == set()


# No background


@pytest.mark.parametrize("classes", [(2,), (2, 3), (2, 3, 4)])
def test_labels_from_one_on(tmp_path, classes):
    write(tmp_path, [np.maximum(labels(*classes), 1)] * 4)
    assert errors(tmp_path) == {"no background"}
    message = found(tmp_path)["error", "no background"]
    assert "'1: background'" in message and "--colours" in message
    with pytest.warns(LabelWarning, match="background"):
        open_dataset(tmp_path)
    assert errors(tmp_path, binary=True) == {"no background"}
    legend = {"1": "background"} | {str(label): f"class {label}" for label in classes}
    assert errors(tmp_path, colours=legend) == set()


@pytest.mark.parametrize("value", [1, 255])
def test_masks_that_are_all_foreground(tmp_path, value):
    write(tmp_path, [np.full(SHAPE, value)] * 4)
    assert errors(tmp_path) == {"no background"}


def test_some_masks_without_background_are_no_fault(tmp_path):
    whole = np.ones(SHAPE)
    whole[:, :9] = 2
    write(tmp_path, [whole, whole, labels(1, 2), whole])
    assert errors(tmp_path) == set()
    assert ("info", "full mask") in found(tmp_path)


# Grey values, gaps


@pytest.mark.parametrize("classes", [(30, 60), (2,), (60,), (10, 20, 30), (1, 5)])
def test_grey_values_that_can_be_taken_for_classes(tmp_path, classes):
    write(tmp_path, [labels(*classes)] * 3)
    assert errors(tmp_path) == {"gaps in labels"}
    message = found(tmp_path)["error", "gaps in labels"]
    assert f"'{classes[-1]}: class {len(classes)}'" in message
    with pytest.warns(LabelWarning, match="occur in no mask"):
        open_dataset(tmp_path)
    legend = {"0": "background"} | {str(label): f"class {label}" for label in classes}
    assert errors(tmp_path, colours=legend) == set()
    assert len(open_dataset(tmp_path, colours=legend).classes) == 1 + len(classes)
    assert errors(tmp_path, binary=True) == set()


@pytest.mark.parametrize("classes", [(85, 170), (127, 254), (128, 255), (100,)])
def test_grey_values_that_cannot(tmp_path, classes):
    write(tmp_path, [labels(*classes)] * 3)
    assert errors(tmp_path) == {"unexpected labels"}
    assert f"'{classes[-1]}: class {len(classes)}'" in found(tmp_path)["error", "unexpected labels"]


def test_a_class_that_is_absent_by_chance_is_a_warning(tmp_path):
    write(tmp_path, [labels(1, 3, 4)] * 3)
    assert errors(tmp_path) == set() and ("warning", "unused labels") in found(tmp_path)
    write(tmp_path / "named", [labels(4)] * 3)
    assert errors(tmp_path / "named", classes=["background", "a", "b", "c", "d"]) == set()


# Blurred masks of two values


def test_a_class_in_one_mask_alone_is_a_warning(tmp_path):
    """One pixel of class 2; once a second mask has it, nothing is said."""
    masks = [labels(0, 1) for _ in range(4)]
    masks[3] = masks[3].copy()
    masks[3][0, 0] = 2
    write(tmp_path, masks)
    assert errors(tmp_path) == set()
    (finding,) = [each for each in check_dataset(tmp_path) if each.kind == "rare class"]
    assert finding.severity == "warning" and "Class 2 occurs in this mask alone, in 1 pixel:" in finding.message
    masks[0] = masks[3]
    write(tmp_path, masks)
    assert ("warning", "rare class") not in found(tmp_path)


def test_a_few_greys_between_0_and_255(tmp_path):
    mask = labels(255)
    mask[3, 2:6] = (1, 254, 77, 128)
    write(tmp_path, [mask] * 3)
    assert errors(tmp_path) == {"unexpected labels"}
    message = found(tmp_path)["error", "unexpected labels"]
    assert "4 other values" in message and "128-255: foreground" in message
    assert errors(tmp_path, binary=True) == {"unexpected labels"}
    with pytest.raises(DataError, match="greys"):
        open_dataset(tmp_path)
    legend = {"0-127": "background", "128-255": "foreground"}
    assert errors(tmp_path, colours=legend) == set()
    assert open_dataset(tmp_path, colours=legend)[0].mask[3, 2:6].tolist() == [0, 1, 0, 1]


def test_a_few_strays_that_look_like_classes(tmp_path):
    mask = labels(255)
    mask[20, 3:6] = 1
    mask[21, 9] = 2
    write(tmp_path / "stray", [mask] * 3)
    assert errors(tmp_path / "stray") == {"unexpected labels"}
    mask[17:22, 3:12] = 1
    mask[17:22, 20:29] = 2
    write(tmp_path / "classes", [mask] * 3)
    assert errors(tmp_path / "classes") == set()


def test_a_mask_that_was_scaled_smoothly(tmp_path):
    small = Image.fromarray(labels(255).astype(np.uint8)).resize((20, 17), Image.Resampling.BILINEAR)
    write(tmp_path, [small.resize(SHAPE[::-1], Image.Resampling.BILINEAR)] * 3)
    assert errors(tmp_path) == {"unexpected labels"}
    assert errors(tmp_path, binary=True) == {"unexpected labels"}


def test_objects_numbered_up_to_255_are_no_blur(tmp_path):
    objects = np.zeros((64, 64), np.int64)
    objects[::2, ::4] = np.arange(512).reshape(32, 16) // 2
    rng = np.random.default_rng(0)
    write(tmp_path, [objects] * 2)
    for path in (tmp_path / "images").iterdir():
        Image.fromarray(rng.integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    assert errors(tmp_path, binary=True) == set()


def test_a_jpeg_blurred_mask_that_was_saved_as_png(tmp_path):
    write(tmp_path / "jpeg", [labels(255)] * 3, suffix=".jpg")
    blurred = []
    for path in sorted((tmp_path / "jpeg" / "masks").iterdir()):
        blurred.append(np.asarray(Image.open(path)))
    write(tmp_path / "png", blurred)
    for case in ("jpeg", "png"):
        assert errors(tmp_path / case) == {"unexpected labels"}
    assert errors(tmp_path / "jpeg", binary=True) == set()
    assert errors(tmp_path / "png", colours={"0-127": "background", "128-255": "a"}) == set()


def test_classes_beside_an_ignored_255_are_no_blur(tmp_path):
    mask = labels(255, 255)
    mask[3, 2:10] = 1
    mask[20, 2:10] = 2
    write(tmp_path, [mask, labels(1, 2), mask])
    assert errors(tmp_path) == set()


# Numbers that are no class indices


def test_negative_and_fractional_labels(tmp_path):
    negative = np.where(labels(1) > 0, 1, -1)
    for suffix, save in ((".npy", np.save), (".tif", tifffile.imwrite)):
        folder = write(tmp_path / f"negative{suffix}", [negative] * 2, suffix=suffix, save=save)
        assert "'-1: ignore'" in found(folder)["error", "unexpected labels"]
        folder = write(tmp_path / f"soft{suffix}", [labels(1) * np.float32(0.4)] * 2, suffix=suffix, save=save)
        assert errors(folder) == {"fractions in a mask"}
        folder = write(
            tmp_path / f"whole{suffix}", [labels(1, 2).astype(np.float32)] * 2, suffix=suffix, save=save
        )
        assert errors(folder) == set()


def test_bool_masks_and_full_scale_of_16_bits(tmp_path):
    write(tmp_path / "npy", [labels(1) > 0] * 2, suffix=".npy", save=np.save)
    write(tmp_path / "bit", [Image.fromarray((labels(1) > 0).astype(np.uint8) * 255).convert("1")] * 2)
    deep = labels(65535).astype(np.uint16)
    write(tmp_path / "deep", [Image.fromarray(deep)] * 2)
    for case in ("npy", "bit", "deep"):
        assert errors(tmp_path / case) == set()
        assert open_dataset(tmp_path / case)[0].mask.tolist() == labels(1).tolist()


def test_stacks_of_several_pages_are_refused(tmp_path):
    stack = np.stack([labels(1), labels(2)]).astype(np.uint8)
    write(tmp_path, [stack] * 2, suffix=".tif", save=lambda p, m: tifffile.imwrite(p, m, photometric="minisblack"))
    assert errors(tmp_path) == {"unreadable mask"}
    assert "2 images" in found(tmp_path)["error", "unreadable mask"]


# Files that are left out


def test_what_is_left_out_is_named(tmp_path):
    write(tmp_path, [labels(1)] * 4)
    images = tmp_path / "images"
    (images / "x.dcm").write_bytes(b"x")
    (images / "p0_9.png").symlink_to("gone.png")
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._p0_0.png", "SOURCE.txt"):
        (images / name).write_bytes(b"x")
    findings = check_dataset(tmp_path, group="prefix")
    assert {(f.severity, f.kind, f.file.name) for f in findings} == {
        ("error", "missing mask", "x.dcm"),
        ("error", "unreadable image", "x.dcm"),
        ("error", "broken link", "p0_9.png"),
    }


def test_hidden_files_in_a_table_are_left_out_and_named(tmp_path):
    write(tmp_path, [labels(1)] * 2)
    (tmp_path / "images" / "._p0_0.png").write_bytes(b"left by macOS")
    rows = [
        f"images/{n}.png,masks/{n.removeprefix('._')}.png,g{k}" for k, n in enumerate(("p0_0", "p1_1", "._p0_0"))
    ]
    (tmp_path / "dataset.csv").write_text("\n".join(["image,mask,group", *rows]) + "\n")
    assert open_dataset(tmp_path).ids == ["p0_0", "p1_1"]
    findings = check_dataset(tmp_path)
    assert [(f.severity, f.kind) for f in findings if f.file.name == "._p0_0.png"] == [("warning", "hidden file")]


def test_capital_folders_and_suffixes_and_composed_names(tmp_path):
    write(tmp_path, [labels(1)] * 2)
    for name in ("images", "masks"):
        (tmp_path / name).rename(tmp_path / name.capitalize())
    (tmp_path / "Images" / "p0_0.png").rename(tmp_path / "Images" / "é.PNG")
    (tmp_path / "Masks" / "p0_0.png").rename(tmp_path / "Masks" / "e\u0301.png")
    dataset = open_dataset(tmp_path)
    assert dataset.ids == ["p1_1", "é"] and all(sample.mask is not None for sample in dataset)


@pytest.mark.parametrize(
    ("mask", "doubtful"), [(labels(1, 255), True), (labels(255), False), (labels(1, 2, 255), False)]
)
def test_binary_says_that_it_takes_255_beside_1(tmp_path, mask, doubtful):
    findings = check_dataset(write(tmp_path, [mask] * 2), binary=True)
    assert ("255 as foreground" in [finding.kind for finding in findings]) == doubtful
    assert not [finding for finding in findings if finding.severity == "error"]


# Numbers of objects


def numbered(*counts):
    """Masks in which as many objects have the numbers 1, 2, 3 …"""
    masks = []
    for count in counts:
        mask = np.zeros(SHAPE, np.int64)
        for number in range(1, count + 1):
            mask[2 : 6 + number % 3, 3 * number : 3 * number + 2] = number
        masks.append(mask)
    return masks


def test_numbers_of_objects_are_not_taken_for_classes(tmp_path):
    write(tmp_path, numbered(3, 7, 5, 4))
    assert "3 in one and 7 in" in found(tmp_path)["error", "objects as classes"]
    assert "--binary" in found(tmp_path)["error", "objects as classes"]
    assert not errors(tmp_path, binary=True)
    assert not errors(tmp_path, classes=["background", *"abcdefg"])


@pytest.mark.parametrize(
    "masks",
    [
        numbered(7, 7, 7, 7),  # layers that every image has
        numbered(1, 2, 3, 4),  # few classes
        [*numbered(3, 7, 5), labels(2, 5)],  # a class without those before it
    ],
)
def test_classes_that_happen_to_begin_at_one_are_no_objects(tmp_path, masks):
    write(tmp_path, masks)
    assert "objects as classes" not in errors(tmp_path)


# Labels that scaling leaves


def scaled(mask, how):
    small = Image.fromarray(mask.astype(np.uint8)).resize((SHAPE[1] // 2, SHAPE[0] // 2), Image.Resampling.NEAREST)
    return small.resize((SHAPE[1], SHAPE[0]), how)


@pytest.mark.parametrize("classes", [(2,), (3, 3), (2, 4)])
def test_labels_that_interpolation_leaves_are_told(tmp_path, classes):
    masks = [labels(*classes), labels(*classes), labels(*classes[::-1])]
    blurred = write(tmp_path / "blurred", [scaled(mask, Image.Resampling.BILINEAR) for mask in masks])
    assert ("warning", "label between others") in found(blurred)
    sharp = write(tmp_path / "sharp", [scaled(mask, Image.Resampling.NEAREST) for mask in masks])
    assert ("warning", "label between others") not in found(sharp)


def test_thin_lines_on_the_background_lie_between_nothing(tmp_path):
    vessel = labels(2)
    vessel[20, :] = 1
    write(tmp_path, [vessel] * 3)
    assert ("warning", "label between others") not in found(tmp_path)


def test_blurred_masks_are_told_also_where_all_above_0_is_foreground(tmp_path):
    disc = (np.hypot(*np.mgrid[-12:12, -16:16]) < 9) * 255
    write(tmp_path, [scaled(disc, Image.Resampling.BICUBIC)] * 3)
    with pytest.warns(LabelWarning, match="greys that scaling or lossy compression leaves"):
        open_dataset(tmp_path, binary=True)
    assert "unexpected labels" in errors(tmp_path, binary=True)


# Background and foreground exchanged


def test_labels_of_a_tiff_whose_zero_is_white_are_its_numbers_and_said(tmp_path):
    stored = labels(255)
    folder = write(
        tmp_path, [stored.astype(np.uint8)] * 2, suffix=".tif",
        save=lambda path, mask: tifffile.imwrite(path, mask, photometric="miniswhite"),
    )  # fmt: skip
    assert "2 masks are shown by viewers with 0 as white" in found(folder)["warning", "white is zero"]
    np.testing.assert_array_equal(open_dataset(folder, group="prefix")[0].mask, stored > 0)


def test_one_bit_whose_zero_is_white_is_read_as_it_is_shown(tmp_path):
    shown = labels(1) > 0
    folder = write(
        tmp_path, [shown] * 2, suffix=".tif",
        save=lambda path, mask: tifffile.imwrite(path, ~mask, photometric="miniswhite"),
    )  # fmt: skip
    assert ("warning", "white is zero") not in found(folder)
    np.testing.assert_array_equal(open_dataset(folder, group="prefix")[0].mask, shown)


@pytest.mark.parametrize("binary", [False, True])
def test_objects_drawn_as_nothing_are_asked_about(tmp_path, binary):
    asked = ("warning", "masks may be inverted")
    inverted = found(write(tmp_path / "inverted", [255 - labels(255)] * 2), binary=binary)
    assert "covers 88% of the pixels and 100% of the images' borders" in inverted[asked]
    assert asked not in found(write(tmp_path / "usual", [labels(255)] * 2), binary=binary)
    large = np.pad(np.ones((20, 28), int), 2)  # nearly the whole picture, and nothing of its border
    assert asked not in found(write(tmp_path / "large", [large] * 2), binary=binary)


def test_one_of_three_classes_may_fill_the_border(tmp_path):
    mask = np.where(labels(2) > 0, 2, 1)
    mask[:2] = 0
    assert ("warning", "masks may be inverted") not in found(write(tmp_path, [mask] * 2))
