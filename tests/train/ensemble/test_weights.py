"""Weights by held-out cases: known answers, and that no case decides which a network has seen."""

import math

import numpy as np
import pytest

from prismseg.base import ConfigError, DataError
from prismseg.data import open_dataset
from prismseg.evaluation import EvaluatedNetwork, case_metrics
from prismseg.inference import Prediction
from prismseg.train.ensemble.weights import choose_weights, score_mixtures, weight_grid


class Fake:
    """A predictor whose probability of foreground is a function of the image (H, W)."""

    classes = ("background", "disc")

    def __init__(self, foreground):
        self.foreground = foreground

    def __call__(self, image):
        p = self.foreground(np.asarray(image)[..., 0].astype(float)).astype(np.float32)
        return Prediction((p > 0.5).astype(np.uint8), np.stack([1 - p, p]))


def perfect(image):
    return (image > 120).astype(float)


def halves(left):
    """Know one half of each image, and nothing of the other."""

    def foreground(image):
        known = np.arange(image.shape[1]) < image.shape[1] / 2
        return np.where(known if left else ~known, perfect(image), 0.5)

    return foreground


def noisy(seed, amount):
    def foreground(image):
        noise = np.random.default_rng(int(image.sum()) + seed).normal(0, amount, image.shape)
        return 1 / (1 + np.exp(-(4 * perfect(image) - 2 + noise)))

    return foreground


@pytest.fixture(scope="module")
def dataset(discs):
    return open_dataset(discs)


def choose(dataset, *functions, cases=None):
    cases = range(len(dataset)) if cases is None else cases
    sources = {str(k): [EvaluatedNetwork(Fake(each), tuple(cases))] for k, each in enumerate(functions)}
    return choose_weights(sources, dataset, show_progress=False)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_grid_holds_every_mixture_once(count):
    grid = weight_grid(count)
    np.testing.assert_allclose(grid.sum(1), 1)
    assert len(np.unique(grid, axis=0)) == len(grid) and {tuple(row) for row in np.eye(count)} <= set(
        map(tuple, grid)
    )
    steps = round(1 / grid[grid > 0].min())
    assert len(grid) == math.comb(steps + count - 1, count - 1) <= 1001


def test_more_networks_than_a_grid_can_hold():
    with pytest.raises(ConfigError, match="weights of 60 networks cannot be chosen"):
        weight_grid(60)


def test_scores_of_mixtures_are_those_of_the_masks():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), (2, 60)).transpose(0, 2, 1)
    truth = rng.integers(0, 3, 60).astype(np.uint8)
    truth[:5] = 255
    dice, likelihood = score_mixtures(probabilities, truth, np.array([[1.0, 0.0], [0.25, 0.75]]))
    for weights, found, log in zip(([1, 0], [0.25, 0.75]), dice, likelihood, strict=True):
        mixed = np.tensordot(weights, probabilities, 1)
        rows = case_metrics(mixed.argmax(0)[None], truth[None], ["background", "a", "b"])
        assert found == pytest.approx(np.mean([row["value"] for row in rows if row["metric"] == "dice"]))
        assert log == pytest.approx(np.mean([np.log(mixed[truth[k], k]) for k in range(5, 60)]), abs=1e-5)


def test_the_perfect_one_gets_all_and_the_useless_one_nothing(dataset):
    for useless in (lambda image: 0.5 + 0 * image, lambda image: 1 - perfect(image)):
        choice = choose(dataset, useless, perfect)
        assert choice.weights == (0.0, 1.0)
        assert choice.dice == pytest.approx(1) and choice.alone[1] == pytest.approx(1) and choice.alone[0] < 0.5


def test_those_that_know_a_half_each_share(dataset):
    choice = choose(dataset, halves(left=True), halves(left=False))
    assert choice.weights == pytest.approx((0.5, 0.5), abs=0.051)
    assert choice.dice == pytest.approx(1) and max(choice.alone) < 1


def test_twins_share_evenly(dataset):
    assert choose(dataset, perfect, perfect).weights == (0.5, 0.5)


def test_the_measure_of_each_group_is_of_weights_chosen_without_it(dataset):
    functions = noisy(1, 4), noisy(2, 2.5)
    choice = choose(dataset, *functions)
    scores = []
    for group in sorted(set(dataset.groups)):
        inside = [case for case, name in enumerate(dataset.groups) if name == group]
        weights = choose(dataset, *functions, cases=sorted(set(range(len(dataset))) - set(inside))).weights
        for case in inside:
            sample = dataset[case]
            mixed = sum(w * Fake(f)(sample.image).probabilities for w, f in zip(weights, functions, strict=True))
            rows = case_metrics(mixed.argmax(0), sample.mask, dataset.classes)
            scores.append(next(row["value"] for row in rows if row["metric"] == "dice"))
    assert choice.dice == pytest.approx(np.mean(scores), abs=1e-6)


def test_only_cases_decide_that_every_source_has_left_alone(dataset):
    def never(image):
        raise AssertionError("a network was asked about a case that it has seen")

    allowed = [case for case, group in enumerate(dataset.groups) if group in ("p0", "p1")]
    seen = [case for case in range(len(dataset)) if case not in allowed]
    sources = {
        "folds": [EvaluatedNetwork(Fake(perfect), tuple(allowed)), EvaluatedNetwork(Fake(never), tuple(seen))],
        "single": [EvaluatedNetwork(Fake(perfect), tuple(allowed[1:]))],
    }
    choice = choose_weights(sources, dataset, show_progress=False)
    assert choice.cases == tuple(allowed[1:]) and choice.groups == 2


def test_a_case_that_all_have_seen_decides_nothing(dataset):
    half = len(dataset) // 2
    sources = {
        "first": [EvaluatedNetwork(Fake(perfect), tuple(range(half)))],
        "second": [EvaluatedNetwork(Fake(perfect), tuple(range(half, 2 * half)))],
    }
    with pytest.raises(DataError, match=r"No case .* is unseen by all .*first: 9; second: 9.*--folds"):
        choose_weights(sources, dataset, show_progress=False)
    with pytest.raises(DataError, match=r"are of one group \(p0\)"):
        choose(dataset, perfect, perfect, cases=range(3))
