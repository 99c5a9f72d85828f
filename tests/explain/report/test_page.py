"""What a reader is told: the same numbers everywhere, with their method, region, scale and limits."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from prismseg.base import ConfigError, DataError, OutputError
from prismseg.base.figures import FORMATS
from prismseg.cli.main import app
from prismseg.data import open_dataset
from prismseg.explain import ExplainSettings, collect, explain_data, task
from prismseg.explain.report.summary import MEAN_LAYER
from prismseg.train import train
from prismseg.train.runs.assignment import assign_data_cases
from tests.conftest import write_discs
from tests.train.conftest import small_config

TINY = ExplainSettings(layers=("encoder.0", "decoder.3.first", "head"), methods=("layercam",), memory=64)
OPTIONS = ["--layers", "encoder.0,decoder.3.first,head", "--methods", "layercam", "--memory", "64", "--no-sanity"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, discs):
    config = small_config(discs, model={"arch": "unet", "skip": "none", "width": 0.25}, optim={"steps": 10})
    folder = tmp_path_factory.mktemp("run") / "run"
    train(config, folder, show_progress=False)
    return folder


@pytest.fixture(scope="module")
def told(run):
    """An explanation by the command, of eight patients: its folder, and what the terminal said."""
    data, out = write_discs(run.parent / "data", patients=8, images=1, size=(44, 52)), run.parent / "told"
    command = [
        "explain",
        str(run / "model"),
        str(data),
        "--out",
        str(out),
        *OPTIONS,
        "--formats",
        "png,svg",
        "--quiet",
    ]
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return out, result.output


def test_terminal_table_and_page_tell_the_same_numbers(told):
    out, printed = told
    page = (out / "explanation.html").read_text()
    cards = page[page.index('<div class="numbers">') : page.index("How to read this")]
    rows = pd.read_csv(out / "headline.csv").to_dict("records")
    fused, summary = pd.read_csv(out / "fused.csv"), pd.read_csv(out / "summary.csv")
    assert len(rows) == 2
    for row in rows:
        lines = printed.splitlines()
        [place] = [n for n, line in enumerate(lines) if line.strip().startswith(f"{row['class']}  ")]
        line = lines[place]
        for value in (row["rho"], row["lift"], row["lowest"], row["highest"]):
            assert f"{value:.3f}" in line
        assert f"[{row['rho_ci_low']:.3f} – {row['rho_ci_high']:.3f}]" in lines[place + 1]
        assert f"{row['rho_excess']:+.3f}" in line and f"{row['rho_excess']:+.3f}" in cards
        for value in (row["rho"], row["area"], row["lowest"], row["highest"]):
            assert f"{100 * value:.1f} %" in cards
        assert f"lift {row['lift']:.3f} " in cards
        assert f"{row['rho_ci_low']:.1%} – {row['rho_ci_high']:.1%}" in cards
        chosen = fused.query("method == 'layercam' and region == 'prediction' and mode == 'rho'")
        chosen = chosen[chosen["class"] == row["class"]].set_index("measure")
        for name in ("rho", "lift", "rho_excess", "region_share"):
            assert chosen.loc[name, "mean"] == row[name]
        layer = summary.query("region == 'prediction' and layer == @row['highest_layer'] and measure == 'rho'")
        assert row["highest"] == layer[layer["class"] == row["class"]].query("method == 'layercam'")["mean"].item()


def test_every_number_of_the_page_s_tables_is_one_of_the_files(told):
    out, _ = told
    page = re.sub(r"data:image[^\"]*", "", (out / "explanation.html").read_text())
    known = set()
    for name in ("summary", "fused", "headline", "excess"):
        table = pd.read_csv(out / f"{name}.csv").select_dtypes("number")
        known |= {f"{value:.3f}" for value in table.to_numpy().ravel() if np.isfinite(value)}
    body = page[page.index("<h2>Means over layers") :]
    cells = re.findall(r'<td class="number">([\d.-]+) ', body)
    assert len(cells) > 100 and set(cells) <= known


def test_the_headline_does_not_average_layers(told):
    out, _ = told
    summary, rows = pd.read_csv(out / "summary.csv"), pd.read_csv(out / "headline.csv")
    means = summary[summary["layer"] == MEAN_LAYER].query("measure == 'rho' and method == 'layercam'")["mean"]
    assert len(means) and not set(means) & set(rows.select_dtypes("number").to_numpy().ravel())


def test_pictures_name_method_and_region(told):
    """Text of SVG files is that of the PNG files, which are saved from the same figure."""
    out, _ = told
    drawings = sorted((out / "figures").glob("*.svg")) + sorted((out / "maps").glob("*.svg"))
    assert {path.stem for path in drawings} >= {"scale", "weights", "curves-layercam"}
    for path in drawings:
        assert path.with_suffix(".png").stat().st_size > 1000
        if path.stem != "scale":
            text = path.read_text()
            assert "layercam" in text and "prediction" in text, path


@pytest.mark.parametrize("width", [1280, 390])
def test_no_table_is_cut(told, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto((told[0] / "explanation.html").as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    boxes = page.evaluate("[...document.querySelectorAll('.wide')].map(e => [e.scrollWidth, e.clientWidth])")
    page.close()
    assert len(boxes) > 5 and all(inner <= outer for inner, outer in boxes)


def test_circular_measures_and_what_is_left_out_are_said(told):
    text = (told[0] / "explanation.html").read_text()
    assert "Region truth is circular" in text and "as a map it would score rho 1" in text
    assert "<code>head</code>, which act on each pixel by itself" in text
    assert "What these tables leave out" in text


def test_few_groups_have_a_range_and_no_interval(run, tmp_path):
    data = open_dataset(write_discs(tmp_path / "data", patients=3, images=1, size=(44, 52)))
    page = explain_data(
        run / "model", data, out=tmp_path / "x", settings=TINY, check_sanity=False, show_progress=False
    )
    row = pd.read_csv(tmp_path / "x" / "headline.csv").iloc[1]
    assert np.isnan(row["rho_ci_low"]) and row["rho_range_low"] <= row["rho"] <= row["rho_range_high"]
    text = page.read_text()
    assert f"range {row['rho_range_low']:.1%} – {row['rho_range_high']:.1%}" in text
    assert "95 % intervals" not in text.replace("with 95 % intervals.</figcaption>", "")


@pytest.mark.parametrize(
    "options",
    [
        ["--methods", "layercam,gradcan"],
        ["--methods", ","],
        ["--layers", "encoder.9"],
        ["--layers", ""],
        ["--regions", "prediction,foot"],
        ["--formats", "png,gif"],
        ["--formats", ""],
        ["--part", "nothing"],
        ["--against", "nowhere"],
        ["--against", "TOLD"],
    ],
)
def test_a_wrong_option_leaves_nothing_behind(run, told, tmp_path, options):
    out = tmp_path / "x"
    options = [str(told[0]) if option == "TOLD" else option for option in options]
    command = ["explain", str(run), "--out", str(out), "--quiet", *OPTIONS, *options]
    result = CliRunner().invoke(app, command)
    assert result.exit_code != 0 and isinstance(result.exception, ConfigError | DataError), result.output
    assert not out.exists()


def test_a_case_without_mask_or_damaged_leaves_nothing_behind(run, tmp_path):
    folder = write_discs(tmp_path / "data", patients=3, images=1, size=(44, 52))
    last = open_dataset(folder)
    (folder / "p2_0_mask.png").unlink()
    with pytest.raises(DataError, match="p2_0"):
        explain_data(run / "model", open_dataset(folder), out=tmp_path / "x", settings=TINY, show_progress=False)
    (folder / "p2_0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="p2_0"):
        explain_data(run / "model", last, out=tmp_path / "x", settings=TINY, show_progress=False)
    assert not (tmp_path / "x").exists()


def test_a_resume_does_not_mix_other_data(run, told, tmp_path, monkeypatch):
    """A mask that was inverted since the work was cut is noticed, though its file's size is the same."""
    folder = shutil.copytree(told[0].parent / "data", tmp_path / "data")
    out = shutil.copytree(told[0], tmp_path / "x")

    def again(settings=TINY):
        networks, dataset, _ = assign_data_cases(run / "model", open_dataset(folder), part=None, device="cpu")
        collect.start_folder(out, task.ExplainTask(networks, dataset, settings), resume=True)

    again()
    with monkeypatch.context() as patch:
        patch.setattr(collect, "sources_digest", lambda module: "other")
        with pytest.raises(OutputError, match="other code"):
            again()
    with pytest.raises(OutputError, match="other settings"):
        again(ExplainSettings(layers=TINY.layers, methods=("hirescam",), memory=64))
    mask = folder / "p1_0_mask.png"
    pixels = np.asarray(Image.open(mask))
    Image.fromarray(1 - pixels).save(mask)
    with pytest.raises(OutputError, match="other cases"):
        again()
    Image.fromarray(pixels).save(mask)
    again()
    (folder / "p1_0.png").rename(folder / "q1_0.png")
    mask.rename(folder / "q1_0_mask.png")
    with pytest.raises(OutputError, match="other cases"):
        again()


