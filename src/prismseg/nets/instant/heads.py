"""What a closed-form fit decides: the numbers of a linear head, and the variance that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from prismseg.base import ModelError

NUMBERS = ("weights", "factor", "noise", "offsets", "temperature")


@dataclass(frozen=True, eq=False)
class LinearHead:
    """All that a fit decides about a head; K outputs, one a class, background first.

    Attributes
    ----------
    weights : (E, K) Tensor
        Mean of the posterior of the linear model, for the inputs of the head.
    factor : (E, E) Tensor
        F with ``F F' = A^-1``, see `prismseg.features.LinearPosterior`.
    noise : (K,) Tensor
        Variance of the noise of each output.
    offsets : (K,) Tensor
        What is added to the outputs before the largest one is taken; 0 for the background.
    temperature : float
        Logits are the outputs with their offsets times this.
    """

    weights: Tensor
    factor: Tensor
    noise: Tensor
    offsets: Tensor
    temperature: float = 1.0


@dataclass(frozen=True, eq=False)
class InstantHead(LinearHead):
    """The head of `InstantSegmenter`, for the inputs of `InstantSegmenter.inputs`.

    Attributes
    ----------
    context : LinearHead, optional
        What is added to its outputs by what it finds around a pixel, for the inputs of `ContextStage`. Its offsets and
        its temperature are those of both together; the head's own say what it finds alone. None: there is no second fit.
    """

    context: LinearHead | None = None


class PosteriorVariance(NamedTuple):
    """Variance of the outputs of the head, whose targets are 1 for the class of a pixel and 0 for others.

    Attributes
    ----------
    epistemic : (B, K, H, W) Tensor
        What more labelled images would reduce: noise times leverage.
    aleatoric : (K,) Tensor
        What they would not: the noise.
    """

    epistemic: Tensor
    aleatoric: Tensor

    @property
    def total(self) -> Tensor:
        """Predictive variance (B, K, H, W)."""
        return self.epistemic + self.aleatoric[:, None, None]


def register_head(module: nn.Module, inputs: int, outputs: int) -> None:
    """Give a module the buffers of a head of so many inputs whose outputs are all 0."""
    module.register_buffer("weights", torch.zeros(inputs, outputs))
    module.register_buffer("factor", torch.zeros(inputs, inputs))
    module.register_buffer("noise", torch.zeros(outputs))
    module.register_buffer("offsets", torch.zeros(outputs))
    module.register_buffer("temperature", torch.ones(()))


def replace_head(module: nn.Module, head: LinearHead) -> None:
    """Put a head into the buffers of a module, whose other buffers stay those it shares with other modules.

    Raises
    ------
    ModelError
        When the head is one for other inputs or classes.
    """
    buffers = dict(module._buffers)
    for name in NUMBERS:
        old = buffers[name]
        assert old is not None
        value = torch.as_tensor(getattr(head, name))
        if value.shape != old.shape:
            raise ModelError(
                f"The head's {name} have the shape {tuple(value.shape)}; this network takes {tuple(old.shape)}."
            )
        buffers[name] = value.to(old, copy=True)  # two heads may be told the same numbers, a file may not
    module._buffers = buffers
