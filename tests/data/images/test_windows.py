"""Windows of images on the disk are those of the whole image, however it is stored."""

import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest
import tifffile

from prismseg.base import DataError
from prismseg.data import read_image
from prismseg.data.images import windows as module
from prismseg.data.images.windows import open_windows

WINDOWS = [
    (slice(0, 90), slice(0, 70), 1), (slice(0, 5), slice(63, 70), 1), (slice(31, 33), slice(15, 17), 1),
    (slice(0, 90), slice(0, 70), 7), (slice(89, 90), slice(69, 70), 3), (slice(33, 80), slice(2, 50), 32),
]  # fmt: skip
STORED = {
    "tiles": {"tile": (32, 16), "compression": "zlib"},
    "plain tiles": {"tile": (16, 48)},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "plain strips": {"rowsperstrip": 7},
    "one block": {},
    "big-endian": {"byteorder": ">"},
    "big-endian tiles": {"byteorder": ">", "tile": (32, 32), "compression": "zlib", "predictor": True},
}


@pytest.mark.parametrize("kept", [0, module.KEPT_BYTES])
@pytest.mark.parametrize("how", STORED)
@pytest.mark.parametrize(
    ("shape", "dtype", "options"),
    [
        ((90, 70), np.uint8, {}),
        ((90, 70), np.uint8, {"photometric": "miniswhite"}),
        ((90, 70, 3), np.uint16, {"photometric": "rgb"}),
        ((90, 70, 4), np.uint8, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        ((3, 90, 70), np.uint8, {"photometric": "rgb", "planarconfig": "separate"}),
        ((90, 70), np.float32, {}),
    ],
)
def test_every_window_is_that_of_the_whole(tmp_path, monkeypatch, shape, dtype, options, how, kept):
    path = tmp_path / "image.tif"
    if dtype is np.float32 and "predictor" in STORED[how]:
        pytest.skip("needs imagecodecs")
    pixels = np.random.default_rng(0).integers(0, 250, shape).astype(dtype)
    tifffile.imwrite(path, pixels, **options, **STORED[how])
    image, windows = read_image(path), open_windows(path)
    if kept == 0:
        monkeypatch.setattr(windows, "_piece", windows._decode)
    assert windows.shape == image.shape and windows.dtype == image.dtype and windows.left_out == 0
    for rows, columns, step in WINDOWS:
        expected = image[rows.start : rows.stop : step, columns.start : columns.stop : step]
        np.testing.assert_array_equal(windows.read(rows, columns, step), expected)


@pytest.mark.skipif(find_spec("imagecodecs") is None, reason="imagecodecs is not installed (extra slides)")
@pytest.mark.parametrize("pyramid", [False, True])
@pytest.mark.parametrize(
    ("compression", "options"),
    [
        ("jpeg", {"photometric": "rgb"}),  # stored as YCbCr, colours at half the size
        ("jpeg", {"photometric": "rgb", "subsampling": (1, 1)}),
        ("jpeg", {}),
        ("jpeg2000", {"photometric": "rgb"}),
        ("lzw", {"photometric": "rgb"}),
        ("zstd", {"photometric": "rgb"}),
    ],
)
def test_windows_of_compressed_tiles_are_those_of_the_whole(tmp_path, compression, options, pyramid):
    rows, columns = np.mgrid[:90, :70]
    pixels = np.stack([2 * rows, 3 * columns, rows + columns], -1).astype(np.uint8)
    pixels = pixels if "photometric" in options else pixels[..., 0]
    options = {"compression": compression, "tile": (32, 48), **options}
    with tifffile.TiffWriter(tmp_path / "image.tif") as file:
        file.write(pixels, subifds=int(pyramid), **options)
        if pyramid:
            file.write(pixels[::2, ::2], subfiletype=1, **options)
    image, windows = read_image(tmp_path / "image.tif"), open_windows(tmp_path / "image.tif")
    assert windows.shape == image.shape == (90, 70, pixels.ndim == 2 or 3)
    halved = compression == "jpeg" and "photometric" in options and "subsampling" not in options
    near = np.abs(image.astype(int) - pixels.reshape(image.shape))
    assert near.mean() < (4 if halved else 1)  # RGB, and not what is stored of it
    for rows, columns, step in WINDOWS:
        expected = image[rows.start : rows.stop : step, columns.start : columns.stop : step]
        np.testing.assert_array_equal(windows.read(rows, columns, step), expected)


@pytest.mark.skipif(find_spec("imagecodecs") is not None, reason="imagecodecs is installed")
@pytest.mark.parametrize(("code", "name"), [(34712, "JPEG2000"), (50000, "ZSTD"), (50001, "WEBP")])
def test_a_compression_that_is_not_known_here_names_the_extra(tmp_path, code, name):
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, np.zeros((32, 32), np.uint8), tile=(16, 16), compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(code)
    said = rf"slide\.tif has {name} compression, .*pip install 'prismseg\[slides\]'"
    with pytest.raises(DataError, match=said):
        read_image(path)
    with pytest.raises(DataError, match=said):
        open_windows(path).read(slice(0, 8), slice(0, 8))


@pytest.mark.parametrize("shape", [(90, 70), (90, 70, 2)])
def test_windows_of_npy(tmp_path, shape):
    np.save(tmp_path / "image.npy", np.arange(np.prod(shape), dtype=np.uint16).reshape(shape))
    image, windows = read_image(tmp_path / "image.npy"), open_windows(tmp_path / "image.npy")
    assert windows.shape == image.shape
    for rows, columns, step in WINDOWS:
        expected = image[rows.start : rows.stop : step, columns.start : columns.stop : step]
        np.testing.assert_array_equal(windows.read(rows, columns, step), expected)


def test_of_a_pyramid_the_finest_level_is_read_and_other_images_are_counted(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 250, (96, 64, 3), dtype=np.uint8)
    with tifffile.TiffWriter(tmp_path / "slide.tif") as file:
        options = {"photometric": "rgb", "tile": (32, 32)}
        file.write(pixels, subifds=1, **options)
        file.write(pixels[::2, ::2], subfiletype=1, **options)
    with tifffile.TiffWriter(tmp_path / "flat.tif") as file:
        for number in range(3):
            file.write(pixels[:, :, number])
    windows = open_windows(tmp_path / "slide.tif")
    np.testing.assert_array_equal(windows.read(slice(10, 90), slice(3, 60)), pixels[10:90, 3:60])
    assert open_windows(tmp_path / "flat.tif") is None  # a stack is none
    tifffile.imwrite(
        tmp_path / "flat.tif", np.zeros((3, 32, 32), np.uint8), photometric="minisblack", truncate=True
    )
    assert open_windows(tmp_path / "flat.tif") is None
    tifffile.imwrite(
        tmp_path / "flat.tif",
        np.zeros((4, 32, 32), np.uint8),
        photometric="minisblack",
        volumetric=True,
        tile=(4, 16, 16),
    )
    assert open_windows(tmp_path / "flat.tif") is None
    assert open_windows(tmp_path / "picture.png") is None


def test_what_cannot_be_read_piece_by_piece_is_said(tmp_path, monkeypatch):
    pixels = np.zeros((64, 64), np.uint8)
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, pixels, extratags=[(274, "H", 1, 6, True)])
    with pytest.raises(DataError, match="turned"):
        open_windows(path)
    tifffile.imwrite(path, pixels, photometric="palette", colormap=np.zeros((3, 256), np.uint16))
    with pytest.raises(DataError, match="PALETTE"):
        open_windows(path)
    monkeypatch.setattr(module, "KEPT_BYTES", 1000)
    tifffile.imwrite(path, pixels, compression="zlib", rowsperstrip=64)
    with pytest.raises(DataError, match="in tiles"):
        open_windows(path)
    tifffile.imwrite(path, pixels)  # not compressed: mapped, whatever its size
    assert open_windows(path).read(slice(0, 1), slice(0, 1)).shape == (1, 1, 1)


def test_a_truncated_file_is_named(tmp_path):
    path = tmp_path / "image.tif"
    tifffile.imwrite(
        path, np.random.default_rng(0).integers(0, 9, (64, 64), np.uint8), tile=(16, 16), compression=8
    )
    path.write_bytes(path.read_bytes()[:-40])
    windows = open_windows(path)
    with pytest.raises(DataError, match=r"image\.tif is truncated"):
        windows.read(slice(0, 64), slice(0, 64))


def test_memory_is_that_of_the_window(tmp_path):
    np.save(tmp_path / "image.npy", np.zeros((4000, 2000), np.uint8))
    tifffile.imwrite(tmp_path / "image.tif", np.zeros((4000, 2000), np.uint8), tile=(256, 256), compression="zlib")
    for name in ("image.npy", "image.tif"):
        windows = open_windows(tmp_path / name)
        tracemalloc.start()
        windows.read(slice(1000, 1100), slice(0, 100))
        assert tracemalloc.get_traced_memory()[1] < 10**6
        tracemalloc.stop()
