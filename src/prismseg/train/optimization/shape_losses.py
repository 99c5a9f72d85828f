"""Losses that look at shape: distance to the true contour, and skeletons of thin structures.

Both are added to cross-entropy, without which an image that does not show a class would hardly count (see
`prismseg.train.optimization.losses`). They look at foreground classes alone.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from prismseg.data import IGNORE
from prismseg.evaluation.metrics import SMOOTH
from prismseg.train.optimization.losses import cross_entropy, dice_cross_entropy, dice_loss

SKELETON_STEPS = (
    10  # structures up to some 20 pixels wide are thinned out (Shit et al. 2021 take half the largest width)
)
CLDICE_SHARE = 0.5


def boundary_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Dice plus cross-entropy plus `boundary_term` (Kervadec et al. 2019)."""
    return dice_cross_entropy(logits, target) + boundary_term(logits, target)


def boundary_term(logits: Tensor, target: Tensor) -> Tensor:
    r"""Mean over pixels of :math:`(p - m) D / \sqrt N` per image and foreground class, then the mean.

    D is the signed distance to the true contour (negative inside), N the number of pixels. A pixel costs the more
    the farther it lies on the wrong side. Kervadec et al. have p D, which has the same gradient and is not 0 for a
    perfect prediction. A class that the image does not show has no contour and costs nothing here, and one that
    fills it neither.
    """
    probability, truth, valid = foreground(logits, target)
    distance = torch.from_numpy(_signed_distances(truth.cpu().numpy(), valid.cpu().numpy())).to(probability)
    pixels = valid.flatten(1).sum(1).clamp_min(1)[:, None]
    values = ((probability - truth.to(probability)) * distance * valid[:, None]).flatten(2).sum(2)
    return (values / pixels**1.5).mean()


def cldice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, half `dice_loss` and half of one minus `soft_cldice` (Shit et al. 2021), for thin structures."""
    region = (1 - CLDICE_SHARE) * dice_loss(logits, target)
    return cross_entropy(logits, target) + region + CLDICE_SHARE * (1 - soft_cldice(logits, target))


def soft_cldice(logits: Tensor, target: Tensor) -> Tensor:
    """Centreline Dice per image and foreground class, then the mean: 1 where neither skeleton leaves the other mask.

    The harmonic mean of the share of the predicted skeleton that lies in the true mask and the share of the true
    skeleton that lies in the predicted mask, eps = 1 on both sides of each. A gap in a vessel costs; a vessel that
    is a pixel too wide does not.
    """
    probability, truth, valid = foreground(logits, target)
    mask, inside = truth.to(probability), valid[:, None].expand_as(probability)
    predicted, true = soft_skeleton(probability, inside), soft_skeleton(mask, inside)

    def share(skeleton: Tensor, region: Tensor) -> Tensor:
        return ((skeleton * region).flatten(2).sum(2) + SMOOTH) / (skeleton.flatten(2).sum(2) + SMOOTH)

    precision, sensitivity = share(predicted, mask), share(true, probability)
    return (2 * precision * sensitivity / (precision + sensitivity)).mean()


def soft_skeleton(mask: Tensor, valid: Tensor, steps: int = SKELETON_STEPS) -> Tensor:
    """Thin soft masks (B, C, H, W) out: erode again and again, and keep what an opening takes away (Shit et al. 2021).

    Pixels that are not `valid` (B, C, H, W) neither erode nor grow others.
    """
    mask = mask * valid
    skeleton = F.relu(mask - _open(mask, valid))
    for _ in range(steps):
        mask = _erode(mask, valid)
        rest = F.relu(mask - _open(mask, valid))
        skeleton = skeleton + F.relu(rest - skeleton * rest)
    return skeleton


def foreground(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Probabilities and truth of the foreground classes, (B, C, H, W), and valid pixels (B, H, W).

    Both are 0 where the target is `IGNORE`.
    """
    valid = target != IGNORE
    probability = torch.sigmoid(logits) if logits.shape[1] == 1 else torch.softmax(logits, dim=1)[:, 1:]
    labels = torch.arange(1, probability.shape[1] + 1, device=target.device)
    return probability * valid[:, None], target[:, None] == labels[:, None, None], valid


def _erode(mask: Tensor, valid: Tensor) -> Tensor:
    filled = torch.where(valid, mask, 1.0)  # neutral for a minimum
    down = -F.max_pool2d(-filled, (3, 1), 1, (1, 0))
    across = -F.max_pool2d(-filled, (1, 3), 1, (0, 1))
    return torch.minimum(down, across) * valid


def _open(mask: Tensor, valid: Tensor) -> Tensor:
    return F.max_pool2d(_erode(mask, valid), 3, 1, 1) * valid


def _signed_distances(truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Distance (B, C, H, W) to the nearest pixel of the other kind, negative inside; 0 where there is none of them."""
    distances = np.zeros(truth.shape, np.float32)
    for number, masks in enumerate(truth):
        for channel, inside in enumerate(masks):
            outside = valid[number] & ~inside
            if inside.any() and outside.any():
                out, within = distance_transform_edt(~inside), distance_transform_edt(~outside)
                distances[number, channel] = np.where(inside, -within, np.where(outside, out, 0))
    return distances
