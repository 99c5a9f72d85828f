import math

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.kernel_approximation import RBFSampler

from prismseg.base import ConfigError
from prismseg.features import RandomFourierFeatures, exact_kernel

SHIFT_INVARIANT = [
    "gaussian", "matern12", "matern32", "matern52", "laplacian_l1", "laplacian_l2", "rational_quadratic",
]  # fmt: skip
DIM = 5


def products(kernel: str, mapping: str, features: int, x, y, trials: int, **options) -> torch.Tensor:
    """z(x)'z(y) of `trials` independent layers with sigma 1."""
    values = []
    for seed in range(trials):
        layer = RandomFourierFeatures(
            DIM, features, kernel=kernel, mapping=mapping, scale=1 / math.sqrt(DIM), orthogonal=False,
            stratified=False, generator=torch.Generator().manual_seed(seed), **options,
        )  # fmt: skip
        with torch.no_grad():
            values.append((layer(x) * layer(y)).sum())
    return torch.stack(values).double()


@pytest.mark.parametrize("kernel", SHIFT_INVARIANT)
@pytest.mark.parametrize("mapping", ["cos", "paired"])
def test_mean_and_variance_of_the_kernel_estimate(kernel, mapping):
    features, trials = 64, 1500
    x, y = torch.zeros(1, DIM), torch.full((1, DIM), 0.25)
    k = exact_kernel(kernel, x, y).item()
    k2 = exact_kernel(kernel, x, 2 * y).item()
    variance = (1 + k2 / 2 - k**2) / features if mapping == "cos" else (1 + k2 - 2 * k**2) / features
    values = products(kernel, mapping, features, x, y, trials)
    assert abs(values.mean().item() - k) < 4 * math.sqrt(variance / trials)
    # The sample variance of `trials` values scatters by about sqrt(2 / trials), 4 %.
    assert values.var().item() == pytest.approx(variance, rel=0.2)


def test_arccosine_features():
    x, y = torch.tensor([[1.0, 0, 0, 0, 0]]), torch.tensor([[0.6, 0.8, 0, 0, 0]])
    values = products("arccosine", "cos", 256, x, y, 400)
    expected = exact_kernel("arccosine", x, y).item()
    assert abs(values.mean().item() - expected) < 4 * values.std().item() / math.sqrt(400)


@pytest.mark.parametrize("features", [16, 256])
def test_two_independent_maps_of_one_point_differ_by_the_closed_form(features):
    # E|eps| = sqrt(2 / pi) / sqrt(Q): the mean of Q products of independent unit-variance cosines.
    x = torch.randn(1, DIM, generator=torch.Generator().manual_seed(9))
    differences = []
    for seed in range(2000):
        first, second = (
            RandomFourierFeatures(
                DIM, features, mapping="cos", scale=1.0, orthogonal=False, stratified=False,
                generator=torch.Generator().manual_seed(2 * seed + part),
            )
            for part in (0, 1)
        )  # fmt: skip
        with torch.no_grad():
            differences.append((first(x) * second(x)).sum().abs().item())
    assert np.mean(differences) == pytest.approx(math.sqrt(2 / math.pi / features), rel=0.06)


def test_paired_self_product_is_exactly_one():
    layer = RandomFourierFeatures(DIM, 32, mapping="paired")
    x = torch.randn(7, DIM)
    torch.testing.assert_close((layer(x) ** 2).sum(1), torch.ones(7))


def rmse(trials: int = 400, **options) -> float:
    x = torch.zeros(1, DIM)
    y = torch.full((1, DIM), 0.3)
    k = exact_kernel("gaussian", x, y).item()
    errors = []
    for seed in range(trials):
        layer = RandomFourierFeatures(
            DIM, 40, scale=1 / math.sqrt(DIM), generator=torch.Generator().manual_seed(seed), **options
        )
        with torch.no_grad():
            errors.append((layer(x) * layer(y)).sum().item() - k)
    return float(np.sqrt(np.mean(np.square(errors))))


def test_orthogonal_beats_independent_and_stratified_beats_plain():
    independent = rmse(mapping="paired", orthogonal=False)
    assert rmse(mapping="paired", orthogonal=True) < 0.9 * independent
    plain = rmse(mapping="cos", orthogonal=False, stratified=False)
    assert rmse(mapping="cos", orthogonal=False, stratified=True) < 0.95 * plain


def test_same_distribution_as_scikit_learns_sampler():
    x = np.array([[0.3, -0.2, 0.5, 0.0, 0.1], [0.0, 0.4, 0.2, -0.3, 0.6]])
    theirs = [
        RBFSampler(gamma=0.5, n_components=32, random_state=seed).fit_transform(x).prod(0).sum()
        for seed in range(600)
    ]
    ours = products(
        "gaussian",
        "cos",
        32,
        torch.tensor(x[:1], dtype=torch.float32),
        torch.tensor(x[1:], dtype=torch.float32),
        600,
    )
    assert stats.ks_2samp(theirs, ours.numpy()).pvalue > 1e-3


def test_odd_width_cannot_be_paired():
    with pytest.raises(ConfigError, match="even"):
        RandomFourierFeatures(3, 7, mapping="paired")


def test_there_is_no_border_to_pad():
    with pytest.raises(ConfigError, match="no border"):
        RandomFourierFeatures(3, 8, padding_mode="zeros")
