import errno
import os
from pathlib import Path

import pytest

from prismseg.base import ConfigError, OutputError, atomic_path, make_folder, read_json, write_json, write_text


def test_content_and_mode(tmp_path):
    path = write_text(tmp_path / "new" / "a.txt", "ä")
    assert path.read_text(encoding="utf-8") == "ä"
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask
    assert read_json(write_json(tmp_path / "b.json", {"x": [1, "ü"]})) == {"x": [1, "ü"]}


def test_nothing_is_left_when_the_block_fails(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt") as temporary:
        assert temporary.suffix == ".txt" and temporary.parent == tmp_path
        temporary.write_text("half")
        raise RuntimeError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "may not write"),
        (errno.EIO, "error"),
    ],
)
def test_system_errors_name_file_and_remedy(tmp_path, monkeypatch, code, word):
    write_text(tmp_path / "a.txt", "old")

    def fail(self, content):
        raise OSError(code, "input/output error")

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OutputError, match=word) as caught:
        write_text(tmp_path / "a.txt", "new")
    assert str(tmp_path / "a.txt") in str(caught.value)
    assert (tmp_path / "a.txt").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_file_in_the_way_of_a_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    for path in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(OutputError, match="taken"):
            make_folder(path)


def test_bad_json(tmp_path):
    with pytest.raises(ConfigError, match="no file"):
        read_json(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ConfigError, match="line 1"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="text file"):
        read_json(tmp_path / "bytes.json")
