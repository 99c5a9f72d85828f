"""Relevance outside the object: by hand on linear networks, against finite differences, and a planted shortcut."""

import pandas as pd
import pytest
import torch
from tests.train.conftest import small_config
from torch import nn

from prismseg.base import ConfigError
from prismseg.data import IGNORE
from prismseg.nets import create_model
from prismseg.train import train
from prismseg.train.optimization.relevance import RelevancePenalty, outside_share


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


class Shifted(nn.Module):
    """Logit of a pixel: a times the pixel itself plus b times the one four columns to the right."""

    def __init__(self, a, b):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor([a, b]))

    def forward(self, x):
        return self.weights[0] * x + self.weights[1] * torch.roll(x, -4, -1)


def square():
    masks = torch.zeros(1, 6, 12, dtype=torch.int64)
    masks[:, 2:4, 2:4] = 1
    return masks


def test_by_hand():
    network, x = Shifted(3.0, 1.0), torch.ones(1, 1, 6, 12)
    # Gradient times value is 3 / 4 on the square and 1 / 4 four columns on: squares 9 to 1.
    assert outside_share(network, x, square(), 0).item() == pytest.approx(0.1)
    assert outside_share(network, x, square(), 3).item() == pytest.approx(0.05), (
        "half of it is within three pixels"
    )
    assert outside_share(network, x, square(), 4).item() == 0
    masks = square()
    masks[:, :, 6:] = IGNORE
    assert outside_share(network, x, masks, 0).item() == 0
    x[..., 6:8] = 2  # twice the value, four times the square
    assert outside_share(network, x, square(), 0).item() == pytest.approx(4 / 13)


def test_it_is_differentiated_rightly():
    network, x = Shifted(3.0, 1.0), torch.ones(1, 1, 6, 12)
    outside_share(network, x, square(), 0).backward()
    # b² / (a² + b²): derivatives -2ab² / (a² + b²)² and 2ba² / (a² + b²)².
    torch.testing.assert_close(network.weights.grad, torch.tensor([-6 / 100, 18 / 100]))


@pytest.mark.parametrize("skip", ["crffg", "conv", "attention"])
@pytest.mark.parametrize("classes", [1, 3])
def test_second_derivatives_of_networks_are_those_of_finite_differences(skip, classes):
    network = create_model("unet", skip, width=0.25, classes=classes, seed=0).double().eval()
    x = torch.randn(2, 1, 16, 16, generator=seeded(), dtype=torch.float64)
    masks = torch.zeros(2, 16, 16, dtype=torch.int64)
    masks[:, 4:9, 4:9] = max(classes - 1, 1)
    share = outside_share(network, x, masks, 1)
    share.sum().backward()
    weight = next(each for each in network.decoder[-1].parameters() if each.ndim == 4)
    gradient = weight.grad[0, 0, 1, 1].item()
    values = []
    for step in (1e-6, -1e-6):
        with torch.no_grad():
            weight[0, 0, 1, 1] += step
        values.append(outside_share(network, x, masks, 1).sum().item())
        with torch.no_grad():
            weight[0, 0, 1, 1] -= step
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(gradient, rel=0.02, abs=1e-5)
    assert ((share > 0) & (share < 1)).all()


def test_images_without_foreground_or_influence_cost_nothing():
    network, x = Shifted(3.0, 1.0), torch.rand(1, 1, 6, 12, generator=seeded())
    assert outside_share(network, x, torch.zeros_like(square()), 0).item() == 0
    deaf = Shifted(0.0, 0.0)
    share = outside_share(deaf, x, square(), 0)
    share.sum().backward()
    assert share.item() == 0 and torch.equal(deaf.weights.grad, torch.zeros(2))


def test_the_weight_is_that_of_an_average_step():
    network, x = Shifted(3.0, 1.0), torch.ones(1, 1, 6, 12)
    penalty = RelevancePenalty(0.5, margin=0, every=4)
    total = sum(penalty.at(step, network, x, square()).item() for step in range(8))
    assert total / 8 == pytest.approx(0.5 * 0.1)
    assert not any(RelevancePenalty(0.0, 0, 1).is_due(step) for step in range(3))


def test_a_run_has_the_term_and_resumes_with_it(discs, tmp_path, monkeypatch):
    """The settings reach the loop: the term is taken on every second step, at its weight times two."""
    taken = []

    def share(network, images, masks, margin):
        taken.append((tuple(images.shape), margin))
        return outside_share(network, images, masks, margin)

    monkeypatch.setattr("prismseg.train.optimization.relevance.outside_share", share)
    optim = {"steps": 4, "relevance": 0.5, "relevance_margin": 2, "relevance_every": 2}
    train(small_config(discs, optim=optim), tmp_path / "guided", show_progress=False)
    assert taken == [((4, 1, 32, 32), 2)] * 2
    train(small_config(discs, optim={"steps": 4}), tmp_path / "plain", show_progress=False)
    assert len(taken) == 2
    losses = [pd.read_csv(tmp_path / name / "history.csv")["loss"].iloc[-1] for name in ("guided", "plain")]
    assert losses[0] > losses[1]


def test_classes_that_overlap_are_refused(discs):
    config = small_config(discs, optim={"relevance": 0.5})
    assert RelevancePenalty.of(config).weight == 0.5
    overlapping = config.model_copy(update={"data": config.data.model_copy(update={"multilabel": True})})
    with pytest.raises(ConfigError, match="--relevance"):
        RelevancePenalty.of(overlapping)


def test_it_unlearns_what_lies_outside():
    """Two cues say the same, one on the object and one beside it: guided, the network takes that on the object."""
    generator, networks = seeded(), [Shifted(0.5, 0.5), Shifted(0.5, 0.5)]
    masks = square()
    for network, weight in zip(networks, (0.0, 1.0), strict=True):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
        for _ in range(60):
            strength = torch.rand(1, generator=generator)
            x = torch.zeros(1, 1, 6, 12)
            x[..., 2:4, 2:4] = x[..., 2:4, 6:8] = 1 + strength
            loss = nn.functional.binary_cross_entropy_with_logits(network(x)[:, 0, 2:4, 2:4], torch.ones(1, 2, 2))
            loss = loss + weight * outside_share(network, x, masks, 0).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    plain, guided = ((network.weights[1] / network.weights[0]).item() for network in networks)
    assert plain == pytest.approx(1, abs=1e-4) and abs(guided) < 0.2
