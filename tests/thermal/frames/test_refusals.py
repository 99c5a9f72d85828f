"""Everything that must not be measured, with the reason it is refused for."""

import io
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.thermal.conftest import centikelvin, greys
from tests.thermal.feet import frame_of
from tests.tiffs import big_endian_lzw

from prismseg.base import DataError
from prismseg.thermal import TYPICAL_PARAMETERS, Session, read_frame, write_rjpeg


def plant_picture(name, pixels, **save):
    def plant(folder, scene):
        Image.fromarray(pixels(scene)).save(folder / name, **save)
        return folder / name

    return plant


def plant_npy(values):
    def plant(folder, scene):
        np.save(folder / "a.npy", values(scene), allow_pickle=True)
        return folder / "a.npy"

    return plant


def plant_bytes(name, content):
    def plant(folder, scene):
        (folder / name).write_bytes(content)
        return folder / name

    return plant


def plant_csv(text):
    def plant(folder, scene):
        (folder / "a.csv").write_text(text(scene))
        return folder / "a.csv"

    return plant


def palette_picture(scene):
    """Iron-like colours, as cameras save them."""
    level = greys(scene).astype(np.float64) / 255
    colours = [np.sqrt(level), level**3, np.sin(2 * np.pi * level).clip(0)]
    return (np.stack(colours, axis=2) * 255).astype(np.uint8)


def plant_palette_mode(folder, scene):
    picture = Image.fromarray(greys(scene), "P")
    picture.putpalette([value for level in range(256) for value in (level, 255 - level, 0)])
    picture.save(folder / "a.png")
    return folder / "a.png"


def plant_truncated(name):
    def plant(folder, scene):
        path = folder / name
        if name.endswith(".npy"):
            np.save(path, scene)
        elif name.endswith(".tiff"):
            tifffile.imwrite(path, scene.astype(np.float32))
        elif name.endswith(".png"):
            Image.fromarray(greys(scene)).save(path)
        else:
            write_rjpeg(path, scene)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * 0.6)])
        return path

    return plant


def plant_stack(folder, scene):
    tifffile.imwrite(folder / "a.tiff", np.stack([scene, scene + 1]).astype(np.float32), photometric="minisblack")
    return folder / "a.tiff"


def plant_white_is_zero(folder, scene):
    tifffile.imwrite(folder / "a.tiff", centikelvin(scene), photometric="miniswhite")
    return folder / "a.tiff"


def plant_huge_png(folder, scene):
    buffer = io.BytesIO()
    Image.fromarray(greys(scene)).save(buffer, "png")
    data = bytearray(buffer.getvalue())
    struct.pack_into(">2I", data, 16, 100_000, 100_000)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    (folder / "a.png").write_bytes(data)
    return folder / "a.png"


