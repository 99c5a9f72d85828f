"""Losses of segmentation, per image and then averaged over the batch.

All are means over the images of a batch of a value that an image has by itself, so that splitting a batch over
processes or accumulation steps changes nothing. Pixels labelled `IGNORE` count nowhere.

The overlap losses (Dice, Tversky) hardly see a class that an image does not show: with nothing to overlap, only eps is
left of the fraction's numerator, and the gradient falls with the square of the falsely found area. Networks trained with
one of them alone find something in almost every empty image. Cross-entropy and the focal losses weigh all pixels alike,
hence the sum of Dice and cross-entropy as default.

With weights of the classes, the losses of pixels become weighted means over the pixels of an image, each with the weight
of its true class (as `torch.nn.functional.cross_entropy` does over a batch), and those of regions weighted means over the
classes.

With one logit channel the probability is its sigmoid and region losses (Dice, Tversky) look at the foreground
alone; with K >= 2 it is the softmax and they are averaged over all K classes, background included.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, ModelError
from prismseg.data import IGNORE as IGNORE
from prismseg.evaluation.metrics import SMOOTH
from prismseg.train.registries import LOSSES

FOCAL_GAMMA = 2.0
TVERSKY_FALSE_POSITIVE, TVERSKY_FALSE_NEGATIVE = 0.3, 0.7
UNIFIED_WEIGHT, UNIFIED_DELTA, UNIFIED_GAMMA = 0.5, 0.6, 0.5


class SegmentationLoss(nn.Module):
    """A loss of logits (B, K, H, W) against class indices (B, H, W); see `create_loss`."""

    def __init__(
        self,
        function: Callable[..., Tensor],
        classes: int,
        weights: Sequence[float] | None = None,
        *,
        multilabel: bool = False,
    ) -> None:
        super().__init__()
        self.function = function
        self.classes = classes
        self.multilabel = multilabel
        self.weights = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of a batch.

        Parameters
        ----------
        logits : (B, K, H, W) float
            K = 1 for binary masks.
        target : (B, H, W) int64
            Class indices; `IGNORE` (255) marks pixels that do not count.

        Returns
        -------
        Tensor
            Scalar.

        Raises
        ------
        ModelError
            When the logits have another number of channels than the loss was made for.
        """
        if logits.shape[1] != self.classes:
            raise ModelError(
                f"The network gives {logits.shape[1]} logit channels, the loss was made for {self.classes}."
            )
        if self.multilabel:
            logits, target = each_class(logits, target)
        if self.weights is None:
            return self.function(logits, target)
        return self.function(logits, target, weights=self.weights.to(logits.device))


def create_loss(
    name: str, classes: int, weights: Sequence[float] | None = None, *, multilabel: bool = False
) -> SegmentationLoss:
    """Make the loss `name` for `classes` logit channels (1: binary).

    Parameters
    ----------
    name : str
        One of `prismseg.train.registries.LOSSES`; see the functions of this module for the formulas.
    classes : int
        Logit channels of the network.
    weights : sequence of float, optional
        Of all classes, background first; their scale does not matter.
    multilabel : bool
        Whether each logit is that of a class against all else, and targets hold a bit for each
        (`prismseg.data.masks.overlapping`): the loss is the mean over the classes of that of one logit.

    Raises
    ------
    ConfigError
        When there is no such loss, it takes no weights, or there are not as many as classes.

    Examples
    --------
    >>> loss = create_loss("ce", classes=2)
    >>> loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.int64))
    tensor(0.6931)
    """
    function = LOSSES[name]
    if weights is not None:
        if multilabel:
            raise ConfigError("Classes that overlap have a loss each, and no class weights; leave them out.")
        if "weights" not in inspect.signature(function).parameters:
            raise ConfigError(f"The loss {name!r} takes no class weights; choose another, or leave them out.")
        if len(weights) != max(classes, 2):
            raise ConfigError(
                f"There are {max(classes, 2)} classes and {len(weights)} class weights; give one for each, background "
                "first."
            )
    return SegmentationLoss(function, classes, weights, multilabel=multilabel)


