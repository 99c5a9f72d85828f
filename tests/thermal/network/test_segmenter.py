"""Whole sessions from files: what is measured is what is true, and what cannot be measured says why."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from prismseg.base import ConfigError, ModelError, OutputError
from prismseg.cli.main import app
from prismseg.thermal import Frame, Session, draw_curves, read_frame, sort_naturally, write_session
from prismseg.thermal.network.segmenter import (
    foot_probability,
    mask_segmenter,
    measure_files,
    open_segmenter,
    predict_with_brightened,
)
from prismseg.thermal.phantom import write_sessions


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_sessions(tmp_path_factory.mktemp("study") / "feet", sessions=2, domains=["spline"], seed=3)


@pytest.fixture
def session_files(study):
    return sort_naturally(sorted((study / "images").glob("S01_*.tiff")))


def measured(study, files, **options):
    return measure_files(files, read_frame, mask_segmenter(study / "masks"), Session(), **options)


def test_curves_are_the_true_ones(study, session_files):
    session = measured(study, session_files)
    assert len(session.measured) == 6
    truth = pd.read_csv(study / "dataset.csv").query("group == 'S01'").set_index("minute")
    table = session.table().query("region == 'whole sole'").set_index(["minute", "side"])
    for minute in truth.index:
        for side in ("left", "right"):
            row, true = table.loc[(minute, side)], truth.loc[minute, f"{side}_celsius"]
            assert row["mean"] == pytest.approx(true, abs=0.25)  # optics blur the edge
            assert row["delta"] == pytest.approx(true - truth.loc[0, f"{side}_celsius"], abs=0.2)


def test_a_file_that_cannot_be_read_keeps_its_place(study, session_files, tmp_path):
    files = [shutil.copy(path, tmp_path) for path in session_files]
    broken, constant = tmp_path / "S01_t05min.tiff", tmp_path / "S01_t10min.tiff"
    broken.write_bytes(broken.read_bytes()[:500])
    (tmp_path / "S01_t15min.tiff").unlink()
    Image.fromarray(np.full((240, 320), 3, np.uint8)).save(tmp_path / "S01_t15min.png")
    import tifffile

    tifffile.imwrite(constant, np.full((240, 320), 25, np.float32))
    paths = sort_naturally(sorted(tmp_path.iterdir()))
    session = measured(study, paths)
    status = {entry.minute: entry.status for entry in session.entries}
    assert status[0] == status[1] == status[20] == "measured"
    assert status[5] == "unreadable frame" and "S01_t05min" in session.entries[2].reason
    assert status[10] == "unreadable frame" and "shutter" in session.entries[3].reason
    assert status[15] == "unreadable frame" and "low and high" in session.entries[4].reason
    table = session.table()
    bad = table[table.minute.isin([5, 10, 15])]
    assert bad[["mean", "delta", "rate", "sd", "median"]].isna().all(axis=None) and (bad.pixels == 0).all()
    assert len(files) == 6


def test_a_missing_mask_is_that_frame_s_fault_alone(study, session_files, tmp_path):
    for path in (study / "masks").glob("S01_*.png"):
        shutil.copy(path, tmp_path)
    (tmp_path / "S01_t01min.png").unlink()
    session = measure_files(session_files, read_frame, mask_segmenter(tmp_path), Session())
    assert [entry.ok for entry in session.entries] == [True, False, True, True, True, True]
    with pytest.raises(ConfigError, match="no folder of masks"):
        mask_segmenter(tmp_path / "nowhere")


def test_what_is_written_can_be_read_again(study, session_files, tmp_path):
    session = measured(study, session_files)
    path = write_session(session, tmp_path / "out", facts={"network": "none"})
    table = pd.read_csv(path)
    table["reason"] = table["reason"].astype(object).fillna("")
    pd.testing.assert_frame_equal(
        table, session.table(), check_dtype=False, check_exact=False, rtol=1e-9, atol=1e-9
    )
    facts = json.loads((tmp_path / "out" / "session.json").read_text())
    assert facts["network"] == "none" and "not diagnoses" in facts["use"]
    assert {flag["name"] for flag in facts["flags"]} == {flag.name for flag in session.flags()}
    pictures = sorted((tmp_path / "out" / "pictures").iterdir())
    assert len(pictures) == 6 and np.asarray(Image.open(pictures[0])).std() > 20
    assert (tmp_path / "out" / "curves.png").stat().st_size > 10_000
    with pytest.raises(OutputError, match="among the frames"):
        write_session(session, session_files[0].parent)


def test_no_curve_is_drawn_without_a_baseline(study, session_files, tmp_path):
    session = measured(study, session_files[2:], minutes=[5, 10, 15, 20])
    assert session.baseline is None and session.table().delta.isna().all()
    with pytest.raises(ConfigError, match="t0"):
        draw_curves(session)
    write_session(session, tmp_path / "out")
    assert not (tmp_path / "out" / "curves.png").exists()


class Stub:
    """A network that calls every pixel above 25 °C foot."""

    def __call__(self, picture):
        assert np.isfinite(picture).all()
        foot = (picture > 25).astype(np.float32)
        return type("Prediction", (), {"probabilities": np.stack([1 - foot, foot])})()


def test_pixels_without_a_temperature_are_cold_to_the_network():
    celsius = np.full((20, 20), 22, np.float32)
    celsius[5:15, 5:15] = 30
    celsius[0, 0] = np.nan
    probability = foot_probability(Stub(), Frame(celsius))
    assert probability[0, 0] == 0 and probability[10, 10] == 1 and probability.sum() == 100


def test_the_second_look_is_at_the_same_frame_with_its_cold_parts_brightened():
    celsius = np.full((20, 20), 20, np.float32)
    celsius[5:15, 5:15] = 30
    celsius[0:5, 5:15] = 23  # 0.3 of the span; its root 0.55 lies above the middle
    first, second = predict_with_brightened(Stub(), Frame(celsius))
    assert first.sum() == 100 and second.sum() == 150


def test_unknown_networks_are_named(tmp_path):
    with pytest.raises(ModelError, match="none with a network in it"):
        open_segmenter(str(tmp_path / "none"), None)


def test_the_command(study, tmp_path):
    for path in (study / "images").glob("S02_*.tiff"):
        shutil.copy(path, tmp_path)
    result = CliRunner().invoke(
        app,
        [
            "thermal",
            "measure",
            str(tmp_path),
            "--masks",
            str(study / "masks"),
            "--out",
            str(tmp_path / "o"),
            "--quiet",
        ],
    )
    assert result.exit_code == 0, result.output
    assert "6 of 6 frames measured" in result.output and "not diagnoses" in result.output
    assert json.loads((tmp_path / "o" / "session.json").read_text())["masks"] == "masks"


def test_the_command_says_when_nothing_could_be_measured(study, tmp_path):
    shutil.copy(study / "images" / "S02_t00min.tiff", tmp_path / "a.tiff")
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(np.zeros((240, 320), np.uint8)).save(masks / "a.png")
    result = CliRunner().invoke(app, ["thermal", "measure", str(tmp_path), "--masks", str(masks), "--quiet"])
    assert result.exit_code == 1 and "No foot is in the mask" in " ".join(result.output.split())


def test_the_command_refuses_what_it_does_not_understand(study):
    files = [str(path) for path in sorted((study / "images").glob("S02_*.tiff"))]
    for extra, error in (
        (["--minutes", "0,a"], ConfigError),
        (["--view", "upside"], ConfigError),
        (["--minutes", "0,1"], ConfigError),
    ):
        result = CliRunner().invoke(app, ["thermal", "measure", *files, "--masks", str(study / "masks"), *extra])
        assert isinstance(result.exception, error), result.output
