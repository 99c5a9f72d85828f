"""One registration adds a method, a measure or a region everywhere: settings, atlas, command line, files and page."""

import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from prismseg.base import ConfigError
from prismseg.cli.main import app
from prismseg.explain import (
    MEASURES,
    METHODS,
    REGIONS,
    ActivationMethod,
    Atlas,
    ExplainSettings,
    Measure,
    Region,
    list_methods,
)
from prismseg.explain.measures.relevance import divide
from prismseg.train import train
from tests.explain.conftest import IMAGE, MASK
from tests.train.conftest import small_config


def energy(activation, context):
    """Sum of the squared activations over the channels."""
    return activation.square().sum(1)


ENERGY = ActivationMethod(title="Activation energy", formula=r"\sum_d A_d^2", citation="this test", maps=energy)


@pytest.fixture
def added():
    """A method, a measure and a region that are there for one test."""
    outside = Measure(compute=lambda sums: 1 - divide(sums.inside, sums.total), label="share elsewhere")
    upper = Region(title="upper half", pixels=upper_half)
    with (
        METHODS.temporarily("energy", ENERGY, summary="Energy of the activations."),
        MEASURES.temporarily("outside", outside),
        REGIONS.temporarily("upper", upper, summary="The upper half of the image."),
    ):
        yield


def upper_half(logits, masks, classes):
    pixels = torch.zeros(len(logits), len(classes), *logits.shape[2:], dtype=torch.bool)
    pixels[:, :, : logits.shape[2] // 2] = True
    return pixels


def test_a_method_in_an_atlas(small, added):
    """A1 = I and A2 = 5 - I: 1 + 16, 4 + 9, 9 + 4, 16 + 1, the same for both classes."""
    atlas = Atlas(small, ["first"], ["hirescam", "energy"], region="truth")
    maps = atlas.maps(IMAGE, MASK)
    assert list(maps) == [(method, "first", cls) for method in ("hirescam", "energy") for cls in (0, 1)]
    for cls in (0, 1):
        torch.testing.assert_close(maps["energy", "first", cls], torch.tensor([[[17.0, 13.0], [13.0, 17.0]]]))
    atlas.update(IMAGE, MASK)
    row = atlas.cases().query("method == 'energy' and `class` == '1'").iloc[0]
    assert row["rho"] == pytest.approx(0.5) and row["outside"] == pytest.approx(0.5)


def test_a_region_in_an_atlas(small, added):
    """HiResCAM of class 1 over the upper row is that of the true mask, which is the upper row."""
    over_upper = Atlas(small, ["first"], ["hirescam"], "upper", classes=[1])
    over_truth = Atlas(small, ["first"], ["hirescam"], "truth", classes=[1])
    key = ("hirescam", "first", 1)
    torch.testing.assert_close(over_upper.maps(IMAGE)[key], over_truth.maps(IMAGE, MASK)[key])
    assert over_upper.regions(IMAGE).tolist() == [[[[1, 1], [0, 0]]]]


def test_what_is_registered_is_listed(added):
    row = list_methods().set_index("method").loc["energy"]
    assert row["title"] == "Activation energy" and row["needs"] == "activations"
    assert row["summary"] == "Energy of the activations."
    shown = CliRunner().invoke(app, ["explain", "--help"], env={"COLUMNS": "200"}).output
    assert "energy" in shown and "upper" in shown
    assert ExplainSettings(methods=("energy",), regions=("upper",)).shown == "energy, region upper"


def test_what_is_not_registered_is_refused(small):
    for make in (lambda: ExplainSettings(methods=("energy",)), lambda: Atlas(small, methods=["energy"])):
        with pytest.raises(ConfigError, match="no map method 'energy'; choose one of gradcam"):
            make()
    for make in (lambda: ExplainSettings(regions=("upper",)), lambda: Atlas(small, region="upper")):
        with pytest.raises(ConfigError, match="no region 'upper'; choose one of prediction, truth, image"):
            make()
    assert "energy" not in set(list_methods()["method"])


def test_the_command_writes_what_was_added(added, discs, tmp_path):
    config = small_config(discs, model={"arch": "unet", "skip": "none", "width": 0.25}, optim={"steps": 2})
    train(config, tmp_path / "run", show_progress=False)
    options = ["--methods", "energy", "--regions", "upper,prediction", "--layers", "encoder.0,decoder.3.first"]
    result = CliRunner().invoke(app, ["explain", str(tmp_path / "run"), *options, "--no-sanity", "--quiet"])
    assert result.exit_code == 0, result.output
    out = tmp_path / "run" / "explanation"
    measures = pd.read_csv(out / "measures.csv")
    assert set(measures["method"]) == {"energy", "random", "region"}
    assert set(measures["region"]) == {
        "upper",
        "prediction",
    }
    layers = measures[measures["layer"] != "(fused)"]
    assert (layers["outside"] + layers["rho"]).to_numpy() == pytest.approx(1, abs=1e-6)
    page = (out / "explanation.html").read_text()
    assert "share elsewhere" in page and "score over the upper half" in page
    assert (out / "figures" / "curves-energy.png").stat().st_size > 1000
