"""Score-CAM: a channel counts by what the network says of the image seen through it; no gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.base import ConfigError

# Scores (N, K) of images (N, C, H, W), each judged as the case of the given number.
Score = Callable[[Tensor, int], Tensor]

Baseline = Literal["black", "blur"]
BASELINES: tuple[str, ...] = get_args(Baseline)
BLUR = (
    1 / 22
)  # standard deviation of the blurred baseline, of the longer side: 10 of 224 pixels (Fong & Vedaldi 2017)


def score_cam(
    activation: Tensor,
    images: Tensor,
    score: Score,
    *,
    chunk: int,
    temperature: float = 1.0,
    linear: bool = False,
    baseline: str = "black",
) -> Tensor:
    """Score-CAM, ReLU Σ_d w_d A_d with w = softmax_d(y(I ⊙ H_d) − y(I_b)) (Wang et al. 2020, defs. 3 and 4).

    H_d is channel A_d at the image's size, spread over [0, 1]; I_b is the baseline image, which the differences (the
    paper's "increase of confidence") are taken to. The softmax is the same for every baseline, the linear weights are
    not. A constant channel has no H_d and weight 0.

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
    baseline : {"black", "blur"}
        An image of zeros, as the network takes it (what a channel hides; for standardised images this is the mean
        grey), or the image blurred until only its brightness is left.

    Returns
    -------
    (B, K, h, w) Tensor
        A map a class.

    Raises
    ------
    ConfigError
        When the temperature is not above 0, or there is no such baseline.
    """
    check_options(temperature, baseline)
    start = torch.zeros_like(images) if baseline == "black" else blurred(images)
    weights = torch.stack(
        [
            _case_weights(
                channels, image, score(start[case : case + 1], case), case, score, chunk, temperature, linear
            )
            for case, (channels, image) in enumerate(zip(activation, images, strict=True))
        ]
    )
    return torch.einsum("bkd,bdhw->bkhw", weights, activation).clamp_min_(0)


def check_options(temperature: float, baseline: str) -> None:
    """Refuse options that `score_cam` does not know; arguments and errors as there."""
    if not temperature > 0:
        raise ConfigError(f"The temperature of Score-CAM's softmax must be above 0, not {temperature}.")
    if baseline not in BASELINES:
        raise ConfigError(f"Score-CAM's baseline must be one of {', '.join(BASELINES)}, not {baseline!r}.")


def blurred(images: Tensor) -> Tensor:
    """Blur images (B, C, H, W) with a Gaussian of `BLUR` of the longer side, at least a pixel; edges are continued."""
    channels = images.shape[1]
    sigma = max(1.0, BLUR * max(images.shape[-2:]))
    reach = math.ceil(3 * sigma)
    places = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.softmax(-(places**2) / (2 * sigma**2), 0)
    for shape, padding in (((1, 1, -1, 1), (0, 0, reach, reach)), ((1, 1, 1, -1), (reach, reach, 0, 0))):
        wide = F.pad(images, padding, mode="replicate")
        images = F.conv2d(wide, weights.reshape(shape).expand(channels, -1, -1, -1), groups=channels)
    return images


def _case_weights(
    channels: Tensor,
    image: Tensor,
    start: Tensor,
    case: int,
    score: Score,
    chunk: int,
    temperature: float,
    linear: bool,
) -> Tensor:
    """Weights (K, D) of the channels (D, h, w) of one case; `start` (1, K) is the baseline's score."""
    low, high = channels.amin((1, 2), keepdim=True), channels.amax((1, 2), keepdim=True)
    varied = (high > low).flatten()
    unit = ((channels - low) / (high - low))[varied]
    gains = [start.new_zeros(0, start.shape[1])]
    for some in torch.split(unit, chunk):
        seen = F.interpolate(some[:, None], size=image.shape[-2:], mode="bilinear", align_corners=False)
        gains.append(score(image * seen, case) - start)
    gain = torch.cat(gains).mT
    weights = gain.new_zeros(gain.shape[0], channels.shape[0])
    weights[:, varied] = gain if linear else torch.softmax(gain / temperature, dim=1)
    return weights
