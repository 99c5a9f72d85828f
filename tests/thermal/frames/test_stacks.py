"""TIFFs of several pages, and the polarity of grey pictures."""

from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.thermal.conftest import centikelvin, greys

from prismseg.base import ConfigError, DataError
from prismseg.thermal import find_frames, read_frame
from prismseg.thermal.frames import tiff as tiff_module
from prismseg.thermal.frames.orientation import parse_exif_time


@pytest.fixture
def frames(scene):
    return np.stack([scene + 0.5 * number for number in range(5)])


PACKINGS = [{}, {"compression": "deflate"}, {"tile": (16, 32)}, {"bigtiff": True}, {"byteorder": ">"}]


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("large", [False, True])
def test_pages_of_a_stack(tmp_path, frames, packing, large, monkeypatch):
    path = tmp_path / "stack.tif"
    with tifffile.TiffWriter(
        path, **{k: v for k, v in packing.items() if k in ("bigtiff", "byteorder")}
    ) as writer:
        for frame in frames:
            writer.write(
                frame.astype(np.float32),
                contiguous=False,
                **{k: v for k, v in packing.items() if k in ("compression", "tile")},
            )
    if large:  # larger than any single frame
        monkeypatch.setattr("prismseg.thermal.frames.reader.MAX_BYTES", 100)
    else:
        with pytest.raises(DataError, match="holds several pictures; choose"):
            read_frame(path)
    for number in range(5):
        frame = read_frame(f"{path}#{number}")
        np.testing.assert_allclose(frame.celsius, frames[number], atol=1e-5)
        assert frame.source == f"{path}#{number}" and frame.time is None
    assert [each.name for each in find_frames([path], "/2")] == [f"stack.tif#{n}" for n in (0, 2, 4)]
    with pytest.raises(DataError, match="no picture 5"):
        read_frame(f"{path}#5")


def test_a_stack_that_one_write_made(tmp_path, frames):
    """As ImageJ and tifffile write volumes: one description for all pages."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, frames.astype(np.float32), photometric="minisblack")
    np.testing.assert_allclose(read_frame(f"{path}#3").celsius, frames[3], atol=1e-5)


def test_counts_and_greys_of_a_stack(tmp_path, frames):
    tifffile.imwrite(tmp_path / "counts.tif", np.stack([centikelvin(f) for f in frames]), photometric="minisblack")
    read = read_frame(tmp_path / "counts.tif#2", scale=0.01, offset=-273.15)
    assert np.abs(read.celsius - frames[2]).max() < 0.0051
    tifffile.imwrite(tmp_path / "grey.tif", np.stack([greys(f) for f in frames]), photometric="minisblack")
    assert np.abs(read_frame(tmp_path / "grey.tif#2", low=18, high=36).celsius - frames[2]).max() < 0.04


def test_single_pictures_have_only_the_first(tmp_path, scene):
    tifffile.imwrite(tmp_path / "a.tif", scene.astype(np.float32))
    np.testing.assert_allclose(read_frame(tmp_path / "a.tif#0").celsius, scene, atol=1e-5)
    Image.fromarray(greys(scene)).save(tmp_path / "a.png")
    assert find_frames([tmp_path / "a.png"], "/2") == [tmp_path / "a.png"]
    with pytest.raises(DataError, match="no picture 1"):
        read_frame(tmp_path / "a.png#1", low=18, high=36)


def test_endless_chains_of_pages_end(tmp_path, frames, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", frames.astype(np.float32), photometric="minisblack")
    monkeypatch.setattr(tiff_module, "MAX_PAGES", 3)
    assert tiff_module.count_pages(tmp_path / "a.tif") == 3
    (tmp_path / "b.tif").write_bytes(b"II*\0" + b"\xff" * 30)
    assert tiff_module.count_pages(tmp_path / "b.tif") == 0


class TestPolarity:
    @pytest.fixture
    def grey(self, tmp_path, scene):
        Image.fromarray(greys(scene)).save(tmp_path / "a_18to36C.png")
        return tmp_path / "a_18to36C.png"

    def test_that_is_not_stated_is_noted(self, grey, scene):
        frame = read_frame(grey)
        assert any("polarity not stated: white is taken as warm" in note for note in frame.notes)
        assert np.abs(frame.celsius - scene).max() < 0.04

    @pytest.mark.parametrize("polarity", ["white-hot", "black-hot"])
    def test_that_is_stated(self, tmp_path, grey, scene, polarity):
        stored = greys(scene) if polarity == "white-hot" else 255 - greys(scene)
        Image.fromarray(stored).save(grey)
        frame = read_frame(grey, polarity=polarity)
        assert np.abs(frame.celsius - scene).max() < 0.04
        assert not any("polarity" in note for note in frame.notes)
        grey.with_suffix(".json").write_text(f'{{"polarity": "{polarity}"}}')
        np.testing.assert_array_equal(read_frame(grey).celsius, frame.celsius)

    def test_that_does_not_exist(self, grey):
        with pytest.raises(ConfigError, match="polarity is 'hot'; state white-hot or black-hot"):
            read_frame(grey, polarity="hot")


def exif_of(taken, **more):
    exif = Image.Exif()
    exif[0x0132] = "2030:01:01 00:00:00"  # when a program wrote the file anew
    exif.get_ifd(0x8769).update({0x9003: taken} | {int(tag, 16): value for tag, value in more.items()})
    return exif


class TestTimes:
    @pytest.mark.parametrize("suffix", ["jpg", "png"])
    def test_grey_pictures_say_when_they_were_taken(self, tmp_path, scene, suffix):
        path = tmp_path / f"a_18to36C.{suffix}"
        Image.fromarray(greys(scene)).save(path, exif=exif_of("2026:05:31 14:05:30"))
        assert read_frame(path).time == datetime(2026, 5, 31, 14, 5, 30)

    @pytest.mark.parametrize("number_type", [np.uint8, np.float32])
    def test_tiffs_say_when_they_were_taken_and_not_when_they_were_written(self, tmp_path, scene, number_type):
        path = tmp_path / "a_18to36C.tif"
        pixels = greys(scene) if number_type == np.uint8 else scene.astype(np.float32)
        tags = [(0x9003, "s", 0, "2026:05:31 14:05:30", True)]
        tifffile.imwrite(path, pixels, datetime="2030:01:01 00:00:00", extratags=tags)
        assert read_frame(path).time == datetime(2026, 5, 31, 14, 5, 30)
        tifffile.imwrite(path, pixels, datetime="2030:01:01 00:00:00")
        assert read_frame(path).time is None

    def test_zone_fraction_and_sidecar(self, tmp_path, scene):
        path = tmp_path / "a_18to36C.jpg"
        exif = exif_of("2026:05:31 14:05:30", **{"0x9291": "25", "0x9011": "+02:00"})
        Image.fromarray(greys(scene)).save(path, exif=exif)
        assert read_frame(path).time == datetime(2026, 5, 31, 12, 5, 30, 250000, tzinfo=UTC)
        path.with_suffix(".json").write_text('{"time": "2026-05-31T14:00:00"}')
        assert read_frame(path).time == datetime(2026, 5, 31, 14)

    @pytest.mark.parametrize("taken", ["0000:00:00 00:00:00", "    :  :     :  :  ", "yesterday", "2026:05:31", 7])
    def test_that_are_not_set(self, taken):
        assert parse_exif_time(taken) is None
