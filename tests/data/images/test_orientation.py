"""Pictures that are stored turned or mirrored, and say so, are read upright: images and masks, in every format."""

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps
from tests.data.images.test_reading import png_chunk

from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset, read_image, read_mask
from prismseg.data.images.decoding import turn_upright

UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3)
# Exif 2.32: what is stored of the upright picture 0 1 2 / 3 4 5, worked out by hand.
STORED = {
    1: [[0, 1, 2], [3, 4, 5]],
    2: [[2, 1, 0], [5, 4, 3]],
    3: [[5, 4, 3], [2, 1, 0]],
    4: [[3, 4, 5], [0, 1, 2]],
    5: [[0, 3], [1, 4], [2, 5]],
    6: [[2, 5], [1, 4], [0, 3]],
    7: [[5, 2], [4, 1], [3, 0]],
    8: [[3, 0], [4, 1], [5, 2]],
}


def save(path, pixels, orientation, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.asarray(pixels, np.uint8)
    if path.suffix in (".tif", ".tiff"):
        tag = (274, "H", 1, orientation, True)
        colour = pixels.ndim == 3
        tifffile.imwrite(path, pixels, photometric="rgb" if colour else "minisblack", extratags=[tag], **options)
        return path
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(path, exif=exif, **options)
    return path


@pytest.mark.parametrize("orientation", STORED)
def test_by_hand_and_as_pillow_turns(orientation):
    stored = np.array(STORED[orientation], np.uint8)
    assert turn_upright(stored, orientation).tolist() == UPRIGHT.tolist()
    picture = Image.fromarray(stored)
    picture.getexif()[274] = orientation
    assert np.asarray(ImageOps.exif_transpose(picture)).tolist() == UPRIGHT.tolist()


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "deflate.tif", "pillow.tif"])
def test_lossless_formats(tmp_path, name, orientation):
    stored = np.array(STORED[orientation], np.uint8)
    path = tmp_path / name
    if name == "pillow.tif":  # LZW is read by Pillow, which turns a TIFF by itself
        Image.fromarray(stored).save(path, compression="tiff_lzw", tiffinfo={274: orientation})
    else:
        options = {"a.webp": {"lossless": True}, "deflate.tif": {"compression": "zlib"}}.get(name, {})
        save(path, stored, orientation, **options)
    assert read_image(path)[..., 0].tolist() == UPRIGHT.tolist()
    assert read_mask(path).tolist() == UPRIGHT.tolist()


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_photographs_in_colour(tmp_path, suffix, orientation):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :16] = (250, 0, 0)  # the red corner is at the upper left
    stored = upright[::-1, ::-1] if orientation == 3 else np.rot90(upright)
    read = read_image(save(tmp_path / f"a.{suffix}", stored, orientation))
    assert read.shape == (16, 32, 3)
    assert read[2, 2, 0] > 200 and read[13, 29, 0] < 50


def test_palette_masks_and_xmp(tmp_path):
    picture = Image.fromarray(np.array(STORED[6], np.uint8), "P")
    picture.putpalette(list(range(18)))
    exif = Image.Exif()
    exif[274] = 6
    picture.save(tmp_path / "m.png", exif=exif)
    assert read_mask(tmp_path / "m.png").tolist() == UPRIGHT.tolist()
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.fromarray(np.array(STORED[6], np.uint8)).save(tmp_path / "x.webp", lossless=True, xmp=xmp)
    assert read_image(tmp_path / "x.webp")[..., 0].tolist() == UPRIGHT.tolist()


@pytest.mark.parametrize("value", [0, 9, 60000])
def test_values_that_mean_nothing_turn_nothing(tmp_path, value):
    assert read_image(save(tmp_path / "a.png", UPRIGHT, value)).shape == (2, 3, 1)
    assert read_image(save(tmp_path / "a.tif", UPRIGHT, value)).shape == (2, 3, 1)


def test_a_broken_exif_block_turns_nothing(tmp_path):
    path = save(tmp_path / "a.png", UPRIGHT, 1)
    content = path.read_bytes()
    at = content.index(b"eXIf") - 4
    length = int.from_bytes(content[at : at + 4], "big")
    path.write_bytes(content[:at] + png_chunk(b"eXIf", b"garbage") + content[at + 12 + length :])
    assert read_image(path)[..., 0].tolist() == UPRIGHT.tolist()


def study(folder, image_orientation, mask, mask_orientation=1, *, shape=(20, 30)):
    """Three images stored in an orientation, upright of `shape`, with the given mask."""
    rng = np.random.default_rng(0)
    upright = [rng.integers(0, 255, shape, dtype=np.uint8) for _ in range(3)]
    for number, pixels in enumerate(upright):
        stored = np.rot90(pixels) if image_orientation == 6 else pixels[::-1, ::-1]
        save(folder / "images" / f"{number}.png", stored, image_orientation)
        save(folder / "masks" / f"{number}.png", mask, mask_orientation)
    return upright


def found(folder):
    return {(f.severity, f.kind): f for f in check_dataset(folder)}


def test_a_mask_drawn_on_the_upright_picture_fits(tmp_path):
    upright = study(tmp_path, 6, np.eye(20, 30))
    assert {kind for _, kind in found(tmp_path)} == {"turned upright", "one case a group"}
    sample = open_dataset(tmp_path)[0]
    np.testing.assert_array_equal(sample.image[..., 0], upright[0])
    assert sample.mask.shape == (20, 30)


def test_a_mask_drawn_on_the_stored_picture_is_an_error_with_the_reason(tmp_path):
    study(tmp_path, 6, np.eye(30, 20))
    assert "upright" in found(tmp_path)["error", "size mismatch"].message
    with pytest.raises(DataError, match=r"turned by 90°.*Exif orientation"):
        open_dataset(tmp_path)[0]


@pytest.mark.parametrize(("orientation", "shape"), [(3, (20, 30)), (6, (20, 20))])
def test_where_sizes_cannot_tell_check_says_so(tmp_path, orientation, shape):
    study(tmp_path, orientation, np.eye(*shape), shape=shape)
    assert ("warning", "orientation differs") in found(tmp_path)


def test_image_and_mask_that_are_stored_alike_are_silent(tmp_path):
    study(tmp_path, 6, np.rot90(np.eye(20, 30)), 6)
    assert {kind for _, kind in found(tmp_path)} == {"turned upright", "one case a group"}
    assert open_dataset(tmp_path)[0].mask.tolist() == np.eye(20, 30).tolist()
