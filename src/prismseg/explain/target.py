"""What is explained: the logits of a network's output, and the score of a class over a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prismseg.base import ConfigError, DataError, ModelError
from prismseg.data.sample import IGNORE

Region = Literal["truth", "prediction", "image"]
OutputChoice = str | int | Callable[[Any], Tensor] | None

REGIONS: tuple[str, ...] = get_args(Region)
DEFAULT_REGION: Region = (
    "prediction"  # what the network claims; with the truth late layers score well by construction
)
EPSILON = 1e-7  # of the thesis's mean over a region, which may be empty
HALF = (torch.float16, torch.bfloat16)
_USUAL_KEYS = ("logits", "out")


def find_logits(output: Any, choice: OutputChoice, image_size: tuple[int, int]) -> Tensor:
    """Take the logits (B, K, H, W) out of what a network returned, at the size of its images.

    Parameters
    ----------
    output : object
        Return value of the network.
    choice : str, int, callable or None
        Key, index or function that finds the logits. None: a tensor itself, the value of "logits" or "out" in a
        mapping, or the only tensor there is.
    image_size : (H, W)
        Logits of another size are resized bilinearly. Those of half precision become float32, in which regions of
        any size can be counted.

    Raises
    ------
    ModelError
        When there are several outputs and none is chosen, the choice does not exist, or it is no map of logits.
    """
    logits = choice(output) if callable(choice) else _pick(output, choice)
    if not isinstance(logits, Tensor) or logits.ndim != 4:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(f"Logits of a segmentation have shape (B, K, H, W); this output is {shape}.")
    logits = full(logits)
    if tuple(logits.shape[-2:]) != image_size:
        logits = F.interpolate(logits, size=image_size, mode="bilinear", align_corners=False)
    return logits


def full(values: Tensor) -> Tensor:
    """Values in at least single precision: half formats end at 65504, or have 3 digits."""
    return values.float() if values.dtype in HALF else values


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


def _pick(output: Any, choice: str | int | None) -> Any:
    if isinstance(output, Tensor) and choice is None:
        return output
    named: dict[Any, Any]
    if isinstance(output, Mapping):
        named = dict(output)
    elif isinstance(output, tuple | list):
        named = dict(enumerate(output))
    else:
        raise ModelError(
            f"The network returns {type(output).__name__}; say where its logits are: output=FUNCTION."
        )
    if choice is None:
        choice = next((key for key in _USUAL_KEYS if key in named), None)
        if choice is None and len(named) == 1:
            choice = next(iter(named))
    if choice not in named:
        asked = "" if choice is None else f", and {choice!r} is not among them"
        raise ModelError(
            f"The network returns several outputs ({', '.join(map(repr, named))}){asked}; say which one holds the "
            "logits: output=NAME or NUMBER."
        )
    return named[choice]


def check_finite(logits: Tensor, ids: Sequence[str]) -> None:
    """Refuse logits that are NaN or infinite, naming their cases."""
    bad = ~torch.isfinite(logits).flatten(1).all(1)
    if bad.any():
        names = [ids[index] for index in bad.nonzero().flatten().tolist()]
        raise DataError(
            f"The network's logits are NaN or infinite for {', '.join(names[:5])}; there is nothing to explain. "
            "Look for NaN in the image; run a network of half precision in float32; or train it anew with a smaller "
            "learning rate."
        )


def class_count(logits: Tensor) -> int:
    """Count the classes: two for one logit channel."""
    return max(2, logits.shape[1])


def class_logits(logits: Tensor, cls: int) -> Tensor:
    """Logit (B, H, W) of class `cls`; with one channel z the foreground has z and the background −z."""
    if logits.shape[1] == 1:
        return logits[:, 0] if cls == 1 else -logits[:, 0]
    return logits[:, cls]


def predicted_mask(logits: Tensor) -> Tensor:
    """Class index (B, H, W) of each pixel."""
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).long()
    return logits.argmax(1)


def regions_of(region: str, logits: Tensor, masks: Tensor | None, classes: Sequence[int]) -> Tensor:
    """Pixels over which each class is scored: (B, K', H, W) of 0 and 1, K' the number of `classes`.

    Pixels that `masks` (B, H, W) marks as 255 belong to no region.
    """
    if region == "truth":
        assert masks is not None, "checked by the atlas"
        return torch.stack([masks == cls for cls in classes], dim=1).to(logits.dtype)
    if region == "prediction":
        found = predicted_mask(logits.detach())
        chosen = torch.stack([found == cls for cls in classes], dim=1)
    elif region == "image":
        batch, _, height, width = logits.shape
        chosen = torch.ones(batch, len(classes), height, width, dtype=torch.bool, device=logits.device)
    else:
        raise ConfigError(f"The region must be one of {', '.join(REGIONS)}, not {region!r}.")
    if masks is not None:
        chosen = chosen & (masks != IGNORE)[:, None]
    return chosen.to(logits.dtype)


def class_scores(values: Tensor, region: Tensor) -> Tensor:
    """Score of one class for each case (B,): the mean of `values` (B, H, W) over `region` (B, H, W).

    y = Σ 1[M = r] z_r / (#{M = r} + 1e-7); a case with an empty region scores 0 and has no gradient.
    """
    return (values * region).sum((1, 2)) / (region.sum((1, 2)) + EPSILON)
