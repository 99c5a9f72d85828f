"""`prismseg thermal` as a user meets it."""

import csv

import numpy as np
import pytest
from PIL import Image

from prismseg.cli.tables.thermal import print_session
from prismseg.thermal import Session, read_frame, write_rjpeg

from ..thermal.feet import frame_of
from .test_cli import assert_refused, prismseg


@pytest.fixture
def celsius():
    return 24 + np.add.outer(np.linspace(0, 8, 40), np.linspace(0, 2, 50))


@pytest.fixture
def folder(tmp_path, celsius):
    (tmp_path / "in").mkdir()
    write_rjpeg(tmp_path / "in" / "t0.jpg", celsius, camera="Model X")
    Image.fromarray(np.full((30, 30, 3), (200, 40, 9), np.uint8)).save(tmp_path / "in" / "palette.png")
    return tmp_path / "in"


def test_help_has_examples():
    assert "Example" in prismseg("thermal", "read", "--help").stdout
    assert "read" in prismseg("thermal", "--help").stdout


def test_a_folder_as_table_csv_and_pictures(folder, tmp_path):
    result = prismseg("thermal", "read", folder, "--out", tmp_path / "out", "--quiet")
    assert result.returncode == 0, result.stderr
    words = " ".join(result.stdout.split())
    for word in (
        "24.0",
        "29.0",
        "34.0",
        "40 x 50",
        "e 0.98",
        "Model X",
        "palette picture",
        "1 frames read, 1 refused",
    ):
        assert word in words
    with (tmp_path / "out" / "frames.csv").open(newline="") as file:
        assert [row["kind"] for row in csv.DictReader(file)] == ["", "radiometric"]
    assert (tmp_path / "out" / "pictures" / "t0.jpg.png").stat().st_size > 5000


def test_emissivity_in_place_of_the_files_own(folder, tmp_path, celsius):
    result = prismseg(
        "thermal", "read", folder / "t0.jpg", "--emissivity", 0.9, "--out", tmp_path / "o", "--quiet"
    )
    assert result.returncode == 0 and "e 0.90" in " ".join(result.stdout.split())
    expected = read_frame(folder / "t0.jpg", emissivity=0.9).celsius
    np.testing.assert_array_equal(read_frame(tmp_path / "o" / "celsius" / "t0.jpg.tiff").celsius, expected)
    assert np.abs(expected - celsius).max() > 0.5


def test_stated_greys_and_counts(tmp_path, celsius):
    Image.fromarray(np.rint((celsius - 20) * 15).astype(np.uint8)).save(tmp_path / "grey.png")
    Image.fromarray(np.rint(celsius * 100 + 27315).astype(np.uint16)).save(tmp_path / "counts.png")
    paths = (tmp_path / "grey.png", tmp_path / "counts.png")
    result = prismseg("thermal", "read", *paths, "--grey", "20:37", "--counts", "0.01:-273.15", "--quiet")
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines() if ".png" in line]
    assert [[cells[at] for at in (3, 5, 7)] for cells in lines] == [["24.0", "29.0", "34.0"]] * 2
    assert "polarity is not stated: 1." in result.stdout


def test_nothing_could_be_read(folder, tmp_path):
    result = prismseg("thermal", "read", folder / "palette.png", "--out", tmp_path / "out", "--quiet")
    assert result.returncode == 1 and "0 frames read, 1 refused" in result.stdout
    assert not (tmp_path / "out").exists()


def test_scales_of_the_pictures(folder, tmp_path):
    sizes = set()
    for scale in ("all", "each", "-10:40"):
        result = prismseg("thermal", "read", folder, "--out", tmp_path / scale, "--scale", scale, "--quiet")
        assert result.returncode == 0, result.stderr
        sizes.add((tmp_path / scale / "pictures" / "t0.jpg.png").read_bytes())
    assert len(sizes) == 2  # of one frame, "all" and "each" are the same


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--grey", "22"), ("--grey '22'", "such as 22.6:34")),
        (("--grey", "34:22"), ("--grey '34:22'", "such as 22.6:34")),
        (("--polarity", "hot"), ("--polarity 'hot'", "black-hot")),
        (("--counts", "a:b"), ("--counts 'a:b'",)),
        (("--scale", "36:18"), ("--scale '36:18'", "such as 18:36")),
        (("--emissivity", 1.2), ("emissivity is 1.2",)),
        (("--humidity", 120), ("humidity is 120",)),
    ],
)
def test_wrong_options_are_one_line(folder, arguments, words):
    assert_refused(prismseg("thermal", "read", folder, *arguments), *words)


def test_no_such_folder(tmp_path):
    assert_refused(prismseg("thermal", "read", tmp_path / "absent"), "absent")


# --- measure: which file at which minute -------------------------------------------------------------------------------


def assert_refused_with_table(result, *words):
    assert result.returncode == 2 and result.stderr.startswith("Error: ") and "Traceback" not in result.stderr
    assert ["file", "clock", "name", "minute"] in [line.split() for line in result.stderr.splitlines()]
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def feet(tmp_path_factory):
    """A simulated session whose files are named t0, t1, t5, t10, t15, t20, and its masks."""
    made = tmp_path_factory.mktemp("feet") / "study"
    assert prismseg("phantom", "--out", made, "--sessions", 1, "--seed", 5, "--quiet").returncode == 0
    for part in ("images", "masks"):
        for path in sorted((made / part).iterdir()):
            minute = int(path.stem.split("_t")[1].removesuffix("min"))
            path.rename(path.with_name(f"t{minute}{path.suffix}"))
    return made


