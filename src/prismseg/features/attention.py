r"""Softmax attention, exact and by positive orthogonal random features, in time and memory linear in the tokens.

With queries and keys scaled by :math:`d^{-1/4}`, attention weighs values by the kernel :math:`\exp(q^T k)`, and for
:math:`\omega \sim N(0, I)`

.. math:: \exp(q^T k) = E_\omega\left[ e^{\omega^T q - |q|^2 / 2}\; e^{\omega^T k - |k|^2 / 2} \right]

(Choromanski et al. 2021, "Rethinking Attention with Performers", lemma 1): the features of m such frequencies are
positive, so that no weight is negative and no denominator 0, and their products are computed from the right,
:math:`\phi(Q) (\phi(K)^T V)`, with N m d operations in place of N² d. The frequencies are those of the Gaussian
kernel (`prismseg.features.sample_frequencies`), in orthogonal blocks, which lowers the variance. Cosines estimate
the same kernel (:math:`e^{|q|^2/2} e^{|k|^2/2} k_\mathrm{Gauss}`) and are a bad choice for it: where a weight
should be near 0, they are off by as much as where it is large, and of either sign.
"""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.features.spectral import sample_frequencies

_CHUNK = 2**22  # weights of exact attention that are formed at a time: 16 MiB in single precision


def exact_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    r"""Softmax attention :math:`\mathrm{softmax}(Q K^T / \sqrt d) V`.

    Parameters
    ----------
    query, key : (…, N, d) and (…, M, d) Tensor
        Tokens; the leading dimensions are batch and heads.
    value : (…, M, e) Tensor
        What is averaged.

    Returns
    -------
    (…, N, e) Tensor

    Examples
    --------
    >>> one = torch.tensor([[[0.0, 1.0]]])
    >>> exact_attention(one, torch.zeros(1, 2, 2), torch.tensor([[[1.0], [3.0]]]))
    tensor([[[2.]]])
    """
    return F.scaled_dot_product_attention(query, key, value)


def random_attention(query: Tensor, key: Tensor, value: Tensor, frequencies: Tensor) -> Tensor:
    """Softmax attention by positive random features, in time linear in the tokens.

    Numerator and denominator of `exact_attention` are estimated without bias, their ratio with one of the order of 1 / m.
    The variance grows exponentially with the squared length of the scaled tokens: short tokens take few features, long
    ones more than there are (``python benchmarks/attention.py``).

    Parameters
    ----------
    query, key : (…, N, d) and (…, M, d) Tensor
        Tokens.
    value : (…, M, e) Tensor
        What is averaged.
    frequencies : (m, d) Tensor
        Of `attention_frequencies`.

    Returns
    -------
    (…, N, e) Tensor

    Raises
    ------
    ConfigError
        When the frequencies have another dimension than the tokens.

    Examples
    --------
    >>> q, k, v = torch.randn(3, 1, 4, 100, 8)
    >>> random_attention(q, k, v, attention_frequencies(64, 8)).shape
    torch.Size([1, 4, 100, 8])
    """
    phi_query, phi_key, weight = _ratio(query, key, frequencies)
    return phi_query @ (phi_key.transpose(-2, -1) @ value) / weight


def attention_matrix(query: Tensor, key: Tensor, frequencies: Tensor | None = None) -> Tensor:
    """Form the weights of attention, each row of which sums to 1; quadratic in the tokens.

    Parameters
    ----------
    query, key : (…, N, d) and (…, M, d) Tensor
        Tokens.
    frequencies : (m, d) Tensor, optional
        Of `attention_frequencies`: the weights that `random_attention` uses without forming them; None: those of
        `exact_attention`.

    Returns
    -------
    (…, N, M) Tensor

    Examples
    --------
    >>> attention_matrix(torch.zeros(1, 2), torch.zeros(2, 2))
    tensor([[0.5000, 0.5000]])
    """
    if frequencies is None:
        return torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1]), -1)
    phi_query, phi_key, weight = _ratio(query, key, frequencies)
    return phi_query @ phi_key.transpose(-2, -1) / weight


def weigh_keys(rows: Tensor, query: Tensor, key: Tensor, frequencies: Tensor | None = None) -> Tensor:
    """Multiply rows of weights of the queries by `attention_matrix`: how much each key counts for them.

    The matrix of random features is never formed; that of exact attention some queries at a time.

    Parameters
    ----------
    rows : (…, K, N) Tensor
        K weightings of the queries.
    query, key, frequencies
        As for `attention_matrix`.

    Returns
    -------
    (…, K, M) Tensor

    Examples
    --------
    >>> weigh_keys(torch.tensor([[1.0, 1.0, 2.0]]), torch.zeros(3, 2), torch.zeros(4, 2))
    tensor([[1., 1., 1., 1.]])
    """
    if frequencies is not None:
        phi_query, phi_key, weight = _ratio(query, key, frequencies)
        return (rows / weight.transpose(-2, -1)) @ phi_query @ phi_key.transpose(-2, -1)
    step = max(1, _CHUNK // max(1, key[..., 0].numel()))
    parts = (slice(start, start + step) for start in range(0, query.shape[-2], step))
    products = (rows[..., some] @ attention_matrix(query[..., some, :], key) for some in parts)
    return functools.reduce(torch.add, products)


def positive_features(tokens: Tensor, frequencies: Tensor) -> Tensor:
    r"""Compute features (…, N, m) of tokens (…, N, d), :math:`e^{\omega^T x - |x|^2/2} / \sqrt m`.

    Their inner products are exp(x'y) on average. The factors that keep `random_attention` in range are not in them:
    they are for tokens of moderate length.
    """
    return torch.exp(_exponents(tokens, frequencies)) / math.sqrt(len(frequencies))


def attention_frequencies(
    count: int, dim: int, *, orthogonal: bool = True, generator: torch.Generator | None = None
) -> Tensor:
    """Draw `count` frequencies of the Gaussian kernel for heads of `dim` channels, (count, dim).

    Raises
    ------
    ConfigError
        When there is none to draw.
    """
    if count < 1 or dim < 1:
        raise ConfigError(f"Attention takes at least one feature and one channel, not {count} and {dim}.")
    return sample_frequencies("gaussian", count, dim, orthogonal=orthogonal, generator=generator)


def _ratio(query: Tensor, key: Tensor, frequencies: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Make features of queries (…, N, m) and keys (…, M, m), and the sum of each query's weights (…, N, 1)."""
    if frequencies.shape[-1] != query.shape[-1]:
        raise ConfigError(
            f"The frequencies have dimension {frequencies.shape[-1]}, the tokens of each head {query.shape[-1]}."
        )
    scale = query.shape[-1] ** -0.25
    of_query, of_key = _exponents(query * scale, frequencies), _exponents(key * scale, frequencies)
    # A factor of a query, or of all keys, cancels in the ratio; it keeps every exponential at most 1.
    phi_query = torch.exp(of_query - of_query.amax(-1, keepdim=True))
    phi_key = torch.exp(of_key - of_key.amax((-2, -1), keepdim=True))
    weight = phi_query @ phi_key.sum(-2).unsqueeze(-1)
    return phi_query, phi_key, weight.clamp_min(torch.finfo(weight.dtype).tiny)


def _exponents(tokens: Tensor, frequencies: Tensor) -> Tensor:
    return tokens @ frequencies.to(tokens).T - tokens.square().sum(-1, keepdim=True) / 2
