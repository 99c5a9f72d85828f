"""Errors of random features against their kernel, and what the study says of RFF and CRFFg."""

import math

import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from prismseg.features import exact_kernel
from prismseg.study.kinds.kernel.figures import summarize
from prismseg.study.kinds.kernel.run import measure_errors, run_kernel
from prismseg.study.kinds.kernel.settings import KernelSettings


def test_errors_by_hand():
    # Points 3 apart at sigma 5: k = exp(-9/50), and for the L1 Laplacian exp(-3/5).
    x = torch.tensor([[0.0, 0.0], [3.0, 0.0]]).double()
    gaussian, laplacian = math.exp(-9 / 50), math.exp(-3 / 5)
    assert exact_kernel("gaussian", x, x, scale=5)[0, 1].item() == pytest.approx(gaussian)
    exact = exact_kernel("laplacian_l1", x, x, scale=5)
    gram = torch.tensor([[1.1, 0.5], [0.5, 0.8]]).double()
    other = torch.tensor([[0.9, 0.1], [0.1, 1.0]]).double()
    found = measure_errors(gram, other, exact)
    off = 0.5 - laplacian
    assert found["rmse"] == pytest.approx(math.sqrt((0.01 + 0.04 + 2 * off**2) / 4))
    assert found["mean_abs"] == pytest.approx((0.3 + 2 * abs(off)) / 4)
    assert found["max_abs"] == pytest.approx(0.2)
    assert found["bias"] == pytest.approx((-0.1 + 2 * off) / 4)
    assert found["epsilon"] == pytest.approx(0.2)
    assert found["epsilon_pairs"] == pytest.approx(0.4)


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
