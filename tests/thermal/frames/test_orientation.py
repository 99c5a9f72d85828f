"""Files that are stored turned or mirrored: all eight orientations of Exif, and what left and right are then."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.thermal.feet import SIZE, frame_of, pair

from prismseg.base import ConfigError
from prismseg.thermal import Concern, Session, read_frame, read_rjpeg, strip_private, turn_upright, write_rjpeg
from prismseg.thermal.frames.orientation import parse_exif

EIGHT = range(1, 9)
SHOWN = np.array([[1, 2, 3], [4, 5, 6]])
# What a file must hold so that it is shown as SHOWN, written down by hand.
STORED = {
    1: [[1, 2, 3], [4, 5, 6]],
    2: [[3, 2, 1], [6, 5, 4]],
    3: [[6, 5, 4], [3, 2, 1]],
    4: [[4, 5, 6], [1, 2, 3]],
    5: [[1, 4], [2, 5], [3, 6]],
    6: [[3, 6], [2, 5], [1, 4]],
    7: [[6, 3], [5, 2], [4, 1]],
    8: [[4, 1], [5, 2], [6, 3]],
}


def stored(shown: np.ndarray, orientation: int) -> np.ndarray:
    """What a file of this orientation holds of a picture."""
    back = {6: 8, 8: 6}.get(orientation, orientation)  # quarter turns undo each other, the rest undo themselves
    return np.ascontiguousarray(turn_upright(shown, back))


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def write_turned(path: Path, celsius: np.ndarray, orientation: int) -> Path:
    """Write a radiometric JPEG as a camera that was held so writes it: Exif behind the start, then FLIR's segments."""
    write_rjpeg(path, stored(celsius, orientation))
    data, block = path.read_bytes(), exif_of(orientation)
    segment = b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block
    path.write_bytes(data[:2] + segment + data[2:])
    return path


@pytest.mark.parametrize("orientation", EIGHT)
def test_each_orientation_by_hand_and_as_pillow_turns_it(orientation: int) -> None:
    held = np.array(STORED[orientation])
    assert np.array_equal(turn_upright(held, orientation), SHOWN)
    assert np.array_equal(stored(SHOWN, orientation), held)
    buffer = io.BytesIO()
    Image.fromarray(held.astype(np.uint8)).save(buffer, "PNG", exif=exif_of(orientation))
    assert np.array_equal(np.asarray(ImageOps.exif_transpose(Image.open(buffer))), SHOWN)


@pytest.mark.parametrize("orientation", EIGHT)
def test_a_turned_radiometric_jpeg_has_left_and_right_as_shown(orientation: int, tmp_path: Path) -> None:
    celsius, mask = frame_of(29.0, 26.0)
    path = write_turned(tmp_path / "a.jpg", np.array(celsius.celsius, np.float64), orientation)
    frame = read_frame(path)
    assert frame.size == SIZE and np.abs(frame.celsius - celsius.celsius).max() < 0.02
    assert any(f"Exif orientation {orientation}" in note for note in frame.notes) == (orientation > 1)
    entry = Session().add(frame, mask, minute=0)
    assert entry.ok and entry.cautions == ()
    assert entry.estimates["left"]["whole sole"].mean == pytest.approx(29.0, abs=0.05)
    assert entry.estimates["right"]["whole sole"].mean == pytest.approx(26.0, abs=0.05)
    assert np.mean(entry.soles.left[pair()[0].mask()]) > 0.99


@pytest.mark.parametrize("orientation", EIGHT)
def test_a_copy_without_exif_is_upright(orientation: int, tmp_path: Path) -> None:
    celsius, _ = frame_of(29.0, 26.0)
    path = write_turned(tmp_path / "a.jpg", np.array(celsius.celsius, np.float64), orientation)
    copy = strip_private(path, tmp_path / "b.jpg")
    assert b"Exif" not in copy.read_bytes()
    assert np.array_equal(read_rjpeg(copy).counts, read_rjpeg(path).counts)
    assert read_rjpeg(copy).orientation == 1


@pytest.mark.parametrize("orientation", EIGHT)
@pytest.mark.parametrize("kind", ["tiff", "lzw", "deflate", "grey.png", "grey.tif", "grey.jpg", "counts.png"])
def test_other_files_that_carry_an_orientation(orientation: int, kind: str, tmp_path: Path) -> None:
    shown = 20 + 10 * np.arange(48 * 64, dtype=np.float32).reshape(48, 64) / (48 * 64)
    held = stored(shown, orientation)
    low, high, given = 20.0, 30.0, {}
    if kind in ("tiff", "lzw", "deflate"):
        path = tmp_path / "a.tiff"
        compression = {"tiff": None, "lzw": "tiff_lzw", "deflate": "tiff_adobe_deflate"}[kind]
        Image.fromarray(held).save(path, compression=compression, tiffinfo={0x0112: orientation})
    elif kind == "counts.png":
        path, given = tmp_path / kind, {"scale": 0.01, "offset": -273.15}
        counts = np.rint((held.astype(np.float64) + 273.15) * 100).astype(np.uint16)
        Image.fromarray(counts).save(path, exif=exif_of(orientation))
    else:
        path, given = tmp_path / kind, {"low": low, "high": high}
        greys = np.rint((held - low) / (high - low) * 255).astype(np.uint8)
        more = {"tiffinfo": {0x0112: orientation}} if kind.endswith("tif") else {"exif": exif_of(orientation)}
        Image.fromarray(greys).save(path, **more)
    frame = read_frame(path, **given)
    assert frame.size == (48, 64)
    assert np.abs(frame.celsius - shown).max() < (0.3 if kind.endswith("jpg") else 0.03)
    assert any("turned upright" in note for note in frame.notes) == (orientation > 1)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_mask_that_was_drawn_on_the_stored_picture_is_refused(orientation: int, tmp_path: Path) -> None:
    feet = pair(shift=(6, 9))
    celsius, mask = frame_of(29.0, 26.0, feet)
    frame = read_frame(write_turned(tmp_path / "a.jpg", np.array(celsius.celsius, np.float64), orientation))
    drawn = stored(mask, orientation)
    entry = Session().add(frame, drawn, minute=0)
    assert entry.status == Concern.MASK and "Draw masks on the upright picture" in entry.reason
    assert Session().add(frame, turn_upright(drawn, orientation), minute=0).ok
    assert Session().add(frame, np.zeros_like(mask), minute=0).status == Concern.NOT_TWO_SOLES


def test_orientations_that_do_not_exist_turn_nothing() -> None:
    assert [parse_exif(exif_of(number)) for number in (0, 9, 6)] == [(1, None), (1, None), (6, None)]
    assert parse_exif(b"Exif\0\0II*\0\xff\xff\xff\xff") == (1, None)
    with pytest.raises(ConfigError, match="orientation 9"):
        turn_upright(SHOWN, 9)


def test_a_radiometric_jpeg_without_a_clock_of_its_own_has_that_of_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2026:05:31 14:05:30", 0x9291: "25", 0x9011: "+02:00"})
    block = exif.tobytes()
    taken = datetime(2026, 5, 31, 14, 5, 30, 250000, timezone(timedelta(hours=2)))
    own = taken + timedelta(minutes=1)
    for time, expected in ((None, taken), (own, own)):
        path = write_rjpeg(tmp_path / "a.jpg", np.linspace(20, 34, 4800).reshape(60, 80), time=time)
        data = path.read_bytes()
        path.write_bytes(data[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + data[2:])
        assert read_frame(path).time == expected
