import struct
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from prismseg.base import DataError
from prismseg.data import read_image, read_mask
from prismseg.data.images import image_size


@given(
    pixels=hnp.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 3])),
    ),
    suffix=st.sampled_from([".png", ".tif", ".npy"]),
)
def test_round_trip_of_every_depth_and_format(tmp_path_factory, pixels, suffix):
    path = tmp_path_factory.mktemp("images") / f"image{suffix}"
    flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    if suffix == ".npy":
        np.save(path, flat)
    elif suffix == ".tif":
        tifffile.imwrite(path, flat, photometric="rgb" if flat.ndim == 3 else "minisblack")
    elif pixels.dtype == np.uint16 and pixels.shape[2] == 3:
        return  # Pillow writes no such PNG; reading one is refused, see below
    else:
        Image.fromarray(flat).save(path)
    read = read_image(path)
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read, pixels)
    assert image_size(path) == pixels.shape[:2]


def test_float_celsius(tmp_path):
    celsius = np.array([[21.5, 36.6], [np.nan, 0]], np.float32)
    tifffile.imwrite(tmp_path / "frame.tiff", celsius)
    np.testing.assert_array_equal(read_image(tmp_path / "frame.tiff")[..., 0], celsius)


def test_alpha_is_dropped_and_palettes_become_colours(tmp_path):
    Image.fromarray(np.full((2, 2, 4), 9, np.uint8), "RGBA").save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (2, 2, 3)
    Image.fromarray(np.full((2, 2, 2), 9, np.uint8), "LA").save(tmp_path / "la.png")
    assert read_image(tmp_path / "la.png").shape == (2, 2, 1)
    palette = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    palette.putpalette([0, 0, 0, 250, 10, 20])
    palette.save(tmp_path / "p.png")
    assert read_image(tmp_path / "p.png")[0, 1].tolist() == [250, 10, 20]
    assert read_mask(tmp_path / "p.png").tolist() == [[0, 1]]


def test_one_bit_images_and_masks(tmp_path):
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(tmp_path / "bit.png")
    assert read_image(tmp_path / "bit.png").ravel().tolist() == [0, 255]
    assert read_mask(tmp_path / "bit.png").tolist() == [[0, 1]]


def test_masks_of_16_bits_and_grey_rgb(tmp_path):
    Image.fromarray(np.array([[0, 1234]], np.uint16)).save(tmp_path / "deep.png")
    assert read_mask(tmp_path / "deep.png").tolist() == [[0, 1234]]
    Image.fromarray(np.full((2, 2, 3), 2, np.uint8)).save(tmp_path / "rgb.png")
    assert read_mask(tmp_path / "rgb.png").tolist() == [[2, 2], [2, 2]]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_png(path, width, height, depth, colour, rows=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def plant_missing(folder):
    return folder / "absent.png", "no file"


def plant_empty(folder):
    path = folder / "empty.png"
    path.write_bytes(b"")
    return path, "0 bytes"


def plant_truncated(folder):
    path = folder / "cut.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    return path, "truncated or damaged"


def plant_truncated_tiff(folder):
    path = folder / "cut.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint16))
    path.write_bytes(path.read_bytes()[:3000])
    return path, "truncated or damaged"


def plant_text(folder):
    path = folder / "text.png"
    path.write_text("not an image at all")
    return path, "not an image"


def plant_huge(folder):
    path = folder / "huge.png"
    write_png(path, 30_000, 30_000, 8, 0)
    return path, "too large"


def plant_bomb(folder):
    path = folder / "large.png"
    write_png(path, 13_000, 13_000, 8, 0)
    return path, "13000 x 13000"


def plant_animated(folder):
    path = folder / "moving.png"
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 200)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path, "2 pictures"


def plant_stack(folder):
    path = folder / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 50, 50), np.uint8), photometric="minisblack")
    return path, "3 pictures"


def plant_deep_colour(folder):
    path = folder / "deep.png"
    write_png(path, 1, 1, 16, 2, b"\0" + bytes(6))
    return path, "16 bits a colour"


def plant_cmyk(folder):
    path = folder / "print.jpg"
    Image.fromarray(np.zeros((4, 4, 4), np.uint8), "CMYK").save(path)
    return path, "CMYK"


def plant_pickle(folder):
    path = folder / "object.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return path, "damaged"


def plant_negative(folder):
    path = folder / "negative.npy"
    np.save(path, np.array([[-5, 3]]))
    return path, "-5"


@pytest.mark.parametrize(
    "plant",
    [
        plant_missing, plant_empty, plant_truncated, plant_truncated_tiff, plant_text, plant_huge, plant_bomb,
        plant_animated, plant_stack, plant_deep_colour, plant_cmyk, plant_pickle, plant_negative,
    ],
)  # fmt: skip
def test_bad_files_are_named_with_the_reason(plant, tmp_path):
    path, reason = plant(tmp_path)
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value) and reason in str(caught.value)


def test_masks_that_are_pictures_or_fractions(tmp_path):
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3)).save(tmp_path / "colour.png")
    with pytest.raises(DataError, match="colour picture"):
        read_mask(tmp_path / "colour.png")
    np.save(tmp_path / "soft.npy", np.array([[0.0, 0.5]]))
    with pytest.raises(DataError, match="fractions"):
        read_mask(tmp_path / "soft.npy")
