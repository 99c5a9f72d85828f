"""Damaged files for the readers, in a process of their own so that its memory is theirs: prints one JSON object.

Run as ``python fuzz_readers.py FOLDER INPUTS SEED [SAMPLES]`` on an empty folder; `test_fuzz.py` does.
"""

from __future__ import annotations

import io
import json
import logging
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from prismseg.base import PrismsegError
from prismseg.thermal import read_frame, write_fff, write_rjpeg

EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
STATED = ({}, {"low": 18.0, "high": 36.0}, {"scale": 0.01, "offset": -273.15}, {"emissivity": 0.9})


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def scene() -> np.ndarray:
    rows, columns = np.mgrid[:40, :50]
    return 24 + 6 * np.exp(-(((rows - 20) / 12) ** 2) - ((columns - 25) / 9) ** 2) + 0.01 * rows + 0.003 * columns


def healthy(folder: Path) -> dict[str, bytes]:
    """Whole files of every kind, small so that a change is likely to hit structure."""
    celsius = scene()
    greys = ((celsius - 18) / 18 * 255).astype(np.uint8)
    counts = ((celsius + 273.15) * 100).astype(np.uint16)
    files: dict[str, bytes] = {}
    for number, (png, high) in enumerate([(False, False), (False, True), (True, False), (True, True)]):
        path = write_rjpeg(folder / "x.jpg", celsius, png=png, high_byte_first=high, serials={"lens": "1"})
        files[f"r{number}.jpg"] = path.read_bytes()
    for number, (pixels, packing) in enumerate(
        [
            (celsius.astype(np.float32), {}),
            (celsius, {"byteorder": ">"}),
            (counts, {"compression": "deflate", "predictor": 2}),
            (celsius.astype(np.float32), {"compression": "deflate", "tile": (16, 16)}),
        ]
    ):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels, **packing)
        files[f"t{number}.tiff"] = buffer.getvalue()
    for name, pixels, save in (
        ("g.png", greys, {"format": "png"}),
        ("c.png", counts, {"format": "png"}),
        ("g.jpg", greys, {"format": "jpeg"}),
        ("g.bmp", greys, {"format": "bmp"}),
        ("l.tiff", celsius.astype(np.float32), {"format": "tiff", "compression": "tiff_lzw"}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, **save)
        files[name] = buffer.getvalue()
    buffer = io.BytesIO()
    np.save(buffer, celsius)
    files["n.npy"] = buffer.getvalue()
    files["f.fff"] = write_fff(folder / "x.fff", celsius).read_bytes()
    files["f.csq"] = write_fff(folder / "x.fff", celsius, jpeg_ls=True).read_bytes()
    rows = "\n".join(";".join(f"{value:.2f}".replace(".", ",") for value in row) for row in celsius)
    files["h.csv"] = f"Emissivity;0,95\nDate;31.05.2026 14:05:30\n{rows}".encode("utf-16")
    files["m.csv"] = "\n".join(";".join(f"{value:.2f}" for value in row) for row in celsius).encode()
    return files


def damaged(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """One of seven kinds of damage; half of the places are in the first 4 KiB, where headers are."""
    changed = bytearray(data)
    size = len(changed)

    def place() -> int:
        return int(rng.integers(min(size, 4096) if rng.random() < 0.5 else size))

    kind = rng.integers(7)
    if kind == 0:
        return bytes(changed[: place()])
    if kind == 1:
        for _ in range(int(rng.integers(1, 24))):
            changed[place()] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        for _ in range(int(rng.integers(1, 4))):
            at, order = place(), "<" if rng.random() < 0.5 else ">"
            value = EXTREMES[rng.integers(len(EXTREMES))]
            changed[at : at + 4] = struct.pack(f"{order}I", value)
    elif kind == 3:
        at = place()
        changed[at : at + int(rng.integers(1, 600))] = b""
    elif kind == 4:
        at, length = place(), int(rng.integers(1, 600))
        changed[at : at + length] = bytes(len(changed[at : at + length]))
    elif kind == 5:
        at = place()
        changed[at:at] = changed[at : at + int(rng.integers(1, 600))]
    else:
        cut = place()
        changed = changed[:cut] + other[int(rng.integers(len(other))) :]
    return bytes(changed)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, depth: int, *chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IEND", b"")


def tiff(entries: dict[int, tuple[int, int, int]], tail: bytes) -> bytes:
    """Little-endian TIFF of one directory: tag → (type, count, value)."""
    body = struct.pack("<H", len(entries))
    for tag, (kind, count, value) in sorted(entries.items()):
        body += struct.pack("<HHII", tag, kind, count, value)
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(4) + tail


def directory_chain(length: int) -> Iterator[bytes]:
    """Directories of one tag, each leading to the next."""
    yield struct.pack("<I", 8)
    for number in range(length):
        following = 0 if number == length - 1 else 8 + 18 * (number + 1)
        yield struct.pack("<HHHIII", 1, 256, 3, 1, 64, following)


def largest() -> dict[str, bytes]:
    """Whole frames of the largest size that is read."""
    celsius = np.random.default_rng(0).normal(28, 2, (1536, 2048))
    npy, packed, plain, text = (io.BytesIO() for _ in range(4))
    np.save(npy, celsius)
    tifffile.imwrite(packed, celsius, compression="deflate")
    tifffile.imwrite(plain, celsius, byteorder=">")
    np.savetxt(text, celsius[:1024, :1280], fmt="%.3f", delimiter=";")
    with tempfile.TemporaryDirectory() as folder:
        rjpeg = write_rjpeg(Path(folder) / "x.jpg", celsius, png=True).read_bytes()
    return {
        "largest.npy": npy.getvalue(),
        "packed.tiff": packed.getvalue(),
        "plain.tiff": plain.getvalue(),
        "largest.csv": text.getvalue(),
        "largest.jpg": rjpeg,
    }


def bombs() -> dict[str, bytes]:
    """Small files that declare, or unpack to, gigabytes."""
    zeros = zlib.compressobj(9)
    flood = b"".join(zeros.compress(bytes(2**24)) for _ in range(64)) + zeros.flush()  # 1 GiB
    base = {256: (3, 1, 64), 257: (3, 1, 64), 258: (3, 1, 32), 262: (3, 1, 1), 277: (3, 1, 1), 339: (3, 1, 3)}
    where = 8 + 2 + 12 * 10 + 4
    strip = base | {259: (3, 1, 8), 273: (4, 1, where), 278: (3, 1, 64), 279: (4, 1, len(flood))}
    huge = strip | {256: (4, 1, 60_000), 257: (4, 1, 60_000)}
    tiles = base | {
        259: (3, 1, 8),
        322: (4, 1, 2**20),
        323: (4, 1, 2**15),
        324: (4, 1, where + 12),
        325: (4, 1, 99),
    }
    counts = strip | {273: (4, 2**31 - 1, where)}
    npy = io.BytesIO()
    np.lib.format.write_array_header_1_0(npy, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    image = png_chunk(b"IDAT", flood)
    whole_jpeg = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(whole_jpeg, "jpeg")
    at = whole_jpeg.getvalue().index(b"\xff\xc0")
    big_jpeg = bytearray(whole_jpeg.getvalue())
    struct.pack_into(">HH", big_jpeg, at + 5, 65_000, 65_000)
    return {
        "dimensions.png": png(60_000, 60_000, 8, image),
        "rows.png": png(64, 64, 16, image),
        "frame.png": png(2048, 1536, 16, image),
        "text.png": png(64, 64, 8, png_chunk(b"zTXt", b"Comment\0\0" + flood), image),
        "profile.png": png(64, 64, 8, png_chunk(b"iCCP", b"p\0\0" + flood), image),
        "dimensions.jpg": bytes(big_jpeg),
        "dimensions.tiff": tiff(huge, flood),
        "strip.tiff": tiff(strip, flood),
        "tiles.tiff": tiff(tiles, flood),
        "counts.tiff": tiff(counts, flood),
        "chain.tiff": b"II*\0" + b"".join(directory_chain(2_000_000)),
        "circle.tiff": tiff(base, b"")[:-4] + struct.pack("<I", 8),
        "shape.npy": npy.getvalue() + bytes(64),
        "fields.csv": b"1," * (8 * 2**20 - 1),
        "lines.csv": b"1\n" * (8 * 2**20 - 1),
        "wide.csv": (b"21.5," * 200_000 + b"\n") * 16,
        "padding.jpg": b"\xff\xd8" + (b"\xff\xe2\xff\xff" + bytes(65_533)) * 600 + b"\xff\xd9",
        "flir.jpg": b"\xff\xd8"
        + b"".join(b"\xff\xe1\xff\xff" + b"FLIR\0\1" + bytes((part, 255)) + bytes(65_525) for part in range(256))
        + b"\xff\xd9",
        "large.tiff": b"II*\0" + bytes(2**20),
    }


def main(folder: Path, inputs: int, seed: int, samples: Path | None) -> dict[str, object]:
    logging.getLogger("tifffile").addHandler(logging.NullHandler())
    rng = np.random.default_rng(seed)
    files = healthy(folder)
    for name in files:
        (folder / name).write_bytes(files[name])
    real = {path.name: path.read_bytes() for path in sorted(samples.glob("*.jpg"))} if samples is not None else {}
    # Built in another process: packing gigabytes would hide what unpacking them takes here.
    subprocess.run([sys.executable, __file__, "bombs", str(folder)], check=True)
    planted = sorted((folder / "bombs").iterdir())
    before = peak_mib()
    outcome = {"frames": 0, "refused": 0}
    escaped: list[str] = []
    slowest, slowest_name = 0.0, ""

    def run(name: str, data: bytes, stated: dict[str, float]) -> None:
        path = folder / f"input{Path(name).suffix}"
        path.write_bytes(data)
        read(name, path, stated)

    def read(name: str, path: Path, stated: dict[str, float]) -> None:
        nonlocal slowest, slowest_name
        start = time.perf_counter()
        try:
            read_frame(path, **stated)
            outcome["frames"] += 1
        except PrismsegError as error:
            outcome["refused"] += 1
            if str(path) not in str(error):
                escaped.append(f"{name}: the message does not name the file: {error}")
        except Exception as error:
            escaped.append(f"{name} {stated}: {type(error).__name__}: {error}")
        took = time.perf_counter() - start
        if took > slowest:
            slowest, slowest_name = took, name

    for path in planted:
        for stated in STATED[:3]:
            read(path.name, path, stated)
    after_bombs = peak_mib()
    names, real_names = list(files), list(real)
    small = list(files.values())
    for number in range(inputs):
        if real_names and number % 5 == 0:
            name = real_names[(number // 5) % len(real_names)]
            source = real[name]
        else:
            name = names[number % len(names)]
            source = files[name]
        other = small[rng.integers(len(small))]
        run(name, damaged(rng, source, other), STATED[rng.integers(len(STATED))])
    return {
        **outcome,
        "inputs": inputs + 3 * len(planted),
        "escaped": escaped[:20],
        "slowest_seconds": round(slowest, 3),
        "slowest": slowest_name,
        "peak_mib": round(peak_mib() - before, 1),
        "peak_mib_of_bombs": round(after_bombs - before, 1),
    }


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0] == "bombs":
        target = Path(arguments[1]) / "bombs"
        target.mkdir()
        for name, data in (bombs() | largest()).items():
            (target / name).write_bytes(data)
        sys.exit()
    result = main(
        Path(arguments[0]),
        int(arguments[1]),
        int(arguments[2]),
        Path(arguments[3]) if len(arguments) > 3 else None,
    )
    print(json.dumps(result))
