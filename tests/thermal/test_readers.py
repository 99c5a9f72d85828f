import io
import json
import struct
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from prismseg.base import ConfigError, DataError
from prismseg.thermal import read_frame, write_rjpeg


def centikelvin(celsius):
    return np.rint((celsius + 273.15) * 100).astype(np.uint16)


def greys(celsius, low=18.0, high=36.0):
    return np.rint((celsius - low) / (high - low) * 255).astype(np.uint8)


def write_text(path, celsius, delimiter=",", decimal=".", end="\n", head=""):
    rows = [delimiter.join(f"{value:.2f}".replace(".", decimal) for value in row) for row in celsius]
    path.write_bytes((head + end.join(rows) + end).encode())
    return path


class TestMatrices:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("compression", [None, "deflate"])
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_float_tiff(self, tmp_path, scene, dtype, compression, order):
        tifffile.imwrite(tmp_path / "a.tiff", scene.astype(dtype), compression=compression, byteorder=order)
        frame = read_frame(tmp_path / "a.tiff")
        np.testing.assert_array_equal(frame.celsius, scene.astype(np.float32))
        assert frame.kind == "matrix" and frame.parameters.stated() == {} and frame.time is None

    @pytest.mark.parametrize(
        "packing", [{"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate", "tiffinfo": {317: 3}}]
    )
    def test_float_tiff_with_lzw_or_a_predictor(self, tmp_path, scene, packing):
        Image.fromarray(scene.astype(np.float32)).save(tmp_path / "a.tiff", **packing)
        np.testing.assert_array_equal(read_frame(tmp_path / "a.tiff").celsius, scene.astype(np.float32))

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(
        "packing", [{}, {"compression": "deflate"}, {"compression": "deflate", "predictor": 2}]
    )
    @pytest.mark.parametrize("tile", [None, (16, 32)])
    def test_tiff_of_counts_in_every_packing(self, tmp_path, scene, order, packing, tile):
        tifffile.imwrite(tmp_path / "a.tiff", centikelvin(scene), byteorder=order, tile=tile, **packing)
        frame = read_frame(tmp_path / "a.tiff", scale=0.01, offset=-273.15)
        assert np.abs(frame.celsius - scene).max() <= 0.0051

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_npy(self, tmp_path, scene, dtype):
        np.save(tmp_path / "a.npy", scene.astype(dtype))
        np.testing.assert_allclose(read_frame(tmp_path / "a.npy").celsius, scene, atol=0.02)
        np.save(tmp_path / "channel.npy", scene[..., None])
        np.testing.assert_allclose(read_frame(tmp_path / "channel.npy").celsius, scene, atol=1e-5)

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("head", ["", "\ufeff"])
    @pytest.mark.parametrize(
        ("delimiter", "decimal"),
        [
            (",", "."),
            (", ", "."),
            (";", "."),
            (";", ","),
            ("\t", "."),
            ("\t", ","),
            (" ", "."),
            (" ", ","),
            ("  ", ","),
        ],
    )
    def test_text_as_spreadsheets_of_many_countries_write_it(self, tmp_path, scene, delimiter, decimal, end, head):
        path = write_text(tmp_path / "a.csv", scene, delimiter, decimal, end, head)
        np.testing.assert_allclose(read_frame(path).celsius, scene, atol=0.0051)

    def test_rows_that_end_in_a_delimiter(self, tmp_path, scene):
        path = write_text(tmp_path / "a.csv", scene, ";", end=";\n")
        np.testing.assert_allclose(read_frame(path).celsius, scene, atol=0.0051)

    def test_a_few_nan_stay_nan(self, tmp_path, scene):
        scene[3, 4:9] = np.nan
        path = write_text(tmp_path / "a.csv", scene)
        np.testing.assert_array_equal(np.isnan(read_frame(path).celsius), np.isnan(scene))

    def test_the_kind_is_told_by_the_content_not_the_name(self, tmp_path, scene):
        tifffile.imwrite(tmp_path / "a.tif", scene)
        (tmp_path / "a.tif").rename(tmp_path / "a.png")
        np.testing.assert_allclose(read_frame(tmp_path / "a.png").celsius, scene, atol=1e-5)


