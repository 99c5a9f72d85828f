import itertools

import numpy as np
import pytest
import torch

from prismseg.base import ConfigError
from prismseg.explain import Atlas
from prismseg.explain.faithfulness import measure
from prismseg.explain.faithfulness.measure import (
    FaithfulnessSettings,
    measure_faithfulness,
    summarize_faithfulness,
)
from prismseg.explain.task import CaseBatch
from tests.explain.faithfulness.conftest import SIDE

QUICK = FaithfulnessSettings(fills=("black",), shares=(0.05, 0.1, 0.2, 0.4, 0.7), score="logit", squares=20)


def measured(planted, maps, settings=QUICK):
    """Faithfulness of given maps (H, W) by name, means over cases of the class 1."""
    model, images, masks, _ = planted
    atlas = Atlas(model, ["whole"], ["random"], region="truth")
    batch = CaseBatch(images, masks, groups=("a", "b"), ids=("a", "b"))

    def choose(made, batch):
        return {(name, "(image)", 1): values.expand(2, -1, -1) for name, values in maps.items()}

    table = measure_faithfulness(atlas, [batch], settings, choose=choose)
    return table.groupby("method", sort=False)[["deletion", "insertion", "gap", "infidelity"]].mean()


@pytest.fixture(scope="module")
def planted(planted):
    # A layer of a single cell is no map; the atlas only needs one that is.
    model, *rest = planted

    class WithLayer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.whole = torch.nn.Conv2d(1, 1, 1, bias=False)
            self.rest = model
            with torch.no_grad():
                self.whole.weight.fill_(1)

        def forward(self, x):
            return self.rest(self.whole(x))

    return WithLayer(), *rest


@pytest.mark.parametrize("fill", ["black", "mean", "blur", "inpaint"])
def test_maps_of_known_worth_are_ranked_as_they_are(planted, fill):
    """From the true contributions to their opposite."""
    model, images, masks, weights = planted
    images = images.clone()
    images[:, :, 7:10, 7:11] += 2 * torch.rand(2, 1, 3, 4, generator=torch.Generator().manual_seed(5))
    images[:, :, 2:6, 1:5] += 2 * torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(6))
    true = (weights * images.mean((0, 1)))[None]
    noise = torch.rand(true.shape, generator=torch.Generator().manual_seed(7)) * true.max()
    maps = {f"{part:.2f} true": part * true + (1 - part) * noise for part in (1.0, 0.8, 0.5)}
    maps |= {"random": noise, "opposite": -true}
    settings = FaithfulnessSettings((fill,), QUICK.shares, "logit", squares=20)
    table = measured((model, images, masks, weights), maps, settings)
    names = list(maps)
    for better, worse in itertools.pairwise(names):
        assert table.loc[better, "gap"] > table.loc[worse, "gap"], (fill, better, worse)
    assert table.loc["1.00 true", "deletion"] < table.loc["random", "deletion"]
    assert table.loc["1.00 true", "insertion"] > table.loc["random", "insertion"]


def test_a_cue_elsewhere_is_told_from_the_region(planted):
    """The network decides by the cue: a map of it is more faithful than the region itself, and that than noise."""
    _, _, masks, _ = planted
    cue, region = torch.zeros(1, SIDE, SIDE), (masks[:1] == 1).float()
    cue[0, 7:10, 7:11] = 1
    noise = torch.rand(1, SIDE, SIDE, generator=torch.Generator().manual_seed(8))
    table = measured(planted, {"cue": cue, "region": region, "random": noise})
    assert table["gap"].sort_values(ascending=False).index.tolist() == ["cue", "region", "random"]
    assert table.loc["cue", "infidelity"] < 0.1 < table.loc["region", "infidelity"]


def test_nulls_and_excess(planted):
    model, images, masks, _ = planted
    atlas = Atlas(
        model, ["whole"], ["hirescam", "random", "region"], region="truth", class_names=["rest", "object"]
    )
    batches = [CaseBatch(images[n : n + 1], masks[n : n + 1], groups=(f"g{n}",), ids=(f"c{n}",)) for n in (0, 1)]
    seen = []
    cases = measure_faithfulness(atlas, batches, QUICK, advance=seen.append)
    assert seen == [1, 2] and len(cases) == 2 * 3 * 2
    # The layer is the image, so gradient times activation is each pixel's contribution: the best order there is.
    summary = summarize_faithfulness(cases).query("`class` == 'object' and measure == 'gap'")
    best = summary.query("method == 'hirescam'").set_index("null")["mean"]
    for null in ("random", "region"):
        worth = summary.query(f"method == '{null}'")["mean"].item()
        assert best[null] == pytest.approx(best[""] - worth) and best[null] > 0
    excess = summarize_faithfulness(cases).query(
        "measure == 'deletion' and null == 'region' and `class` == 'object'"
    )
    assert excess["mean"].item() > 0  # less is left of the score, which is better


def test_a_class_without_a_region_has_no_faithfulness(planted):
    model, images, masks, _ = planted
    empty = masks.clone()
    empty[1] = 0
    atlas = Atlas(model, ["whole"], ["random", "region"], region="truth", classes=[1])
    cases = measure_faithfulness(atlas, [CaseBatch(images, empty, groups="ab", ids="ab")], QUICK)
    assert cases.groupby("case")["gap"].apply(lambda gap: gap.isna().all()).to_dict() == {"a": False, "b": True}
    summary = summarize_faithfulness(cases)
    assert set(summary["n"]) == {1} and np.isfinite(summary["mean"]).all()


def test_no_pixels_are_hidden_for_a_class_without_a_region(planted, monkeypatch):
    """Of its score there is nothing to watch, in any case of the batch; other classes have the same numbers."""
    model, images, masks, _ = planted
    hidden = []
    scores = measure.PixelHiding.scores
    monkeypatch.setattr(measure.PixelHiding, "scores", lambda self, maps: hidden.append(1) or scores(self, maps))
    atlas = Atlas(model, ["whole"], ["hirescam", "region"], region="truth")
    full = torch.ones_like(masks)
    cases = measure_faithfulness(atlas, [CaseBatch(images, full, groups="ab", ids="ab")], QUICK)
    assert len(hidden) == 2  # two maps of class 1, none of class 0
    assert cases[cases["class"] == "0"][["deletion", "insertion", "gap", "infidelity"]].isna().all(axis=None)
    assert cases[cases["class"] == "1"]["gap"].notna().all() and len(cases) == 2 * 2 * 2


def test_settings_that_do_not_exist():
    with pytest.raises(ConfigError, match="no fill of hidden pixels 'white'"):
        FaithfulnessSettings(fills=("white",))
    with pytest.raises(ConfigError, match="probability, logit"):
        FaithfulnessSettings(score="loss")
    with pytest.raises(ConfigError, match="at least 2 squares"):
        FaithfulnessSettings(squares=1)
