"""One registration adds the files of a camera: they are read, looked for in folders and offered by dialogs."""

import numpy as np
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.thermal import FRAME_READERS, FRAME_SUFFIXES, Frame, FrameFile, FrameReader, find_frames, read_frame

SHAPE = (48, 64)


def read_raw(file: FrameFile) -> Frame:
    counts = np.fromfile(file.path, "<u2", offset=4).reshape(SHAPE)
    return Frame(counts / 100 - 273.15, source=str(file.path), kind="counts", camera="CAM1")


READER = FrameReader(read_raw, suffixes=(".cam1",), magics=(b"CAM1",))


@pytest.fixture
def raw(tmp_path, scene):
    path = tmp_path / "sole.cam1"
    path.write_bytes(b"CAM1" + np.rint((scene + 273.15) * 100).astype("<u2").tobytes())
    return path


def test_a_registered_reader_reads_its_files_by_their_content(raw, scene):
    with pytest.raises(DataError, match="not a thermal frame of a known kind"):
        read_frame(raw)
    renamed = raw.rename(raw.with_suffix(".csv"))
    with FRAME_READERS.temporarily("cam1", READER, summary="Raw files of the CAM1."):
        frame = read_frame(renamed)
        assert frame.camera == "CAM1" and np.abs(frame.celsius - scene).max() <= 0.0051
        with pytest.raises(ConfigError, match="no radiometric data"):
            read_frame(renamed, emissivity=0.98)


def test_its_suffix_is_looked_for_in_folders(raw):
    with pytest.raises(DataError, match="no frame directly in"):
        find_frames([raw.parent])
    with FRAME_READERS.temporarily("cam1", READER):
        assert ".cam1" in FRAME_SUFFIXES and find_frames([raw.parent]) == [raw]
    pictures, matrices, films = (
        {".jpg", ".jpeg", ".tif", ".tiff", ".png", ".bmp"},
        {".npy", ".csv", ".tsv"},
        {".fff", ".seq", ".csq"},
    )
    assert set(FRAME_SUFFIXES) == pictures | matrices | films
    assert len(FRAME_SUFFIXES) == 12


def test_a_kind_without_a_magic_is_told_by_its_suffix(tmp_path, scene):
    by_name = FrameReader(lambda file: Frame(np.fromfile(file.path).reshape(SHAPE)), suffixes=(".celsius",))
    path = tmp_path / "sole.celsius"
    scene.tofile(path)
    with FRAME_READERS.temporarily("plain", by_name):
        np.testing.assert_array_equal(read_frame(path).celsius, scene.astype(np.float32))
        # The content of known kinds goes before a name.
        np.save(tmp_path / "a.npy", scene)
        (tmp_path / "a.npy").rename(tmp_path / "b.celsius")
        assert read_frame(tmp_path / "b.celsius").kind == "matrix"


def test_a_reader_that_computes_temperatures_takes_parameters(raw):
    asked = []

    def read(file: FrameFile) -> Frame:
        asked.append(dict(file.parameters))
        return read_raw(file)

    reader = FrameReader(read, suffixes=(".cam1",), magics=(b"CAM1",), computes_celsius=True)
    with FRAME_READERS.temporarily("cam1", reader):
        read_frame(raw, emissivity=0.95)
    assert asked == [{"emissivity": 0.95}]
