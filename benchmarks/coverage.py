"""How often every interval holds what it states, and how often every test calls nothing significant, by simulation.

Prints Markdown tables by number of groups, for equal and unequal groups, on values that are normal, skewed, bounded
with atoms at their bounds (Dice), and binary. Monte Carlo errors (two standard errors) stand beside each table.

    python benchmarks/coverage.py             # some 10 minutes on one core
    python benchmarks/coverage.py --quick     # under two minutes
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.evaluation import SHARE, clustered_wilcoxon, mean_interval, sign_flip_test
from prismseg.evaluation.statistics.methods import compare_methods, compare_trainings
from prismseg.study.kinds.weights.statistics import rayleigh_test

GROUPS = (6, 8, 12, 20)
SEEDS = (2, 3, 5, 10)
SIZES = ("equal", "unequal", "single", "dominant")
Array = NDArray[np.float64]
Generator = np.random.Generator


@dataclass(frozen=True)
class Population:
    """Cases of groups, with the mean over all cases that there could be.

    Attributes
    ----------
    name : str
        What kind of values.
    draw : function of (generator, group of each case)
        Values of the cases.
    mean : float
        The estimand.
    share : bool
        Whether values lie from 0 to 1.
    """

    name: str
    draw: Callable[[Generator, NDArray[np.intp]], Array]
    mean: float
    share: bool = False


def sizes_of(kind: str, groups: int, rng: Generator) -> NDArray[np.intp]:
    """Cases of each group: 8; 1 and more, geometric with mean 8; 1; or half as many in one group as in all others."""
    if kind == "unequal":
        return rng.geometric(1 / 8, groups)
    if kind == "single":
        return np.ones(groups, int)
    if kind == "dominant":
        return np.array([2 * groups, *[4] * (groups - 1)])
    return np.full(groups, 8)


def labels_of(kind: str, groups: int, rng: Generator) -> NDArray[np.intp]:
    """Group of each case."""
    return np.repeat(np.arange(groups), sizes_of(kind, groups, rng))


def _normal(rng: Generator, group: NDArray[np.intp]) -> Array:
    return rng.normal(size=group.max() + 1)[group] + rng.normal(size=group.size)


def _skewed(rng: Generator, group: NDArray[np.intp]) -> Array:
    return rng.normal(0, 0.5, group.max() + 1)[group] + rng.exponential(size=group.size) - 1


def _skewed_groups(rng: Generator, group: NDArray[np.intp]) -> Array:
    return rng.exponential(size=group.max() + 1)[group] + rng.normal(size=group.size) - 1


_LEVEL, _BETWEEN, _WITHIN = (1.1, 2.2), 0.7, 0.8  # Dice on the logit scale: about .72 and .87


def _dice(level: float, missed: float, full: float) -> Population:
    def draw(rng: Generator, group: NDArray[np.intp]) -> Array:
        latent = level + rng.normal(0, _BETWEEN, group.max() + 1)[group] + rng.normal(0, _WITHIN, group.size)
        values, chance = 1 / (1 + np.exp(-latent)), rng.random(group.size)
        return np.where(chance < missed, 0.0, np.where(chance < missed + full, 1.0, values))

    points, weights = np.polynomial.hermite_e.hermegauss(61)
    inner = 1 / (1 + np.exp(-(level + math.hypot(_BETWEEN, _WITHIN) * points)))
    mean = float(inner @ weights / weights.sum()) * (1 - missed - full) + full
    return Population(f"Dice {mean:.2f}, {missed:.0%} at 0, {full:.0%} at 1", draw, mean, share=True)


def _failing(share: float) -> Population:
    """Dice of a network that finds nothing at all in a `share` of the patients, on every picture of theirs."""

    def draw(rng: Generator, group: NDArray[np.intp]) -> Array:
        count = group.max() + 1
        level = np.where(rng.random(count) < share, 0.0, rng.beta(8, 1.5, count))[group]
        values = rng.beta(np.maximum(12 * level, 1e-3), np.maximum(12 * (1 - level), 1e-3))
        return np.where(level == 0, 0.0, values)

    mean = (1 - share) * 8 / 9.5
    return Population(f"Dice {mean:.2f}, 0 on all of {share:.0%} of the groups", draw, mean, share=True)


def _binary(rate: float, concentration: float) -> Population:
    def draw(rng: Generator, group: NDArray[np.intp]) -> Array:
        chance = rng.beta(rate * concentration, (1 - rate) * concentration, group.max() + 1)[group]
        return (rng.random(group.size) < chance).astype(float)

    return Population(f"binary, rate {rate:g}", draw, rate, share=True)


POPULATIONS = (
    Population("normal", _normal, 0.0),
    _dice(_LEVEL[0], 0.08, 0.02),
    _dice(_LEVEL[1], 0.04, 0.0),
    _binary(0.75, 4),
    _binary(0.9, 10),
    _failing(0.05),
)
DIFFERENCES = (
    Population("normal", _normal, 0.0),
    Population("skewed cases", _skewed, 0.0),
    Population("skewed groups", _skewed_groups, 0.0),
)
TESTS: dict[str, Callable[[Array, NDArray[np.intp]], float]] = {
    "sign flips": sign_flip_test,
    "signed ranks": clustered_wilcoxon,
}


def mean_coverage(population: Population, sizes: str, groups: int, trials: int, rng: Generator) -> float:
    """Share of the trials in which `mean_interval` holds the mean; the range of groups where there is no interval."""
    hits = 0
    for _ in range(trials):
        labels = labels_of(sizes, groups, rng)
        found = mean_interval(population.draw(rng, labels), labels, bounds=SHARE if population.share else None)
        hits += found.low - 1e-12 <= population.mean <= found.high + 1e-12
    return hits / trials


def test_level(name: str, population: Population, sizes: str, groups: int, trials: int, rng: Generator) -> float:
    """Share of the trials in which a test of differences whose mean is 0 gives p of at most .05."""
    rejected = 0
    for _ in range(trials):
        labels = labels_of(sizes, groups, rng)
        rejected += TESTS[name](population.draw(rng, labels), labels) <= 0.05
    return rejected / trials


def method_trial(
    seeds: int, groups: int, rng: Generator, *, noise: tuple[float, float] = (0.5, 0.5), skewed: bool = False
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Draw values (seeds, cases) of two methods that are equally good: noise of seeds, groups, their mixture and cases.

    Methods differ from group to group (SD 0.7, exponential where skewed) and by training (SD `noise`).
    """
    labels = labels_of("unequal", groups, rng)
    taste = rng.exponential(size=groups) - 1 if skewed else rng.normal(size=groups)
    ours, theirs = (
        rng.normal(0, sd, (seeds, 1)) + rng.normal(0, 0.3, (seeds, groups))[:, labels]
        + rng.normal(0, 0.5, (seeds, labels.size))
        for sd in noise
    )  # fmt: skip
    return ours + 0.7 * taste[labels], theirs, labels


