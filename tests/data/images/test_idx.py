import gzip
import struct

import numpy as np
import pytest

from prismseg.base import DataError
from prismseg.data import open_idx


def write_idx(path, values):
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    content = header + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_four_files(tmp_path, suffix):
    images = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", np.array([7, 9]))
    data = open_idx(tmp_path)
    np.testing.assert_array_equal(data.train_images, images)
    assert data.test_labels.tolist() == [7, 9]
    write_idx(tmp_path / f"t10k-labels-idx1-ubyte{suffix}", np.array([7]))
    with pytest.raises(DataError, match="do not fit"):
        open_idx(tmp_path)
    (tmp_path / f"train-images-idx3-ubyte{suffix}").write_bytes(b"\0\0\x08")
    with pytest.raises(DataError, match="damaged"):
        open_idx(tmp_path)


def test_absent_files_name_the_source(tmp_path):
    with pytest.raises(DataError, match="zalandoresearch"):
        open_idx(tmp_path)


def test_damage_inside_a_compressed_file_is_named(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", np.arange(3000).reshape(10, 15, 20) % 251)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    content = path.read_bytes()
    for damaged in (content[:100], content[:40] + bytes(60) + content[100:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is not an IDX file.*damaged"):
            open_idx(tmp_path)


def test_absent_files_are_all_listed(tmp_path):
    with pytest.raises(DataError, match="dataset-fashion-mnist") as caught:
        open_idx(tmp_path)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        assert part in str(caught.value)
