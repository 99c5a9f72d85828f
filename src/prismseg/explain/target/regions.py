"""Regions: the pixels over which the logit of a class is averaged to the score that maps explain."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from prismseg.base import DataError
from prismseg.data.sample import IGNORE
from prismseg.explain.registries import DEFAULT_REGION, REGIONS
from prismseg.explain.target.logits import predicted_mask
from prismseg.explain.target.region import Region

EPSILON = 1e-7  # of the thesis's mean over a region, which may be empty


def _predicted(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    pred = predicted_mask(logits.detach())
    return torch.stack([pred == cls for cls in classes], dim=1)


def _true(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    assert masks is not None, "check_masks comes first"
    return torch.stack([masks == cls for cls in classes], dim=1)


def _whole(logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    batch, _, height, width = logits.shape
    return torch.ones(batch, len(classes), height, width, dtype=torch.bool, device=logits.device)


PREDICTION = Region(title="predicted mask", pixels=_predicted)
TRUTH = Region(title="true mask", pixels=_true, needs_masks=True, is_reference=True)
IMAGE = Region(title="whole image", pixels=_whole, is_whole_image=True)


def check_masks(name: str, masks: object) -> None:
    """Refuse to go on without masks where the region `name` needs them.

    Raises
    ------
    DataError
        Naming the region.
    """
    if masks is None and REGIONS[name].needs_masks:
        raise DataError(
            f"The region is the {REGIONS[name].title}, so masks are needed; give them, or region='{DEFAULT_REGION}'."
        )


def find_regions(name: str, logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    """Find the pixels over which each class is scored.

    Parameters
    ----------
    name : str
        Of `prismseg.explain.REGIONS`, or of one of its families, such as ``pixel:12x30``.
    logits : (B, K, H, W) Tensor
    masks : (B, H, W) integer Tensor, optional
        True classes; pixels with the label 255 belong to no region.
    classes : sequence of int
        K' class indices.

    Returns
    -------
    (B, K', H, W) Tensor
        0 or 1, in the type of the logits.

    Raises
    ------
    ConfigError
        When there is no such region.
    DataError
        When the region needs masks and there are none.

    Examples
    --------
    >>> logits = torch.tensor([[[[0.0, 0.0]], [[1.0, -1.0]]]])
    >>> find_regions("prediction", logits, None, [1]).tolist()
    [[[[1.0, 0.0]]]]
    """
    check_masks(name, masks)
    region = REGIONS[name]
    if region.pixels_of is not None:
        pixels = region.pixels_of(name.partition(":")[2], logits.detach(), masks, classes)
    else:
        assert region.pixels is not None, f"the region {name} has no rule"
        pixels = region.pixels(logits, masks, classes)
    if masks is not None:
        pixels = pixels & (masks != IGNORE)[:, None]
    return pixels.to(logits.dtype)


def class_scores(values: Tensor, region: Tensor) -> Tensor:
    r"""Average values over a region, case by case: the score of a class.

    $$y_r = \frac{\sum_{i \in R_r} z_{r,i}}{\lvert R_r \rvert + 10^{-7}}$$

    Parameters
    ----------
    values : (B, H, W) Tensor
        Logits of one class, or probabilities.
    region : (B, H, W) Tensor
        0 or 1.

    Returns
    -------
    (B,) Tensor
        0, and without a gradient, for a case with an empty region.

    Examples
    --------
    >>> class_scores(torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[1.0, 1.0]]])).item()
    2.0
    """
    return (values * region).sum((1, 2)) / (region.sum((1, 2)) + EPSILON)
