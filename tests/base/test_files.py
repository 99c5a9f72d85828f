import errno
import os
import tempfile
from pathlib import Path

import pytest

from prismseg.base import (
    ConfigError,
    OutputError,
    atomic_path,
    make_folder,
    read_json,
    write_bytes,
    write_json,
    write_text,
)


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


def test_a_folder_is_made_from_text_too(tmp_path):
    made = make_folder(str(tmp_path / "a" / "b"))
    assert made == tmp_path / "a" / "b" and made.is_dir()


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


@pytest.mark.parametrize("stage", ["mkstemp", "fsync", "replace"])
def test_a_refusal_at_any_stage_leaves_the_old_file_alone(tmp_path, monkeypatch, stage):
    write_text(tmp_path / "a.txt", "old")

    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr({"mkstemp": tempfile, "fsync": os, "replace": Path}[stage], stage, refuse)
    with pytest.raises(OutputError, match=r"a\.txt: the disk is full; free some space"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_read_only_folder(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # Root may write everywhere, so the refusal is simulated.
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(OutputError, match="may not write there; choose another output folder"):
        write_text(tmp_path / "a.txt", "new")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_block_leaves_no_file_at_all(tmp_path):
    with pytest.raises(KeyboardInterrupt), atomic_path(tmp_path / "new.bin") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_path_below_a_file_and_a_folder_in_the_way(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OutputError, match="choose another output folder"):
        write_text(tmp_path / "file" / "a.txt", "x")
    assert (tmp_path / "file").read_text() == "kept"
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="a folder of that name is in the way"):
        write_text(tmp_path / "folder", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(("mask", "mode"), [(0o077, 0o600), (0o022, 0o644), (0o002, 0o664)])
def test_mode_follows_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        path = write_text(tmp_path / "a.txt", "x")
        assert path.stat().st_mode & 0o777 == mode
    finally:
        assert os.umask(before) == mask, "writing must not change the process's umask"


def test_bytes_on_disk_are_the_bytes_given(tmp_path):
    content = bytes(range(256)) * 3
    assert write_bytes(str(tmp_path / "a.bin"), content).read_bytes() == content
    assert write_json(tmp_path / "b.json", {"ä": 1}).read_bytes() == '{\n  "ä": 1\n}\n'.encode()


def test_a_folder_instead_of_a_json_file(tmp_path):
    with pytest.raises(ConfigError, match="text file"):
        read_json(tmp_path)


def test_a_name_that_is_no_text_is_written_as_far_as_it_is(tmp_path):
    assert write_text(tmp_path / "a.txt", "bad\udcff.jpg é").read_bytes() == "bad?.jpg é".encode()
