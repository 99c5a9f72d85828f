"""Exponential moving average of the weights, with a warm-up so that short runs profit too."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def weight_average(model: nn.Module, decay: float) -> AveragedModel:
    """Averaged copy of `model` (parameters and buffers); call ``update_parameters(model)`` after each step.

    The decay of update n is ``min(decay, (1 + n) / (10 + n))`` (the warm-up of TensorFlow's
    ExponentialMovingAverage), so that the average forgets the random start.
    """

    @torch.no_grad()
    def update(averages: Tensors, currents: Tensors, updates: Tensor | int) -> None:
        n = int(updates)
        keep = min(decay, (1 + n) / (10 + n))
        for average, current in zip(averages, currents, strict=True):
            if average.is_floating_point():
                average.lerp_(current, 1 - keep)
            else:
                average.copy_(current)

    return AveragedModel(model, multi_avg_fn=update, use_buffers=True)
