"""`prismseg thermal` as a user meets it."""

import csv

import numpy as np
import pytest
from PIL import Image

from prismseg.thermal import read_frame, write_rjpeg

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
