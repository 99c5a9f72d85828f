"""Closed forms of the variance against draws and by hand."""

import math

import numpy as np
import pytest
import torch

from prismseg.features import RandomFourierFeatures
from prismseg.study.kinds.kernel.theory import estimator_variance

# Two near points, a far one and the mirror image of the first: k(x - y) and k(x + y) are small and large here.
POINTS = torch.tensor([[0.3, 0.1, -0.2], [0.4, -0.1, 0.1], [-1.2, 0.9, 0.8], [-0.3, -0.1, 0.2]])


def estimates(draws, outputs, *, form="cos", stratified=False, kernel="gaussian", orthogonal=False):
    """z(x)'z(y) of all pairs for many maps with sigma 1, (draws, 4, 4)."""
    found = []
    for seed in range(draws):
        layer = RandomFourierFeatures(
            3, outputs, kernel=kernel, mapping=form, scale=1 / math.sqrt(3), orthogonal=orthogonal,
            stratified=stratified, generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        with torch.no_grad():
            z = layer(POINTS).double()
        found.append(z @ z.T)
    return torch.stack(found)


@pytest.mark.parametrize(
    ("kernel", "form", "stratified", "outputs"),
    [
        ("gaussian", "cos", False, 8),
        ("gaussian", "cos", True, 8),
        ("gaussian", "cos", True, 3),
        ("gaussian", "paired", False, 8),
        ("matern32", "cos", True, 8),
        ("laplacian_l1", "paired", False, 8),
        ("rational_quadratic", "cos", False, 8),
        ("arccosine", "cos", False, 8),
    ],
)
def test_the_variance_is_that_of_draws(kernel, form, stratified, outputs):
    draws = 4000
    gram = estimates(draws, outputs, form=form, stratified=stratified, kernel=kernel)
    variance = estimator_variance(kernel, POINTS, POINTS, outputs, form=form, stratified=stratified)
    deviations = (gram - gram.mean(0)).square()
    # Five standard errors of a sample variance: a wrong factor of 2 in any term is tens of them.
    error = deviations.std(0) / math.sqrt(draws)
    assert ((deviations.mean(0) - variance).abs() <= 5 * error + 1e-9).all()


def test_a_wrong_factor_would_be_seen():
    """The terms of the closed forms differ by far more than the error that the test above allows."""
    gram = estimates(4000, 8)
    error = (gram - gram.mean(0)).square().std(0) / math.sqrt(4000)
    k = torch.exp(-(torch.cdist(POINTS, POINTS).double() ** 2) / 2)
    for wrong in ((1 + k**4 - k**2) / 8, (1 + k**4 / 2 - 2 * k**2) / 8, (1 + k**4 / 2 - k**2) / 16):
        right = estimator_variance("gaussian", POINTS, POINTS, 8)
        assert ((wrong - right).abs() / error).max() > 10


def test_variances_by_hand():
    x, y = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    # Distance 5 at sigma 5: k = e^-1/2, and k(2 d) = e^-2.
    k, twice = math.exp(-0.5), math.exp(-2)
    found = estimator_variance("gaussian", x, y, 10, scale=5.0).item()
    assert found == pytest.approx((1 + twice / 2 - k**2) / 10)
    paired = estimator_variance("gaussian", x, y, 10, form="paired", scale=5.0).item()
    assert paired == pytest.approx((1 + twice - 2 * k**2) / 10)
    assert estimator_variance("gaussian", y, y, 10, form="paired").item() == 0
    assert estimator_variance("gaussian", y, y, 10).item() == pytest.approx(0.05)
    # At the origin both parts of the product are one number: stratified phases leave 1/2 (1 - sinc²(2/Q)).
    assert estimator_variance("gaussian", x, x, 10, stratified=True).item() == pytest.approx(
        0.05 * (1 - np.sinc(0.2) ** 2)
    )
    # relu(w'x)² of a unit vector: E = 1/2, E of its square 3/2.
    unit = torch.tensor([[1.0, 0.0]])
    assert estimator_variance("arccosine", unit, unit, 4).item() == pytest.approx((4 * 1.5 - 1) / 4)


def test_orthogonal_and_stratified_are_not_worse():
    def mse(**options):
        gram = estimates(1500, 6, **options)
        exact = torch.exp(-(torch.cdist(POINTS, POINTS).double() ** 2) / 2)
        return float((gram - exact).square().mean())

    assert mse(form="paired", orthogonal=True) < 0.9 * mse(form="paired")
    assert mse(orthogonal=True) < 1.05 * mse()
    assert mse(stratified=True) < 0.9 * mse()