class TestStatedScales:
    @pytest.mark.parametrize("name", ["a.tiff", "a.png", "a.npy"])
    def test_counts_by_arguments(self, tmp_path, scene, name):
        path = tmp_path / name
        if name.endswith("npy"):
            np.save(path, centikelvin(scene))
        elif name.endswith("png"):
            Image.fromarray(centikelvin(scene)).save(path)
        else:
            tifffile.imwrite(path, centikelvin(scene))
        with pytest.raises(DataError, match=r"raw counts .*hundredths of a kelvin.*scale is 0.01"):
            read_frame(path)
        frame = read_frame(path, scale=0.01, offset=-273.15)
        assert np.abs(frame.celsius - scene).max() <= 0.0051 and frame.kind == "counts"

    def test_kelvin_and_fahrenheit_once_stated(self, tmp_path, scene):
        np.save(tmp_path / "k.npy", scene + 273.15)
        np.save(tmp_path / "f.npy", scene * 1.8 + 32)
        kelvin = read_frame(tmp_path / "k.npy", scale=1, offset=-273.15)
        fahrenheit = read_frame(tmp_path / "f.npy", scale=5 / 9, offset=-160 / 9)
        np.testing.assert_allclose(kelvin.celsius, scene, atol=1e-4)
        np.testing.assert_allclose(fahrenheit.celsius, scene, atol=1e-4)

    def test_whole_degrees_once_stated(self, tmp_path, scene):
        np.savetxt(tmp_path / "a.csv", np.rint(scene), fmt="%d", delimiter=",")
        np.testing.assert_array_equal(read_frame(tmp_path / "a.csv", scale=1, offset=0).celsius, np.rint(scene))

    def test_a_sidecar_says_scale_time_camera_and_parameters(self, tmp_path, scene):
        tifffile.imwrite(tmp_path / "a.tiff", centikelvin(scene))
        sidecar = {
            "scale": 0.01,
            "offset": -273.15,
            "time": "2026-05-31T14:05:00+00:00",
            "camera": "Lepton",
            "parameters": {"emissivity": 0.98, "humidity": 45},
        }
        (tmp_path / "a.json").write_text(json.dumps(sidecar))
        frame = read_frame(tmp_path / "a.tiff")
        assert np.abs(frame.celsius - scene).max() <= 0.0051
        assert frame.time == datetime(2026, 5, 31, 14, 5, tzinfo=UTC) and frame.camera == "Lepton"
        assert frame.parameters.stated() == {"emissivity": 0.98, "humidity": 0.45}


class TestStatedGreys:
    STEP = 18 / 255

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
    def test_by_arguments_in_every_grey_mode(self, tmp_path, scene, mode):
        Image.fromarray(greys(scene)).convert(mode).save(tmp_path / "a.png")
        frame = read_frame(tmp_path / "a.png", low=18, high=36)
        assert np.abs(frame.celsius - scene).max() <= self.STEP / 2 + 1e-5
        assert frame.kind == "grey" and "steps of 0.071 °C" in frame.notes[0]

    def test_black_and_white_are_the_limits(self, tmp_path):
        ramp = np.repeat(np.arange(256, dtype=np.uint8)[None], 8, axis=0)
        Image.fromarray(ramp).save(tmp_path / "a.png")
        frame = read_frame(tmp_path / "a.png", low=22.6, high=34)
        assert frame.span == pytest.approx((22.6, 34.0), abs=1e-5)
        np.testing.assert_allclose(frame.celsius[0], 22.6 + 11.4 * np.arange(256) / 255, atol=1e-5)

    @pytest.mark.parametrize("name", ["t5_18to36C.png", "t5_18.0to36.0C_left.png", "18to36C.png"])
    def test_by_the_name(self, tmp_path, scene, name):
        Image.fromarray(greys(scene)).save(tmp_path / name)
        assert np.abs(read_frame(tmp_path / name).celsius - scene).max() <= self.STEP / 2 + 1e-5

    def test_negative_limits_in_a_name(self, tmp_path, scene):
        Image.fromarray(greys(scene)).save(tmp_path / "a_-5.5to-1C.png")
        assert -5.5 <= read_frame(tmp_path / "a_-5.5to-1C.png").span[0] < -1

    def test_arguments_go_before_sidecar_and_name(self, tmp_path, scene):
        Image.fromarray(greys(scene)).save(tmp_path / "a.png")
        (tmp_path / "a.json").write_text('{"low": 18, "high": 36}')
        assert np.abs(read_frame(tmp_path / "a.png").celsius - scene).max() <= self.STEP / 2 + 1e-5
        assert read_frame(tmp_path / "a.png", low=0, high=1).span[1] < 1

    def test_grey_jpegs_of_cameras_are_slightly_tinted(self, tmp_path, scene):
        tinted = np.stack([greys(scene)] * 3, axis=2).astype(int) + np.array([1, 0, -1])
        Image.fromarray(tinted.clip(0, 255).astype(np.uint8)).save(tmp_path / "a.jpg", quality=98)
        assert np.abs(read_frame(tmp_path / "a.jpg", low=18, high=36).celsius - scene).max() < 0.5

    def test_clipping_is_noted(self, tmp_path, scene):
        levels = greys(scene)
        levels[:10] = 255
        Image.fromarray(levels).save(tmp_path / "a.png")
        assert "21% of the pixels are black or white" in read_frame(tmp_path / "a.png", low=18, high=36).notes[1]


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
    "white is zero": (plant_white_is_zero, "white for its lowest"),
    "truncated R-JPEG": (plant_truncated("a.jpg"), "truncated or damaged"),
    "truncated TIFF": (plant_truncated("a.tiff"), "truncated or damaged"),
    "truncated PNG": (plant_truncated("a.png"), "truncated or damaged"),
    "truncated NPY": (plant_truncated("a.npy"), "truncated or damaged"),
    "huge PNG": (plant_huge_png, "more pixels than any thermal camera"),
    "FLIR sequence": (plant_bytes("a.seq", b"FFF\0" + bytes(200)), "a FLIR sequence"),
    "office file": (plant_bytes("a.csv", b"PK\x03\x04" + bytes(200)), "office file"),
    "anything": (plant_bytes("a.bin", b"thermal"), "none of the kinds that are read"),
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


