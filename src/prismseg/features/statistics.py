"""Sufficient statistics of linear regression on dense features, accumulated image by image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from scipy.linalg import blas
from torch import Tensor

from prismseg.base import DataError

# Rows multiplied at a time, which bounds the memory that a large image takes, and in float32 the rounding of sums.
BLOCK_ROWS = {torch.float64: 8192, torch.float32: 1024}
ROUNDING = 1e-9  # of a sum of counts


@dataclass(frozen=True, eq=False)
class RegressionStatistics:
    r"""All that linear regression with Gaussian noise needs to know of its rows.

    With rows z_n (features), t_n (targets) and weights c_n (inverse relative noise variances):
    :math:`G = \sum_n c_n z_n z_n^T`, :math:`B = \sum_n c_n z_n t_n^T` and :math:`\sum_n c_n t_{nk}^2`
    (Bishop 2006, section 3.3). Their size depends on the number of features alone.

    Attributes
    ----------
    gram : (D, D) Tensor
        G, float64.
    cross : (D, K) Tensor
        B, float64.
    squares : (K,) Tensor
        Weighted sums of the squared targets, float64.
    count : float
        Number of rows; of rows that count for less than one, its sum.
    log_weights : float
        Sum of the logarithms of the weights, which the evidence contains.

    Examples
    --------
    >>> z, t = torch.tensor([[1.0, 0.0], [1.0, 2.0]]), torch.tensor([[1.0], [3.0]])
    >>> statistics = RegressionStatistics.of(z, t)
    >>> statistics.gram
    tensor([[2., 2.],
            [2., 4.]], dtype=torch.float64)
    """

    gram: Tensor
    cross: Tensor
    squares: Tensor
    count: float
    log_weights: float = 0.0

    @classmethod
    def of(cls, features: Tensor, targets: Tensor, weights: Tensor | None = None) -> RegressionStatistics:
        """Sum over the rows of `features` (N, D), `targets` (N, K) and positive `weights` (N,), by default 1.

        Raises
        ------
        DataError
            When shapes do not match, a number is not finite, or a weight is not positive.
        """
        _check_rows(features, len(targets))
        z, t = features.double(), targets.double()
        c = torch.ones(len(z), dtype=z.dtype, device=z.device) if weights is None else weights.double()
        if t.ndim != 2 or c.shape != (len(z),):
            raise DataError(
                f"Targets must be (N, K) and weights (N,) for N = {len(z)} rows; they are "
                f"{tuple(t.shape)} and {tuple(c.shape)}."
            )
        if not t.isfinite().all() or not c.isfinite().all() or not (c > 0).all():
            raise DataError("Targets must be finite, and weights finite and positive.")
        weighted = z * c[:, None]
        return cls(z.T @ weighted, weighted.T @ t, (c[:, None] * t**2).sum(0), len(z), float(c.log().sum()))

    def __add__(self, other: RegressionStatistics) -> RegressionStatistics:
        """Statistics of the rows of both."""
        if self.cross.shape != other.cross.shape:
            raise DataError(
                f"Statistics of {tuple(self.cross.shape)} and {tuple(other.cross.shape)} features and targets "
                "cannot be added."
            )
        return RegressionStatistics(
            self.gram + other.gram,
            self.cross + other.cross,
            self.squares + other.squares,
            self.count + other.count,
            self.log_weights + other.log_weights,
        )

    def residual(self) -> RegressionStatistics:
        r"""Statistics of what the first K features, guesses of the K targets, leave over, on the other features.

        With guesses g_n among the features, :math:`\sum c z (t - g)^T` and :math:`\sum c (t_k - g_k)^2` follow from the
        sums that there are: a second model can be added to a first one without another pass over the rows.

        Raises
        ------
        DataError
            When there are no features beside the guesses.

        Examples
        --------
        >>> z = torch.tensor([[0.5, 1.0, 0.0], [0.5, 1.0, 2.0]])  # a guess of 0.5 for both rows, and two features
        >>> statistics = RegressionStatistics.of(z, torch.tensor([[1.0], [3.0]])).residual()
        >>> statistics.cross.flatten().tolist(), statistics.squares.tolist()
        ([3.0, 5.0], [6.5])
        """
        count = self.cross.shape[1]
        if len(self.gram) <= count:
            raise DataError(f"There are {len(self.gram)} features, and {count} of them are the guesses.")
        guessed, own = self.gram[:count, :count].diagonal(), self.cross[:count].diagonal()
        return RegressionStatistics(
            self.gram[count:, count:],
            self.cross[count:] - self.gram[count:, :count],
            (self.squares - 2 * own + guessed).clamp(min=0),
            self.count,
            self.log_weights,
        )


class ClassStatistics:
    r"""Gram matrix, feature sum and number of pixels of each class.

    They give the statistics of regression on one-hot targets for *any* weights of the classes afterwards:
    :math:`G = \sum_c w_c G_c`, :math:`B_{\cdot k} = w_k s_k`. Sums over images, groups or machines add up, and a part
    that is subtracted has never been seen: its pixels, and the class weights that follow from them, are gone, up to
    the rounding of float64.

    Parameters
    ----------
    num_features : int
        D.
    num_classes : int
        K.

    Attributes
    ----------
    counts : (K,) Tensor
        Labelled pixels of each class, float64, since a pixel may count for less than one.
    sums : (K, D) Tensor
        Sums s_c of the features of each class, float64.
    grams : (K, D, D) Tensor
        G_c, float64: 8 K D² bytes, however many images there are.

    Examples
    --------
    >>> statistics = ClassStatistics(num_features=2, num_classes=2)
    >>> z = torch.tensor([[1.0, 0.0], [1.0, 2.0], [1.0, 3.0], [9.0, 9.0]])
    >>> statistics.update(z, torch.tensor([0, 1, 1, 255]))  # 255: not labelled
    >>> statistics.counts
    tensor([1., 2.], dtype=torch.float64)
    >>> statistics.balanced_weights()
    tensor([1.5000, 0.7500], dtype=torch.float64)
    """

    def __init__(self, num_features: int, num_classes: int) -> None:
        if num_features < 1 or num_classes < 1:
            raise DataError(f"There must be features and classes; there are {num_features} and {num_classes}.")
        self.counts = torch.zeros(num_classes, dtype=torch.float64)
        self.sums = torch.zeros(num_classes, num_features, dtype=torch.float64)
        self.grams = torch.zeros(num_classes, num_features, num_features, dtype=torch.float64)

    @property
    def num_classes(self) -> int:
        """K."""
        return self.sums.shape[0]

    @property
    def num_features(self) -> int:
        """D."""
        return self.sums.shape[1]

    def update(
        self,
        features: Tensor,
        labels: Tensor,
        *,
        weights: Tensor | None = None,
        ignore_index: int = 255,
        blocks: torch.dtype = torch.float64,
    ) -> None:
        """Add pixels.

        Parameters
        ----------
        features : (N, D) Tensor
            Features of the pixels, any floating type.
        labels : (N,) Tensor
            Class of each, an integer from 0 to K - 1, or `ignore_index` where it is unknown.
        weights : (N,) Tensor, optional
            Number of pixels that each row stands for, above 0; by default 1.
        ignore_index : int
            Label of the pixels to leave out.
        blocks : torch.dtype
            Type in which blocks of rows are multiplied before they are added up in float64: float32 takes half the time
            and keeps six digits, as many as float32 features have.

        Raises
        ------
        DataError
            When shapes do not match, a label is no class, a weight is not positive, or a feature of a labelled pixel is
            not finite. Nothing has been added then.
        """
        if labels.ndim != 1 or labels.is_floating_point():
            raise DataError(f"Labels must be integers (N,); they are {labels.dtype} {tuple(labels.shape)}.")
        if features.ndim != 2 or features.shape != (len(labels), self.num_features):
            raise DataError(
                f"Features must be ({len(labels)}, {self.num_features}), a row for each label; they are "
                f"{tuple(features.shape)}."
            )
        known = labels != ignore_index
        wrong = labels[known & ((labels < 0) | (labels >= self.num_classes))]
        if len(wrong):
            raise DataError(
                f"Label {int(wrong[0])} is no class: classes are 0 to {self.num_classes - 1}, and "
                f"{ignore_index} marks pixels without a label."
            )
        _check_rows(features, len(labels), known)
        w = torch.ones(len(labels), dtype=torch.float64) if weights is None else weights.double()
        if w.shape != labels.shape or not (w.isfinite() & (w > 0)).all():
            raise DataError(f"There must be {len(labels)} weights, finite and positive.")
        for index in range(self.num_classes):
            rows = (labels == index).nonzero().squeeze(1) if index != ignore_index else labels.new_empty(0)
            if not len(rows):
                continue
            self.counts[index] += float(w[rows].sum())
            for start in range(0, len(rows), BLOCK_ROWS[blocks]):
                chunk = rows[start : start + BLOCK_ROWS[blocks]]
                root = w[chunk, None].sqrt().to(features.device, blocks)
                z = features[chunk].to(blocks).mul_(root)  # of what indexing has copied
                self.sums[index] += (root.T @ z)[0].to(self.sums)
                self.grams[index] += _gram(z)

    def __add__(self, other: ClassStatistics) -> ClassStatistics:
        """Statistics of the pixels of both."""
        return self._combine(other, 1)

    def __sub__(self, other: ClassStatistics) -> ClassStatistics:
        """Statistics without the pixels of `other`, which must be among these.

        Raises
        ------
        DataError
            When `other` has more pixels of a class.
        """
        return self._combine(other, -1)

    def mixed(self, other: ClassStatistics, share: float) -> ClassStatistics:
        """Statistics of which `share` (0 to 1) are those of `other`, which has as many features and classes."""
        result = ClassStatistics(self.num_features, self.num_classes)
        for name in ("counts", "sums", "grams"):
            setattr(result, name, torch.lerp(getattr(self, name), getattr(other, name), share))
        return result

    def balanced_weights(self) -> Tensor:
        """Weights (K,) that give each class that occurs the same total, and pixels the mean weight 1.

        A class without pixels has weight 0.
        """
        present = self.counts > 0
        equal = self.counts.sum() / (present.sum() * torch.where(present, self.counts, 1.0))
        return torch.where(present, equal, 0.0)

    def regression(
        self, weights: Literal["balanced", "equal"] | Sequence[float] | Tensor = "balanced"
    ) -> RegressionStatistics:
        """Statistics of the regression of one-hot targets, one output a class.

        Parameters
        ----------
        weights : {"balanced", "equal"} or (K,) sequence of float
            Weight of a pixel by its class: `balanced_weights`, 1, or K numbers.

        Raises
        ------
        DataError
            When no pixel is labelled, or a class that occurs has no positive weight.
        """
        present = self.counts > 0
        if not present.any():
            raise DataError("No pixel is labelled, so there is nothing to fit.")
        if isinstance(weights, str):
            w = self.balanced_weights() if weights == "balanced" else present.double()
        else:
            w = torch.as_tensor(weights, dtype=torch.float64)
            if w.shape != self.counts.shape or not w.isfinite().all() or not (w[present] > 0).all():
                raise DataError(f"There must be {self.num_classes} positive class weights; they are {w.tolist()}.")
            w = torch.where(present, w, 0.0)
        return RegressionStatistics(
            gram=torch.einsum("k,kde->de", w, self.grams),
            cross=(w[:, None] * self.sums).T,
            squares=w * self.counts,
            count=float(self.counts.sum()),
            log_weights=float((w[present].log() * self.counts[present]).sum()),
        )

    def _combine(self, other: ClassStatistics, sign: int) -> ClassStatistics:
        if self.sums.shape != other.sums.shape:
            raise DataError(
                f"Statistics of {self.num_classes} classes and {self.num_features} features do not go with those of "
                f"{other.num_classes} classes and {other.num_features} features."
            )
        result = ClassStatistics(self.num_features, self.num_classes)
        counts = self.counts + sign * other.counts
        # What is left of a sum of fractions after all of them were removed is rounding.
        result.counts = torch.where(counts.abs() <= ROUNDING * self.counts, 0.0, counts)
        if (result.counts < 0).any():
            raise DataError(
                f"Pixels that were never added cannot be removed: there are {self.counts.tolist()} a class, and "
                f"{other.counts.tolist()} to remove."
            )
        result.sums = torch.add(self.sums, other.sums, alpha=sign)
        result.grams = torch.add(self.grams, other.grams, alpha=sign)
        # A class that is wholly removed leaves exactly nothing, no rounding.
        result.sums[result.counts == 0], result.grams[result.counts == 0] = 0.0, 0.0
        return result


def _gram(rows: Tensor) -> Tensor:
    """Gram matrix (D, D) of rows (N, D), float32 or float64, by half the products of a full multiplication."""
    multiply = blas.ssyrk if rows.dtype == torch.float32 else blas.dsyrk
    # Columns of a Fortran array are rows of this one; what is below the diagonal is not to be read.
    upper = torch.from_numpy(multiply(1.0, rows.cpu().numpy().T))
    return upper.triu().add_(upper.triu(1).T)


def _check_rows(features: Tensor, count: int, known: Tensor | None = None) -> None:
    """Refuse features that are not finite in the rows that are `known`, by default all."""
    if features.ndim != 2 or len(features) != count:
        raise DataError(f"Features must be (N, D) with N = {count} rows; they are {tuple(features.shape)}.")
    if features.sum().isfinite():  # one value that is not would make the sum so too
        return
    wrong = ~features.isfinite().all(1)
    bad, count = (int(wrong.sum()), count) if known is None else (int((wrong & known).sum()), int(known.sum()))
    if bad:
        raise DataError(
            f"{bad} of {count} pixels have features that are not finite (NaN or infinite); mend or mask them."
        )