def method_rates(
    seeds: int, groups: int, trials: int, rng: Generator, **options: object
) -> tuple[float, float, float]:
    """Coverage and level of `compare_methods`, and the level of the sign-flip test of the same averaged networks."""
    covered = rejected = ignoring = 0
    for _ in range(trials):
        ours, theirs, labels = method_trial(seeds, groups, rng, **options)  # type: ignore[arg-type]
        found = compare_methods(ours, theirs, labels)
        covered += found["ci_low"] <= 0 <= found["ci_high"]
        rejected += found["p_value"] <= 0.05
        ignoring += sign_flip_test(ours.mean(0) - theirs.mean(0), labels) <= 0.05
    return covered / trials, rejected / trials, ignoring / trials


def training_rates(seeds: int, trials: int, rng: Generator, noise: tuple[float, float]) -> tuple[float, float]:
    """Coverage and level of `compare_trainings`."""
    found = [
        compare_trainings(rng.normal(0, noise[0], seeds), rng.normal(0, noise[1], seeds)) for _ in range(trials)
    ]
    covered = sum(row["ci_low"] <= 0 <= row["ci_high"] for row in found)
    return covered / trials, sum(row["p_value"] <= 0.05 for row in found) / trials


def rayleigh_level(count: int, trials: int, rng: Generator) -> float:
    """Level of the Rayleigh test of the weights study on uniform phases."""
    return sum(rayleigh_test(rng.uniform(0, 2 * np.pi, count))[1] <= 0.05 for _ in range(trials)) / trials


