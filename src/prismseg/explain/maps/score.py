"""Score-CAM: a channel counts by what the network says of the image seen through it; no gradients."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.explain.maps.method import ForwardMethod, ForwardPasses
from prismseg.explain.registries import BASELINES

# Standard deviation of the blurred baseline, as a share of the longer side: 10 of 224 pixels (Fong & Vedaldi 2017).
BLUR = 1 / 22
_TAILS = 3  # standard deviations at which the Gaussian is cut off; beyond lies 0.3 % of its mass


def score_cam(activation: Tensor, passes: ForwardPasses) -> Tensor:
    r"""Compute the maps of Score-CAM (Wang et al. 2020, defs. 3 and 4).

    $$\operatorname{ReLU} \sum_d w_d A_d, \quad
    w = \operatorname{softmax}_d \bigl((y(I \odot H_d) - y(I_b)) / T\bigr)$$

    $H_d$ is channel $A_d$ at the image's size, scaled to [0, 1], $I_b$ the baseline image and $T$ the temperature. A
    constant channel has no $H_d$ and weight 0.

    Parameters
    ----------
    activation : (B, D, h, w) Tensor
        Activations of one layer.
    passes : ForwardPasses
        Images, their scores, and the options. What a channel hides of an image is 0.

    Returns
    -------
    (B, K, h, w) Tensor
        A map a class.
    """
    baseline = BASELINES[passes.options.baseline](passes.images)
    weights = torch.stack(
        [
            _channel_weights(channels, case, passes.score(baseline[case : case + 1], case), passes)
            for case, channels in enumerate(activation)
        ]
    )
    return torch.einsum("bkd,bdhw->bkhw", weights, activation).clamp_min_(0)


def _channel_weights(channels: Tensor, case: int, start: Tensor, passes: ForwardPasses) -> Tensor:
    """Weights (K, D) of the channels (D, h, w) of one case; `start` (1, K) is the baseline's score."""
    image = passes.images[case]
    low, high = channels.amin((1, 2), keepdim=True), channels.amax((1, 2), keepdim=True)
    varied = (high > low).flatten()
    unit = ((channels - low) / (high - low))[varied]
    parts = [start.new_zeros(0, start.shape[1])]
    for some in torch.split(unit, passes.chunk):
        enlarged = F.interpolate(some[:, None], size=image.shape[-2:], mode="bilinear", align_corners=False)
        parts.append(passes.score(image * enlarged, case) - start)
    gain = torch.cat(parts).mT
    weights = gain.new_zeros(gain.shape[0], channels.shape[0])
    options = passes.options
    weights[:, varied] = gain if options.linear else torch.softmax(gain / options.temperature, dim=1)
    return weights


def blur_images(images: Tensor) -> Tensor:
    """Blur images (B, C, H, W) with a Gaussian of `BLUR` of the longer side, at least a pixel; edges are continued."""
    channels = images.shape[1]
    sigma = max(1.0, BLUR * max(images.shape[-2:]))
    reach = math.ceil(_TAILS * sigma)
    places = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    weights = torch.softmax(-(places**2) / (2 * sigma**2), 0)
    for shape, padding in (((1, 1, -1, 1), (0, 0, reach, reach)), ((1, 1, 1, -1), (reach, reach, 0, 0))):
        wide = F.pad(images, padding, mode="replicate")
        images = F.conv2d(wide, weights.reshape(shape).expand(channels, -1, -1, -1), groups=channels)
    return images


SCORE_CAM = ForwardMethod(
    title="Score-CAM",
    formula=r"\operatorname{ReLU} \sum_d w_d A_d, \; w = \operatorname{softmax}_d(y(I \odot \hat A_d) - y(I_b))",
    citation="Wang et al. 2020",
    maps=score_cam,
)
