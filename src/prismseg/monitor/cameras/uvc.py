"""USB thermal cameras through OpenCV, and recordings of what they sent."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prismseg.base import ConfigError, DataError, Message
from prismseg.monitor.cameras.decode import FORMATS, Format
from prismseg.monitor.cameras.protocol import LATE, CameraError, Now, utc_now
from prismseg.monitor.cameras.reader import RETRY, LatestFrameReader, RawFrame, Stream
from prismseg.thermal import Frame

NOTE = Message("The camera computed the temperatures itself, with the emissivity that is set in it.")


class UvcCamera:
    """A USB camera that sends raw temperatures.

    Parameters
    ----------
    device : str
        Number of the device, or its path (``/dev/video2``).
    kind : str
        One of `FORMATS`.
    open_stream : callable, optional
        Opens the stream of raw frames; OpenCV by default.
    name : str, optional
        What staff know the camera by; made of kind and device by default.
    timeout : float
        Seconds that `frame` waits.
    retry : float
        Seconds before a camera that failed is opened anew.
    now : callable
        Tells the time of a picture.

    Raises
    ------
    ConfigError
        For an unknown kind, and when OpenCV is needed and not installed.
    """

    def __init__(
        self,
        device: str = "0",
        kind: str = "lepton",
        *,
        open_stream: Callable[[], Stream] | None = None,
        name: str | None = None,
        timeout: float = LATE,
        retry: float = RETRY,
        now: Now = utc_now,
    ) -> None:
        self._format = format_of(kind)
        self.name = name or Message("{model}, device {device}", model=self._format.title, device=device)
        if open_stream is None:
            cv2 = _opencv()

            def open_stream() -> Stream:
                return VideoStream(cv2, device, self._format)

        self._newest = LatestFrameReader(open_stream, retry=retry, now=now)
        self._timeout = timeout

    def frame(self) -> Frame:
        """Give the next usable picture; those taken during a shutter calibration are passed over.

        Raises
        ------
        CameraError
            When none came in time, with the reason.
        """
        deadline = time.monotonic() + self._timeout
        rejected: CameraError | None = None
        while (raw := self._newest.next(deadline)) is not None:
            try:
                return self._decoded(raw)
            except CameraError as error:
                rejected = error
        raise rejected or CameraError(
            Message(
                "{camera} has sent no picture for {seconds:g} s. Check its cable; if it stays, unplug it and plug it in "
                "again.",
                camera=self.name,
                seconds=self._timeout,
            )
        )

    def reset(self) -> None:
        """Do nothing: a picture is always one that came after it was asked for."""

    def close(self) -> None:
        """Release the device."""
        self._newest.close()

    def _decoded(self, raw: RawFrame) -> Frame:
        try:
            return Frame(
                celsius=self._format.decode(raw.buffer),
                time=raw.time,
                source=str(self.name),
                kind="radiometric",
                camera=self._format.title,
                notes=(NOTE,),
            )
        except DataError as error:
            raise CameraError(
                Message("{camera} gives no usable picture: {reason}", camera=self.name, reason=str(error))
            ) from error


class VideoStream:
    """Raw frames of a device through OpenCV.

    Parameters
    ----------
    cv2 : module
        OpenCV.
    device : str
        Number or path.
    form : Format
        What to ask the device for.

    Raises
    ------
    CameraError
        When the device cannot be opened.
    """

    def __init__(self, cv2: Any, device: str, form: Format) -> None:
        backends = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_DSHOW}
        self._device = device
        self._capture = cv2.VideoCapture(
            int(device) if device.isdecimal() else device, backends.get(sys.platform, cv2.CAP_ANY)
        )
        if not self._capture.isOpened():
            self._capture.release()
            raise CameraError(
                Message(
                    "There is no camera at device {device}, or another program uses it. Plug the camera in and close "
                    "other camera programs.",
                    device=device,
                )
            )
        width, height = form.sizes[0]
        # Without this OpenCV makes a colour picture of the temperatures.
        self._capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*form.fourcc))
        # What a driver has queued is as old as the queue is long.
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)

    def read(self) -> bytes:
        """Give the next raw frame.

        Raises
        ------
        CameraError
            When the device is gone.
        """
        works, picture = self._capture.read()
        if not works or picture is None:
            raise CameraError(
                Message(
                    "The camera at device {device} stopped sending pictures. Check its cable, or unplug it and plug it "
                    "in again.",
                    device=self._device,
                )
            )
        return bytes(picture.tobytes())

    def close(self) -> None:
        """Release the device."""
        self._capture.release()


class RecordedStream:
    """A file of raw frames, one after the other; starts again at its end.

    Parameters
    ----------
    path : path
        The file.
    frame_bytes : int
        Size of one raw frame.
    rate : float
        Frames a second.

    Raises
    ------
    CameraError
        When the file cannot be read or is shorter than one frame.
    """

    def __init__(self, path: str | Path, frame_bytes: int, *, rate: float = 9.0) -> None:
        self._path = Path(path)
        self._frame_bytes = frame_bytes
        self._pause = 1 / rate
        try:
            self._file = self._path.open("rb")
        except OSError as error:
            raise _unreadable(self._path, error) from error

    def read(self) -> bytes:
        """Give the next raw frame, in its time.

        Raises
        ------
        CameraError
            When the file breaks off within a frame, is empty, or cannot be read.
        """
        time.sleep(self._pause)
        try:
            buffer = self._file.read(self._frame_bytes)
            if not buffer and self._file.tell():
                self._file.seek(0)
                buffer = self._file.read(self._frame_bytes)
        except OSError as error:
            raise _unreadable(self._path, error) from error
        if len(buffer) != self._frame_bytes:
            raise CameraError(
                Message(
                    "The recording {file} ends within a frame ({found} of {expected} bytes). Check its kind and size, or "
                    "choose another one.",
                    file=str(self._path),
                    found=len(buffer),
                    expected=self._frame_bytes,
                )
            )
        return buffer

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_recording(
    path: str | Path,
    kind: str = "lepton",
    *,
    size: tuple[int, int] | None = None,
    rate: float = 9.0,
    now: Now = utc_now,
) -> UvcCamera:
    """Play a file of raw frames as if it were the camera.

    Parameters
    ----------
    path : path
        Raw frames one after the other, without headers.
    kind : str
        One of `FORMATS`.
    size : (int, int), optional
        Width and height of a raw frame, with telemetry lines; the kind's usual one by default.
    rate : float
        Frames a second, 0.5 to 1000.
    now : callable
        Tells the time of a picture.

    Raises
    ------
    ConfigError
        For an unknown kind, or a size or rate that it cannot have.
    """
    form = format_of(kind)
    width, height = size or form.sizes[0]
    if (width, height) not in form.sizes:
        raise ConfigError(
            Message(
                "Raw frames of {kind} are never {width} x {height} pixels; choose from {known}.",
                kind=kind,
                width=width,
                height=height,
                known=", ".join(f"{columns}x{rows}" for columns, rows in form.sizes),
            )
        )
    if not 0.5 <= rate <= 1000:
        raise ConfigError(Message("A rate of {rate:g} frames a second cannot be; use 0.5 to 1000.", rate=rate))
    return UvcCamera(
        kind=kind,
        open_stream=lambda: RecordedStream(path, 2 * width * height, rate=rate),
        name=Message("Recording {file}", file=Path(path).name),
        now=now,
    )


def format_of(kind: str) -> Format:
    """Look up how cameras of `kind` send their frames.

    Raises
    ------
    ConfigError
        For an unknown kind, listing those there are.
    """
    if kind not in FORMATS:
        raise ConfigError(
            Message(
                "There is no kind of USB camera {kind}; choose from {known}.",
                kind=repr(kind),
                known=", ".join(FORMATS),
            )
        )
    return FORMATS[kind]


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise ConfigError(
            Message(
                "USB cameras need OpenCV, which is not installed; install it with: pip install 'prismseg[camera]'."
            )
        ) from error


def _unreadable(path: Path, error: OSError) -> CameraError:
    return CameraError(
        Message(
            "The recording {file} cannot be read ({reason}). Check the path.",
            file=str(path),
            reason=error.strerror or str(error),
        )
    )
