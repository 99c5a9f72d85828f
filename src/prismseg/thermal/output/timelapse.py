"""Pictures of a session one after the other, as an animated GIF and, where ffmpeg is installed, as a video."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from PIL import Image

from prismseg.base import OutputError, atomic_path

_WIDEST = 960  # pixels
# Each picture is shown for so long, ms; of many frames shorter, so that all take at most so long, but never shorter than
# an eye can follow. The last one stays.
_SHOWN, _ALL, _SHORTEST, _LAST = 700, 20_000, 80, 2_000
_RATE = 25  # of the video, frames a second


class Timelapse:
    """Collect pictures and write them as an animation.

    Examples
    --------
    >>> timelapse = Timelapse()
    >>> for grey in (0, 128, 255):
    ...     timelapse.add(Image.new("RGB", (64, 48), (grey, grey, grey)))
    >>> [path.name for path in timelapse.write("animated", video=False)]
    ['timelapse.gif']
    """

    def __init__(self) -> None:
        self._pictures: list[Image.Image] = []

    def add(self, picture: Image.Image) -> None:
        """Append a picture; large ones are reduced."""
        small = picture.convert("RGB")
        if small.width > _WIDEST:
            small = small.resize((_WIDEST, round(small.height * _WIDEST / small.width)), Image.Resampling.LANCZOS)
        self._pictures.append(small.quantize(256, dither=Image.Dither.NONE))

    def write(self, folder: str | Path, *, video: bool = True) -> list[Path]:
        """Write ``timelapse.gif`` and, where ffmpeg is found, ``timelapse.mp4``; smaller pictures get a white margin.

        Parameters
        ----------
        folder : str or Path
            Where to.
        video : bool
            Whether the video is written too.

        Returns
        -------
        list of Path
            What was written; nothing without pictures.

        Raises
        ------
        OutputError
            When a file cannot be written, or ffmpeg fails.
        """
        if not self._pictures:
            return []
        size = (
            max(picture.width for picture in self._pictures),
            max(picture.height for picture in self._pictures),
        )
        pictures = [_padded(picture, size) for picture in self._pictures]
        shown = max(min(_SHOWN, _ALL // len(pictures)), _SHORTEST)
        times = [*[shown] * (len(pictures) - 1), _LAST]
        path = Path(folder) / "timelapse.gif"
        with atomic_path(path) as temporary:
            first, *rest = pictures
            first.save(temporary, save_all=True, append_images=rest, duration=times, loop=0)
        program = shutil.which("ffmpeg") if video else None
        return (
            [path] if program is None else [path, _write_video(program, path.with_suffix(".mp4"), pictures, times)]
        )


def _padded(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture
    canvas = Image.new("RGB", size, "white")
    canvas.paste(picture.convert("RGB"), (0, 0))
    return canvas.quantize(256, dither=Image.Dither.NONE)


def _write_video(program: str, path: Path, pictures: list[Image.Image], times: list[int]) -> Path:
    """Give ffmpeg the pixels of every picture as often as its time asks for."""
    width, height = pictures[0].size
    with atomic_path(path) as temporary:
        command = [
            program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", str(_RATE), "-i", "-", "-an", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white",
            "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(temporary),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin is not None and process.stderr is not None
            try:
                for picture, time in zip(pictures, times, strict=True):
                    pixels = picture.convert("RGB").tobytes()
                    for _ in range(max(round(time * _RATE / 1000), 1)):
                        process.stdin.write(pixels)
                process.stdin.close()
            except BrokenPipeError:  # what ffmpeg said of it follows
                pass
            said = process.stderr.read().decode(errors="replace").strip()
        if process.returncode:
            why = said.splitlines()[-1] if said else f"exit code {process.returncode}"
            raise OutputError(
                f"ffmpeg could not write {path.name} ({why}); the same pictures are in timelapse.gif."
            )
    return path
