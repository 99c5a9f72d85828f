import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.linear_model import BayesianRidge, Ridge

from prismseg.base import ConfigError, DataError
from prismseg.features import (
    ClassStatistics,
    LinearPosterior,
    RandomFourierFeatures,
    RegressionStatistics,
    fit_evidence,
    fit_held_out,
    fit_ridge,
    held_out_errors,
    leave_one_group_out,
    ridge_path,
)


def problem(rows: int, features: int, outputs: int = 1, noise: float = 0.5, seed: int = 0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(rows, features)) * rng.uniform(0.3, 2, features)
    return z, z @ rng.normal(size=(features, outputs)) + noise * rng.normal(size=(rows, outputs))


def test_what_guesses_leave_over_is_the_ridge_regression_of_their_errors():
    rng = np.random.default_rng(3)
    z, t = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    guesses, weights = t + 0.5 * rng.normal(size=t.shape), rng.uniform(0.5, 2, 50)
    statistics = statistics_of(np.hstack([guesses, z]), t, weights).residual()
    exact = statistics_of(z, t - guesses, weights)
    for name in ("gram", "cross", "squares"):
        torch.testing.assert_close(getattr(statistics, name), getattr(exact, name))
    oracle = Ridge(alpha=2.0, fit_intercept=False).fit(z, t - guesses, sample_weight=weights)
    np.testing.assert_allclose(fit_ridge(statistics, 2.0).weights, oracle.coef_.T, rtol=1e-8)
    with pytest.raises(DataError, match="2 of them are the guesses"):
        statistics_of(guesses, t).residual()


def statistics_of(*arrays: np.ndarray) -> RegressionStatistics:
    return RegressionStatistics.of(*(torch.from_numpy(x) for x in arrays))


def density(posterior: LinearPosterior, z: np.ndarray, t: np.ndarray, c: np.ndarray | None = None) -> float:
    """Log-density of the targets: normal with covariance sigma² (C⁻¹ + Z Z' / lambda)."""
    weights = np.ones(len(z)) if c is None else c
    covariance = np.diag(1 / weights) + z @ z.T / posterior.penalty
    return sum(
        multivariate_normal(np.zeros(len(z)), variance * covariance).logpdf(target)
        for variance, target in zip(posterior.noise.numpy(), t.T, strict=True)
    )


@pytest.mark.parametrize("shape", [(40, 5), (6, 20)])
def test_the_mean_is_ridge_regression(shape):
    z, t = problem(*shape, outputs=3)
    c = np.random.default_rng(1).uniform(0.2, 3, len(z))
    expected = Ridge(alpha=0.7, fit_intercept=False).fit(z, t, sample_weight=c)
    posterior = fit_ridge(statistics_of(z, t, c), 0.7)
    np.testing.assert_allclose(posterior.weights.T, expected.coef_, rtol=1e-8, atol=1e-10)
    new = problem(9, shape[1])[0]
    np.testing.assert_allclose(
        posterior.predict(torch.from_numpy(new)), expected.predict(new), rtol=1e-8, atol=1e-10
    )


def test_a_path_holds_the_fit_of_each_penalty():
    statistics = statistics_of(*problem(30, 6, outputs=2))
    penalties = [1e-3, 0.5, 40.0]
    for weights, penalty in zip(ridge_path(statistics, penalties), penalties, strict=True):
        torch.testing.assert_close(weights, fit_ridge(statistics, penalty).weights, rtol=1e-8, atol=1e-10)
    with pytest.raises(ConfigError, match="positive and finite"):
        ridge_path(statistics, [1.0, 0.0])


def test_evidence_is_scikit_learns():
    z, t = problem(60, 8)
    expected = BayesianRidge(
        max_iter=10_000, tol=1e-14, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, fit_intercept=False, compute_score=True
    ).fit(z, t[:, 0])  # fmt: skip
    posterior = fit_evidence(statistics_of(z, t))
    assert posterior.penalty == pytest.approx(expected.lambda_ / expected.alpha_, rel=1e-4)
    assert posterior.noise.item() == pytest.approx(1 / expected.alpha_, rel=1e-5)
    assert posterior.log_evidence == pytest.approx(expected.scores_[-1], rel=1e-9)
    np.testing.assert_allclose(posterior.weights[:, 0], expected.coef_, rtol=1e-5)
    new = problem(9, 8, seed=2)[0]
    mean, deviation = expected.predict(new, return_std=True)
    np.testing.assert_allclose(posterior.predict(torch.from_numpy(new))[:, 0], mean, rtol=1e-5)
    np.testing.assert_allclose(posterior.variance(torch.from_numpy(new))[:, 0].sqrt(), deviation, rtol=1e-5)


