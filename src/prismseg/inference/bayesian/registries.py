"""Kinds of Bayesian uncertainty by name. Importing this module imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prismseg.base.registry import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# From an image (H, W, C) to probabilities (M, K, H, W) of each draw and weights of the draws.
Draw = Callable[["NDArray[np.generic]"], "tuple[NDArray[np.float32], list[float]]"]
# Makes the draws of a predictor and the folder of what was fitted for it (None where nothing was).
MakeDraws = Callable[[Any, "Path | None"], Draw]

UNCERTAINTIES: Registry[MakeDraws] = Registry("kind of uncertainty")
_KINDS = "prismseg.inference.bayesian.kinds"
UNCERTAINTIES.register(
    "last-layer",
    f"{_KINDS}:draw_last_layer",
    summary="Posterior of the last layer in closed form; fitted after training.",
)
UNCERTAINTIES.register(
    "variational",
    f"{_KINDS}:draw_variational",
    summary="Frequencies of the CRFFg layers with a distribution; fitted after training.",
)
UNCERTAINTIES.register(
    "ensemble",
    f"{_KINDS}:draw_members",
    summary="The members of an ensemble, such as the folds of a cross-validation.",
)
