"""Fits without one group in turn, exactly as if it had never been seen, and the penalty that is best for those."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.features.closed_form.fit import fit_evidence, fit_ridge, ridge_path
from prismseg.features.closed_form.posterior import LinearPosterior
from prismseg.features.statistics import ClassStatistics

# Penalties that are tried on groups left out, as multiples of the trace of G: two a decade.
TRACE_FRACTIONS = tuple(10 ** (exponent / 2) for exponent in range(-20, 1))


def leave_one_group_out(
    total: ClassStatistics, groups: Iterable[tuple[Hashable, ClassStatistics]], *, penalty: float | None = None
) -> Iterator[tuple[Hashable, LinearPosterior]]:
    """Fit without each group in turn, exactly as if it had never been seen.

    Class weights, noise and, unless it is given, the penalty are chosen anew on the remaining groups.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of (name, ClassStatistics)
        Statistics of each group. A generator that computes them one by one needs the memory of one group.
    penalty : float, optional
        Use this penalty, a Cholesky instead of an eigen-decomposition a group.

    Yields
    ------
    name : hashable
        Group that was left out.
    posterior : LinearPosterior
        Fit on all others.

    Raises
    ------
    DataError
        When a group holds all labelled pixels, or pixels that are not in `total`.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = {}
    >>> for name in ("a", "b", "c"):
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     groups[name] = ClassStatistics(num_features=2, num_classes=2)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     groups[name].update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = groups["a"] + groups["b"] + groups["c"]
    >>> fits = dict(leave_one_group_out(total, groups.items()))
    >>> fits["a"].predict(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).argmax(1)
    tensor([0, 1])
    """
    for name, group in groups:
        rest = total - group
        if not rest.counts.any():
            raise DataError(f"The group {name!r} holds all labelled pixels; leaving it out leaves nothing to fit.")
        statistics = rest.regression()
        yield name, fit_evidence(statistics) if penalty is None else fit_ridge(statistics, penalty)


def fit_held_out(total: ClassStatistics, groups: Iterable[ClassStatistics]) -> LinearPosterior:
    """Fit with the penalty that has the smallest squared error on groups left out (see `held_out_errors`).

    Pixels of a group are alike, so that there are fewer independent ones than the evidence counts. Groups are
    independent, and this choice counts on nothing else.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of ClassStatistics
        Statistics of each group, at least two.

    Raises
    ------
    DataError
        When there are fewer than two groups with labels, or one has pixels that are not in `total`.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = [ClassStatistics(num_features=2, num_classes=2) for _ in range(3)]
    >>> for group in groups:
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     group.update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = sum(groups, ClassStatistics(num_features=2, num_classes=2))
    >>> fit_held_out(total, groups).predict(torch.tensor([[0.0, 1.0], [1.0, 1.0]])).argmax(1)
    tensor([0, 1])
    """
    statistics = total.regression()
    penalties = float(statistics.gram.trace()) * torch.tensor(TRACE_FRACTIONS, dtype=torch.float64)
    if not penalties[0] > 0:
        raise DataError("All features are 0, so there is nothing to fit.")
    errors = held_out_errors(total, groups, penalties.tolist())
    return fit_ridge(statistics, float(penalties[errors.argmin()]))


def held_out_errors(
    total: ClassStatistics, groups: Iterable[ClassStatistics], penalties: Sequence[float]
) -> Tensor:
    r"""Mean squared error on groups left out, for each penalty, from the statistics alone: no pixel is read again.

    With the weights :math:`w_k` of the fit without a group and the statistics of that group, its error is
    :math:`\sum_k \sum_n c_n t_{nk}^2 - 2 w_k^T B_{\cdot k} + w_k^T G w_k`. Fits are those of `leave_one_group_out`, with
    one eigen-decomposition a group; errors are weighted by the balanced class weights of `total`.

    Parameters
    ----------
    total : ClassStatistics
        Statistics of all groups.
    groups : iterable of ClassStatistics
        Statistics of each group; a generator that computes them one by one needs the memory of one.
    penalties : sequence of float
        Positive numbers.

    Returns
    -------
    (P,) Tensor
        Errors, float64: 1 for a prediction of 0 everywhere.

    Raises
    ------
    DataError
        When a group holds all labelled pixels, or pixels that are not in `total`; or no group has labels.
    ConfigError
        When a penalty is not positive.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> groups = [ClassStatistics(num_features=2, num_classes=2) for _ in range(3)]
    >>> for group in groups:
    ...     labels = torch.randint(0, 2, (50,), generator=generator)
    ...     noisy = labels + 0.1 * torch.randn(50, generator=generator)
    ...     group.update(torch.stack([noisy, torch.ones(50)], 1), labels)
    >>> total = sum(groups, ClassStatistics(num_features=2, num_classes=2))
    >>> held_out_errors(total, groups, [0.1, 10.0, 1e9]).round(decimals=1)
    tensor([0.0000, 0.1000, 1.0000], dtype=torch.float64)
    """
    tried = torch.tensor(penalties, dtype=torch.float64)
    if not ((tried > 0) & tried.isfinite()).all():
        raise ConfigError(f"Penalties must be positive and finite; they are {list(penalties)}.")
    weights = total.balanced_weights()
    errors, weight = torch.zeros_like(tried), 0.0
    for group in groups:
        rest = total - group
        if not group.counts.any():
            continue
        if not rest.counts.any():
            raise DataError("One group holds all labelled pixels; leaving it out leaves nothing to fit.")
        fitted, held_out = rest.regression(), group.regression(weights)
        w = ridge_path(fitted, penalties)
        explained = 2 * torch.einsum("pdk,dk->p", w, held_out.cross)
        quadratic = (w * (held_out.gram @ w)).sum((1, 2))
        errors += held_out.squares.sum() - explained + quadratic
        weight += float(held_out.squares.sum())
    if not weight:
        raise DataError("No group has labelled pixels, so there is nothing to leave out.")
    return errors / weight
