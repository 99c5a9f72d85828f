"""What may be done to a predicted mask before it is returned."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prismseg.base.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# From a mask (H, W) of class indices to the mask that is returned, of the same size.
Postprocessor = Callable[["NDArray[np.uint8]"], "NDArray[np.uint8]"]

POSTPROCESSORS: Registry[Postprocessor] = Registry("post-processing")


@POSTPROCESSORS.register("none")
def keep_mask(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave the mask as the network predicts it."""
    return mask
