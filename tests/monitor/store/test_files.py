"""What is kept as files comes back as it was."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from prismseg.base import DataError, OutputError
from prismseg.monitor.store.files import (
    FileStore,
    decode_frame,
    decode_mask,
    decode_probabilities,
    encode_frame,
    encode_mask,
    encode_probabilities,
)
from prismseg.thermal import Frame, Parameters
from prismseg.thermal.frames.frame import find_implausible


def test_doubts_about_a_files_parameters_are_kept() -> None:
    """Else a frame that was refused for them would be measured once it is taken out of the store."""
    frame = Frame(
        np.linspace(20, 30, 100, dtype=np.float32).reshape(10, 10),
        kind="radiometric",
        doubts=tuple(find_implausible(Parameters(reflected=298.0))),
    )
    kept = decode_frame(encode_frame(frame))
    assert kept.doubts == frame.doubts and len(kept.doubts) == 1
    assert kept.doubts[0].template == frame.doubts[0].template  # translatable


SIZES = st.tuples(st.integers(8, 40), st.integers(8, 40))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    size = draw(SIZES)
    celsius = draw(arrays.arrays(np.float32, size, elements=st.floats(-90, 1900, width=32)))
    if draw(st.booleans()):
        celsius[0, : size[1] // 4] = np.nan
    shares = st.none() | st.floats(0.01, 1)
    return Frame(
        celsius,
        time=draw(st.none() | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-5))))),
        source=draw(TEXT),
        camera=draw(st.none() | TEXT),
        kind=draw(st.sampled_from(["radiometric", "matrix", "counts", "grey"])),
        notes=tuple(draw(st.lists(TEXT, max_size=3))),
        parameters=Parameters(
            emissivity=draw(shares), reflected=draw(st.none() | st.floats(-50, 100)), humidity=draw(shares)
        ),
    )


@given(frames())
def test_frames_come_back_bit_by_bit(frame: Frame) -> None:
    again = decode_frame(encode_frame(frame))
    assert again.celsius.tobytes() == frame.celsius.tobytes()
    for name in ("time", "source", "camera", "kind", "notes", "parameters"):
        assert getattr(again, name) == getattr(frame, name)
    assert encode_frame(again) == encode_frame(frame), "the same frame has the same name"


def test_other_programs_read_a_frame() -> None:
    celsius = np.linspace(20, 36, 12 * 10, dtype=np.float32).reshape(10, 12)
    data = encode_frame(Frame(celsius, source="t0 – niña.jpg"))
    np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), celsius)


@given(st.data(), SIZES)
def test_looks_come_back_in_steps_of_255(data: st.DataObject, size: tuple[int, int]) -> None:
    first, second = (data.draw(arrays.arrays(np.float32, size, elements=st.floats(0, 1, width=32))) for _ in "12")
    kept = encode_probabilities(first, second)
    again = decode_probabilities(kept)
    for look, back in zip((first, second), again, strict=True):
        assert back.dtype == np.float32 and np.abs(back - look).max() <= 0.5 / 255 + 1e-6
    assert encode_probabilities(*again) == kept, "what was read is kept as the same bytes"


@given(st.data(), SIZES)
def test_masks_come_back(data: st.DataObject, size: tuple[int, int]) -> None:
    mask = data.draw(arrays.arrays(np.bool_, size))
    np.testing.assert_array_equal(decode_mask(encode_mask(mask)), mask)


def test_a_file_is_named_by_what_it_holds_and_written_once(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    name = files.put(b"frame")
    written = files.path(name).stat()
    assert files.put(b"frame") == name and files.path(name).stat().st_mtime_ns == written.st_mtime_ns
    assert files.get(name) == b"frame" and list(files.names()) == [name]


def test_a_damaged_file_is_not_taken_for_the_frame_that_is_kept_again(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    name = files.put(b"frame")
    files.path(name).write_bytes(b"fra")
    with pytest.raises(DataError, match="was changed"):
        files.get(name)
    files.put(b"frame")
    assert files.get(name) == b"frame"


def test_what_was_half_written_is_swept_and_never_listed(tmp_path: Path) -> None:
    files = FileStore(tmp_path / "files")
    name = files.put(b"frame")
    half = files.path(name).with_name(f".{name}.x1y2z3")
    half.write_bytes(b"fr")
    assert list(files.names()) == [name]
    files.sweep()
    assert not half.exists() and files.get(name) == b"frame"


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 63 + "/"])
def test_nothing_else_has_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no SHA-256"):
        FileStore(tmp_path).path(name)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "files").write_bytes(b"")
    with pytest.raises(OutputError, match="Cannot write"):
        FileStore(tmp_path / "files").put(b"frame")


def test_a_time_without_a_zone_stays_without(tmp_path: Path) -> None:
    frame = Frame(np.eye(8) * 30, time=datetime(2026, 5, 4, 14))
    assert decode_frame(encode_frame(frame)).time == datetime(2026, 5, 4, 14)