def each_class(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Make images of one class each, (B K, 1, H, W) and (B K, H, W), of logits (B, K, H, W) and bits (B, H, W).

    Examples
    --------
    >>> each_class(torch.zeros(1, 2, 1, 3), torch.tensor([[[0, 3, 255]]]))[1].tolist()
    [[[0, 1, 255]], [[0, 1, 255]]]
    """
    places = torch.arange(logits.shape[1], device=target.device)[:, None, None]
    bits = (target[:, None] >> places) & 1
    bits = torch.where(target[:, None] == IGNORE, IGNORE, bits)
    return logits.flatten(0, 1)[:, None], bits.flatten(0, 1)


def dice_loss(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """1 - (2 Σ m p + eps) / (Σ m + Σ p + eps) per image and class, then the mean; eps = 1.

    The sum of Milletari et al. 2016 without squares, as the thesis uses it. An image without the class has a gradient
    some thousand times smaller than one with it, see the module's text.
    """
    probability, one_hot = _regions(logits, target)
    overlap = (probability * one_hot).sum(-1)
    total = probability.sum(-1) + one_hot.sum(-1)
    return _class_mean(1 - (2 * overlap + SMOOTH) / (total + SMOOTH), weights)


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """- log p of the true class, averaged over the pixels of an image."""
    log_probability, valid = _true_log_probability(logits, target)
    return _pixel_mean(-log_probability, _weigh(valid, target, weights))


def dice_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """Sum of `dice_loss` and `cross_entropy`, as in nnU-Net (Isensee et al. 2021); the default.

    An image without a class counts through its pixels' cross-entropy.
    """
    return dice_loss(logits, target, weights) + cross_entropy(logits, target, weights)


def focal_loss(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """- (1 - p)² log p of the true class, averaged over the pixels (Lin et al. 2017, eq. 4, gamma = 2)."""
    log_probability, valid = _true_log_probability(logits, target)
    damped = -((-torch.expm1(log_probability)) ** FOCAL_GAMMA) * log_probability
    return _pixel_mean(damped, _weigh(valid, target, weights))


def tversky_loss(logits: Tensor, target: Tensor, weights: Tensor | None = None) -> Tensor:
    """1 - Tversky index per image and class (Salehi et al. 2017, alpha = 0.3, beta = 0.7), then the mean.

    A missed pixel costs more than a false alarm. eps = 1 is added to both sides of the fraction.
    """
    probability, one_hot = _regions(logits, target)
    index = _tversky_index(probability, one_hot, TVERSKY_FALSE_POSITIVE, TVERSKY_FALSE_NEGATIVE)
    return _class_mean(1 - index, weights)


def unified_focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Asymmetric unified focal loss (Yeung et al. 2022; lambda 0.5, delta 0.6, gamma 0.5).

    Half an asymmetric focal loss (easy background pixels are damped, foreground ones are not), half an
    asymmetric focal Tversky loss (foreground classes are raised to 1 - gamma, background is not). A binary
    network has two classes here. eps = 1 in the Tversky index, where the authors have 1e-7, keeps the gradient
    alive for images without foreground.
    """
    probability, one_hot = _regions(logits, target, with_background=True)
    index = _tversky_index(probability, one_hot, 1 - UNIFIED_DELTA, UNIFIED_DELTA)
    # The root's slope is infinite at a perfect score; the floor is below float32's resolution of an index.
    foreground = (1 - index[:, 1:]).clamp_min(1e-7) ** (1 - UNIFIED_GAMMA)
    tversky = torch.cat([1 - index[:, :1], foreground], dim=1).mean()

    log_probability, valid = _true_log_probability(logits, target)
    damping = (-torch.expm1(log_probability)).clamp_min(1e-7) ** UNIFIED_GAMMA
    is_background = (target == 0).flatten(1)
    weight = torch.where(is_background, (1 - UNIFIED_DELTA) * damping, UNIFIED_DELTA)
    # The authors average over pixels and classes, of which all but the true one are zero.
    focal = _pixel_mean(-weight * log_probability, valid) / one_hot.shape[1]
    return UNIFIED_WEIGHT * tversky + (1 - UNIFIED_WEIGHT) * focal


def _regions(logits: Tensor, target: Tensor, *, with_background: bool = False) -> tuple[Tensor, Tensor]:
    """Probabilities and one-hot truth, both (B, C, H W), zero where the target is `IGNORE`.

    C is K, or for a binary network 1 (the foreground), or 2 `with_background`.
    """
    valid = (target != IGNORE).flatten(1)[:, None]
    if logits.shape[1] == 1:
        signs = torch.cat([-logits, logits], dim=1) if with_background else logits
        probability = torch.sigmoid(signs)
        labels = torch.arange(2 - signs.shape[1], 2, device=target.device)
    else:
        probability = torch.softmax(logits, dim=1)
        labels = torch.arange(logits.shape[1], device=target.device)
    one_hot = target.flatten(1)[:, None] == labels[:, None]
    return probability.flatten(2) * valid, one_hot.to(probability.dtype)


def _true_log_probability(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability of each pixel's true class and whether the pixel counts, both (B, H W)."""
    valid = target != IGNORE
    known = torch.where(valid, target, 0)
    if logits.shape[1] == 1:
        log_probability = F.logsigmoid(torch.where(known[:, None] == 1, logits, -logits))
    else:
        log_probability = F.log_softmax(logits, dim=1).gather(1, known[:, None])
    return log_probability.flatten(1), valid.flatten(1)


def _pixel_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean over the valid pixels of each image (or with weights), then over images; an image without any counts as 0."""
    total = valid.sum(1)
    return ((values * valid).sum(1) / torch.where(total > 0, total, 1)).mean()


def _weigh(valid: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    """Give each valid pixel (B, H W) the weight of its true class."""
    if weights is None:
        return valid
    return valid * weights[torch.where(target != IGNORE, target, 0).flatten(1)]


def _class_mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Mean over images and classes (B, C); with weights of all classes, the background's left out where C is 1."""
    if weights is None:
        return values.mean()
    weights = weights[-values.shape[1] :]
    return (values * weights).sum(1).mean() / weights.sum()


def _tversky_index(probability: Tensor, one_hot: Tensor, alpha: float, beta: float) -> Tensor:
    true_positives = (probability * one_hot).sum(-1)
    false_positives = probability.sum(-1) - true_positives
    false_negatives = one_hot.sum(-1) - true_positives
    return (true_positives + SMOOTH) / (true_positives + alpha * false_positives + beta * false_negatives + SMOOTH)
