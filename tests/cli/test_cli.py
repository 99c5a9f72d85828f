"""The command as a user meets it."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from prismseg.base import DataError
from prismseg.cli.main import run as run_command
from prismseg.data import check_dataset, open_dataset

from ..conftest import write_discs

QUICK = ["--width", "0.5", "--size", "32", "--batch-size", "4", "--steps", "4", "--evaluate-every", "2", "--quiet"]


@dataclass
class Result:
    returncode: int
    stdout: str
    stderr: str


def prismseg(*arguments: object) -> Result:
    """Run the command in this process: importing torch anew for each call would take longer than the tests."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["prismseg", *map(str, arguments)])
        patch.setenv("COLUMNS", "200")
        try:
            run_command()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def in_process(*arguments: object) -> Result:
    """Run the command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "prismseg", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def assert_refused(result: Result, *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.startswith("Error: ") and result.stderr.strip().count("\n") == 0
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def run(discs, tmp_path_factory):
    root = tmp_path_factory.mktemp("cli") / "run"
    result = prismseg("train", discs, "--out", root, *QUICK)
    assert result.returncode == 0, result.stderr
    assert f"prismseg evaluate {root}" in result.stdout
    return root


def test_help_loads_no_heavy_library():
    probe = "import sys; sys.argv = ['prismseg', '--help']\nfrom prismseg.cli.main import app\n"
    probe += (
        "try: app()\nexcept SystemExit: print(sorted({'torch', 'numpy', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "evaluate" in result.stdout and result.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    "verb",
    ["demo", "check", "plan", "instant", "train", "evaluate", "explain", "predict", "export", "models", "phantom"],
)
def test_every_verb_explains_itself(verb):
    result = prismseg(verb, "--help")
    assert result.returncode == 0
    assert "Example" in result.stdout or verb == "models"


def test_version():
    assert in_process("--version").stdout.startswith("prismseg 0.")


def test_evaluate_prints_the_table(run):
    result = prismseg("evaluate", run, "--quiet")
    assert result.returncode == 0, result.stderr
    assert "95 % CI" not in result.stdout and "there is no confidence interval" in " ".join(result.stdout.split())
    assert "no case is dropped" in " ".join(result.stdout.split())
    assert (run / "evaluation" / "report.html").is_file()


def test_evaluate_on_other_data(run, discs, tmp_path):
    result = prismseg("evaluate", run / "model", discs, "--out", tmp_path / "other", "--quiet")
    assert result.returncode == 0, result.stderr
    tested = json.loads((run / "split.json").read_text())["test"]
    assert json.loads((tmp_path / "other" / "summary.json").read_text())["parts"] == {"test": len(tested)}
    assert "--part all" in result.stdout and f"({len(tested)} test)" in result.stdout


def test_predict_one_file(run, discs, tmp_path):
    result = prismseg("predict", run, discs / "p0_0.png", "--out", tmp_path / "out", "--quiet")
    assert result.returncode == 0 and "Wrote 1 masks" in result.stdout
    assert np.asarray(Image.open(tmp_path / "out" / "masks" / "p0_0.png")).shape == (40, 48)


def test_export(run, tmp_path):
    result = prismseg("export", run, "--onnx", tmp_path / "net.onnx")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "net.onnx").stat().st_size > 10_000 and "largest difference" in result.stdout


def test_models_lists_fifteen():
    out = prismseg("models").stdout
    assert out.count("resunet-") == 4 and "493,941" in out and "1,750,713" in out


def test_check_exit_codes(discs, tmp_path):
    assert prismseg("check", discs).returncode == 0
    folder = write_discs(tmp_path / "bad")
    (folder / "p0_0.png").write_bytes(b"")
    result = prismseg("check", folder)
    assert result.returncode == 1 and "p0_0.png" in result.stdout and "1 errors" in result.stdout


def test_phantom(tmp_path):
    result = prismseg("phantom", "--out", tmp_path / "feet", "--sessions", "1", "--quiet")
    assert result.returncode == 0 and (tmp_path / "feet" / "contact_sheet.png").is_file()
    choice = ("--domain", "solid", "--domain", "blob", "--framing", "above", "--size", "48x64", "--seed", "3")
    result = prismseg("phantom", "--out", tmp_path / "legs", "--sessions", "2", *choice, "--quiet")
    assert result.returncode == 0
    table = (tmp_path / "legs" / "dataset.csv").read_text().splitlines()
    assert len(table) == 13 and all(line.endswith((",solid,above", ",blob,above")) for line in table[1:])
    with Image.open(tmp_path / "legs" / "masks" / "S02_t20min.png") as mask:
        assert mask.size == (64, 48)


def test_config_of_a_run_starts_its_twin(run, tmp_path):
    result = prismseg("train", "--config", run / "config.yaml", "--out", tmp_path / "twin", "--quiet")
    assert result.returncode == 0, result.stderr
    first, second = ((root / "model" / "model.safetensors").read_bytes() for root in (run, tmp_path / "twin"))
    assert first == second


class TestBadInput:
    def test_a_process_ends_with_one_paragraph_and_code_2(self, tmp_path):
        assert_refused(in_process("train", tmp_path / "absent", "--out", tmp_path / "run"), "absent")

    def test_no_data(self, tmp_path):
        assert_refused(prismseg("train", tmp_path / "absent", "--out", tmp_path / "run"), "absent")
        assert_refused(prismseg("train", "--out", tmp_path / "run"), "No data set")

    def test_bad_settings(self, discs, tmp_path):
        assert_refused(prismseg("train", discs, "--out", tmp_path / "r", "--loss", "hinge"), "optim.loss")
        assert_refused(prismseg("train", discs, "--out", tmp_path / "r", "--size", "big"), "height x width")
        assert_refused(prismseg("train", discs, "--out", tmp_path / "r", "--folds", "50"), "group")
        assert not (tmp_path / "r").exists()

    def test_impossible_phantoms(self, tmp_path):
        for choice, word in (
            (("--domain", "clay"), "spline, ellipse, blob, solid"),
            (("--framing", "side"), "soles, above"),
            (("--size", "big"), "height x width"),
            (("--size", "8x8"), "too small"),
        ):
            assert_refused(prismseg("phantom", "--out", tmp_path / "feet", *choice), word)
        assert not (tmp_path / "feet").exists()

    def test_truncated_image_and_mask_of_another_size(self, tmp_path):
        folder = write_discs(tmp_path / "bad")
        (folder / "p0_0.png").write_bytes((folder / "p0_0.png").read_bytes()[:200])
        assert_refused(
            prismseg("train", folder, "--out", tmp_path / "r", *QUICK), "p0_0.png", "truncated or damaged"
        )
        folder = write_discs(tmp_path / "sizes")
        Image.fromarray(np.zeros((5, 5), np.uint8)).save(folder / "p1_0_mask.png")
        assert_refused(prismseg("train", folder, "--out", tmp_path / "s", *QUICK), "p1_0_mask.png", "5 x 5")

    def test_one_group_only(self, tmp_path):
        folder = write_discs(tmp_path / "one", patients=1)
        assert_refused(prismseg("train", folder, "--out", tmp_path / "r", *QUICK), "group")

    def test_existing_run_and_nothing_to_resume(self, run, discs, tmp_path):
        assert_refused(prismseg("train", discs, "--out", run, *QUICK), "--resume")
        assert_refused(prismseg("train", discs, "--out", tmp_path / "r", "--resume", *QUICK), "no run to resume")

    def test_output_below_a_file(self, run, discs, tmp_path):
        (tmp_path / "file").write_text("")
        assert_refused(prismseg("train", discs, "--out", tmp_path / "file" / "run", *QUICK), "file")
        assert_refused(prismseg("evaluate", run, "--out", tmp_path / "file", "--quiet"), "file")

    def test_no_such_model(self, discs, tmp_path):
        assert_refused(prismseg("predict", tmp_path, discs), "no trained network")
        assert_refused(prismseg("evaluate", tmp_path), "config.yaml")

    def test_pickled_model(self, discs, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "pytorch_model.bin").write_bytes(b"x")
        assert_refused(prismseg("predict", tmp_path, discs, "--out", tmp_path / "o"), "could run code")

    def test_unwritable_device(self, run, discs, tmp_path):
        assert_refused(prismseg("evaluate", run, "--device", "warp", "--quiet"), "warp", "choose cpu")


def test_our_own_warnings_do_not_name_the_code():
    from prismseg.cli.main import _format_warning
    from prismseg.data.masks.labels import LabelWarning

    assert _format_warning("No background.", LabelWarning, "dataset.py", 7) == "Warning: No background.\n"
    assert _format_warning("Old.", FutureWarning, "a.py", 7) == "a.py:7: FutureWarning: Old.\n"


def test_check_tells_a_kind_once_and_breaks_no_path(tmp_path, monkeypatch):
    """Ten colour masks in a deep folder on a narrow terminal: one entry, whole paths; --verbose tells all."""
    folder = tmp_path / ("a folder with a long name " * 3).strip()
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(10):
        pixels = rng.integers(0, 255, (20, 20), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        Image.fromarray(np.dstack([pixels > 99, pixels * 0, pixels * 0]).astype(np.uint8) * 255).save(
            folder / "masks" / f"{number}.png"
        )
    monkeypatch.setenv("COLUMNS", "40")
    result = in_process("check", folder, "--quiet")
    assert result.returncode == 1
    recognised, *lines = result.stdout.splitlines()
    assert recognised == "Recognised as folders: 10 images, all with a mask. Each image is its own group."
    assert lines[0] == "error: colour mask (10 times)" and lines.count(f"    {folder / 'masks' / '4.png'}") == 1
    assert sum("colour image" in line for line in lines) == 1 and "    and 5 more (--verbose tells all)" in lines
    verbose = prismseg("check", folder, "--quiet", "--verbose").stdout.splitlines()
    assert sum("colour image" in line for line in verbose) == 10
    (folder / "legend.csv").write_text("colour,class\nblack,background\nred,nerve\n")
    assert prismseg("check", folder, "--quiet", "--colours", folder / "legend.csv").returncode == 0


def test_convert_and_its_refusals(discs, tmp_path):
    out = tmp_path / "coco"
    done = prismseg("convert", discs, "--to", "coco", "--out", out, "--quiet")
    assert done.returncode == 0 and f"to {out}" in done.stdout
    assert_refused(prismseg("convert", discs, "--to", "coco", "--out", out), "exists already")
    assert_refused(prismseg("convert", discs, "--to", "voc", "--out", tmp_path / "new"), "nnunet, folders, coco")


@pytest.mark.parametrize(
    "words",
    [
        ("check", ""), ("train", "", "--steps", 1), ("evaluate", ""), ("predict", "", "images"), ("predict", "run", ""),
        ("predict", "run", "images", "--out", ""), ("convert", "", "--to", "coco", "--out", "x"),
        ("explain", "run", "--out="), ("thermal", "measure", "--regions", "", ""), ("train", "x", "--from", ""),
        ("study", "run", "kernel", "--data", ""),
    ],
)  # fmt: skip
def test_an_empty_text_is_not_the_folder_one_is_in(tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    result = prismseg(*words)
    assert result.returncode == 2 and "An empty text stands after" in result.stderr and not any(tmp_path.iterdir())


def test_an_empty_path_is_told_in_python_too():
    with pytest.raises(DataError, match="path of the data set is empty"):
        open_dataset("")
    assert "is empty" in check_dataset("")[0].message
