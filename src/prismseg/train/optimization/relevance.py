r"""Training guided by relevance: a prediction shall rest on what lies where the object is, not on a mark elsewhere.

With the score s of an image, the mean over its foreground pixels of the true class's log-odds (one logit) or
log-probability (several), the relevance of an input pixel is the square of gradient times value,
:math:`(x\, \partial s / \partial x)^2`, summed over channels, and the **outside share** the part of it that lies
farther than a margin from the foreground: one minus the share rho that `prismseg.explain` measures of such a map. It is
between 0 and 1 whatever the size of the logits, and is added to the loss with a weight ("right for the right reasons";
Ross, Hughes & Doshi-Velez 2017 add the gradient itself). The gradient alone hardly sees a mark that has decided already:
where a network is saturated, it is flat (study ``shortcut``). The term's own gradient takes a second derivative
of the network; taken only every few steps, with as much more weight, it costs little.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.data import IGNORE
from prismseg.train.config import TrainConfig

_LEAST = 1e-20  # of relevance, below which an image has none


class RelevancePenalty:
    """Outside share of the relevance, every few steps.

    Parameters
    ----------
    weight : float
        Of the share in the loss, on average over the steps; 0 switches it off.
    margin : int
        Pixels of the network's input around the foreground in which relevance costs nothing.
    every : int
        Of that many steps one has the term, with `every` times the weight.

    Examples
    --------
    >>> penalty = RelevancePenalty(0.5, margin=1, every=4)
    >>> [penalty.is_due(step) for step in range(5)]
    [True, False, False, False, True]
    """

    def __init__(self, weight: float, margin: int, every: int) -> None:
        self.weight, self.margin, self.every = weight, margin, every

    @classmethod
    def of(cls, config: TrainConfig) -> RelevancePenalty:
        """Make that of a run's settings.

        Raises
        ------
        ConfigError
            When relevance is asked for and classes overlap.
        """
        optim = config.optim
        if optim.relevance > 0 and config.data.multilabel:
            raise ConfigError("Relevance guides classes that do not overlap, and these do; leave --relevance out.")
        return cls(optim.relevance, optim.relevance_margin, optim.relevance_every)

    def is_due(self, step: int) -> bool:
        """Whether a step has the term."""
        return self.weight > 0 and step % self.every == 0

    def at(self, step: int, network: Callable[[Tensor], Tensor], images: Tensor, masks: Tensor) -> Tensor:
        """Weighted term of a step, 0 where it is not due."""
        return self(network, images, masks) if self.is_due(step) else torch.zeros((), device=images.device)

    def __call__(self, network: Callable[[Tensor], Tensor], images: Tensor, masks: Tensor) -> Tensor:
        """Weighted term of images (B, C, H, W) and masks (B, H, W), a scalar."""
        return self.weight * self.every * outside_share(network, images, masks, self.margin).mean()


def outside_share(network: Callable[[Tensor], Tensor], images: Tensor, masks: Tensor, margin: int) -> Tensor:
    """Share of the relevance of each image that lies farther than `margin` from its foreground, (B,).

    0 for an image without foreground, or whose score does not depend on it. It can be differentiated.

    Parameters
    ----------
    network : callable
        Gives logits (B, K, H, W); not compiled, since compiled networks have no second derivatives.
    images : (B, C, H, W) Tensor
        Prepared for it.
    masks : (B, H, W) int64 Tensor
        Class indices; `IGNORE` pixels are no foreground and not outside either.
    margin : int
        Pixels, in the largest of both directions.

    Examples
    --------
    >>> local = torch.nn.Conv2d(1, 1, 1)  # sees nothing but the pixel itself
    >>> masks = torch.zeros(1, 8, 8, dtype=torch.int64)
    >>> masks[:, 2:5, 2:5] = 1
    >>> outside_share(local, torch.rand(1, 1, 8, 8), masks, margin=0).tolist()
    [0.0]
    """
    pixels = images.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = _precise(network(pixels))
        foreground = (masks > 0) & (masks != IGNORE)
        scores = _scores(logits, masks, foreground)
        (gradient,) = torch.autograd.grad(scores.sum(), pixels, create_graph=True)
        relevance = _precise(gradient * pixels).square().sum(1)
        side = 2 * margin + 1
        near = F.max_pool2d(foreground.to(relevance.dtype)[:, None], side, 1, margin)[:, 0] > 0
        outside = ~near & (masks != IGNORE)
        total = relevance.flatten(1).sum(1)
        counted = foreground.flatten(1).any(1) & (total > _LEAST)
        share = (relevance * outside).flatten(1).sum(1) / torch.where(counted, total, 1.0)
        return torch.where(counted, share, 0.0)


def _scores(logits: Tensor, masks: Tensor, foreground: Tensor) -> Tensor:
    """Mean log-odds or log-probability (B,) of the true class over the foreground."""
    if logits.shape[1] == 1:
        values = logits[:, 0]
    else:
        known = torch.where(foreground, masks, 0)
        values = torch.log_softmax(logits, 1).gather(1, known[:, None])[:, 0]
    count = foreground.flatten(1).sum(1).clamp_min(1)
    return (values * foreground).flatten(1).sum(1) / count


def _precise(values: Tensor) -> Tensor:
    """Give short floating types the digits of float32."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
