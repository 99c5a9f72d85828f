import numpy as np
import pytest
import torch
from torch import nn

from prismseg.base import ConfigError, DataError
from prismseg.explain import Atlas
from prismseg.explain.faithfulness.stability import max_sensitivity, repeatability, summarize_repeatability
from prismseg.explain.task import CaseBatch
from prismseg.nets import create_model
from tests.explain.conftest import scene


class Linear(nn.Module):
    """Logit 1 is a positive multiple of each pixel, so gradient times input is that."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 2, 1, bias=False)
        with torch.no_grad():
            self.first.weight.fill_(1)
            self.head.weight.copy_(torch.tensor([-1.0, 2.0]).reshape(2, 1, 1, 1))

    def forward(self, x):
        return self.head(self.first(x))


def test_max_sensitivity_of_a_linear_network_is_that_of_the_noise():
    images = 1 + torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    batch = CaseBatch(images, torch.ones(2, 6, 6, dtype=torch.long), groups="ab", ids="ab")
    atlas = Atlas(Linear(), ["first"], ["gradxinput", "region", "rise"], classes=[1])
    table = max_sensitivity(atlas, [batch], radius=0.1, samples=5, seed=3, skip_slow=True)
    generator = torch.Generator().manual_seed(3)
    size = 0.1 * images.flatten(1).std(1)[:, None, None, None]
    moved = [size * (2 * torch.rand(2, 1, 6, 6, generator=generator) - 1) for _ in range(5)]
    expected = torch.stack([m.flatten(1).norm(dim=1) / images.flatten(1).norm(dim=1) for m in moved]).amax(0)
    rows = table.set_index(["method", "case"])["max_sensitivity"]
    np.testing.assert_allclose(rows["gradxinput"], expected, rtol=1e-4)
    assert (rows["region"] == 0).all()  # the control: a map that does not move
    assert "rise" not in rows.index


def test_captum_agrees_on_max_sensitivity():
    metrics = pytest.importorskip("captum.metrics")
    images = 1 + torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    noise = 0.1 * (torch.rand(1, 1, 6, 6, generator=torch.Generator().manual_seed(1)) - 0.5)
    atlas = Atlas(Linear(), ["first"], ["gradxinput"], classes=[1], region="image")

    def explain(x):
        x = x[0] if isinstance(x, tuple) else x
        return atlas.maps(x)["gradxinput", "first", 1][:, None]

    def perturb(x):
        return (x[0] if isinstance(x, tuple) else x) + noise

    theirs = metrics.sensitivity_max(explain, images, perturb_func=perturb, n_perturb_samples=1)
    start, moved = explain(images), explain(images + noise)
    ours = (moved - start).flatten(1).norm(dim=1) / start.flatten(1).norm(dim=1)
    torch.testing.assert_close(ours, theirs.to(ours), rtol=1e-4, atol=1e-6)


def test_noise_needs_a_size():
    atlas = Atlas(Linear(), ["first"], ["gradxinput"])
    with pytest.raises(ConfigError, match="radius above 0"):
        max_sensitivity(atlas, [], radius=0)


@pytest.fixture(scope="module")
def batch():
    images, masks = scene(2, size=(32, 32))
    return CaseBatch(images, masks, groups="ab", ids="ab")


def test_other_seeds_change_what_is_random_and_nothing_else(batch):
    model = create_model("unet", "none", width=0.25, seed=0).eval()
    atlases = {
        str(seed): Atlas(model, ["encoder.0", "encoder.1"], ["layercam", "random", "gradxinput"], seed=seed)
        for seed in range(3)
    }
    table = repeatability(atlases, batch)
    assert len(table[["first", "second"]].drop_duplicates()) == 3
    summary = summarize_repeatability(table).set_index(["method", "class"])["correlation"]
    np.testing.assert_allclose(summary["layercam"].dropna(), 1)
    np.testing.assert_allclose(summary["gradxinput"].dropna(), 1)
    assert summary["random"].abs().max() < 0.1


def test_other_trainings_give_other_maps(batch):
    atlases = {
        str(seed): Atlas(
            create_model("unet", "none", width=0.25, seed=seed).eval(), ["encoder.0"], ["layercam", "region"]
        )
        for seed in range(2)
    }
    summary = summarize_repeatability(repeatability(atlases, batch)).set_index(["method", "class"])["correlation"]
    assert summary["layercam"].max() < 0.9
    np.testing.assert_allclose(summary["region"].dropna(), 1)  # all explain the region of the first
    with pytest.raises(DataError, match="two or more"):
        repeatability({"one": atlases["0"]}, batch)
    other = {"0": atlases["0"], "x": Atlas(atlases["1"].model, ["encoder.1"], ["layercam"])}
    with pytest.raises(DataError, match="share no method and layer"):
        repeatability(other, batch)
