"""Inputs of any size come out at root mean square 1."""

import pytest
import torch

from prismseg.features import CRFFg2d
from prismseg.features.normalize import unit_rms


@pytest.mark.parametrize("size", [1e-15, 1e-6, 1e-3, 1.0, 1e4, 1e15])
def test_any_size_gives_rms_one(size):
    x = torch.randn(3, 4, 9, 7, generator=torch.Generator().manual_seed(0)) * size
    torch.testing.assert_close(unit_rms(x).square().mean((1, 2, 3)), torch.ones(3))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_short_formats_do_not_overflow(dtype):
    x = (torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 1e-5).to(dtype)
    normalized = unit_rms(x)
    assert normalized.dtype == dtype
    torch.testing.assert_close(normalized.float().square().mean((1, 2, 3)), torch.ones(2), atol=0.01, rtol=0)


def test_an_empty_case_stays_zero_and_passes_no_gradient():
    x = torch.zeros(2, 1, 4, 4)
    x[1, 0, 1, 2] = 3.0
    x.requires_grad_()
    normalized = unit_rms(x)
    assert not normalized[0].any() and normalized[1].square().mean().item() == pytest.approx(1)
    normalized.sum().backward()
    assert x.grad.isfinite().all() and not x.grad[0].any()


def test_cases_by_hand():
    # The rms of 3 and 4 is sqrt(12.5).
    torch.testing.assert_close(unit_rms(torch.tensor([[3.0, 4.0]])), torch.tensor([[3.0, 4.0]]) / 12.5**0.5)


@pytest.mark.parametrize("normalization", ["rms", "batch"])
def test_a_faint_input_gives_the_features_of_a_strong_one(normalization):
    x = torch.randn(4, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    layer = CRFFg2d(2, 8, normalization=normalization, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(layer(1e-3 * x), layer(x), atol=2e-3, rtol=0)
