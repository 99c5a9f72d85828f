"""Layer-wise relevance propagation beside zennit: the same rules, set for modules there and for functions here."""

import pytest
import torch
from tests.oracles.conftest import import_peer
from torch import nn

from prismseg.explain import propagate_relevance

import_peer("zennit")
from zennit.canonizers import SequentialMergeBatchNorm  # noqa: E402
from zennit.composites import LayerMapComposite  # noqa: E402
from zennit.rules import Epsilon, Gamma, Pass  # noqa: E402

EPSILON = 1e-6


def network(*, bias, norm=False, seed=0):
    generator = torch.Generator().manual_seed(seed)
    layers = [nn.Conv2d(2, 6, 3, padding=1, bias=bias)]
    layers += [nn.BatchNorm2d(6)] if norm else []
    layers += [nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1, bias=bias), nn.ReLU()]
    layers += [nn.ConvTranspose2d(8, 4, 2, 2, bias=bias), nn.ReLU(), nn.Conv2d(4, 3, 3, padding=1, bias=bias)]
    net = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) * 0.4)
        if norm:
            net[1].running_var.copy_(torch.rand(6, generator=generator, dtype=torch.float64) + 0.5)
            net[1].running_mean.copy_(torch.randn(6, generator=generator, dtype=torch.float64) * 0.2)
    return net


def images():
    return torch.randn(2, 2, 12, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def theirs(net, inputs, rule, cls, region, *, canonizers=()):
    composite = LayerMapComposite(
        [(nn.ReLU, Pass()), (nn.modules.conv._ConvNd, rule)], canonizers=list(canonizers)
    )
    with composite.context(net) as hooked:
        source = inputs.clone().requires_grad_()
        logits = hooked(source)
        # zennit propagates what it is given: the score's relevance is the logits on the region over its area.
        start = torch.zeros_like(logits)
        start[:, cls] = logits.detach()[:, cls] * region / region.sum()
        (relevance,) = torch.autograd.grad(logits, source, start)
    return relevance


@pytest.mark.parametrize("cls", [0, 2])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.25, 1.0])
def test_zennit_agrees(gamma, norm, bias, cls):
    net, inputs = network(bias=bias, norm=norm), images()
    region = torch.zeros(12, 16, dtype=torch.float64)
    region[3:9, 2:11] = 1
    rule = Gamma(gamma, stabilizer=1e-12) if gamma else Epsilon(EPSILON)
    expected = theirs(net, inputs, rule, cls, region, canonizers=[SequentialMergeBatchNorm()] if norm else [])

    def scores(x):
        return ((net(x)[:, cls] * region).sum((1, 2)) / region.sum())[:, None]

    found, residual = propagate_relevance(scores, inputs, gamma=gamma, epsilon=EPSILON)
    torch.testing.assert_close(found[:, 0], expected, rtol=1e-4, atol=1e-6)
    total, score = expected.sum((1, 2, 3)), scores(inputs)[:, 0].detach()
    lacking = (total - score).abs() / torch.maximum(total.abs(), score.abs())
    torch.testing.assert_close(residual[:, 0], lacking, rtol=1e-3, atol=1e-5)
    if not (bias or norm):
        assert residual.max() < 1e-4  # theirs and ours conserve relevance


def test_another_rule_does_not_agree():
    net, inputs = network(bias=False), images()
    region = torch.ones(12, 16, dtype=torch.float64)
    found, _ = propagate_relevance(lambda x: net(x)[:, 0].mean((1, 2))[:, None], inputs, gamma=0.25)
    other = theirs(net, inputs, Epsilon(EPSILON), 0, region)
    assert (found[:, 0] - other).norm() > 0.1 * other.norm()
