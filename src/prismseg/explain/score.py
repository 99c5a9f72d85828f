"""Score-CAM: a channel counts by what the network says of the image seen through it; no gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError

# Scores (N, K) of images (N, C, H, W), each judged as the case of the given number.
Score = Callable[[Tensor, int], Tensor]


def score_cam(
    activation: Tensor,
    images: Tensor,
    score: Score,
    *,
    chunk: int,
    temperature: float = 1.0,
    linear: bool = False,
) -> Tensor:
    """Score-CAM, ReLU Σ_d w_d A_d with w = softmax_d(y(I ⊙ H_d) − y(I)) (Wang et al. 2020, eqs. 4 to 8).

    H_d is channel A_d at the image's size, spread over [0, 1]. A constant channel has no such form and weight 0.

    Parameters
    ----------
    activation : (B, D, h, w) Tensor
        Activations of one layer.
    images : (B, C, H, W) Tensor
        Images as the network takes them; 0 is what a channel hides.
    score : callable
        See `Score`. All classes share the forward passes.
    chunk : int
        Images a forward pass, see `images_within`.
    temperature : float
        Divides the differences before the softmax; a large one makes the weights equal.
    linear : bool
        Take the differences themselves as weights, without softmax.

    Returns
    -------
    (B, K, h, w) Tensor
        A map a class.

    Raises
    ------
    ConfigError
        When the temperature is not above 0.
    """
    if temperature <= 0:
        raise ConfigError(f"The temperature of Score-CAM's softmax must be above 0, not {temperature}.")
    weights = torch.stack(
        [
            _case_weights(channels, image, case, score, chunk, temperature, linear)
            for case, (channels, image) in enumerate(zip(activation, images, strict=True))
        ]
    )
    return torch.einsum("bkd,bdhw->bkhw", weights, activation).clamp_min_(0)


def _case_weights(
    channels: Tensor, image: Tensor, case: int, score: Score, chunk: int, temperature: float, linear: bool
) -> Tensor:
    """Weights (K, D) of the channels (D, h, w) of one case."""
    low, high = channels.amin((1, 2), keepdim=True), channels.amax((1, 2), keepdim=True)
    varied = (high > low).flatten()
    unit = ((channels - low) / (high - low))[varied]
    before = score(image[None], case)
    gains = [before.new_zeros(0, before.shape[1])]
    for some in torch.split(unit, chunk):
        seen = F.interpolate(some[:, None], size=image.shape[-2:], mode="bilinear", align_corners=False)
        gains.append(score(image * seen, case) - before)
    gain = torch.cat(gains).mT
    weights = gain.new_zeros(gain.shape[0], channels.shape[0])
    weights[:, varied] = gain if linear else torch.softmax(gain / temperature, dim=1)
    return weights
