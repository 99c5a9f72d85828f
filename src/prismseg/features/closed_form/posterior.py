r"""What is known of a linear model in closed form: weights, predictive variance, attribution.

Targets are :math:`t_{nk} = w_k^T z_n + \epsilon_{nk}` with noise :math:`\epsilon_{nk} \sim N(0, \sigma_k^2 / c_n)` and
the prior :math:`w_k \sim N(0, (\sigma_k^2 / \lambda) I)`. All outputs share the penalty :math:`\lambda`, the ratio of
noise to prior variance, hence one matrix :math:`A = G + \lambda I`; their posterior is
:math:`w_k \sim N(A^{-1} B_{\cdot k}, \sigma_k^2 A^{-1})` (Bishop 2006, equations 3.49 to 3.51).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from prismseg.base import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class LinearPosterior:
    r"""What is known of the weights of a linear model after its statistics.

    Attributes
    ----------
    weights : (D, K) Tensor
        Posterior mean, float64; the ridge solution with this penalty.
    factor : (D, D) Tensor
        F with :math:`F F^T = A^{-1}`, float64.
    noise : (K,) Tensor
        Variance :math:`\sigma_k^2` of the noise of a row with weight 1.
    penalty : float
        :math:`\lambda`.
    log_evidence : float
        Logarithm of the density of all targets given the features, with the weights integrated out (Bishop 2006,
        equation 3.86). Outputs whose targets are all 0 do not count.
    """

    weights: Tensor
    factor: Tensor
    noise: Tensor
    penalty: float
    log_evidence: float

    @property
    def effective_parameters(self) -> float:
        r"""Number :math:`\gamma = D - \lambda\,\mathrm{tr} A^{-1}` of weights that the data determine (MacKay 1992)."""
        return len(self.weights) - self.penalty * float(self.factor.square().sum())

    def predict(self, features: Tensor) -> Tensor:
        """Predictive mean (N, K) of `features` (N, D), in their floating type."""
        self._check(features)
        return features @ self.weights.to(features)

    def leverage(self, features: Tensor) -> Tensor:
        r"""Compute :math:`z^T A^{-1} z` (N,), the part of the predictive variance that more labels would reduce.

        Times `noise` it is the epistemic variance of an output; `noise` itself is the aleatoric one.
        """
        self._check(features)
        return (features.double() @ self.factor.to(features.device)).square().sum(1)

    def variance(self, features: Tensor) -> Tensor:
        r"""Predictive variance :math:`\sigma_k^2 (1 + z^T A^{-1} z)` (N, K) (Bishop 2006, equation 3.59)."""
        return (1 + self.leverage(features))[:, None] * self.noise.to(features.device)

    def attribute(self, features: Tensor, groups: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
        """Split the prediction into what each group of features adds to it.

        Parameters
        ----------
        features : (N, D) Tensor
            Features.
        groups : mapping of str to sequence of int
            Indices of the features of each group, a `range` for instance; each feature is in exactly one.

        Returns
        -------
        dict of str to (N, K) Tensor
            Contributions; they sum to `predict(features)`.

        Raises
        ------
        ConfigError
            When a feature is in no group or in two.
        """
        self._check(features)
        if sorted(index for group in groups.values() for index in group) != list(range(len(self.weights))):
            raise ConfigError(f"Groups must hold each of the {len(self.weights)} features exactly once.")
        weights = self.weights.to(features)
        indices = {name: torch.tensor(list(group), device=features.device) for name, group in groups.items()}
        return {name: features[:, index] @ weights[index] for name, index in indices.items()}

    def _check(self, features: Tensor) -> None:
        if features.ndim != 2 or features.shape[1] != len(self.weights):
            raise DataError(f"Features must be (N, {len(self.weights)}); they are {tuple(features.shape)}.")