def test_a_dry_run_shows_files_clocks_names_and_minutes(feet):
    images = feet / "images"
    result = prismseg("thermal", "measure", images, "--minutes", "0,1,5,10,15,20", "--dry-run")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert rows[0] == ["file", "clock", "name", "minute"]
    assert [(row[0], row[-1]) for row in rows[1:7]] == [(f"t{m}.tiff", str(m)) for m in (0, 1, 5, 10, 15, 20)]
    assert "6 frames, minutes by: stated." in result.stdout
    refused = prismseg("thermal", "measure", images, "--dry-run")
    assert_refused_with_table(refused, "a bare t5 may be a visit or seconds", "t20.tiff")
    assert prismseg("thermal", "measure", images, "--unit", "min", "--dry-run").stdout.split()[-1] == "names."
    assert_refused(prismseg("thermal", "measure", images, "--unit", "h"), "--unit 'h'")


def test_a_dry_run_names_what_is_not_read(tmp_path):
    (tmp_path / "t0min.jpg").write_bytes(b"")
    result = prismseg("thermal", "measure", tmp_path, "--dry-run")
    assert result.returncode == 0 and "Not read: t0min.jpg: " in result.stdout and "is empty" in result.stdout


def test_crossed_frames_are_those_of_the_session(feet, tmp_path):
    """An answer about a frame that does not exist would change nothing without a word."""
    told = ("thermal", "measure", feet / "images", "--unit", "min", "--out", tmp_path / "out")
    assert_refused(
        prismseg(*told, "--crossed", "7"), "--crossed 7: no frame was taken then, only at 0, 1, 5, 10, 15, 20"
    )
    assert_refused(prismseg(*told, "--crossed", "10", "--feet", "left"), "--crossed is about two feet")
    assert not (tmp_path / "out").exists()
    assert prismseg(*told, "--crossed", "10.02", "--dry-run").returncode == 0


def test_minutes_go_with_the_files_of_a_folder_by_number(feet, tmp_path):
    def table(*options):
        out = tmp_path / "-".join(map(str, options)).replace(",", "")
        result = prismseg(
            "thermal", "measure", feet / "images", "--masks", feet / "masks", *options, "--quiet", "--out", out
        )
        assert result.returncode == 0, result.stderr
        with (out / "curves.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert "t20.tiff" in result.stdout  # results name the files
        before = (out / "curves.csv").stat().st_mtime_ns
        again = prismseg("thermal", "measure", feet / "images", "--unit", "min", "--out", out)
        assert_refused(again, "holds a measurement already; choose another --out folder")
        assert (out / "curves.csv").stat().st_mtime_ns == before
        return [(row["minute"], row["mean"], row["delta"]) for row in rows]

    assert table("--minutes", "0,1,5,10,15,20") == table("--unit", "min")


def test_files_that_a_shell_lists_by_letter_do_not_get_each_others_minutes(feet):
    listed = sorted((feet / "images").iterdir())  # t0 t1 t10 t15 t20 t5
    result = prismseg("thermal", "measure", *listed, "--minutes", "0,1,5,10,15,20", "--dry-run")
    assert_refused_with_table(result, "listed in another order", "t10.tiff")


def test_a_window_is_stated(tmp_path, celsius):
    from dataclasses import replace

    from prismseg.thermal import TYPICAL_PARAMETERS

    write_rjpeg(tmp_path / "a.jpg", celsius, parameters=replace(TYPICAL_PARAMETERS, window_transmission=0.82))
    doubted = prismseg("thermal", "read", tmp_path / "a.jpg", "--quiet")
    assert "window transmission 0.82 assumes" in " ".join(doubted.stdout.split())
    stated = prismseg("thermal", "read", tmp_path / "a.jpg", "--window", 1, "--quiet")
    assert "doubtful" not in stated.stdout


def test_names_of_files_are_readable_in_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    session = Session()
    for minute in (0, 12.5):
        frame, mask = frame_of(30, 31 + minute / 10)
        session.add(frame, mask, minute=minute, source=f"study/foot_{minute}min.tiff")
    print_session(session)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines if "foot" in line]
    assert [(row[0], row[-1]) for row in rows] == [("0", "foot_0min.tiff"), ("12.5", "foot_12.5min.tiff")]
    left, right, *_, apart = (float(cell.split("±")[0]) for cell in rows[1][1:-1])
    assert (left, right, apart) == pytest.approx((30, 32.25, 1.25), abs=0.1)


def test_frames_of_a_film_beside_files_of_another_camera(tmp_path, celsius):
    from datetime import datetime, timedelta

    from prismseg.thermal import write_fff

    (tmp_path / "in").mkdir()
    times = [datetime(2026, 5, 31, 14) + timedelta(minutes=minute) for minute in (0, 5, 10)]
    write_fff(tmp_path / "in" / "film.seq", np.stack([celsius] * 3), times=times)
    (tmp_path / "in" / "a.is2").write_bytes(b"\2\1" * 90)
    result = prismseg("thermal", "measure", tmp_path / "in", "--frames", "0min-10min/10min", "--dry-run")
    assert result.returncode == 0, result.stderr
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [(row[0], row[-1]) for row in rows[1:3]] == [("film.seq#0", "0"), ("film.seq#2", "10")]
    assert (
        "Passed over 1 file that is no frame of a kind that is read: 1 x a Fluke thermal picture (IS2)."
        in result.stdout
    )
