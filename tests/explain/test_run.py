"""`prismseg explain` from end to end on small trained networks."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from prismseg.base import DataError, OutputError, PrismsegError
from prismseg.cli.main import app
from prismseg.data import open_dataset
from prismseg.evaluation import holm, paired_comparison
from prismseg.explain import Atlas, ExplainSettings, explain_data, explain_run, task
from prismseg.explain.fusion import FUSED
from prismseg.explain.report.compare import compare_cases, read_cases
from prismseg.train import evaluate_run, train
from prismseg.train.runs.assignment import assign_run_cases
from tests.conftest import write_discs
from tests.train.conftest import small_config

FEW = ExplainSettings(layers=("encoder.0", "skips.*", "head"), memory=64)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, discs):
    """Two trained runs of the same split: with CRFFg on the skips and without."""
    root = tmp_path_factory.mktemp("runs")
    for name, skip in (("crffg", "crffg"), ("plain", "none")):
        config = small_config(discs, model={"arch": "unet", "skip": skip, "width": 0.25}, optim={"steps": 40})
        train(config, root / name, show_progress=False)
    return root


@pytest.fixture(scope="module")
def explained(runs):
    explain_run(runs / "plain", settings=FEW, show_progress=False)
    return explain_run(
        runs / "crffg", settings=FEW, against=runs / "plain" / "explanation", show_progress=False
    ).parent


def test_the_page_is_one_file_with_everything_in_it(explained):
    page = (explained / "explanation.html").read_text()
    assert len(page) < 15e6
    assert not re.search(r'(src|href)="(?!data:)', page)
    for text in (
        "Where the evidence lies",
        "encoder.0",
        "skips.3",
        "(fused)",
        "Layer randomisation",
        "Difference to",
    ):
        assert text in page
    assert page.count("data:image") > 10
    assert "nan" not in re.sub(r"data:image[^\"]*", "", page).lower().split()


def test_tables_agree_with_each_other(explained):
    cases, summary = read_cases(explained), pd.read_csv(explained / "summary.csv")
    rows = cases.query("region == 'prediction' and method == 'layercam' and layer == 'skips.0' and not absent")
    same = "region == 'prediction' and method == 'layercam' and layer == 'skips.0' and measure == 'rho'"
    for cls, part in rows.groupby("class"):
        row = summary.query(same)
        row = row[row["class"] == cls]
        assert row["mean"].item() == pytest.approx(part["rho"].mean())
        assert row["n"].item() == len(part)
    assert set(summary["method"]) == {"layercam", "gradcam", "random", "region"}
    null = summary.query("method == 'random' and measure == 'lift' and layer == '(mean)'")
    assert null["mean"].between(0.7, 1.4).all()
    fused = pd.read_csv(explained / "fused.csv")
    assert set(fused["mode"]) == {"rho", "thesis"}
    mine = fused.query("region == 'truth' and method == 'gradcam' and mode == 'rho' and measure == 'rho'")
    for row in mine.to_dict("records"):
        part = cases[(cases["layer"] == FUSED) & (cases["region"] == "truth") & (cases["method"] == "gradcam")]
        part = part[(part["class"] == row["class"]) & ~part["absent"]]
        assert row["mean"] == pytest.approx(part["rho"].mean())


def test_weights_leave_out_pointwise_layers_of_layer_cam(explained):
    reach = pd.read_csv(explained / "layers.csv").set_index("layer")["reach"]
    assert reach["head"] == 0 and reach["encoder.0"] > 5
    weights = pd.read_csv(explained / "weights.csv")
    head = weights[weights["layer"] == "head"].set_index(["method", "mode"])["weight"]
    assert (head["layercam", "rho"] == 0).all()
    assert (head["gradcam", "rho"] > 0).all() and (head["layercam", "thesis"] > 0).all()
    sums = weights.groupby(["region", "method", "mode", "class"])["weight"].sum()
    np.testing.assert_allclose(sums, 1)


def test_sheets_of_maps(explained):
    sheets = list((explained / "maps").glob("*.png"))
    assert len(sheets) >= 2
    assert all(sheet.stat().st_size > 5000 for sheet in sheets)


def test_comparison_is_paired_by_case(explained, runs):
    table = pd.read_csv(explained / "comparison.csv")
    ours, theirs = read_cases(explained), read_cases(runs / "plain" / "explanation")
    assert set(table["layer"]) == {
        "(mean)",
        FUSED,
        "encoder.0",
        "head",
        "skips.0",
        "skips.1",
        "skips.2",
        "skips.3",
    }
    name = ours["class"].iloc[-1]
    select = f"region == 'truth' and method == 'gradcam' and layer == 'encoder.0' and `class` == {name!r}"
    row = table.query(f"{select} and measure == 'rho'")
    assert len(row) == 1
    pair = ours.query(select).merge(theirs.query(select), on="case", suffixes=("", "_b"))
    expected = paired_comparison(pair["rho"], pair["rho_b"], pair["group"])
    assert row["difference"].item() == pytest.approx(expected["difference"])
    assert row["p_value"].item() == pytest.approx(expected["p_value"], nan_ok=True)
    single = table.query("region == 'truth' and ~layer.str.startswith('(')", engine="python")
    np.testing.assert_allclose(single["p_holm"], holm(single["p_value"]))


def test_comparison_of_other_cases(explained):
    ours = read_cases(explained)
    with pytest.raises(DataError, match="other cases"):
        compare_cases(ours, ours[ours["case"] != ours["case"].iloc[0]])
    with pytest.raises(DataError, match="share no method"):
        compare_cases(ours, ours.assign(method="hirescam"))
    with pytest.raises(DataError, match="run `prismseg explain`"):
        read_cases(explained / "nowhere")


def test_a_cut_run_goes_on_where_it_was(explained, runs, tmp_path, monkeypatch):
    """The second half of the work is lost to an interrupt; the first is not computed again, and the tables agree."""
    count = 0
    original = Atlas.update

    def counted(*arguments, **keywords):
        nonlocal count
        if count == 2:
            raise KeyboardInterrupt
        count += 1
        return original(*arguments, **keywords)

    monkeypatch.setattr(task, "LARGEST_BATCH", 2)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Atlas, "update", counted)
        explain_run(runs / "crffg", out=tmp_path / "x", settings=FEW, show_progress=False)
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "x" / "parts").iterdir()}
    assert len(kept) == 2
    explain_run(runs / "crffg", out=tmp_path / "x", settings=FEW, resume=True, show_progress=False)
    assert kept.items() <= {p.name: p.stat().st_mtime_ns for p in (tmp_path / "x" / "parts").iterdir()}.items()
    first, second = pd.read_csv(tmp_path / "x" / "summary.csv"), pd.read_csv(explained / "summary.csv")
    known = first["method"] != "random"  # noise is a function of the case's place in its batch
    np.testing.assert_allclose(first[known]["mean"], second[known]["mean"], rtol=2e-3, atol=1e-4)


def test_the_evaluation_leads_to_the_explanation(explained, runs):
    evaluated = evaluate_run(runs / "crffg", show_progress=False)
    assert 'href="../explanation/explanation.html"' in evaluated.read_text()
    assert (
        "explanation.html"
        not in evaluate_run(runs / "crffg", out=runs / "elsewhere", show_progress=False).read_text()
    )


def test_two_explanations_do_not_mix(explained, runs):
    with pytest.raises(OutputError, match="holds an explanation already"):
        explain_run(runs / "crffg", settings=FEW, show_progress=False)
    other = ExplainSettings(layers=("head",))
    with pytest.raises(OutputError, match="other settings"):
        explain_run(runs / "crffg", settings=other, resume=True, show_progress=False)
    with pytest.raises(OutputError, match="other networks"):
        explain_run(runs / "plain", out=explained, settings=FEW, resume=True, show_progress=False)


def test_a_network_on_other_data(runs, tmp_path):
    data = open_dataset(write_discs(tmp_path / "data", patients=1, images=2))
    page = explain_data(
        runs / "crffg",
        data,  # pictures that the network has seen
        part="all",
        out=tmp_path / "out",
        settings=ExplainSettings(layers=("head",), methods=("gradcam",), regions=("truth",)),
        check_sanity=False,
        show_progress=False,
    )
    text = page.read_text()
    assert "only one group" in text and "Layer randomisation" not in text
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert summary["ci_low"].isna().all()


def test_masks_are_needed(runs, tmp_path):
    folder = write_discs(tmp_path / "data", patients=2, images=1)
    (folder / "p1_0_mask.png").unlink()
    with pytest.raises(DataError, match=r"p1_0\.png has no mask"):
        explain_data(
            runs / "crffg",
            open_dataset(folder),
            part="all",
            out=tmp_path / "out",
            settings=FEW,
            show_progress=False,
        )


def test_command_line(runs, tmp_path):
    out = tmp_path / "explained"
    options = ["--layers", "head,skips.*", "--methods", "hirescam", "--regions", "truth", "--perturb", "--quiet"]
    options += ["--faithfulness", "mean"]
    result = CliRunner().invoke(app, ["explain", str(runs / "crffg"), "--out", str(out), *options])
    assert result.exit_code == 0, result.output
    assert "Where the relevance lies" in result.output and "explanation.html" in result.output
    measures = pd.read_csv(out / "measures.csv")
    assert {"drop", "increase", "gain", "rho", "lift", "cam_dice", "border_lift"} <= set(measures)
    page = (out / "explanation.html").read_text()
    null = page[page.index("The nulls themselves") : page.index("<h2>Fused maps")]
    faithful = pd.read_csv(out / "faithfulness.csv")
    assert set(faithful["method"]) == {"hirescam", "random", "region"} and set(faithful["fill"]) == {"mean"}
    assert set(faithful.loc[faithful["method"] == "hirescam", "null"].fillna("")) == {"", "random", "region"}
    assert "Does the network use what the maps light?" in page
    assert "average drop" in null and "average gain" in null
    again = CliRunner().invoke(app, ["explain", str(runs / "crffg"), "--out", str(out), *options, "--resume"])
    assert again.exit_code == 0


def test_runs_are_compared(explained, runs, tmp_path):
    paths = [str(runs / "crffg"), str(runs / "plain")]
    result = CliRunner().invoke(
        app, ["explain", "--compare", *paths, "--out", str(tmp_path / "compared"), "--quiet"]
    )
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "compared" / "differences.csv")
    alone = pd.read_csv(explained / "comparison.csv")  # the same pair, with --against
    np.testing.assert_allclose(table["difference"], alone["difference"])
    result = CliRunner().invoke(app, ["explain", *paths, paths[0]])
    assert "add --compare" in str(result.exception)


@pytest.mark.parametrize(
    "options, message",
    [
        (["--layers", "encoder.9"], "no layer 'encoder.9'. Did you mean encoder"),
        (["--methods", "gradcan"], "no map method 'gradcan'"),
        (["--regions", "foot"], "no region 'foot'"),
        (["--part", "nothing"], "nothing"),
    ],
)
def test_command_line_errors(runs, tmp_path, options, message):
    result = CliRunner().invoke(
        app, ["explain", str(runs / "crffg"), "--out", str(tmp_path / "x"), "--quiet", *options]
    )
    assert isinstance(result.exception, PrismsegError | KeyError), result.output
    assert message in str(result.exception)


def test_a_damaged_part_is_named(explained, runs, tmp_path):
    shutil.copytree(explained, tmp_path / "copy")
    part = next((tmp_path / "copy" / "parts").iterdir())
    part.write_bytes(b"not a zip file")
    with pytest.raises(DataError, match=re.escape(part.name)):
        explain_run(runs / "crffg", out=tmp_path / "copy", settings=FEW, resume=True, show_progress=False)


def test_memory_decides_the_batch(runs):
    [network], dataset = assign_run_cases(runs / "crffg")
    small, large = (
        task.ExplainTask([network], dataset, ExplainSettings(memory=memory)) for memory in (0.01, 4000)
    )
    assert [len(batch) for batch in small.batches(network)] == [1] * len(network.cases)
    assert [list(batch) for batch in large.batches(network)] == [list(network.cases)]


def test_nothing_random_is_left_behind(runs, tmp_path):
    state = torch.get_rng_state()
    explain_run(runs / "plain", out=tmp_path / "x", settings=FEW, show_progress=False)
    assert torch.equal(state, torch.get_rng_state())
