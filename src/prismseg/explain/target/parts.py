"""Regions that are parts of a prediction: its contour and inside, one instance, its errors, one pixel."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor

from prismseg.base import ConfigError, DataError
from prismseg.data.sample import IGNORE
from prismseg.explain.target.logits import class_logits, predicted_mask
from prismseg.explain.target.region import Region

BAND = 3  # pixels from the contour that count as boundary
_CORNERS = np.ones((3, 3), int)  # pixels that touch at a corner are of one instance


def _predicted(logits: Tensor, classes: Sequence[int]) -> Tensor:
    pred = predicted_mask(logits.detach())
    return torch.stack([pred == cls for cls in classes], dim=1)


def _true(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    assert masks is not None, "check_masks comes first"
    return torch.stack([masks == cls for cls in classes], dim=1)


def _boundary(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    pred = _predicted(logits, classes)
    others = F.max_pool2d((~pred).float(), 2 * BAND + 1, stride=1, padding=BAND) > 0
    return pred & others


def _interior(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    return _predicted(logits, classes) & ~_boundary(logits, masks, classes)


def _false_positive(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    return _predicted(logits, classes) & ~_true(logits, masks, classes)


def _false_negative(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    return _true(logits, masks, classes) & ~_predicted(logits, classes)


def _positive(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    return torch.stack([class_logits(logits.detach(), cls) > 0 for cls in classes], dim=1)


def _instance(rank: str, logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    if not re.fullmatch(r"[1-9]\d*", rank):
        raise ConfigError(f"Instances are counted from 1, the largest: instance:1, not instance:{rank}.")
    pred = _predicted(logits, classes)
    if masks is not None:
        pred = pred & (masks != IGNORE)[:, None]
    planes = pred.flatten(0, 1).cpu().numpy()
    chosen = np.zeros_like(planes)
    for plane, result in zip(planes, chosen, strict=True):
        labels, count = ndimage.label(plane, _CORNERS)
        if count >= int(rank):
            sizes = np.bincount(labels.ravel())[1:]
            result[:] = labels == 1 + np.argsort(-sizes, kind="stable")[int(rank) - 1]
    return torch.from_numpy(chosen).to(pred.device).reshape(pred.shape)


def _pixel(place: str, logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    found = re.fullmatch(r"(\d+)x(\d+)", place)
    if found is None:
        raise ConfigError(f"A pixel is named by its row and column, pixel:12x30, not pixel:{place}.")
    row, column = int(found[1]), int(found[2])
    batch, _, height, width = logits.shape
    if row >= height or column >= width:
        raise DataError(
            f"There is no pixel {row}x{column} in images of {height} x {width} pixels; rows come first."
        )
    pixels = torch.zeros(batch, len(classes), height, width, dtype=torch.bool, device=logits.device)
    pixels[:, :, row, column] = True
    return pixels


BOUNDARY = Region(title="boundary of the predicted mask", pixels=_boundary)
INTERIOR = Region(title="interior of the predicted mask", pixels=_interior)
FALSE_POSITIVE = Region(title="false positives", pixels=_false_positive, needs_masks=True)
FALSE_NEGATIVE = Region(title="false negatives", pixels=_false_negative, needs_masks=True)
POSITIVE = Region(title="pixels with a positive logit", pixels=_positive)
INSTANCE = Region(title="one predicted instance", pixels_of=_instance)
PIXEL = Region(title="one pixel", pixels_of=_pixel)
