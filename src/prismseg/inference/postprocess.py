"""What may be done to a predicted mask before it is returned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from prismseg.base.registry import Registry

Postprocessor = Callable[
    [NDArray[np.uint8]], NDArray[np.uint8]
]  # mask (H, W) of class indices -> the same, changed

POSTPROCESSORS: Registry[Postprocessor] = Registry("post-processing")


@POSTPROCESSORS.register("none")
def keep_mask(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave the mask as the network predicts it."""
    return mask
