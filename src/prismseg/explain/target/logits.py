"""The logits in a network's output, and what follows from them class by class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import DataError, ModelError
from prismseg.explain.tensors import to_full_precision

OutputChoice = str | int | Callable[[Any], Tensor] | None

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

    Examples
    --------
    >>> output = {"logits": torch.zeros(1, 3, 8, 8), "features": torch.zeros(1, 64, 2, 2)}
    >>> find_logits(output, None, (16, 16)).shape
    torch.Size([1, 3, 16, 16])
    """
    logits = choose_output(output, choice)
    if not isinstance(logits, Tensor) or logits.ndim != 4:
        shape = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise ModelError(f"Logits of a segmentation have shape (B, K, H, W); this output is {shape}.")
    logits = to_full_precision(logits)
    if tuple(logits.shape[-2:]) != image_size:
        logits = F.interpolate(logits, size=image_size, mode="bilinear", align_corners=False)
    return logits


def choose_output(output: Any, choice: OutputChoice) -> Any:
    """Take what `choice` names out of what a network returned, see `find_logits`; its shape may be any."""
    return choice(output) if callable(choice) else _pick(output, choice)


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
    """Take the logit (B, H, W) of class `cls`; with one channel z the foreground has z and the background −z."""
    if logits.shape[1] == 1:
        return logits[:, 0] if cls == 1 else -logits[:, 0]
    return logits[:, cls]


def predicted_mask(logits: Tensor) -> Tensor:
    """Find the class index of each pixel, (B, H, W), from logits (B, K, H, W)."""
    if logits.shape[1] == 1:
        return (logits[:, 0] > 0).long()
    return logits.argmax(1)