def test_parts_of_other_batches_are_computed_again(run, told, tmp_path, monkeypatch):
    """A part of eight cases, then batches of three: each case is once in the tables, and the numbers are the same."""
    out = shutil.copytree(told[0], tmp_path / "x")
    before = pd.read_csv(out / "measures.csv")
    monkeypatch.setattr(task, "LARGEST_BATCH", 3)
    explain_data(
        run / "model", open_dataset(told[0].parent / "data"), out=out, settings=TINY, resume=True,
        check_sanity=False, show_progress=False,
    )  # fmt: skip
    after = pd.read_csv(out / "measures.csv")
    keys = ["region", "case", "method", "layer", "class"]
    assert not after.duplicated(keys).any() and len(after) == len(before)
    both = before.merge(after, on=keys, suffixes=("", "_after"))
    known = both["method"] != "random"  # noise is a function of the case's place in its batch
    np.testing.assert_allclose(both[known]["rho"], both[known]["rho_after"], rtol=1e-3, atol=1e-4)


def test_files_of_an_earlier_explanation_go(run, told, tmp_path):
    out = shutil.copytree(told[0], tmp_path / "x")
    (out / "comparison.csv").write_text("of an earlier comparison")
    (out / "maps" / "old-case.png").write_bytes(b"")
    explain_data(
        run / "model", open_dataset(told[0].parent / "data"), out=out, settings=TINY, resume=True,
        check_sanity=False, formats=("pdf",), show_progress=False,
    )  # fmt: skip
    assert not (out / "comparison.csv").exists()
    for folder in ("maps", "figures"):
        assert {path.suffix for path in (out / folder).iterdir()} == {".pdf"}
    assert FORMATS == ("png", "svg", "pdf")
