import json
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.thermal.conftest import centikelvin, greys

from prismseg.base import ConfigError, DataError
from prismseg.thermal import read_frame


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
        assert frame.kind == "matrix" and frame.parameters.to_dict() == {} and frame.time is None

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
        assert frame.parameters.to_dict() == {"emissivity": 0.98, "humidity": 0.45}


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

    @pytest.mark.parametrize("levels", [(0, 255), (0, 1, 2), range(8)])
    def test_a_mask_is_no_frame_whatever_its_limits(self, tmp_path, levels):
        mask = np.resize(np.array(levels, np.uint8), (60, 80))
        Image.fromarray(mask).save(tmp_path / "a.png")
        with pytest.raises(DataError, match=f"has {len(levels)} grey levels: a mask"):
            read_frame(tmp_path / "a.png", low=18, high=36)

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
            ('{"low": 18, "high": 36, "time": "2026-05-31"}', "time '2026-05-31' is not like"),
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
