"""Attention by random features: unbiased weights, error that falls with their number, cost that is linear."""

import math

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from prismseg.base import ConfigError
from prismseg.features import (
    RandomFourierFeatures,
    attention_frequencies,
    exact_attention,
    positive_features,
    random_attention,
)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def tokens(count=48, dim=8, size=1.0, seed=0):
    generator = seeded(seed)
    return (torch.randn(2, count, dim, generator=generator, dtype=torch.float64) * size for _ in range(3))


def test_exact_attention_is_the_softmax():
    q, k, v = tokens()
    weights = torch.softmax(q @ k.mT / math.sqrt(8), -1)
    torch.testing.assert_close(exact_attention(q, k, v), weights @ v)


def error(features, *, orthogonal=True, size=1.0, draws=20):
    q, k, v = tokens(size=size)
    exact = exact_attention(q, k, v)
    squares = []
    for draw in range(draws):
        drawn = attention_frequencies(features, 8, orthogonal=orthogonal, generator=seeded(draw)).double()
        squares.append((random_attention(q, k, v, drawn) - exact).square().mean())
    return float(torch.stack(squares).mean().sqrt())


def test_the_error_falls_with_the_square_root_of_the_features():
    errors = [error(count, size=0.5) for count in (16, 64, 256, 1024)]
    for more, fewer in zip(errors[1:], errors[:-1], strict=True):
        assert 1.5 < fewer / more < 2.7
    assert errors[-1] < 0.005
    assert error(64) > 5 * errors[1], "long tokens take many more"


def test_orthogonal_frequencies_err_less():
    assert error(8, size=0.5, draws=200) < 0.95 * error(8, size=0.5, orthogonal=False, draws=200)


def test_products_of_positive_features_are_the_kernel_on_average():
    generator = seeded()
    x, y = torch.randn(2, 5, 4, generator=generator, dtype=torch.float64) / 2
    draws = []
    for draw in range(400):
        frequencies = attention_frequencies(64, 4, generator=seeded(draw)).double()
        draws.append(positive_features(x, frequencies) @ positive_features(y, frequencies).T)
    found, spread = torch.stack(draws).mean(0), torch.stack(draws).std(0) / 20
    assert ((found - torch.exp(x @ y.T)).abs() < 5 * spread).all()


def test_cosines_are_worse_where_weights_are_small():
    """The control: the same kernel by cosines, off by as much where it is small as where it is large."""
    x = torch.tensor([[2.5, 0.0]])
    y = torch.tensor([[-2.5, 0.0]])
    exact = math.exp(-6.25)
    positive, cosine = [], []
    for draw in range(100):
        frequencies = attention_frequencies(128, 2, generator=seeded(draw))
        positive.append(float(positive_features(x, frequencies) @ positive_features(y, frequencies).T))
        rff = RandomFourierFeatures(2, 128, preset="frozen", scale=1 / math.sqrt(2), generator=seeded(draw))
        rff.set_scale_(1.0)
        with torch.no_grad():
            cosine.append(float(rff(x) @ rff(y).T) * math.exp(6.25))
    rms = [math.sqrt(sum((value - exact) ** 2 for value in values) / 100) for values in (positive, cosine)]
    assert rms[0] < 0.02 and rms[1] > 100 * rms[0] and min(positive) > 0 > min(cosine)


def test_the_cost_is_linear_and_that_of_exact_attention_is_not():
    def cost(function, count):
        q, k, v = torch.randn(3, 1, 1, count, 8)
        with FlopCounterMode(display=False) as counter:
            function(q, k, v)
        return counter.get_total_flops()

    frequencies = attention_frequencies(32, 8)
    by_features = [cost(lambda q, k, v: random_attention(q, k, v, frequencies), count) for count in (256, 512)]
    exactly = [cost(lambda q, k, v: torch.softmax(q @ k.mT, -1) @ v, count) for count in (256, 512)]
    assert by_features[1] == 2 * by_features[0] and exactly[1] == 4 * exactly[0]


def test_large_tokens_stay_finite_and_averages_within_the_values():
    q, k, v = tokens(size=30.0)
    found = random_attention(q, k, v, attention_frequencies(32, 8).double())
    assert found.isfinite().all()
    assert (found <= v.amax(1, keepdim=True) + 1e-9).all() and (found >= v.amin(1, keepdim=True) - 1e-9).all()
    q, k, v = (each.float().requires_grad_() for each in tokens(size=3.0))
    random_attention(q, k, v, attention_frequencies(32, 8)).sum().backward()
    assert all(each.grad.isfinite().all() for each in (q, k, v))


def test_dimensions_are_checked():
    q, k, v = tokens()
    with pytest.raises(ConfigError, match="dimension 4, the tokens of each head 8"):
        random_attention(q, k, v, attention_frequencies(16, 4))
    with pytest.raises(ConfigError, match="at least one feature"):
        attention_frequencies(0, 4)