def tables(trials: int) -> Iterator[str]:
    """Lines of Markdown."""
    rng = np.random.default_rng(0)
    error = 200 * math.sqrt(0.05 * 0.95 / trials)
    yield f"{trials} trials a cell; two standard errors of a 95 % rate are {error:.1f} percentage points.\n"
    yield "### Range of the groups, where there is no interval: how often it holds the mean, %\n"
    yield _row("values", "2 groups", "3", "4", "5")
    yield _row(*["---"] * 5)
    for population in POPULATIONS:
        yield _row(
            population.name,
            *(_percent(mean_coverage(population, "unequal", n, trials, rng)) for n in (2, 3, 4, 5)),
        )
    yield "\n### Interval of a mean (`mean_interval`, 95 %): coverage, %\n"
    yield _row("values", "cases a group", *(f"{count} groups" for count in GROUPS))
    yield _row(*["---"] * (2 + len(GROUPS)))
    for population in (*POPULATIONS, *DIFFERENCES[1:]):
        for sizes in SIZES:
            rates = (mean_coverage(population, sizes, count, trials, rng) for count in GROUPS)
            yield _row(population.name, sizes, *map(_percent, rates))
    yield "\n### Tests of two given networks: level at .05, %\n"
    yield _row("test", "differences", "cases a group", *(f"{count} groups" for count in GROUPS))
    yield _row(*["---"] * (3 + len(GROUPS)))
    for name in TESTS:
        for population in DIFFERENCES:
            for sizes in SIZES[:2]:
                rates = (test_level(name, population, sizes, count, trials, rng) for count in GROUPS)
                yield _row(name, population.name, sizes, *map(_percent, rates))
    yield "\n### Comparison of two methods (`compare_methods`): coverage / level, and level if trainings are ignored, %\n"
    yield _row("noise of trainings", "seeds", *(f"{count} groups" for count in GROUPS))
    yield _row(*["---"] * (2 + len(GROUPS)))
    for words, options in (
        ("equal", {}),
        ("ten times larger in one method", {"noise": (0.05, 0.5)}),
        ("equal, skewed groups", {"skewed": True}),
    ):
        for seeds in SEEDS:
            rates = (method_rates(seeds, count, trials, rng, **options) for count in GROUPS)
            yield _row(words, seeds, *(f"{_percent(c)} / {_percent(p)}, {_percent(i)}" for c, p, i in rates))
    yield "\nWith 1 seed there is no interval and no p-value of methods.\n"
    yield "### Comparison of two methods by one number a training (`compare_trainings`): coverage / level, %\n"
    yield _row("noise of trainings", *(f"{seeds} seeds" for seeds in SEEDS))
    yield _row(*["---"] * (1 + len(SEEDS)))
    for words, noise in (("equal", (1.0, 1.0)), ("three times larger in one method", (1.0, 3.0))):
        pairs = (training_rates(seeds, trials, rng, noise) for seeds in SEEDS)
        yield _row(words, *(f"{_percent(covered)} / {_percent(level)}" for covered, level in pairs))
    yield "\n### Rayleigh test of phases (`prismseg.study.kinds.weights.statistics`): level at .05, %\n"
    yield _row("phases", 8, 27, 64)
    yield _row(*["---"] * 4)
    yield _row("level", *(_percent(rayleigh_level(count, trials, rng)) for count in (8, 27, 64)))


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer trials: under two minutes")
    parser.add_argument("--trials", type=int, help="trials a cell; by default 3000, with --quick 400")
    arguments = parser.parse_args()
    for line in tables(arguments.trials or (400 if arguments.quick else 3000)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