@pytest.mark.parametrize("shape", [(12, 3), (5, 9)])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_log_evidence_is_the_density_of_the_targets(shape, outputs, weighted):
    z, t = problem(*shape, outputs)
    c = np.random.default_rng(1).uniform(0.2, 3, len(z)) if weighted else np.ones(len(z))
    for posterior in (fit_ridge(statistics_of(z, t, c), 0.7), fit_evidence(statistics_of(z, t, c))):
        assert posterior.log_evidence == pytest.approx(density(posterior, z, t, c), rel=1e-6, abs=1e-4)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 12), st.integers(1, 3))
def test_no_penalty_has_more_evidence(seed, rows, features, outputs):
    statistics = statistics_of(*problem(rows, features, outputs, seed=seed))
    best = fit_evidence(statistics)
    largest = float(torch.linalg.eigvalsh(statistics.gram)[-1])
    for factor in np.logspace(-8, 3, 23):
        other = fit_ridge(statistics, factor * largest)
        assert other.log_evidence <= best.log_evidence + 1e-6 * abs(best.log_evidence)


def test_both_fits_agree_at_the_same_penalty():
    z, t = problem(30, 6, 2)
    best = fit_evidence(statistics_of(z, t))
    same = fit_ridge(statistics_of(z, t), best.penalty)
    torch.testing.assert_close(same.weights, best.weights)
    torch.testing.assert_close(same.noise, best.noise)
    torch.testing.assert_close(same.factor @ same.factor.T, best.factor @ best.factor.T)
    assert same.log_evidence == pytest.approx(best.log_evidence)
    assert same.effective_parameters == pytest.approx(best.effective_parameters)


def test_mackays_condition_holds_at_the_maximum():
    z, t = problem(50, 10)
    posterior = fit_evidence(statistics_of(z, t))
    precision = posterior.penalty / posterior.noise.item()
    assert posterior.effective_parameters == pytest.approx(
        precision * posterior.weights.square().sum().item(), rel=1e-3
    )


def test_the_posterior_by_hand():
    # One feature, targets 2 and 4 at z = 1 and 2: A = 5 + 5, w = 10 / 10, sigma² = (20 - 10 * 10 / 10) / 2.
    posterior = fit_ridge(statistics_of(np.array([[1.0], [2.0]]), np.array([[2.0], [4.0]])), 5.0)
    z = torch.tensor([[3.0]], dtype=torch.float64)
    assert posterior.predict(z).item() == pytest.approx(3)
    assert posterior.noise.item() == pytest.approx(5)
    assert posterior.leverage(z).item() == pytest.approx(0.9)
    assert posterior.variance(z).item() == pytest.approx(5 * 1.9)
    assert posterior.effective_parameters == pytest.approx(0.5)


def test_predictive_intervals_cover_what_they_say():
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(300):
        z = rng.normal(size=(16, 8))
        w = rng.normal(size=(8, 1))
        t = z @ w + 0.5 * rng.normal(size=(16, 1))
        new = rng.normal(size=(20, 8))
        target = new @ w + 0.5 * rng.normal(size=(20, 1))
        # The true penalty; noise is that of the sample.
        posterior = fit_ridge(statistics_of(z, t), 0.25)
        error = torch.from_numpy(target) - posterior.predict(torch.from_numpy(new))
        inside.append((error.square() < 1.96**2 * posterior.variance(torch.from_numpy(new))).double().mean())
    assert np.mean(inside) == pytest.approx(0.95, abs=0.025)


def test_a_multiple_of_the_features_changes_no_prediction():
    z, t = problem(30, 5)
    first, second = fit_evidence(statistics_of(z, t)), fit_evidence(statistics_of(1000 * z, t))
    new = torch.from_numpy(problem(4, 5, seed=3)[0])
    torch.testing.assert_close(first.predict(new), second.predict(1000 * new), rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(first.variance(new), second.variance(1000 * new), rtol=1e-5, atol=1e-8)


def test_evidence_tells_the_scale_of_fourier_features():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 2, generator=generator, dtype=torch.float64)
    truth = RandomFourierFeatures(2, 2048, generator=generator).double()
    truth.set_scale_(1.0)
    t = truth(x).detach() @ torch.randn(2048, 1, generator=generator, dtype=torch.float64)
    t = t + 0.1 * torch.randn(400, 1, generator=generator, dtype=torch.float64)
    evidence = {}
    for scale in (0.1, 0.3, 1.0, 3.0, 10.0):
        layer = RandomFourierFeatures(2, 512, generator=torch.Generator().manual_seed(1)).double()
        layer.set_scale_(scale)
        evidence[scale] = fit_evidence(RegressionStatistics.of(layer(x).detach(), t)).log_evidence
    assert max(evidence, key=evidence.get) == 1.0


