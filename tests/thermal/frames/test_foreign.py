"""Files of other cameras: what they are is said, and how their owner gets °C; no limits are taken for them."""

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from tests.thermal.conftest import greys

from prismseg.base import DataError
from prismseg.thermal import find_frames, read_frame, search_frames, write_rjpeg


def jpeg(scene, *, make="", model="", segments=(), behind=b"", colour=False):
    picture = Image.fromarray(greys(scene))
    exif = Image.Exif()
    if make:
        exif[0x010F] = make
    if model:
        exif[0x0110] = model
    buffer = io.BytesIO()
    (picture.convert("RGB") if colour else picture).save(buffer, "JPEG", exif=exif, quality=95)
    data = buffer.getvalue()
    added = b"".join(bytes((0xFF, marker)) + struct.pack(">H", len(text) + 2) + text for marker, text in segments)
    return data[:2] + added + data[2:] + behind


def archive(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name in names:
            packed.writestr(name, "0")
    return buffer.getvalue()


def bitmap(scene, behind):
    buffer = io.BytesIO()
    Image.fromarray(greys(scene)).save(buffer, "BMP")
    return buffer.getvalue() + behind


HDRI = b"HDRI".ljust(12, b"\0") + struct.pack("<2I", 160, 120) + b"\0" * 24
IJPEG = bytes(4) + b"IJPEG\0" + bytes(60)
XMP = b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"/>'

KINDS = {
    "M2EA": ("a.jpg", lambda s: jpeg(s, make="DJI", model="MAVIC2-ENTERPRISE-ADVANCED"), "DJI camera.*dji_irp"),
    "H20T": ("a.jpg", lambda s: jpeg(s, make="DJI", model="ZH20T", segments=[(0xE3, b"\x01\x02" * 900)]), "ZH20T"),
    "M30T": ("a.jpg", lambda s: jpeg(s, make="DJI", model="M30T", colour=True), "DJI Thermal Analysis Tool"),
    "M3T": ("a.jpg", lambda s: jpeg(s, model="M3T", segments=[(0xE1, XMP)]), "DJI camera"),
    "XT S": ("a.jpg", lambda s: jpeg(s, make="DJI", model="XT S"), "no scale of °C"),
    "DJI without Exif": ("a.jpg", lambda s: jpeg(s, segments=[(0xE6, b"DTAT\n{}")]), "DJI camera"),
    "HIKMICRO": ("a.jpg", lambda s: jpeg(s, make="HIKMICRO", model="B20"), "HIKMICRO Analyzer"),
    "HIKMICRO without Exif": ("a.jpg", lambda s: jpeg(s, behind=HDRI), "HIKMICRO Analyzer"),
    "InfiRay": ("a.jpg", lambda s: jpeg(s, segments=[(0xE2, IJPEG)]), "InfiRay, Topdon or Thermal Master"),
    "Topdon": ("a.jpg", lambda s: jpeg(s, make="TOPDON", model="TC001"), "Topdon"),
    "Guide": ("a.jpg", lambda s: jpeg(s, make="Guide sensmart"), "ThermoTools"),
    "Seek": ("a.jpg", lambda s: jpeg(s, make="Seek Thermal"), "Seek thermal picture"),
    "Fluke JPEG": ("a.jpg", lambda s: jpeg(s, make="Fluke Thermography", model="Ti480"), "SmartView"),
    "InfraTec JPEG": ("a.jpg", lambda s: jpeg(s, make="InfraTec GmbH"), "IRBIS"),
    "UNI-T JPEG": ("a.jpg", lambda s: jpeg(s, make="UNI-T", model="UTi260B"), "no scale of °C.*maker's program"),
    "Bosch": ("a.jpg", lambda s: jpeg(s, make="Bosch", model="GTC 400"), "no scale of °C.*maker's program"),
    "Optris": ("a.ravi", lambda s: b"RIFF\0\0\0\0AVI LIST", "PIX Connect"),
    "Testo": ("a.bmt", lambda s: bitmap(s, b"\1" * 9000), "testo IRSoft"),
    "UNI-T": ("a.bmp", lambda s: bitmap(s, b"\1" * 9000), "UNI-T"),
    "Fluke, older": ("a.is2", lambda s: b"\2\1" * 900, "SmartView"),
    "Fluke, newer": ("a.zip", lambda s: archive("Images/Main/IR.data", "CameraInfo"), "SmartView"),
    "InfraTec": ("a.irb", lambda s: b"\xffIRB\0" + bytes(90), "IRBIS"),
    "FPF": ("a.fpf", lambda s: b"FPF Public Image Format\0" + bytes(90), "Research Studio"),
    "ATS": ("a.ats", lambda s: bytes(90), "Research Studio"),
    "IRG": ("a.irg", lambda s: bytes(90), "IRG"),
    "P2 raw": ("a.raw", lambda s: bytes(256 * 384 * 2), "InfiRay P2 and Topdon TC001"),
    "DJI raw": ("a.raw", lambda s: bytes(640 * 512 * 4), "DJI's Thermal SDK"),
    "raw": ("a.raw", lambda s: bytes(900), "raw numbers without a heading"),
    "video": ("a.mp4", lambda s: b"\0\0\0\x20ftypisom" + bytes(90), "palette picture in motion"),
    "phone": ("a.jpg", lambda s: b"\0\0\0\x20ftypheic" + bytes(90), "HEIC"),
    "workbook": ("a.xlsx", lambda s: archive("xl/workbook.xml"), "spreadsheet"),
    "archive": ("a.csv", lambda s: archive("a.txt"), "archive or office"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_another_camera_is_named(tmp_path, scene, kind):
    name, content, named = KINDS[kind]
    path = tmp_path / name
    path.write_bytes(content(scene))
    # Not even with limits, a scale or parameters: the greys are no scale of °C.
    for stated in ({}, {"low": 18.0, "high": 36.0}, {"scale": 0.1, "offset": 0.0}, {"emissivity": 0.98}):
        with pytest.raises(DataError, match=f"(?s){path.name} is an? .*{named}") as caught:
            read_frame(path, **stated)
        assert "State low and high" not in str(caught.value)


def test_flir_data_of_a_dji_camera_are_read(tmp_path, scene):
    """XT and XT2 have FLIR's detector and write its R-JPEG."""
    path = write_rjpeg(tmp_path / "a.jpg", scene)
    data, exif = path.read_bytes(), Image.Exif()
    exif[0x010F], exif[0x0110] = "DJI", "XT2"
    block = exif.tobytes()
    block = block if block.startswith(b"Exif") else b"Exif\0\0" + block
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
    assert np.abs(read_frame(path).celsius - scene).max() < 0.01


@pytest.mark.parametrize("make", ["", "Canon", "FLIR Systems AB"])
def test_grey_pictures_of_other_makers_still_take_limits(tmp_path, scene, make):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(scene, make=make))
    assert np.abs(read_frame(path, low=18.0, high=36.0).celsius - scene).max() < 0.5


def test_a_folder_says_what_it_passed_over(tmp_path, scene):
    np.save(tmp_path / "t0.npy", scene)
    (tmp_path / "t0.json").write_text('{"camera": "X"}')
    for number in range(3):
        (tmp_path / f"{number}.is2").write_bytes(b"\2\1" * 90)
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(90))
    (tmp_path / "notes.txt").write_text("left foot cold\n")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / "t5.jpg").symlink_to(tmp_path / "gone.jpg")
    found = search_frames([tmp_path])
    assert [path.name for path in found.files] == ["t0.npy"] and find_frames([tmp_path]) == list(found.files)
    assert found.remark.startswith("Passed over 6 files") and "3 x a Fluke thermal picture (IS2)" in found.remark
    assert "1 x a link that leads to no file" in found.remark
    assert "1 x a video" in found.remark and "1 x .txt" in found.remark and ".json" not in found.remark
    (tmp_path / "t0.npy").unlink()
    with pytest.raises(DataError, match=r"no frame directly in .*Passed over 7 files.*Fluke"):
        search_frames([tmp_path])
    assert search_frames([tmp_path / "notes.txt"]).remark == ""
