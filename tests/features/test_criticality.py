import pytest
import torch
from torch import nn

from prismseg.base import ModelError
from prismseg.features import KERNELS, CRFFg2d, check_criticality


def stack(*, seed: int = 0, **options) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(*[CRFFg2d(1 if layer == 0 else 64, 64, **options) for layer in range(10)])


@pytest.fixture(scope="module")
def images():
    return torch.randn(4, 1, 24, 24, generator=torch.Generator().manual_seed(1))


def test_default_stack_passes(images):
    report = check_criticality(stack(), images)
    assert report.ok, str(report)
    assert all(0.8 < layer.gain < 1.25 and 0.9 < layer.rms < 1.1 for layer in report.layers)
    assert 0.2 < report.gradient_ratio < 5


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_is_critical_at_scale_one(kernel, images):
    for seed in range(2):
        report = check_criticality(stack(kernel=kernel, seed=seed), images)
        assert report.ok, str(report)
        gains = torch.tensor([layer.gain for layer in report.layers])
        # The heaviest tails leave most to few filters, so that a layer's gain scatters most.
        assert gains.log().mean().exp().item() == pytest.approx(1, rel=0.25)
        assert 0.3 < report.gradient_ratio < 3
    # A control that must not pass: the scale of the Gaussian, where frequencies are longer.
    if kernel in ("matern12", "laplacian_l1", "laplacian_l2"):
        assert not check_criticality(stack(kernel=kernel, scale_unit="fan_in"), images).ok


def test_thesis_stack_is_flagged_with_the_gain_of_theory(images):
    # The factor sqrt(2 / Q) makes the gain chi = 2 / Q a layer, and nine layers lie between last and first.
    report = check_criticality(stack(preset="thesis"), images)
    assert not report.ok
    # A layer's gain scatters by 9 % with its 64 phases.
    gains = [layer.gain for layer in report.layers[1:]]
    assert sum(gains) / len(gains) == pytest.approx(2 / 64, rel=0.09)
    assert all(gain == pytest.approx(2 / 64, rel=0.3) for gain in gains)
    assert report.gradient_ratio == pytest.approx((2 / 64) ** 4.5, rel=0.5)
    assert "gradients change" in str(report)


def test_model_is_left_as_it_was(images):
    model = nn.Sequential(nn.BatchNorm2d(1), CRFFg2d(1, 4), nn.Dropout(0.5)).eval()
    model[0].train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    check_criticality(model, images)
    assert [module.training for module in model] == [True, False, False]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_model_without_such_layers(images):
    with pytest.raises(ModelError, match="CRFFg2d"):
        check_criticality(nn.Conv2d(1, 1, 3), images)
