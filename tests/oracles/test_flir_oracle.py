"""R-JPEGs of many cameras, as two other programs read them: flyr (°C) and ExifTool (counts and parameters)."""

import functools
import io
import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from prismseg.thermal import TYPICAL_PARAMETERS, read_frame, read_rjpeg, strip_private, write_rjpeg

from ..conftest import SHARED_DATA

SAMPLES = sorted((SHARED_DATA / "flir_radiometric").glob("*.jpg"))
needs_samples = pytest.mark.skipif(not SAMPLES, reason=f"no FLIR samples in {SHARED_DATA}")
needs_exiftool = pytest.mark.skipif(
    shutil.which("exiftool") is None, reason="exiftool is not installed (apt-get install libimage-exiftool-perl)"
)
each_sample = pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name[:12])
# flyr takes records for little-endian; this camera of 2008 writes them the other way round.
REFUSED_BY_FLYR = {"07_-_BillHotFlashThermography.jpg"}


def flyr_celsius(path: Path) -> np.ndarray:
    flyr = pytest.importorskip("flyr", reason="flyr is not installed")
    return flyr.unpack(str(path)).celsius


@functools.cache
def exiftool_tags() -> dict[str, dict]:
    command = ["exiftool", "-json", "-n", "-FLIR:all", *map(str, SAMPLES)]
    # ExifTool exits with 1 over a single odd tag; what it read is on standard output all the same.
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return {Path(tags["SourceFile"]).name: tags for tags in json.loads(done.stdout)}


def exiftool_counts(path: Path, tags: dict) -> np.ndarray:
    raw = subprocess.run(["exiftool", "-b", "-RawThermalImage", str(path)], capture_output=True, check=True).stdout
    with Image.open(io.BytesIO(raw)) as picture:
        counts = np.asarray(picture).astype(np.uint16)
    assert counts.shape == (tags["RawThermalImageHeight"], tags["RawThermalImageWidth"])
    # ExifTool leaves PNGs as they are and says so; the camera's own median tells which byte comes first.
    medians = [abs(float(np.median(order)) - tags["RawValueMedian"]) for order in (counts, counts.byteswap())]
    if tags["RawThermalImageType"] == "PNG" and tags["RawValueMedian"] and medians[1] < medians[0]:
        return counts.byteswap()
    return counts


def by_the_book(counts: np.ndarray, tags: dict) -> np.ndarray:
    """°C of counts, written down anew from Thermimage's raw2temp (Tattersall), term by term."""
    r1, b, f, o, r2 = (tags[f"Planck{name}"] for name in ("R1", "B", "F", "O", "R2"))
    air = {name: float(tags[f"AtmosphericTrans{name}"]) for name in ("Alpha1", "Alpha2", "Beta1", "Beta2", "X")}
    emissivity, window = tags["Emissivity"], tags["IRWindowTransmission"]
    outside = tags["AtmosphericTemperature"]

    def signal(celsius: float) -> float:
        return r1 / (r2 * (math.exp(b / (celsius + 273.15)) - f)) - o

    h2o = tags["RelativeHumidity"] * math.exp(
        1.5587 + 0.06939 * outside - 0.00027816 * outside**2 + 0.00000068455 * outside**3
    )
    way = math.sqrt(tags["ObjectDistance"] / 2)
    tau = air["X"] * math.exp(-way * (air["Alpha1"] + air["Beta1"] * math.sqrt(h2o)))
    tau += (1 - air["X"]) * math.exp(-way * (air["Alpha2"] + air["Beta2"] * math.sqrt(h2o)))
    reflected = (1 - emissivity) / emissivity * signal(tags["ReflectedApparentTemperature"])
    before = (1 - tau) / emissivity / tau * signal(outside)
    glass = (1 - window) / emissivity / tau / window * signal(tags["IRWindowTemperature"])
    behind = (1 - tau) / emissivity / tau / window / tau * signal(outside)
    own = counts / emissivity / tau / window / tau - before - behind - glass - reflected
    return b / np.log(r1 / (r2 * (own + o)) + f) - 273.15


