"""Files and masks that are sent: too large, too many, wrongly named, of other kinds, and made to burst."""

from __future__ import annotations

import errno
import io
import json
import random
import struct
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.monitor.web.conftest import browsing


def tiff(celsius, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.asarray(celsius, np.float32), metadata=None, **options)
    return buffer.getvalue()


def png(pixels, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def png_bomb(width: int, height: int, colour: int = 0, bits: int = 1) -> bytes:
    """A PNG of many black pixels in few bytes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    line = bytes(1 + (width * bits + 7) // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_of_a_palette() -> bytes:
    ramp = np.linspace(0, 255, 64 * 64).reshape(64, 64).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(np.stack([ramp, 255 - ramp, ramp // 2], axis=-1)).save(buffer, "JPEG")
    return buffer.getvalue()


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../t5.tiff", bytes(1_000_000))
    return buffer.getvalue()


@pytest.fixture
def warm(feet_still):
    return feet_still[0].celsius


def sender(page):
    """Send files by name, and give the answer."""

    def sent(*files, **data):
        return page.ask("POST", "/api/imports", files=[("files", each) for each in files], data=data)

    return sent


@pytest.fixture
def send(page):
    return sender(page)


@pytest.fixture
def outside(tmp_path):
    """What lies around the data folder: it has to stay as it is."""

    def others():
        return {path for path in tmp_path.rglob("*") if tmp_path / "data" not in (path, *path.parents)}

    before = others()
    yield
    assert others() == before
    assert list((tmp_path / "data" / "incoming").glob("*")) == []


NAMES = (
    "../../etc/passwd_t5.tiff",
    "..\\..\\windows\\t5.tiff",
    "C:\\Users\\ana\\t5.tiff",
    "/etc/t5.tiff",
    "....//....//t5.tiff",
    "file:///etc/t5.tiff",
    "%2e%2e%2ft5.tiff",
    "a" * 3000 + "_t5.tiff",
    "pi\u00e9_\u8db3\U0001f9b6_t5.tiff",
    "<img src=x onerror=alert(1)>t5.tiff",
    "\u202efit_t5.tiff",
    "t" + "9" * 400 + ".tiff",
    "con.tiff",
    ".tiff",
    "..",
    ".",
    "-t5.tiff",
)


def test_names_are_only_names(send, warm, outside):
    # Each is another picture: of two that are the same, one is taken.
    answer = send(*[(name, tiff(warm + 0.01 * number)) for number, name in enumerate(NAMES)])
    assert answer.status_code == 200
    files = answer.json()["files"]
    assert len(files) == len(NAMES)
    for each in files:
        assert len(each["name"]) <= 80
        assert not set('/\\<>%:"\0\n\u202e') & set(each["name"])
    good = [each for each in files if each["ok"]]
    assert len(good) >= len(NAMES) - 3  # names without a suffix are no frames
    assert {each["minute"] for each in good} >= {5.0}


def test_names_as_no_browser_writes_them(page, warm, outside):
    line = b'--x\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n%s\r\n%s\r\n'
    names = (
        (b"a\0b_t5.tiff", b""),
        (b"\xff\xfe_t5.tiff", b""),
        (b"\\ud800_t5.tiff", b"Content-Type: text/plain; charset=unicode_escape\r\n"),
        (b"a\x1b[2J_t5.tiff", b"Content-Type: image/tiff; charset=nothing\r\n"),
    )
    for name, more in names:
        body = line % (name, more, tiff(warm)) + b"--x--\r\n"
        for kind in ("multipart/form-data; boundary=x", "multipart/form-data; boundary=x; charset=unicode_escape"):
            answer = page.ask("POST", "/api/imports", content=body, headers={"Content-Type": kind})
            assert answer.status_code in (200, 400, 422), name


def test_bodies_that_are_no_form(page, outside):
    for kind, body in (
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a" * 100_000),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nhi\r\n--x--',
        ),
        ("multipart/form-data; boundary=\xff", b"--x"),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"files=1&files=2"),
        ("", b""),
    ):
        answer = page.ask("POST", "/api/imports", content=body, headers={"Content-Type": kind.encode("latin-1")})
        assert answer.status_code in (400, 422), (kind, body[:20])
        assert answer.json()["error"]


def test_only_frames_are_taken(send, warm, outside):
    greys = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    wrong = {
        "empty_t1.tiff": b"",
        "palette_t2.jpg": jpeg_of_a_palette(),
        "page_t3.html": b"<script>alert(1)</script>",
        "page_t4.tiff": b"<script>alert(1)</script>",
        "program_t5.jpg": b"\x7fELF" + bytes(100),
        "archive_t6.tiff": zipped(),
        "archive_t7.zip": zipped(),
        "drawing_t8.png": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "greys_t9.png": png(greys),
        "objects_t10.npy": b"\x93NUMPY\x01\x00\x36\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n\x80\x04.",
        "cut_t11.tiff": tiff(warm)[:-500],
        "nowhere_t12.tiff": tiff(np.full((240, 320), np.nan)),
        "endless_t13.tiff": tiff(np.full((240, 320), np.inf)),
        "words_t14.csv": b"a,b\nc,d\n",
        "kelvin_t15.tiff": tiff(np.asarray(warm) + 273.15),
    }
    answer = send(*wrong.items(), ("good_t16.tiff", tiff(warm)))
    assert answer.status_code == 200
    files = {each["name"]: each for each in answer.json()["files"]}
    assert [name for name, each in files.items() if each["ok"]] == ["good_t16.tiff"]
    for name in wrong:
        assert files[name]["reason"], name
        assert "incoming" not in files[name]["reason"], "the reason names the file as it was sent"


def test_greys_are_taken_with_their_limits_and_odd_limits_refused(send, outside):
    greys = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    files = send(("a_t5.png", png(greys)), low="20", high="36").json()["files"]
    assert files[0]["ok"]
    assert files[0]["span"][0] == 20.0
    for low in ("nan", "inf", "-1e9", "x", "9" * 400, "\0"):
        assert send(("a_t5.png", png(greys)), low=low, high="36").status_code == 422
    assert not send(("a_t5.png", png(greys)), low="36", high="20").json()["files"][0]["ok"]


def tiff_of_huge_tiles(celsius) -> bytes:
    data = bytearray(tiff(celsius, tile=(256, 256), compression="zlib"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name in ("TileWidth", "TileLength"):
            tag = file.pages.first.tags[name]
            data[tag.valueoffset : tag.valueoffset + 2] = struct.pack("<H", 60_000)
    return bytes(data)


def test_bombs_do_not_burst(send, warm, outside):
    bombs = {
        "pixels_t1.png": png_bomb(30_000, 30_000),
        "greys_t2.png": png_bomb(20_000, 5_000, bits=8),
        "numbers_t3.tiff": tiff(np.broadcast_to(np.float32(20), (4_000, 4_000)), compression="zlib"),
        "tiles_t4.tiff": tiff_of_huge_tiles(warm),
    }
    assert all(len(data) < 1_000_000 for data in bombs.values())
    files = {each["name"]: each for each in send(*bombs.items(), ("good_t5.tiff", tiff(warm))).json()["files"]}
    assert [name for name, each in files.items() if each["ok"]] == ["good_t5.tiff"]


def test_many_small_files_do_not_fill_the_memory(open_monitor, warm, outside):
    with browsing(open_monitor(upload_pixels=3 * 240 * 320)) as page:
        page.open()
        send = sender(page)
        assert send(*[(f"t{minute}.tiff", tiff(warm)) for minute in range(3)]).status_code == 200
        answer = send(*[(f"t{minute}.tiff", tiff(warm)) for minute in range(4)])
    assert answer.status_code == 422
    assert "pixels" in answer.json()["error"]


def test_too_many_files_are_refused(send, warm, outside):
    assert send(*[(f"t{minute}.csv", b"1") for minute in range(61)]).status_code == 422
    assert send(*[(f"t{minute}.csv", b"1") for minute in range(2000)]).status_code == 400
    assert send().status_code in (400, 422)


def test_too_many_fields_are_refused(page, outside):
    for fields in ({f"field{number}": "x" for number in range(10_000)}, {"files": "x"}):
        answer = page.ask("POST", "/api/imports", files={name: (None, value) for name, value in fields.items()})
        assert answer.status_code in (400, 422)
    answer = page.client.post("/login", data={f"field{number}": "x" for number in range(10_000)})
    assert answer.status_code in (400, 403, 422)


def test_a_large_file_is_refused_and_the_others_taken(open_monitor, warm, outside):
    with browsing(open_monitor(upload_mb=0.5)) as page:
        page.open()
        files = [("files", ("t5.tiff", tiff(warm))), ("files", ("t9.tiff", tiff(warm) + bytes(600_000)))]
        answer = page.ask("POST", "/api/imports", files=files)
        good, large = answer.json()["files"]
        if good["name"] != "t5.tiff":
            good, large = large, good
        assert (good["ok"], large["ok"]) == (True, False)
        assert large["reason"] == "t9.tiff has more than 0.5 MB."


@pytest.mark.parametrize("chunked", (False, True))
def test_large_bodies_are_refused_before_they_are_read(open_monitor, chunked, outside):
    with browsing(open_monitor(upload_mb=0.01)) as page:
        page.open()
        session = page.begin()
        for path, kind in (
            ("/api/imports", "multipart/form-data; boundary=x"),
            ("/api/sessions", "application/json"),
            (f"{session}/captures/1/mask", "image/png"),
            ("/login", "application/x-www-form-urlencoded"),
        ):
            given = []

            def parts(given=given):
                yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="t5.tiff"\r\n\r\n'
                for _ in range(600):
                    given.append(100_000)
                    yield bytes(100_000)

            body = parts() if chunked else b"".join(parts())
            answer = page.ask("POST", path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == 413, path
            assert answer.json() == {"error": "The upload is too large."}
            assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("number", "english", "spanish"),
    [
        (errno.ENOSPC, "The monitor's disk is full. This was not saved. Call IT.", "disco del monitor está lleno"),
        (errno.EROFS, "The monitor cannot write to its disk. Call IT.", "no puede escribir en su disco"),
    ],
)
def test_staff_are_told_of_the_disk_in_their_words_and_the_log_has_the_path(
    page, send, warm, monkeypatch, outside, services, capfd, number, english, spanish
):
    def refuse(*_):
        raise OSError(number, "what the system says")

    monkeypatch.setattr("prismseg.base.files.sync", refuse)
    answer = send(("t5.tiff", tiff(warm)))
    assert (answer.status_code, answer.json()["error"]) == (507, english)
    page.client.headers["accept-language"] = "es"
    assert spanish in send(("t5.tiff", tiff(warm))).json()["error"]
    (line, _) = capfd.readouterr().err.splitlines()
    logged = json.loads(line)
    assert (logged["event"], logged["error"], logged["method"]) == ("request failed", "OutputError", "POST")
    assert logged["path"].startswith(str(services.settings.data))


@pytest.fixture
def captured(page):
    session = page.begin()
    page.capture(session)
    return session


def masks(height=240, width=320):
    good = np.zeros((height, width), np.uint8)
    good[60:200, 40:140], good[60:200, 180:280] = 255, 255
    return good


def test_masks_of_all_kinds_of_png_are_read(page, captured):
    good = masks()
    kinds = [Image.fromarray(good).convert(mode) for mode in ("1", "L", "P", "LA", "RGB", "RGBA")]
    kinds.append(Image.fromarray(good.astype(np.uint16) * 257))
    for picture in kinds:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        before = page.get(captured).json()["captures"][0]["mask"]["id"]
        answer = page.ask("POST", f"{captured}/captures/1/mask?before={before}", content=buffer.getvalue())
        assert answer.status_code == 200, picture.mode
        read = Image.open(io.BytesIO(page.get(f"{captured}/captures/1/mask.png").content))
        assert np.array_equal(np.asarray(read) > 0, good > 0), picture.mode


def test_masks_that_are_none_are_refused(page, captured, tmp_path):
    before = page.get(captured).json()["captures"][0]["mask"]["id"]
    files = sum(1 for _ in (tmp_path / "data" / "files").rglob("*"))
    good = png(masks())
    stray = io.BytesIO()
    Image.fromarray(masks()).save(stray, "TIFF")
    wrong = [
        b"",
        b"x",
        good[:100],
        good[:-30],
        png(masks(320, 240)),
        png(masks(241, 320)),
        png_bomb(30_000, 30_000),
        png_bomb(320, 240)[:60],
        stray.getvalue(),
        jpeg_of_a_palette(),
        zipped(),
    ]
    for number, body in enumerate(wrong):
        answer = page.ask("POST", f"{captured}/captures/1/mask?before={before}", content=body)
        assert answer.status_code == 422, number
        assert answer.json()["error"].startswith("The mask")
    assert sum(1 for _ in (tmp_path / "data" / "files").rglob("*")) == files
    assert page.get(captured).json()["captures"][0]["mask"]["id"] == before


def test_damaged_masks_break_nothing(page, captured):
    rng = random.Random(5)
    good = png(masks())
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.choice((1, 2, 8))):
            data[rng.randrange(8, len(data))] = rng.randrange(256)
        before = page.get(captured).json()["captures"][0]["mask"]["id"]
        answer = page.ask("POST", f"{captured}/captures/1/mask?before={before}", content=bytes(data))
        assert answer.status_code in (200, 422), bytes(data).hex()


def test_damaged_frames_break_nothing(send, warm, outside):
    rng = random.Random(6)
    originals = [tiff(warm[::8, ::8]), tiff(warm[::8, ::8], compression="zlib"), png(masks(32, 40))]
    for round_ in range(5):
        files = []
        for number in range(40):
            data = bytearray(originals[number % 3])
            for _ in range(rng.choice((1, 2, 8))):
                data[rng.randrange(min(len(data), 400))] = rng.randrange(256)
            files.append((f"r{round_}n{number}_t5.tiff", bytes(data)))
        assert send(*files).status_code == 200


@pytest.mark.parametrize("size", ((1, 1), (2, 3), (1, 400), (16, 16), (17, 23)))
def test_small_frames_can_be_kept_and_looked_at(page, send, size):
    celsius = np.linspace(20, 30, size[0] * size[1]).reshape(size)
    answer = send(("t5.tiff", tiff(celsius))).json()
    if not answer["files"][0]["ok"]:
        assert answer["files"][0]["reason"]
        return
    made = page.post(f"/api/imports/{answer['id']}", {"code": "E-1", "minutes": [5]})
    assert made.status_code == 201, made.text
    session = f"/api/sessions/{made.json()['id']}"
    for path in ("", "/captures/1/picture.png", "/captures/1/mask.png", "/captures/1/outlines"):
        assert page.get(session + path).status_code == 200, path
    for kind in ("evidence", "doubt"):
        assert page.get(f"{session}/captures/1/explanation/{kind}.png").status_code in (200, 409, 422)
