import struct
import subprocess
import sys
import zlib
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from tests.tiffs import big_endian_lzw

from prismseg.base import DataError
from prismseg.data import read_image, read_mask


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
    return path, "2 images"


def plant_stack(folder):
    path = folder / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 50, 50), np.uint8), photometric="minisblack")
    return path, "3 images"


def plant_stack_of_one_directory(folder):
    path = folder / "stack.tif"
    tifffile.imwrite(path, np.zeros((3, 50, 50), np.uint8), photometric="minisblack", truncate=True)
    return path, "3 images"


def plant_layers(folder):
    path = folder / "volume.tif"
    tifffile.imwrite(
        path, np.zeros((4, 32, 48), np.uint8), photometric="minisblack", volumetric=True, tile=(4, 16, 16)
    )
    return path, "4 images"


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
        plant_animated, plant_stack, plant_stack_of_one_directory, plant_layers,
        plant_deep_colour, plant_cmyk, plant_pickle, plant_negative,
    ],
)  # fmt: skip
def test_bad_files_are_named_with_the_reason(plant, tmp_path):
    path, reason = plant(tmp_path)
    with pytest.raises(DataError) as caught:
        read_image(path)
    assert str(path) in str(caught.value) and reason in str(caught.value)
    assert str(caught.value).count(str(path)) == 1  # one reason, not one within another


def test_masks_that_are_pictures_or_fractions(tmp_path):
    Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3)).save(tmp_path / "colour.png")
    with pytest.raises(DataError, match="colour image"):
        read_mask(tmp_path / "colour.png")
    np.save(tmp_path / "soft.npy", np.array([[0.0, 0.5]]))
    with pytest.raises(DataError, match="fractions"):
        read_mask(tmp_path / "soft.npy")


RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (33, 41)).astype(np.uint8)
COLOUR = RNG.integers(0, 256, (33, 41, 3)).astype(np.uint8)
DEEP = RNG.integers(0, 65536, (33, 41)).astype(np.uint16)


def write(path, pixels):
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, pixels, photometric="rgb" if pixels.ndim == 3 else "minisblack")
    else:
        Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pictures")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".npy", ".gif"])
@given(
    labels=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 5, 255])
    )
)
def test_labels_come_back_as_written(folder, suffix, labels):
    # A GIF renumbers its palette, so that 0, 2, 5 are stored as 0, 1, 2.
    np.testing.assert_array_equal(read_mask(write(folder / f"labels{suffix}", labels)), labels)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
@pytest.mark.parametrize("pixels", [GREY, COLOUR, DEEP], ids=["grey", "colour", "deep"])
def test_tiff_compressions_lose_nothing(tmp_path, compression, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression=compression)
    read = read_image(tmp_path / "a.tif")
    assert read.dtype == pixels.dtype
    np.testing.assert_array_equal(read.squeeze(), pixels)


def test_a_fourth_band_is_kept_when_it_is_not_alpha(tmp_path):
    bands = RNG.integers(0, 256, (9, 11, 4)).astype(np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", bands, photometric="minisblack", planarconfig="contig", extrasamples=[0] * 3
    )
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), bands)
    Image.fromarray(bands, "RGBA").save(tmp_path / "b.tif")
    np.testing.assert_array_equal(read_image(tmp_path / "b.tif"), bands[..., :3])


@pytest.mark.parametrize("suffix", [".png", ".tif", ".gif"])
def test_palette_images_are_read_as_their_colours(tmp_path, suffix):
    picture = Image.fromarray(COLOUR).quantize(16)
    picture.save(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a{suffix}"), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_palette_masks_are_read_by_index(tmp_path, suffix):
    labels = RNG.integers(0, 3, (9, 11)).astype(np.uint8)
    picture = Image.fromarray(labels, "P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / f"m{suffix}")
    np.testing.assert_array_equal(read_mask(tmp_path / f"m{suffix}"), labels)


def test_a_tiff_whose_zero_is_white_is_inverted(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif")[..., 0], 255 - GREY)


def test_planar_tiff_has_its_channels_last(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(COLOUR, -1, 0), photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), COLOUR)


def test_of_a_jpeg_with_a_second_view_the_photograph_is_read(tmp_path):
    first, second = Image.new("RGB", (20, 10), (200, 10, 10)), Image.new("RGB", (20, 10), (10, 10, 200))
    with (tmp_path / "phone.jpg").open("wb") as file:
        first.save(file, format="MPO", save_all=True, append_images=[second])
    assert read_image(tmp_path / "phone.jpg")[5, 5, 0] > 150


def test_cmyk_tiff_is_refused_and_not_read_as_rgb(tmp_path):
    Image.fromarray(COLOUR).convert("CMYK").save(tmp_path / "print.tif")
    with pytest.raises(DataError, match="SEPARATED"):
        read_image(tmp_path / "print.tif")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".npy", ".gif"])
