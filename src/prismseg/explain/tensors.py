"""Images, masks and maps brought to the form in which they are worked with."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import DataError
from prismseg.data.sample import IGNORE

HALF = (torch.float16, torch.bfloat16)


def as_images(images: Any, model: nn.Module) -> Tensor:
    """Bring images to a tensor (B, C, H, W) of the network's type and on its device.

    Raises
    ------
    DataError
        When they have another shape, or are not the floating-point numbers that a network takes.
    """
    values = images if isinstance(images, Tensor) else torch.as_tensor(np.asarray(images))
    if values.ndim != 4 or 0 in values.shape:
        raise DataError(f"Images have shape (B, C, H, W), not {tuple(values.shape)}.")
    if not values.is_floating_point():
        raise DataError(
            f"The images are {values.dtype}; give floating-point numbers as the network takes them, after its "
            "preprocessing (Predictor.preprocess.image_tensor for networks of ours)."
        )
    if values.is_inference():
        with torch.inference_mode(False):
            values = values.clone()
    like = next((parameter for parameter in model.parameters() if parameter.is_floating_point()), None)
    return values if like is None else values.to(like.device, like.dtype)


def as_labels(masks: Tensor, images: Tensor) -> Tensor:
    """Bring masks to (B, H, W) int64.

    Raises
    ------
    DataError
        When they do not fit the images or are not whole numbers.
    """
    labels = masks[:, 0] if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if labels.shape != (images.shape[0], *images.shape[-2:]):
        raise DataError(f"The masks have shape {tuple(masks.shape)}, the images {tuple(images.shape)}.")
    if labels.is_floating_point() and not torch.equal(labels, labels.round()):
        raise DataError("The masks hold fractions; class indices are whole numbers.")
    return labels.to(images.device, torch.long)


def check_labels(masks: Tensor, class_count: int) -> None:
    """Refuse labels that are neither a class nor 255."""
    unknown = masks[(masks != IGNORE) & ((masks >= class_count) | (masks < 0))]
    if unknown.numel():
        raise DataError(f"A mask holds label {int(unknown[0])}, but the network has {class_count} classes.")


def to_full_precision(values: Tensor) -> Tensor:
    """Bring values to at least single precision: float16 ends at 65504, bfloat16 has 3 digits."""
    return values.float() if values.dtype in HALF else values


def resize_maps(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring maps (N, h, w) to the image's size (H, W), bilinearly with pixel centres aligned: (N, H, W)."""
    if tuple(maps.shape[-2:]) == size:
        return maps
    return F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
