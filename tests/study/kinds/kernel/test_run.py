"""Closed forms of the kernel's error against draws, and what the study says of RFF and CRFFg."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from prismseg.features import KERNELS, RandomFourierFeatures, exact_kernel
from prismseg.study.kinds.kernel.figures import draw_kernel, summarize
from prismseg.study.kinds.kernel.run import (
    _errors,
    base_scale,
    convolutional_features,
    dense_features,
    run_kernel,
    sample_places,
)
from prismseg.study.kinds.kernel.settings import KernelSettings
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


def test_errors_by_hand():
    # Points 3 apart at sigma 5: k = exp(-9/50), and for the L1 Laplacian exp(-3/5).
    x = torch.tensor([[0.0, 0.0], [3.0, 0.0]]).double()
    gaussian, laplacian = math.exp(-9 / 50), math.exp(-3 / 5)
    assert exact_kernel("gaussian", x, x, scale=5)[0, 1].item() == pytest.approx(gaussian)
    exact = exact_kernel("laplacian_l1", x, x, scale=5)
    gram = torch.tensor([[1.1, 0.5], [0.5, 0.8]]).double()
    other = torch.tensor([[0.9, 0.1], [0.1, 1.0]]).double()
    found = _errors(gram, other, exact)
    off = 0.5 - laplacian
    assert found["rmse"] == pytest.approx(math.sqrt((0.01 + 0.04 + 2 * off**2) / 4))
    assert found["mean_abs"] == pytest.approx((0.3 + 2 * abs(off)) / 4)
    assert found["max_abs"] == pytest.approx(0.2)
    assert found["bias"] == pytest.approx((-0.1 + 2 * off) / 4)
    assert found["epsilon"] == pytest.approx(0.2)
    assert found["epsilon_pairs"] == pytest.approx(0.4)


def test_the_scale_is_the_median_distance_in_the_kernels_norm():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    assert base_scale("matern32", x) == pytest.approx(5)
    assert base_scale("laplacian_l1", x) == pytest.approx(7)
    assert base_scale("arccosine", x) == pytest.approx(math.sqrt(125 / 3))


def test_a_convolution_maps_its_patches_as_dense_features_do():
    settings = KernelSettings(map="crffg", outputs=6, data="noise", patch=5, points=40)
    images, places = sample_places(settings)
    patches = []
    for image, position in zip(*places, strict=True):
        row, column = divmod(int(position), 28)
        patches.append(images[image, 0, row : row + 5, column : column + 5].flatten())
    first = convolutional_features(settings, images, places, 2.0, torch.Generator().manual_seed(3))
    second = dense_features(settings, torch.stack(patches), 2.0, torch.Generator().manual_seed(3))
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["rff", "crffg"])
def test_errors_of_a_run_are_those_of_theory(kind, tmp_path):
    settings = {"map": kind, "draws": 150, "outputs": 64, "points": 30}
    for form in ("cos", "paired"):
        table = run_kernel(KernelSettings(form=form, **settings), tmp_path)
        points = summarize(table).set_index("measure")
        low, high, theory = (
            points.loc["rmse", "low"],
            points.loc["rmse", "high"],
            points.loc["theory_rmse", "mean"],
        )
        assert 0.8 * low < theory < 1.2 * high and high / low < 1.5
        assert points.loc["mean_abs", "mean"] == pytest.approx(points.loc["theory_mean_abs", "mean"], rel=0.15)
        assert abs(points.loc["bias", "mean"]) < 0.03
        eps = points.loc["epsilon", "mean"]
        if form == "cos":
            # The thesis's figure: sqrt(2 / pi) / sqrt(Q).
            assert eps == pytest.approx(math.sqrt(2 / math.pi / 64), rel=0.1)
            assert points.loc["theory_epsilon", "mean"] == pytest.approx(math.sqrt(2 / math.pi / 64))
        else:
            assert eps < 1e-6
            assert points.loc["theory_epsilon", "mean"] < 1e-6


def test_orthogonal_and_stratified_are_not_worse():
    def mse(**options):
        gram = estimates(1500, 6, **options)
        exact = torch.exp(-(torch.cdist(POINTS, POINTS).double() ** 2) / 2)
        return float((gram - exact).square().mean())

    assert mse(form="paired", orthogonal=True) < 0.9 * mse(form="paired")
    assert mse(orthogonal=True) < 1.05 * mse()
    assert mse(stratified=True) < 0.9 * mse()


def test_runs_are_repeatable_and_draws_are_cases(tmp_path):
    settings = KernelSettings(draws=3, outputs=8, points=10, seed=4)
    first, second = run_kernel(settings, tmp_path), run_kernel(settings, tmp_path)
    pd.testing.assert_frame_equal(first, second)
    assert set(first["case"]) == {"", "4.0", "4.1", "4.2"}
    assert first.groupby("case")["value"].first().nunique() == 4
    assert (first["kernel"] == "gaussian").all()


def test_what_cannot_be_is_refused_or_left_out(tmp_path):
    cases = [
        ({"kernel": "laplacian_l1", "sampling": "orthogonal"}, "not isotropic"),
        ({"kernel": "arccosine", "form": "paired"}, "no paired map"),
        ({"kernel": "arccosine", "sampling": "stratified"}, "no phases"),
        ({"form": "paired", "sampling": "orthogonal-stratified"}, "no phases"),
    ]
    for values, reason in cases:
        with pytest.raises(ValidationError, match=reason):
            KernelSettings(**values)
        table = run_kernel(KernelSettings(**values, impossible="skip"), tmp_path)
        assert table["value"].isna().all() and {"rmse", "epsilon"} <= set(table["measure"])
    for values in ({"kernel": "poly"}, {"patch": 4}, {"form": "paired", "outputs": 7}, {"sigma": 0}, {"width": 1}):
        with pytest.raises(ValidationError):
            KernelSettings.model_validate(values)


def test_figures_of_every_kernel(tmp_path):
    tables = [
        run_kernel(
            KernelSettings(kernel=kernel, outputs=outputs, sigma=sigma, draws=3, points=12, map=kind), tmp_path
        )
        for kernel in KERNELS
        for outputs in (8, 32)
        for sigma in (0.5, 1)
        for kind in ("rff", "crffg")
    ]
    tables.append(run_kernel(KernelSettings(form="paired", outputs=8, draws=1, points=12), tmp_path))
    # A study names the values of its axes as text.
    figures = draw_kernel(pd.concat(tables, ignore_index=True).astype({"outputs": str, "sigma": str}))
    wanted = {f"outputs-{name}" for name in ("rmse", "mean_abs", "max_abs", "epsilon")}
    assert set(figures) == wanted | {"sigma-rmse", "gain-rmse"}
    lines = figures["outputs-rmse"].axes[0].lines
    assert {line.get_linestyle() for line in lines if line.get_marker() == "s"} == {"None"}
    assert {line.get_linestyle() for line in lines if line.get_marker() == "o"} == {"-"}
    for name, figure in figures.items():
        figure.savefig(tmp_path / f"{name}.png")
    panels = [axes for axes in figures["outputs-rmse"].axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == list(KERNELS)
    assert all(axes.get_xscale() == axes.get_yscale() == "log" for axes in panels)
