"""Distributions draw what NumPy's generators draw: frames of a seed depend on it."""

import numpy as np
import pytest

from prismseg.thermal.phantom.distributions import (
    FoldedNormal,
    Integers,
    Mixture,
    Normal,
    Uniform,
    paired_generators,
)


def generators():
    return np.random.default_rng(7), np.random.default_rng(7)


def test_single_numbers():
    ours, numpys = generators()
    assert Uniform(2, 5).draw(ours) == numpys.uniform(2, 5)
    assert Normal(2, 5).draw(ours) == numpys.normal(2, 5)
    assert FoldedNormal(-3, 1).draw(ours) == abs(numpys.normal(-3, 1)) > 0
    assert Integers(2, 5).draw(ours) == numpys.integers(2, 6)
    assert ours.random() == numpys.random()  # nothing else was drawn


def test_arrays():
    ours, numpys = generators()
    np.testing.assert_array_equal(Uniform(2, 5).sample(ours, 4), numpys.uniform(2, 5, 4))
    np.testing.assert_array_equal(Normal(2, 5).sample(ours, 4, 1), numpys.normal(2, 5, (4, 1)))


def test_integers_have_both_limits():
    rng = np.random.default_rng(0)
    assert {Integers(2, 5).draw(rng) for _ in range(200)} == {2, 3, 4, 5}


def test_every_part_of_a_mixture_is_drawn_and_chosen_as_often_as_stated():
    ours, numpys = generators()
    drawn = [1.0, numpys.uniform(2, 3), numpys.normal(9, 1)]
    assert Mixture((1.0, Uniform(2, 3), Normal(9, 1)), (0.2, 0.3, 0.5)).draw(ours) == numpys.choice(
        drawn, p=(0.2, 0.3, 0.5)
    )
    rng = np.random.default_rng(0)
    certain = Mixture((1.0, 2.0), (0.25, 0.75))
    assert np.mean([certain.draw(rng) == 2.0 for _ in range(4000)]) == pytest.approx(0.75, abs=0.03)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_feet_are_as_often_alike_as_stated(chance):
    rng = np.random.default_rng(0)
    pairs = [paired_generators(rng, chance) for _ in range(400)]
    alike = np.mean([left.random() == right.random() for left, right in pairs])
    assert alike == pytest.approx(chance, abs=0.08)