@given(st.integers(0, 1000), st.sampled_from([torch.float32, torch.float64]))
def test_contributions_add_up_to_the_prediction(seed, dtype):
    z, t = problem(20, 7, 2, seed=seed)
    posterior = fit_evidence(statistics_of(z, t))
    features = torch.from_numpy(z).to(dtype)
    parts = posterior.attribute(features, {"fine": range(3), "coarse": [6, 4, 3], "bias": [5]})
    assert list(parts) == ["fine", "coarse", "bias"]
    torch.testing.assert_close(sum(parts.values()), posterior.predict(features), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(parts["bias"], features[:, 5:6] * posterior.weights[5].to(dtype))


@pytest.mark.parametrize("groups", [{"a": range(2)}, {"a": range(3), "b": [2]}, {"a": range(4)}])
def test_groups_must_hold_each_feature_once(groups):
    posterior = fit_ridge(statistics_of(*problem(5, 3)), 1.0)
    with pytest.raises(ConfigError, match="each of the 3 features exactly once"):
        posterior.attribute(torch.zeros(1, 3), groups)


def labelled_groups(features: int = 6, classes: int = 3, groups: int = 5, rows: int = 40):
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(classes, features, generator=generator)
    parts = {}
    for name in range(groups):
        labels = torch.randint(0, classes, (rows,), generator=generator)
        if name == 0:
            labels = labels.clamp(max=classes - 2)  # a group without the last class
        parts[name] = (centres[labels] + torch.randn(rows, features, generator=generator), labels)
    return parts


def statistics_of_groups(parts, features: int = 6, classes: int = 3):
    result = {}
    for name, (z, labels) in parts.items():
        result[name] = ClassStatistics(features, classes)
        result[name].update(z, labels)
    return result


@pytest.mark.parametrize("penalty", [None, 0.7])
def test_leaving_a_group_out_is_fitting_without_it(penalty):
    parts = labelled_groups()
    statistics = statistics_of_groups(parts)
    total = sum(statistics.values(), ClassStatistics(6, 3))
    for name, posterior in leave_one_group_out(total, statistics.items(), penalty=penalty):
        others = ClassStatistics(6, 3)
        for other, (z, labels) in parts.items():
            if other != name:
                others.update(z, labels)
        z = torch.cat([part[0] for other, part in parts.items() if other != name]).double().numpy()
        labels = torch.cat([part[1] for other, part in parts.items() if other != name]).numpy()
        weights = len(labels) / (3 * np.bincount(labels))
        brute = Ridge(alpha=posterior.penalty, fit_intercept=False).fit(
            z, np.eye(3)[labels], sample_weight=weights[labels]
        )
        held_out = parts[name][0].double()
        np.testing.assert_allclose(
            posterior.predict(held_out), brute.predict(held_out.numpy()), rtol=1e-8, atol=1e-10
        )
        refitted = (
            fit_evidence(others.regression()) if penalty is None else fit_ridge(others.regression(), penalty)
        )
        torch.testing.assert_close(
            posterior.variance(held_out), refitted.variance(held_out), rtol=1e-6, atol=1e-12
        )
        assert posterior.log_evidence == pytest.approx(refitted.log_evidence)


def test_held_out_errors_are_those_of_the_pixels():
    parts = labelled_groups()
    statistics = statistics_of_groups(parts)
    total = sum(statistics.values(), ClassStatistics(6, 3))
    penalties = [0.01, 1.0, 100.0]
    expected = []
    for penalty in penalties:
        error = weight = 0.0
        for name, posterior in leave_one_group_out(total, statistics.items(), penalty=penalty):
            z, labels = parts[name]
            c = total.balanced_weights()[labels]
            one_hot = torch.nn.functional.one_hot(labels, 3)
            error += (c[:, None] * (one_hot - posterior.predict(z.double())).square()).sum().item()
            weight += c.sum().item()
        expected.append(error / weight)
    actual = held_out_errors(total, statistics.values(), penalties)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)
    assert held_out_errors(total, statistics.values(), [1e12]).item() == pytest.approx(1)


def test_copies_of_pixels_mislead_the_evidence_and_not_the_held_out_error():
    # Ten groups of 4 different pixels, each 50 times: the evidence counts 2,000 pixels where there are 40.
    generator = torch.Generator().manual_seed(0)
    direction = torch.randn(30, generator=generator)

    def draw(rows):
        z = torch.randn(rows, 30, generator=generator)
        return z, (z @ direction + 5 * torch.randn(rows, generator=generator) > 0).long()

    statistics = {}
    for name in range(10):
        z, labels = draw(4)
        statistics[name] = ClassStatistics(30, 2)
        statistics[name].update(z.repeat(50, 1), labels.repeat(50))
    total = sum(statistics.values(), ClassStatistics(30, 2))
    new, truth = draw(5000)

    def error(posterior):
        return (posterior.predict(new.double()) - torch.nn.functional.one_hot(truth, 2)).square().mean().item()

    evidence, held_out = fit_evidence(total.regression()), fit_held_out(total, statistics.values())
    assert held_out.penalty > 10 * evidence.penalty
    assert error(held_out) < 0.5 * error(evidence)


