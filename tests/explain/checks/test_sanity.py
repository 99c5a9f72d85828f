"""Layer randomisation: everything is scrambled in the right order, and the question stays the same."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr
from torch import nn

from prismseg.base import ConfigError, ModelError
from prismseg.explain.atlas import Atlas
from prismseg.explain.checks import sanity
from prismseg.explain.checks.sanity import CONTROL, centred_ranks, correlation, randomize_layers
from prismseg.explain.task import CaseBatch
from prismseg.nets import create_model
from tests.explain.conftest import scene


def test_correlation_is_spearmans():
    first, second = torch.rand(3, 8, 9), torch.rand(3, 8, 9).round(decimals=1)
    actual = correlation(centred_ranks(first), centred_ranks(second))
    expected = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
    assert np.isnan(correlation(centred_ranks(torch.ones(1, 4, 4)), centred_ranks(first[:1, :4, :4]))).all()


def test_correlation_by_hand():
    """Ranks 1 2 3 against 3 2 1 and 1 3 2: −1 and 1/2."""
    first = np.array([[-1.0, 0, 1], [-1, 0, 1]])
    second = np.array([[1.0, 0, -1], [-1, 1, 0]])
    assert correlation(first, second).tolist() == [-1, pytest.approx(0.5)]


def batch_of(count=4, size=(32, 32), classes=2, groups="aabb"):
    images, masks = scene(count, size=size, classes=classes)
    return CaseBatch(images, masks, groups)


@pytest.fixture(scope="module")
def trained():
    """A small network that has learned to find bright blocks; normalised."""
    torch.manual_seed(0)
    model = create_model("unet", width=0.5)
    images, masks = scene(4, size=(32, 32))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(15):
        loss = F.binary_cross_entropy_with_logits(model(images)[:, 0], masks.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def test_gradient_maps_forget_and_maps_that_ignore_the_network_do_not(trained):
    state = {name: value.clone() for name, value in trained.state_dict().items()}
    atlas = Atlas(trained, ["encoder.0.first.0", "decoder.3.first.0"], ["layercam", "random"])
    table = randomize_layers(atlas, [batch_of()], points=4, repeats=2)
    assert all(torch.equal(value, state[name]) for name, value in trained.state_dict().items())
    layer_cam = table[table["method"] == "layercam"]
    first, last = layer_cam[layer_cam["step"] == 0], layer_cam[layer_cam["step"] == table["step"].max()]
    np.testing.assert_allclose(first["correlation"], 1)
    assert (first["spread"] == 0).all() and (last["spread"] > 0).all() and (table["repeats"] == 2).all()
    assert last["correlation"].abs().max() < 0.6
    for method in ("random", CONTROL):
        np.testing.assert_allclose(table[table["method"] == method]["correlation"], 1)
    assert (
        table["ci_low"].isna().all()
        and (table["range_low"].dropna() <= table["correlation"].dropna() + 1e-9).all()
    )


def test_how_cases_are_batched_makes_no_difference():
    torch.manual_seed(0)
    model = create_model("unet", width=0.5, norm="group").eval()
    images, masks = scene(4, size=(32, 32))
    atlas = Atlas(model, ["decoder.3.first.0"], ["layercam", "random"])
    halves = [CaseBatch(images[:2], masks[:2], "aa"), CaseBatch(images[2:], masks[2:], "bb")]
    once, twice = (randomize_layers(atlas, some, repeats=1, points=3) for some in ([batch_of()], halves))
    np.testing.assert_allclose(once["correlation"], twice["correlation"], atol=0.02)
    assert once["scrambled"].tolist() == twice["scrambled"].tolist()


class Planted(nn.Module):
    """A layer of ones is added to the logits: its Layer-CAM is the region, whatever the weights."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(1, 4, 3, padding=1)
        self.ones = nn.Identity()
        self.head = nn.Conv2d(4, 2, 1, bias=False)

    def forward(self, x):
        logits = self.head(torch.tanh(self.body(x - x.mean())))
        return logits + self.ones(torch.ones_like(logits) + 0 * logits)