@given(share=st.floats(0, 0.97))
def test_a_truncated_file_is_never_read(folder, suffix, share):
    whole = write(folder / f"whole{suffix}", GREY if suffix == ".gif" else COLOUR).read_bytes()
    cut = folder / f"cut{suffix}"
    cut.write_bytes(whole[: max(1, int(share * len(whole)))])
    with pytest.raises(DataError, match=rf"cut\{suffix}"):
        read_image(cut)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tif", ".npy", ".gif"])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), head=st.booleans())
def test_a_flipped_bit_gives_pixels_or_our_error(folder, suffix, place, bit, head):
    content = bytearray(write(folder / f"sound{suffix}", GREY if suffix == ".gif" else COLOUR).read_bytes())
    content[int(place * min(len(content), 160 if head else len(content)))] ^= 1 << bit
    path = folder / f"flipped{suffix}"
    path.write_bytes(content)
    try:
        assert read_image(path).ndim == 3
    except DataError as error:
        assert str(path) in str(error)


def test_huge_tiff_and_npy_are_refused_by_their_headers(tmp_path):
    with (tmp_path / "huge.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (13_000, 13_000)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 13_000**2)
    tifffile.imwrite(tmp_path / "huge.tif", shape=(13_000, 13_000), dtype=np.uint8)
    for name in ("huge.npy", "huge.tif"):
        with pytest.raises(DataError, match=r"13000 x 13000"):
            read_image(tmp_path / name)


def test_an_animated_gif_is_refused(tmp_path):
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="2 images"):
        read_image(tmp_path / "a.gif")


@pytest.mark.parametrize(
    "array",
    [np.array([["a"]]), np.ones((2, 2), complex), np.zeros((2, 2), "M8[D]"), np.zeros(5)],
    ids=["text", "complex", "dates", "vector"],
)
def test_arrays_that_are_no_images_are_refused(tmp_path, array):
    np.save(tmp_path / "array.npy", array)
    for read in (read_image, read_mask):
        with pytest.raises(DataError, match=r"array\.npy"):
            read(tmp_path / "array.npy")


def test_an_archive_renamed_to_npy_is_refused(tmp_path):
    with (tmp_path / "a.npy").open("wb") as file:
        np.savez(file, a=GREY)
    with pytest.raises(DataError, match="not an NPY file"):
        read_image(tmp_path / "a.npy")


def test_masks_of_two_planes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"shape \(3, 3, 2\)"):
        read_mask(write(tmp_path / "m.npy", np.zeros((3, 3, 2), np.uint8)))


def test_reading_a_damaged_tiff_prints_nothing_and_needs_no_torch(tmp_path):
    path = write(tmp_path / "a.tif", COLOUR)
    path.write_bytes(path.read_bytes()[:60])
    code = """
import sys
from prismseg.base import DataError
from prismseg.data import check_dataset, open_dataset, read_image
try:
    read_image(sys.argv[1])
except DataError:
    print("refused", "torch" in sys.modules, "kornia" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("refused False False\n", "")


def test_big_endian_lzw_floats_are_refused_not_misread(tmp_path):
    pixels = np.linspace(20, 30, 48, dtype=np.float32).reshape(6, 8)
    path = big_endian_lzw(tmp_path, pixels)
    if find_spec("imagecodecs") is not None:
        np.testing.assert_array_equal(read_image(path)[..., 0], pixels)
        return
    with pytest.raises(DataError, match="big-endian TIFF of floats with LZW"):
        read_image(path)