class TestImpossibleStatements:
    @pytest.fixture
    def grey(self, tmp_path, scene):
        Image.fromarray(greys(scene)).save(tmp_path / "a.png")
        return tmp_path / "a.png"

    @pytest.mark.parametrize(
        ("stated", "words"),
        [
            ({"low": 18}, "low and high belong together"),
            ({"high": 36}, "low and high belong together"),
            ({"low": 36, "high": 18}, "the lower comes first"),
            ({"low": 18, "high": float("nan")}, "high is nan"),
            ({"scale": 0.1}, "scale and offset belong together"),
            ({"scale": 0, "offset": 20}, "scale of 0"),
            ({"low": 18, "high": 36, "emissivity": 0.98}, "no radiometric data.*emissivity"),
        ],
    )
    def test_arguments(self, grey, stated, words):
        with pytest.raises(ConfigError, match=words):
            read_frame(grey, **stated)

    @pytest.mark.parametrize(
        ("sidecar", "words"),
        [
            ("{", "not valid JSON"),
            ("[" * 100_000, "not valid JSON"),
            ("[1]", "must hold an object"),
            ('{"low": "warm", "high": 36}', "low is 'warm'"),
            ('{"low": true, "high": 36}', "low is True"),
            ('{"low": NaN, "high": 36}', "low is nan"),
            ('{"low": 18}', "belong together"),
            ('{"low": 18, "high": 36, "time": "noon"}', "time 'noon'"),
            ('{"low": 18, "high": 36, "time": 5}', "time 5"),
            ('{"low": 18, "high": 36, "parameters": {"emissivity": 2}}', "emissivity is 2"),
            ('{"low": 18, "high": 36, "parameters": {"hue": 2}}', "any of emissivity"),
        ],
    )
    def test_sidecars(self, grey, sidecar, words):
        grey.with_suffix(".json").write_text(sidecar)
        with pytest.raises(ConfigError, match=words):
            read_frame(grey)

    def test_sidecar_and_name_that_contradict_each_other(self, tmp_path, scene):
        Image.fromarray(greys(scene)).save(tmp_path / "a_18to36C.png")
        (tmp_path / "a_18to36C.json").write_text('{"low": 20, "high": 36}')
        with pytest.raises(ConfigError, match="limits of 20 to 36 °C and the name of the file 18 to 36"):
            read_frame(tmp_path / "a_18to36C.png")

    @pytest.mark.parametrize("name", ["18to36.png", "18to36Cold.png", "1.2.18to36CC.png", "patient12to14.png"])
    def test_names_that_are_no_statement(self, tmp_path, scene, name):
        Image.fromarray(greys(scene)).save(tmp_path / name)
        with pytest.raises(DataError, match="State low and high"):
            read_frame(tmp_path / name)


@settings(max_examples=200)
@given(text=st.text(alphabet="0123456789.,;-+eEnaif \t\r\n\"'\ufeff", max_size=400))
def test_any_text_is_a_frame_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.csv"):
        read_frame(path)
