"""Frames and masks as files named by their SHA-256: written once, never changed."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from prismseg.base import DataError, Message, OutputError, make_folder, write_bytes
from prismseg.base.files import output_error, sync
from prismseg.thermal import Frame, Parameters


class FileStore:
    """Files below a folder by the SHA-256 of what they hold.

    A file is on the disk (temporary name, fsync, rename) before anything refers to it.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, sha256: str) -> Path:
        """Where the file with that hash is."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise DataError(f"{sha256!r} is no SHA-256.")
        return self.root / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keep bytes and return their SHA-256."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        try:
            if not path.parent.is_dir():
                make_folder(path.parent)
                sync(self.root)
            if path.is_file() and path.read_bytes() == data:
                sync(path.parent)  # a program that was stopped may have renamed it and not waited for the disk
            else:
                write_bytes(path, data)
        except OutputError:
            raise
        except OSError as error:
            raise output_error(path, error) from error
        return sha256

    def sweep(self) -> None:
        """Remove what a program that was stopped left half written. Nobody else may be writing."""
        for path in self.root.glob("??/.*"):
            path.unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        """Read a file and make sure that it is what was kept.

        Raises
        ------
        DataError
            When it is gone or was changed.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(
                Message(
                    "The stored file {path} cannot be read: {reason}.", path=str(path), reason=error.strerror or ""
                )
            ) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DataError(
                Message(
                    "The stored file {path} was changed: its contents are not those of its name.", path=str(path)
                )
            )
        return data

    def remove(self, sha256: str) -> bool:
        """Delete a file for ever; tell whether there was one."""
        path = self.path(sha256)
        try:
            path.unlink()
            sync(path.parent)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise output_error(path, error) from error
        return True

    def names(self) -> Iterator[str]:
        """Hashes of all files there are."""
        for path in sorted(self.root.glob("??/*")):
            if len(path.name) == 64:
                yield path.name


def hash_pixels(celsius: NDArray[np.floating]) -> str:
    """Hash the temperatures (H, W) of a picture, °C.

    Examples
    --------
    >>> import numpy as np
    >>> hash_pixels(np.zeros((2, 3))) == hash_pixels(np.zeros((2, 3), np.float32)), hash_pixels(np.zeros((3, 2)))[:4]
    (True, '89da')
    """
    values = np.ascontiguousarray(celsius, "<f4")
    values = np.where(np.isnan(values), np.float32(np.nan), values) + np.float32(0)  # one NaN, no negative zero
    return hashlib.sha256(f"{values.shape}".encode() + values.astype("<f4").tobytes()).hexdigest()


def encode_frame(frame: Frame) -> bytes:
    """Write a frame as a float TIFF with its parameters, which other programs open as well."""
    about: dict[str, Any] = {
        "time": None if frame.time is None else frame.time.isoformat(),
        "source": frame.source,
        "kind": frame.kind,
        "camera": frame.camera,
        "parameters": frame.parameters.to_dict(),
        "notes": list(frame.notes),
        "unit": "degree Celsius",
    }
    if frame.doubts:
        about["doubts"] = [doubt.to_json() for doubt in frame.doubts]
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, frame.celsius, compression="zlib", description=json.dumps(about), metadata=None)
    return buffer.getvalue()


def decode_frame(data: bytes) -> Frame:
    """Read a frame that `encode_frame` wrote."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        celsius, about = page.asarray(), json.loads(page.description)
    return Frame(
        celsius,
        time=None if about["time"] is None else datetime.fromisoformat(about["time"]),
        source=about["source"],
        kind=about["kind"],
        camera=about["camera"],
        parameters=Parameters(**about["parameters"]),
        notes=tuple(about["notes"]),
        doubts=tuple(Message.from_json(doubt) for doubt in about.get("doubts", [])),
    )


def encode_probabilities(first: NDArray[np.floating], second: NDArray[np.floating]) -> bytes:
    """Write the probabilities of both looks in steps of 1/255; measuring uses them so, now and ever after."""
    steps = np.round(np.stack([first, second]) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, steps, compression="zlib", metadata=None)
    return buffer.getvalue()


def decode_probabilities(data: bytes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Read what `encode_looks` wrote, as probabilities."""
    first, second = tifffile.imread(io.BytesIO(data)).astype(np.float32) / 255
    return first, second


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """Write a mask as PNG: 255 is sole."""
    buffer = io.BytesIO()
    Image.fromarray(np.where(mask, 255, 0).astype(np.uint8)).save(buffer, "PNG", optimize=False)
    return buffer.getvalue()


def decode_mask(data: bytes) -> NDArray[np.bool_]:
    """Read what `encode_mask` wrote."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        mask: NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
    return mask