@needs_samples
@each_sample
def test_flyr_agrees_to_a_tenth_of_a_degree(path):
    if path.name in REFUSED_BY_FLYR:
        with pytest.raises(ValueError, match="width and height"):
            flyr_celsius(path)
        return
    expected = flyr_celsius(path)
    frame = read_frame(path)
    assert frame.celsius.shape == expected.shape
    assert np.abs(frame.celsius - expected).max() <= 0.1


@needs_samples
@needs_exiftool
@each_sample
def test_exiftools_counts_and_the_formula_agree_to_a_tenth_of_a_degree(path):
    tags = exiftool_tags()[path.name]
    read = read_rjpeg(path)
    counts = exiftool_counts(path, tags)
    np.testing.assert_array_equal(read.counts, counts)
    assert np.abs(read.frame().celsius - by_the_book(counts.astype(np.float64), tags)).max() <= 0.1


@needs_samples
@needs_exiftool
@each_sample
def test_exiftool_agrees_on_parameters_time_camera_and_serial_numbers(path):
    tags, read = exiftool_tags()[path.name], read_rjpeg(path)
    assert read.parameters.to_dict() == pytest.approx(
        {
            "emissivity": tags["Emissivity"],
            "reflected": tags["ReflectedApparentTemperature"],
            "distance": tags["ObjectDistance"],
            "humidity": tags["RelativeHumidity"],
            "atmosphere": tags["AtmosphericTemperature"],
            "window_temperature": tags["IRWindowTemperature"],
            "window_transmission": tags["IRWindowTransmission"],
        },
        abs=1e-3,
    )
    assert read.camera == tags["CameraModel"].strip()
    stamp = read.time.strftime("%Y:%m:%d %H:%M:%S.") + f"{read.time.microsecond // 1000:03d}"
    assert tags["DateTimeOriginal"].startswith(stamp)
    zone = read.time.strftime("%z")
    assert tags["DateTimeOriginal"].endswith(f"{zone[:3]}:{zone[3:]}")
    assert read.serials["camera"] == str(tags["CameraSerialNumber"])
    assert (read.photo is not None) == ("EmbeddedImage" in tags)


@needs_samples
def test_temperatures_beside_the_samples(shared_data):
    """The three numbers noted for every sample when it was collected."""
    lines = (shared_data / "flir_radiometric" / "index.csv").read_text().splitlines()
    header = lines[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=False)) for line in lines[1:]]
    noted = [row for row in rows if row["t_min_c"]]
    assert len(noted) == 19
    for row in noted:
        frame = read_frame(shared_data / "flir_radiometric" / row["file"])
        assert frame.size == (int(row["height"]), int(row["width"]))
        expected = [float(row[name]) for name in ("t_min_c", "t_mean_c", "t_max_c")]
        assert [frame.span[0], frame.mean, frame.span[1]] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("png", [False, True])
def test_flyr_reads_what_we_write(tmp_path, png):
    celsius = 26 + np.add.outer(np.linspace(0, 6, 60), np.linspace(0, 2, 80))
    path = write_rjpeg(tmp_path / "frame.jpg", celsius, png=png)
    assert np.abs(flyr_celsius(path) - celsius).max() <= 0.02


@needs_exiftool
def test_exiftool_finds_nothing_private_in_a_copy(tmp_path):
    celsius = 26 + np.add.outer(np.linspace(0, 6, 60), np.linspace(0, 2, 80))
    serials = {"camera": "SN1", "lens": "SN2", "filter": "SN3"}
    source = write_rjpeg(tmp_path / "frame.jpg", celsius, serials=serials, photo=b"\xff\xd8\xff\xe0photo\xff\xd9")
    copy = strip_private(source, tmp_path / "copy.jpg")

    def tags(path: Path) -> dict:
        done = subprocess.run(["exiftool", "-json", "-n", str(path)], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)[0]

    before, after = tags(source), tags(copy)
    assert (
        before["CameraSerialNumber"] == "SN1" and before["LensSerialNumber"] == "SN2" and "EmbeddedImage" in before
    )
    assert [after[f"{part}SerialNumber"] for part in ("Camera", "Lens", "Filter")] == ["", "", ""]
    assert "EmbeddedImage" not in after and not any("GPS" in name or "Comment" in name for name in after)
    assert after["Emissivity"] == pytest.approx(TYPICAL_PARAMETERS.emissivity)