REFUSALS = {
    "missing": (lambda folder, scene: folder / "absent.tiff", "There is no file"),
    "folder": (lambda folder, scene: folder, "There is no file"),
    "empty": (plant_bytes("a.tiff", b""), "0 bytes"),
    "palette RGB": (plant_picture("a.png", palette_picture), "palette picture, not radiometric"),
    "palette JPEG": (plant_picture("a.jpg", palette_picture), "palette picture, not radiometric"),
    "palette TIFF": (plant_picture("a.tiff", palette_picture), "palette picture, not radiometric"),
    "palette mode": (plant_palette_mode, "palette picture, not radiometric"),
    "GIF": (plant_picture("a.gif", greys), "a GIF: a palette picture"),
    "grey without limits": (plant_picture("a.png", greys), 'screenshot. State low and high .*a.json as {"low"'),
    "grey JPEG without limits": (plant_picture("a.jpg", greys), "perhaps a screenshot"),
    "mask": (plant_picture("a.png", lambda scene: scene > 25), "one bit, a mask"),
    "transparent": (plant_picture("a.png", lambda s: np.dstack([greys(s)] * 4)), "partly transparent"),
    "counts TIFF": (plant_picture("a.tiff", centikelvin), "whole: raw counts or grey levels without a scale"),
    "counts of a detector": (plant_npy(lambda s: (s * 310 + 8000).astype(np.int32)), "raw counts or grey levels"),
    "whole numbers as floats": (plant_npy(lambda s: np.rint(s)), "all whole"),
    "fractional counts": (plant_npy(lambda s: s * 310.5 + 8000.25), "no temperatures in °C"),
    "fractions": (plant_npy(lambda s: (s - 18) / 18), "fractions of a scale"),
    "kelvin": (plant_npy(lambda s: s + 273.15), "looks like kelvin. State scale 1 and offset -273.15"),
    "fahrenheit": (plant_npy(lambda s: s * 1.8 + 32), "looks like Fahrenheit"),
    "constant": (plant_npy(lambda s: s * 0 + 21.5), "the value 21.5 in every pixel: a closed shutter"),
    "NaN": (plant_npy(lambda s: s * np.nan), "only 0% of its pixels"),
    "mostly NaN": (plant_npy(lambda s: np.where(s < 25, np.nan, s)), "NaN or infinite"),
    "infinite": (plant_npy(lambda s: s / 0.0), "NaN or infinite"),
    "1 x 1": (plant_npy(lambda s: s[:1, :1]), "1 x 1 pixels"),
    "zero size": (plant_npy(lambda s: s[:0]), "0 x 64 pixels"),
    "a row": (plant_npy(lambda s: s[0]), "a height and a width"),
    "colours as floats": (plant_npy(lambda s: np.stack([s] * 3, 2)), "a stack of frames or a colour picture"),
    "complex": (plant_npy(lambda s: s * 1j), "complex128"),
    "text in NPY": (plant_npy(lambda s: s.astype(str)), "values of the type <U"),
    "pickled objects": (plant_npy(lambda s: s.astype(object)), "truncated or damaged .*Python objects"),
    "stack": (plant_stack, "several pictures"),
    "big-endian LZW": (big_endian_lzw, "LZW compression, which is not read"),
    "white is zero": (plant_white_is_zero, "white for its lowest"),
    "truncated R-JPEG": (plant_truncated("a.jpg"), "truncated or damaged"),
    "truncated TIFF": (plant_truncated("a.tiff"), "truncated or damaged"),
    "truncated PNG": (plant_truncated("a.png"), "truncated or damaged"),
    "truncated NPY": (plant_truncated("a.npy"), "truncated or damaged"),
    "huge PNG": (plant_huge_png, "more pixels than any thermal camera"),
    "FLIR sequence": (plant_bytes("a.seq", b"FFF\0" + bytes(200)), "a FLIR sequence"),
    "office file": (plant_bytes("a.csv", b"PK\x03\x04" + bytes(200)), "office file"),
    "anything": (plant_bytes("a.bin", b"thermal"), "not a thermal frame of a known kind"),
    "binary CSV": (plant_bytes("a.csv", bytes(300)), "not a text file"),
    "blank CSV": (plant_csv(lambda s: "\n\n \n"), "no numbers"),
    "CSV with headings": (
        plant_csv(lambda s: ",".join(["Frame"] * 9) + "\n" + "21.5,22,23,21,5,6,7,8,9\n" * 20),
        "not a matrix of numbers .*'Frame'",
    ),
    "ragged CSV": (
        plant_csv(lambda s: "\n".join(",".join(["21.5"] * (9 + row % 2)) for row in range(20))),
        "not a matrix of numbers .*columns",
    ),
    "CSV with words": (
        plant_csv(lambda s: "\n".join(",".join(["21.5"] * 8 + ["warm"]) for _ in range(9))),
        "'warm'",
    ),
    "CSV with row numbers": (
        plant_csv(lambda s: "\n".join(f"{row}," + ",".join(f"{v:.2f}" for v in s[row]) for row in range(48))),
        "first column of .*a.csv is a numbering",
    ),
    "CSV with column numbers": (
        plant_csv(lambda s: "\n".join(",".join(f"{v:.2f}" for v in row) for row in [range(64), *s])),
        "first row of .*a.csv is a numbering",
    ),
    "long line": (plant_csv(lambda s: "2" * (2**20 + 1)), "more than 1048576 characters"),
    "many lines": (plant_csv(lambda s: "2\n" * 2**18), "more lines than a frame has rows"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_refused_with_the_reason_and_the_file(tmp_path, scene, what):
    plant, words = REFUSALS[what]
    with np.errstate(all="ignore"):
        path = plant(tmp_path, scene)
    with pytest.raises(DataError, match=words) as caught:
        read_frame(path)
    assert str(path) in str(caught.value)


# --- parameters of a file that cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "stated", "word"),
    [
        ({"reflected": 298.0}, {"reflected": 22.0}, "reflected 298 °C"),
        ({"atmosphere": 95.0}, {"atmosphere": 20.0}, "atmosphere 95 °C"),
        ({"window_transmission": 0.82}, {"window_transmission": 1.0}, "window transmission 0.82"),
        ({"window_transmission": 0.82}, {"window_transmission": 0.82}, "window transmission 0.82"),
    ],
)
def test_parameters_that_cannot_be_are_named_and_never_measured_with(tmp_path, own, stated, word):
    celsius, mask = frame_of(29.0, 26.0)
    path = tmp_path / "a.jpg"
    write_rjpeg(path, np.array(celsius.celsius, float), parameters=replace(TYPICAL_PARAMETERS, **own))
    frame = read_frame(path)
    assert any("doubtful" in note and word in note for note in frame.notes)
    entry = Session().add(frame, mask, minute=0)
    assert entry.status == "doubtful parameters" and word in entry.reason and not entry.estimates
    remade = read_frame(path, **stated)
    assert remade.doubts == () and Session().add(remade, mask, minute=0).ok
    if own == stated:
        assert np.abs(remade.celsius - frame.celsius).max() < 1e-3
    else:
        assert np.abs(remade.celsius - frame.celsius).max() > 0.05


def test_usual_parameters_are_not_doubted(tmp_path):
    celsius, mask = frame_of(29.0, 26.0)
    for own in ({}, {"reflected": -6.0}, {"reflected": 42.0, "atmosphere": 42.0}, {"window_temperature": 400.0}):
        write_rjpeg(
            tmp_path / "a.jpg", np.array(celsius.celsius, float), parameters=replace(TYPICAL_PARAMETERS, **own)
        )
        assert read_frame(tmp_path / "a.jpg").doubts == ()
        assert Session().add(read_frame(tmp_path / "a.jpg"), mask, minute=0).ok