def test_a_map_that_is_the_region_stays_as_it_is():
    """It shows nothing of the network; were the region taken from the scrambled network, it would seem to."""
    torch.manual_seed(0)
    table = randomize_layers(Atlas(Planted(), ["ones"], ["layercam"]), [batch_of()], points=None)
    assert set(table["method"]) == {"layercam", CONTROL} and table["scrambled"].unique().tolist()[1:] == [
        "head",
        "body",
    ]
    np.testing.assert_allclose(table["correlation"], 1, atol=1e-6)


def test_the_control_would_show_a_region_that_moves(monkeypatch):
    torch.manual_seed(0)
    kept = Atlas.maps_and_regions
    monkeypatch.setattr(
        Atlas,
        "maps_and_regions",
        lambda self, images, masks, regions, first_case: kept(self, images, masks, first_case=first_case),
    )
    table = randomize_layers(Atlas(Planted(), ["ones"], ["layercam"]), [batch_of()], points=None)
    last = table[table["step"] == 2]
    assert (last["correlation"] < 0.9).all()


def test_a_class_without_a_region_is_not_compared(trained):
    """Class 1 is predicted nowhere: there is no map of it that could change."""
    model = create_model("unet", classes=3, width=0.25).eval()
    with torch.no_grad():
        model.head.bias.copy_(torch.tensor([1e3, -1e3, 1e3]))
    atlas = Atlas(model, ["encoder.0.second"], ["layercam"])
    table = randomize_layers(atlas, [batch_of()], repeats=1, points=2)
    absent = table[(table["class"] == 1) & (table["method"] == "layercam")]
    assert absent["correlation"].isna().all() and (absent["n"] == 0).all() and (absent["n_undefined"] == 4).all()


def test_maps_that_become_constant_count_as_zero():
    """A ReLU that is dead once its filter is scrambled with another sign."""
    model = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.Conv2d(1, 2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[2].weight.copy_(torch.tensor([-1.0, 1.0]).view(2, 1, 1, 1))
    table = randomize_layers(Atlas(model, ["1"], ["layercam"], classes=[1]), [batch_of()], repeats=8, points=1)
    last = table[(table["step"] == 2) & (table["method"] == "layercam")].iloc[0]
    assert last["n_constant"] > 0 and last["n_constant"] % 4 == 0
    np.testing.assert_allclose(last["correlation"], 1 - last["n_constant"] / 32, atol=1e-6)


def test_shares_and_what_is_not_scrambled():
    class Auxiliary(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.auxiliary, self.stem = nn.Conv2d(3, 2, 1), nn.Conv2d(3, 9, 1), nn.Conv2d(1, 3, 1)

        def forward(self, x):
            return self.head(self.stem(x).relu())

    table = randomize_layers(Atlas(Auxiliary(), ["stem"]), [batch_of()], points=None)
    assert table["scrambled"].unique().tolist() == ["(trained)", "head", "stem"]
    assert table["share"].unique().tolist() == pytest.approx([0, 8 / 50, 14 / 50])
    assert table.attrs["not_scrambled"] == {"auxiliary": "not executed in the forward pass"}


def test_at_points_on_the_way_and_at_the_end():
    torch.manual_seed(0)
    atlas = Atlas(create_model("unet", width=0.25).eval(), ["encoder.0.second"], ["layercam"])
    table = randomize_layers(atlas, [batch_of()], repeats=1, points=3)
    assert table["step"].unique().tolist()[-1] > 30 and table["step"].nunique() == 4
    assert table["share"].iloc[-1] == 1
    with pytest.raises(ConfigError, match="at least 1"):
        randomize_layers(atlas, [batch_of()], repeats=0)


def test_nothing_to_scramble():
    with pytest.raises(ModelError, match="no parameter"):
        randomize_layers(Atlas(nn.Sequential(nn.Identity()), ["0"]), [batch_of()])
    assert sanity.POINTS > 1


def test_a_network_that_cannot_be_copied():
    class Locked(nn.Module):
        def __init__(self):
            super().__init__()
            self.head, self.lock = nn.Conv2d(1, 2, 1), threading.Lock()

        def forward(self, x):
            return self.head(x)

    model = Locked()
    with pytest.raises(ModelError, match="cannot be copied"):
        randomize_layers(Atlas(model, ["head"]), [batch_of()])
