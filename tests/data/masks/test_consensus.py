"""STAPLE against its formulas written out for two labels, a planted truth and cases that can be counted by hand."""

import numpy as np
import pytest

from prismseg.data.masks.consensus import CONSENSUS, staple, vote


def binary_staple(masks, steps=200):
    """Warfield, Zou & Wells 2004, equations 18 to 21, pixel by pixel."""
    given = masks.reshape(len(masks), -1).astype(float)
    prior = given.mean()
    sensitivity, specificity = np.full(len(masks), 0.99), np.full(len(masks), 0.99)
    for _ in range(steps):
        one, none = np.full(given.shape[1], prior), np.full(given.shape[1], 1 - prior)
        for labels, p, q in zip(given, sensitivity, specificity, strict=True):
            one *= np.where(labels == 1, p, 1 - p)
            none *= np.where(labels == 0, q, 1 - q)
        weight = one / (one + none)
        sensitivity = (given * weight).sum(1) / weight.sum()
        specificity = ((1 - given) * (1 - weight)).sum(1) / (1 - weight).sum()
    return weight.reshape(masks.shape[1:]), sensitivity, specificity


def drawn(truth, qualities, seed=0):
    """Masks of people who give the true label with these probabilities, else another one."""
    rng, every = np.random.default_rng(seed), truth.max() + 1
    other = (truth + rng.integers(1, every, (len(qualities), *truth.shape))) % every
    right = rng.random((len(qualities), *truth.shape)) < np.array(qualities)[:, None, None]
    return np.where(right, truth, other)


def disc(side=60, radius=20):
    rows, columns = np.mgrid[:side, :side] - side // 2
    return (rows**2 + columns**2 < radius**2).astype(int)


def test_two_labels_are_as_in_the_paper():
    masks = drawn(disc(), [0.95, 0.8, 0.7, 0.9])
    weight, sensitivity, specificity = binary_staple(masks)
    found = staple(masks)
    np.testing.assert_allclose(found.probabilities[1], weight, atol=1e-6)
    np.testing.assert_allclose(found.confusion[:, 1, 1], sensitivity, atol=1e-6)
    np.testing.assert_allclose(found.confusion[:, 0, 0], specificity, atol=1e-6)
    np.testing.assert_allclose(found.confusion.sum(1), 1)
    np.testing.assert_allclose(found.probabilities.sum(0), 1)


@pytest.mark.parametrize("labels", [2, 4])
def test_planted_qualities_come_out_and_the_mask_is_better_than_a_vote(labels):
    truth = np.random.default_rng(1).integers(0, labels, (80, 80))
    qualities = [0.98, 0.6, 0.6, 0.55, 0.6]
    masks = drawn(truth, qualities)
    found = staple(masks)
    right = found.confusion.diagonal(axis1=1, axis2=2).mean(1)
    np.testing.assert_allclose(right, qualities, atol=0.03)
    assert (found.mask == truth).mean() > 0.95 > 0.9 > (vote(masks) == truth).mean()


def test_labels_are_names():
    masks = drawn(disc(), [0.9, 0.8, 0.85])
    names = np.array([255, 7])
    np.testing.assert_array_equal(staple(names[masks]).mask, names[staple(masks).mask])
    np.testing.assert_array_equal(vote(names[masks]), names[vote(masks)])


@pytest.mark.parametrize("method", CONSENSUS)
def test_what_all_agree_on_stays(method):
    one = disc(9, 3)
    for masks in (one[None], np.stack([one] * 3), np.zeros((2, 4, 4), int)):
        np.testing.assert_array_equal(CONSENSUS[method](masks), masks[0])


def test_a_vote_is_counted_and_ties_go_to_the_smaller_label():
    masks = np.array([[[0, 1, 2, 5]], [[0, 1, 1, 3]], [[1, 1, 0, 5]], [[1, 0, 3, 3]]])
    np.testing.assert_array_equal(vote(masks), [[0, 1, 0, 3]])
