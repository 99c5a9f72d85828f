r"""What several draws of a network say of each pixel: entropy of their mean, mutual information, variance.

With draws m of weight :math:`w_m` and probabilities :math:`p_m`, the **predictive entropy** is that of the mean
:math:`\bar p = \sum_m w_m p_m`; the **mutual information** between label and draw,
:math:`H[\bar p] - \sum_m w_m H[p_m]`, is the part of it that more labelled images would reduce (Houlsby et al. 2011); the
**variance** is :math:`\sum_m w_m (p_m - \bar p)^2`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import DataError, atomic_path
from prismseg.inference.uncertainty import entropy_of


@dataclass(frozen=True, eq=False)
class BayesianMaps:
    """Maps of one image at its own size.

    Attributes
    ----------
    probabilities : (K, H, W) float32
        Mean over the draws; sums to 1 over K.
    entropy : (H, W) float32
        Predictive entropy, in units of that of equal probabilities, ln K.
    mutual_information : (H, W) float32
        In the same units; at most the entropy.
    variance : (K, H, W) float32
        Of the probabilities over the draws.
    """

    probabilities: NDArray[np.float32]
    entropy: NDArray[np.float32]
    mutual_information: NDArray[np.float32]
    variance: NDArray[np.float32]

    @property
    def mask(self) -> NDArray[np.uint8]:
        """Most probable class (H, W), before any post-processing."""
        chosen: NDArray[np.uint8] = self.probabilities.argmax(0).astype(np.uint8)
        return chosen

    def save(self, path: str | Path) -> Path:
        """Write an NPZ file with ``entropy``, ``mutual_information`` and ``variance`` in half precision."""
        with atomic_path(path) as temporary:
            np.savez_compressed(
                temporary,
                entropy=self.entropy.astype(np.float16),
                mutual_information=self.mutual_information.astype(np.float16),
                variance=self.variance.astype(np.float16),
            )
        return Path(path)


def maps_of_draws(probabilities: NDArray[np.floating], weights: Sequence[float] | None = None) -> BayesianMaps:
    """Put draws together.

    Parameters
    ----------
    probabilities : (M, K, H, W) float
        Of each draw.
    weights : sequence of M floats, optional
        They sum to 1; by default all are equal.

    Raises
    ------
    DataError
        When there is no draw, or the weights are of another number.

    Examples
    --------
    >>> agree, differ = np.array([0.5, 0.5]), np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> maps = maps_of_draws(np.stack([agree, agree])[..., None, None])
    >>> maps.entropy.item(), maps.mutual_information.item()  # unsure, but of one mind
    (1.0, 0.0)
    >>> maps_of_draws(differ[..., None, None]).mutual_information.item()
    1.0
    """
    draws = probabilities.astype(np.float64)
    if draws.ndim != 4 or not len(draws):
        raise DataError(f"Draws must be (M, K, H, W) with M from 1 on; they are {probabilities.shape}.")
    w = np.full(len(draws), 1 / len(draws)) if weights is None else np.asarray(weights, float)
    if w.shape != (len(draws),):
        raise DataError(f"There are {len(draws)} draws and {len(w)} weights.")
    mean = np.tensordot(w, draws, 1)
    entropy = entropy_of(mean)
    inside = np.tensordot(w, np.stack([entropy_of(draw) for draw in draws]), 1)
    variance = np.tensordot(w, np.square(draws - mean), 1)
    return BayesianMaps(
        mean.astype(np.float32),
        entropy,
        np.maximum(entropy - inside, 0).astype(np.float32),
        variance.astype(np.float32),
    )
