"""Copies of an image as another stain, lamp or sensor would have shown it: what a frozen encoder cannot be taught."""

from __future__ import annotations

import torch
from torch import Tensor

GAMMA = 0.7  # exponents lie between exp(-GAMMA) and exp(GAMMA)
COLOURS = 3  # channels of images that have colours


def relight(image: Tensor, *, invert: bool, seed: int) -> Tensor:
    """Mix the colours of an image at random, invert it if asked for, and bend its scale of grey at random.

    Parameters
    ----------
    image : (C, H, W) Tensor
        Of three channels each becomes a mixture of another one and of a random grey.
    invert : bool
        Bright becomes dark.
    seed : int
        Of what is random.

    Returns
    -------
    (C, H, W) Tensor
        Each channel has the mean and the standard deviation that it had.

    Examples
    --------
    >>> image = torch.tensor([[[0.0, 1.0, 2.0, 9.0]]])
    >>> changed = relight(image, invert=True, seed=0)
    >>> changed.flatten().argsort().tolist(), round(float(changed.mean()), 4)
    ([3, 2, 1, 0], 3.0)
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(image)

    changed = image
    if len(image) == COLOURS:
        shares = draw(COLOURS)
        grey = torch.einsum("c,chw->hw", shares / shares.sum(), image)
        mixed = image[torch.randperm(COLOURS, generator=generator).to(image.device)]
        changed = mixed + draw(1) * (grey - mixed)
    if invert:
        changed = -changed
    low = changed.amin()
    span = (changed.amax() - low).clamp_min(torch.finfo(image.dtype).tiny)
    changed = ((changed - low) / span) ** torch.exp((2 * draw(1) - 1) * GAMMA)
    return _with_moments_of(image, changed)


def _with_moments_of(image: Tensor, changed: Tensor) -> Tensor:
    """Give each channel the mean and standard deviation that it has in `image`; a constant one becomes the mean."""
    deviation, mean = torch.std_mean(image, dim=(1, 2), keepdim=True, correction=0)
    own_deviation, own_mean = torch.std_mean(changed, dim=(1, 2), keepdim=True, correction=0)
    constant = own_deviation <= 1e-6 * own_mean.abs()
    scaled = (changed - own_mean) / torch.where(constant, 1.0, own_deviation)
    return mean + deviation * torch.where(constant, 0.0, scaled)
