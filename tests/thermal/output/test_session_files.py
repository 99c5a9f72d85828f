from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.thermal.sessions.test_session import course

from prismseg.base import OutputError
from prismseg.thermal import PictureSettings, Session, write_session
from prismseg.thermal.output.timelapse import Timelapse

QUICK = PictureSettings(borders="none", histogram=False, formats=("png", "svg", "pdf"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_vector_files_beside_the_png_and_no_earlier_figure(tmp_path: Path) -> None:
    session = course((0, 27.0, 27.0), (5, 28.0, 27.0), session=Session(regions=[]))
    write_session(session, tmp_path, pictures=QUICK, timelapse=True)
    assert {f"curves.{kind}" for kind in ("png", "svg", "pdf")} <= set(names(tmp_path))
    assert len(names(tmp_path / "pictures")) == 6 and "timelapse.gif" in names(tmp_path)
    assert b"<svg" in (tmp_path / "curves.svg").read_bytes()[:500]
    assert "Right minus left" in (tmp_path / "curves.svg").read_text()  # text stays text
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
    keep = tmp_path / "pictures" / "mine.png"
    keep.write_bytes(b"mine")
    with pytest.raises(OutputError, match="holds a measurement already; choose another --out"):
        write_session(session, tmp_path, pictures=QUICK)
    # A measurement that was broken off: nothing of it stays, but for what is not of this package.
    (tmp_path / "session.json").unlink()
    write_session(course((0, 27.0, 27.0)), tmp_path, pictures=PictureSettings(histogram=False))
    assert names(tmp_path) == [
        "curves.csv",
        "differences.csv",
        "frames.csv",
        "pictures",
        "review.html",
        "session.json",
    ]
    assert names(tmp_path / "pictures") == ["000_frame.png", "mine.png"]


def colours_of(path: Path) -> list[tuple[int, ...]]:
    with Image.open(path) as animation:
        found = []
        for number in range(animation.n_frames):
            animation.seek(number)
            found.append(animation.convert("RGB").getpixel((10, 10)))
        return found


def test_a_timelapse_shows_every_picture_in_order_and_the_last_longest(tmp_path: Path) -> None:
    timelapse = Timelapse()
    shades = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    for number, shade in enumerate(shades):
        timelapse.add(Image.new("RGB", (80 + 10 * (number == 1), 60), shade))
    (path,) = timelapse.write(tmp_path, video=False)
    assert colours_of(path) == shades
    with Image.open(path) as animation:
        assert animation.size == (90, 60)
        times = []
        for number in range(3):
            animation.seek(number)
            times.append(animation.info["duration"])
    assert times == [700, 700, 2000]
    assert Timelapse().write(tmp_path / "none") == []


def test_large_pictures_are_reduced_and_many_go_fast(tmp_path: Path) -> None:
    timelapse = Timelapse()
    for number in range(60):
        timelapse.add(Image.fromarray(np.full((30, 40), number * 4, np.uint8)))
    timelapse.add(Image.new("RGB", (1920, 1000)))
    (path,) = timelapse.write(tmp_path, video=False)
    with Image.open(path) as animation:
        assert animation.size == (960, 500) and animation.info["duration"] == 320


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_a_video_where_ffmpeg_is(tmp_path: Path) -> None:
    timelapse = Timelapse()
    for shade in ((200, 0, 0), (0, 200, 0)):
        timelapse.add(Image.new("RGB", (65, 47), shade))  # odd sides, which video codecs refuse
    gif, video = timelapse.write(tmp_path)
    assert gif.suffix == ".gif"
    probe = ["ffmpeg", "-v", "error", "-i", str(video), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(subprocess.run(probe, capture_output=True, check=True).stdout, np.uint8)
    frames = frames.reshape(-1, 48, 66, 3)
    assert len(frames) == pytest.approx((0.7 + 2.0) * 25, abs=2)
    assert frames[0, 20, 20, 0] > 150 > frames[-1, 20, 20, 0]


def test_ffmpeg_that_fails_leaves_the_gif(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho no such codec >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    timelapse = Timelapse()
    timelapse.add(Image.new("RGB", (64, 48)))
    with pytest.raises(OutputError, match=r"timelapse.mp4 \(no such codec\)"):
        timelapse.write(tmp_path / "out")
    assert names(tmp_path / "out") == ["timelapse.gif"]
