"""The simulation of benchmarks/coverage.py in small: intervals hold, tests keep their level, controls fail."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).parents[3] / "benchmarks" / "coverage.py"
TRIALS = 250
LEEWAY = 0.028  # two standard errors of a rate of 95 % in 250 trials


@pytest.fixture(scope="module")
def coverage():
    import sys

    spec = importlib.util.spec_from_file_location("benchmarks_coverage", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.mark.parametrize("sizes", ["equal", "unequal", "single", "dominant"])
@pytest.mark.parametrize("number", range(6))
def test_means_are_held_from_6_groups_on(coverage, number, sizes):
    rng = np.random.default_rng(number)
    for groups in (6, 12):
        rate = coverage.mean_coverage(coverage.POPULATIONS[number], sizes, groups, TRIALS, rng)
        assert rate >= 0.93 - LEEWAY, (coverage.POPULATIONS[number].name, groups)


def test_a_range_of_two_groups_is_no_interval(coverage):
    """The control: what was printed as a 95 % interval."""
    rate = coverage.mean_coverage(coverage.POPULATIONS[0], "equal", 2, TRIALS, np.random.default_rng(0))
    assert rate < 0.65


@pytest.mark.parametrize("sizes", ["equal", "unequal"])
def test_sign_flips_keep_their_level_and_signed_ranks_do_not(coverage, sizes):
    rng = np.random.default_rng(1)
    for population in coverage.DIFFERENCES[:2]:
        for groups in (6, 12):
            rate = coverage.test_level("sign flips", population, sizes, groups, TRIALS, rng)
            assert rate <= 0.05 + LEEWAY
    if sizes == "equal":
        skewed = coverage.DIFFERENCES[1]
        assert coverage.test_level("signed ranks", skewed, sizes, 20, TRIALS, rng) > 0.08


@pytest.mark.parametrize("options", [{}, {"noise": (0.05, 0.5)}, {"skewed": True}])
def test_methods_keep_their_level_with_few_seeds(coverage, options):
    rng = np.random.default_rng(2)
    for seeds, groups in ((2, 6), (3, 12), (5, 20)):
        covered, level, ignoring = coverage.method_rates(seeds, groups, TRIALS // 2, rng, **options)
        assert covered >= 0.93 - 1.4 * LEEWAY and level <= 0.05 + 1.4 * LEEWAY
        assert ignoring > level


def test_trainings_keep_their_level(coverage):
    rng = np.random.default_rng(3)
    for noise in ((1.0, 1.0), (1.0, 3.0)):
        assert coverage.training_rates(3, TRIALS, rng, noise)[1] <= 0.05 + LEEWAY


def test_means_of_the_simulated_populations_are_right(coverage):
    """Against a large sample of groups of one case."""
    rng = np.random.default_rng(4)
    labels = np.arange(400_000)
    for population in (*coverage.POPULATIONS, *coverage.DIFFERENCES):
        values = population.draw(rng, labels)
        assert values.mean() == pytest.approx(population.mean, abs=5 * values.std() / 632)
