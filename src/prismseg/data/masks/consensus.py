"""One mask of several people's: by STAPLE, or by the majority of each pixel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prismseg.base.registry import Registry

_STEPS = 200  # of the expectation maximisation, which ends before where nothing changes any more
_CHANGE = 1e-8  # of the confusion, below which nothing does
_FIRST_RIGHT = 0.99  # how often people are thought to be right at the start


@dataclass(frozen=True, eq=False)
class Staple:
    """What STAPLE says of several masks of one image.

    Attributes
    ----------
    labels : (L,) array
        Labels that somebody gave.
    probabilities : (L, H, W) float64
        Of each label in each pixel: a soft mask.
    confusion : (A, L, L) float64
        Of each person: how often they give the label of the row where that of the column is true.
    prevalence : (L,) float64
        Mean share of each label over the people, which is taken for granted.
    """

    labels: NDArray[Any]
    probabilities: NDArray[np.float64]
    confusion: NDArray[np.float64]
    prevalence: NDArray[np.float64]

    @property
    def mask(self) -> NDArray[Any]:
        """Most probable label of each pixel, (H, W); of equally probable ones the smallest."""
        mask: NDArray[Any] = self.labels[self.probabilities.argmax(0)]
        return mask


def staple(masks: NDArray[Any]) -> Staple:
    r"""Estimate the true mask and how good each person is, together (Warfield, Zou & Wells 2004).

    With d_ij the label that person j gives pixel i, \theta_j[d, s] how often they give d where s is true, and \pi_s the
    share of s, expectation maximisation alternates

    .. math::
        W_{is} \propto \pi_s \prod_j \theta_j[d_{ij}, s], \qquad
        \theta_j[d, s] = \frac{\sum_{i: d_{ij} = d} W_{is}}{\sum_i W_{is}} .

    Parameters
    ----------
    masks : (A, H, W) array of whole numbers
        A mask of each of A people. Labels are names: their order means nothing.

    Returns
    -------
    Staple

    Examples
    --------
    >>> masks = np.array([[[0, 0, 1, 1]], [[0, 0, 1, 1]], [[0, 1, 1, 1]]])
    >>> staple(masks).mask
    array([[0, 0, 1, 1]])
    """
    people, shape = len(masks), masks.shape[1:]
    labels, given = np.unique(masks, return_inverse=True)
    given = given.reshape(people, -1)
    # All pixels that got the same labels from everybody have the same probabilities.
    kinds, kind_of, counts = np.unique(given, axis=1, return_inverse=True, return_counts=True)
    every = len(labels)
    prevalence = np.bincount(given.ravel(), minlength=every) / given.size
    wrong = (1 - _FIRST_RIGHT) / max(every - 1, 1)
    confusion = np.full((people, every, every), wrong)
    confusion[:, range(every), range(every)] = _FIRST_RIGHT if every > 1 else 1.0
    chosen = kinds[:, None] == np.arange(every)[:, None]  # (A, L, N): who gave what
    for _ in range(_STEPS):
        weights = _weights(kinds, confusion, prevalence)
        total = (weights * counts).sum(1)
        found = np.einsum("adn,sn,n->ads", chosen, weights, counts) / np.where(total > 0, total, 1)
        change = float(np.abs(found - confusion).max())
        confusion = found
        if change < _CHANGE:
            break
    weights = _weights(kinds, confusion, prevalence)
    return Staple(labels, weights[:, kind_of.ravel()].reshape(every, *shape), confusion, prevalence)


def _weights(
    kinds: NDArray[np.intp], confusion: NDArray[np.float64], prevalence: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability (L, N) of each label for N kinds of pixels, which got the labels (A, N)."""
    with np.errstate(divide="ignore"):
        logarithms = (
            np.log(prevalence)[:, None]
            + np.log(np.stack([one[labels] for one, labels in zip(confusion, kinds, strict=True)])).sum(0).T
        )
    logarithms -= logarithms.max(0)
    weights: NDArray[np.float64] = np.exp(logarithms)
    weights /= weights.sum(0)
    return weights


def vote(masks: NDArray[Any]) -> NDArray[Any]:
    """Label (H, W) that most people give each pixel of their masks (A, H, W); of equally many the smallest.

    Examples
    --------
    >>> vote(np.array([[[0, 1, 2]], [[0, 1, 1]], [[1, 1, 0]]]))
    array([[0, 1, 0]])
    """
    labels, given = np.unique(masks, return_inverse=True)
    given = given.reshape(masks.shape)
    counts = np.stack([(given == label).sum(0) for label in range(len(labels))])
    chosen: NDArray[Any] = labels[counts.argmax(0)]
    return chosen


# From masks (A, H, W) of several people to one (H, W).
Consensus = Callable[[NDArray[Any]], NDArray[Any]]

CONSENSUS: Registry[Consensus] = Registry("consensus of annotators")


@CONSENSUS.register("staple", summary="Expectation maximisation that also estimates how good each annotator is.")
def staple_mask(masks: NDArray[Any]) -> NDArray[Any]:
    """Most probable label of each pixel by `staple`."""
    return staple(masks).mask


CONSENSUS.register("majority", vote, summary="The label that most annotators give a pixel.")