def test_groups_without_labels_change_no_error():
    statistics = list(statistics_of_groups(labelled_groups()).values())
    total = sum(statistics, ClassStatistics(6, 3))
    with_empty = held_out_errors(total, [*statistics, ClassStatistics(6, 3)], [1.0])
    torch.testing.assert_close(with_empty, held_out_errors(total, statistics, [1.0]))


def test_held_out_errors_that_do_not_exist():
    statistics = list(statistics_of_groups(labelled_groups(groups=2)).values())
    total = sum(statistics, ClassStatistics(6, 3))
    with pytest.raises(ConfigError, match="positive and finite"):
        held_out_errors(total, statistics, [1.0, 0.0])
    with pytest.raises(DataError, match="One group holds all labelled pixels"):
        fit_held_out(statistics[0], statistics[:1])
    with pytest.raises(DataError, match="No group has labelled pixels"):
        fit_held_out(total, [])
    blank = ClassStatistics(6, 3)
    blank.update(torch.zeros(4, 6), torch.tensor([0, 1, 0, 1]))
    with pytest.raises(DataError, match="All features are 0"):
        fit_held_out(blank, [blank])


def test_groups_are_taken_one_by_one():
    statistics = statistics_of_groups(labelled_groups())
    total = sum(statistics.values(), ClassStatistics(6, 3))
    taken = []
    fits = leave_one_group_out(total, ((name, taken.append(name) or part) for name, part in statistics.items()))
    next(fits)
    assert taken == [0]


def test_a_class_that_only_the_left_out_group_has_scores_zero():
    parts = labelled_groups(classes=2)
    parts["rare"] = (torch.randn(10, 6), torch.full((10,), 2))
    statistics = statistics_of_groups(parts)
    total = sum(statistics.values(), ClassStatistics(6, 3))
    posterior = dict(leave_one_group_out(total, statistics.items()))["rare"]
    assert not posterior.predict(torch.randn(4, 6))[:, 2].any()
    assert math.isfinite(posterior.log_evidence)


def test_a_group_with_all_labels_cannot_be_left_out():
    statistics = statistics_of_groups(labelled_groups(groups=1))
    with pytest.raises(DataError, match="The group 0 holds all labelled pixels"):
        list(leave_one_group_out(statistics[0], statistics.items()))


def test_one_labelled_pixel():
    statistics = ClassStatistics(4, 2)
    z = torch.tensor([[1.0, 2.0, 0.0, 1.0]])
    statistics.update(z, torch.tensor([1]))
    posterior = fit_evidence(statistics.regression())
    assert torch.isfinite(posterior.weights).all()
    assert posterior.predict(z).argmax().item() == 1
    # Far from it nothing is known: there the mean is that of the prior.
    assert posterior.predict(torch.tensor([[0.0, 0.0, 5.0, 0.0]])).abs().max().item() < 1e-9


def test_targets_that_are_fitted_exactly():
    z, t = problem(30, 4, noise=0)
    posterior = fit_evidence(statistics_of(z, t))
    np.testing.assert_allclose(posterior.predict(torch.from_numpy(z)), t, rtol=1e-6)
    assert posterior.noise.item() == pytest.approx(0, abs=1e-9)


def test_targets_without_any_signal():
    z, t = np.random.default_rng(0).normal(size=(200, 5)), np.random.default_rng(1).normal(size=(200, 1))
    t -= z @ np.linalg.lstsq(z, t)[0]
    posterior = fit_evidence(statistics_of(z, t))
    assert posterior.effective_parameters == pytest.approx(0, abs=1e-4)
    assert posterior.noise.item() == pytest.approx(np.mean(t**2))


def test_what_cannot_be_fitted_is_refused():
    z, t = problem(5, 3)
    with pytest.raises(DataError, match="no rows"):
        fit_evidence(statistics_of(z[:0], t[:0]))
    with pytest.raises(DataError, match="All targets are 0"):
        fit_evidence(statistics_of(z, 0 * t))
    with pytest.raises(DataError, match="too large"):
        fit_evidence(statistics_of(1e200 * z, t))
    for penalty in (0, -1, math.nan, math.inf):
        with pytest.raises(ConfigError, match="must be positive and finite"):
            fit_ridge(statistics_of(z, t), penalty)
    with pytest.raises(ConfigError, match="too small for features that depend on each other"):
        fit_ridge(statistics_of(np.ones((5, 3)) * 1e8, t), 1e-12)
    with pytest.raises(DataError, match=r"Features must be \(N, 3\)"):
        fit_ridge(statistics_of(z, t), 1.0).predict(torch.zeros(2, 4))
