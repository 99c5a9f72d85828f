import math

import pytest
import torch
from sklearn.gaussian_process import kernels as sklearn_kernels

from prismseg.base import ConfigError
from prismseg.features import KERNELS, exact_kernel

POINTS = torch.tensor([[0.0, 0.0], [3.0, 4.0], [1.0, -1.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("kernel", "oracle"),
    [
        ("gaussian", sklearn_kernels.RBF(2.0)),
        ("matern12", sklearn_kernels.Matern(2.0, nu=0.5)),
        ("laplacian_l2", sklearn_kernels.Matern(2.0, nu=0.5)),
        ("matern32", sklearn_kernels.Matern(2.0, nu=1.5)),
        ("matern52", sklearn_kernels.Matern(2.0, nu=2.5)),
        ("rational_quadratic", sklearn_kernels.RationalQuadratic(2.0, alpha=0.7)),
    ],
)
def test_radial_kernels_agree_with_scikit_learn(kernel, oracle):
    ours = exact_kernel(kernel, POINTS, POINTS, scale=2.0, alpha=0.7)
    torch.testing.assert_close(ours, torch.from_numpy(oracle(POINTS.numpy())), rtol=1e-10, atol=1e-12)


def test_l1_laplacian_by_hand():
    # |(3, 4)|_1 = 7, scale 2.
    assert exact_kernel("laplacian_l1", POINTS[:1], POINTS[1:2], scale=2.0).item() == pytest.approx(math.exp(-3.5))


def test_arccosine_by_hand():
    # (1, 0) and (0, 2): angle pi/2, so |x||y| (sin + (pi/2) cos) / pi = 2 / pi. On itself: |x|^2.
    x, y = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    assert exact_kernel("arccosine", x, y).item() == pytest.approx(2 / math.pi, rel=1e-6)
    assert exact_kernel("arccosine", y, y).item() == pytest.approx(4.0, rel=1e-3)


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel_matrices_are_positive_semidefinite(kernel):
    x = torch.randn(30, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.linalg.eigvalsh(exact_kernel(kernel, x, x, scale=1.5)).min() > -1e-6


def test_unknown_kernel_lists_the_known():
    with pytest.raises(ConfigError, match="matern52"):
        exact_kernel("cauchy", POINTS, POINTS)
