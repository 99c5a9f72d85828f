"""How a score falls while an image is hidden, the most or the least relevant pixels first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.explain.measures.masks import Array
from prismseg.explain.registries import FILLS

SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # of the pixels that are hidden, besides none and all


@dataclass(frozen=True)
class HidingCurves:
    """Scores of images whose pixels are hidden in the order of a map.

    Attributes
    ----------
    shares : (S,) array
        Share of the pixels that are hidden, from 0 to 1.
    most_first, least_first : (B, S) array
        Scores where the most, or the least, relevant pixels are hidden first.
    """

    shares: Array
    most_first: Array
    least_first: Array

    @property
    def deletion(self) -> Array:
        """Area (B,) under the curve, the most relevant pixels hidden first (Petsiuk et al. 2018); low is good."""
        return _area(self.most_first, self.shares)

    @property
    def insertion(self) -> Array:
        """Area (B,) under the curve while the most relevant pixels are shown first; high is good."""
        return _area(self.least_first, self.shares)

    @property
    def gap(self) -> Array:
        """Insertion less deletion (B,): the area between the two curves; 0 for an order that says nothing."""
        return self.insertion - self.deletion


def _area(values: Array, shares: Array) -> Array:
    return np.asarray(np.trapezoid(values, shares, axis=1), dtype=np.float64)


def pixel_order(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Order the pixels of maps (B, H, W) by relevance, the highest first: (B, H W) places.

    Pixels of equal relevance come in random order, so that a map of zeros is the random one.
    """
    flat = maps.flatten(1).cpu()
    shuffled = torch.rand(flat.shape, generator=generator).argsort(dim=1)
    order = flat.gather(1, shuffled).argsort(dim=1, descending=True, stable=True)
    return shuffled.gather(1, order).to(maps.device)


def hide(images: Tensor, places: Tensor, fill: str, generator: torch.Generator) -> Tensor:
    """Hide the pixels at `places` (B, n) of images (B, C, H, W); `fill` names what comes in their place."""
    hidden = torch.zeros(len(images), images[0, 0].numel(), dtype=torch.bool, device=images.device)
    hidden.scatter_(1, places, True)
    return FILLS[fill](images, hidden.reshape(len(images), *images.shape[2:]), generator)


def hiding_curves(
    images: Tensor,
    maps: Tensor,
    score: Callable[[Tensor], Tensor],
    *,
    fill: str = "mean",
    shares: Sequence[float] = SHARES,
    seed: int = 0,
) -> HidingCurves:
    """Hide the pixels of images in the order of maps and watch the score.

    Parameters
    ----------
    images : (B, C, H, W) Tensor
    maps : (B, H, W) Tensor
        Relevance of each pixel.
    score : callable
        Function of images (B, C, H, W); returns their scores (B,).
    fill : str
        Of `prismseg.explain.FILLS`.
    shares : sequence of float
        Shares of the pixels that are hidden, between 0 and 1, which are added.
    seed : int
        Of the order of equal pixels, and of noise.

    Raises
    ------
    ConfigError
        For a fill that does not exist, or shares that do not rise between 0 and 1.

    Examples
    --------
    The score is the sum of two pixels, 3 and 1; the map orders them rightly:

    >>> image, relevance = torch.tensor([[[[3.0, 1.0]]]]), torch.tensor([[[1.0, 0.0]]])
    >>> curves = hiding_curves(image, relevance, lambda x: x.sum((1, 2, 3)), fill="black", shares=[0.5])
    >>> curves.most_first.tolist(), curves.least_first.tolist()
    ([[4.0, 1.0, 0.0]], [[4.0, 3.0, 0.0]])
    >>> curves.gap.tolist()
    [1.0]
    """
    hiding = PixelHiding(images, lambda seen: score(seen)[:, None], fill=fill, shares=shares, seed=seed)
    most, least = hiding.scores(maps)
    return HidingCurves(hiding.shares, most[..., 0], least[..., 0])


class PixelHiding:
    """Hides the pixels of images in the order of one map after the other, with one fill.

    Arguments as those of `hiding_curves`, except

    score : callable
        Function of images (S B, C, H, W), S steps of the cases one after the other; returns scores (S B, K).
    at_once : int
        How many steps S are scored in one call.
    """

    def __init__(
        self,
        images: Tensor,
        score: Callable[[Tensor], Tensor],
        *,
        fill: str,
        shares: Sequence[float] = SHARES,
        seed: int = 0,
        at_once: int = 1,
    ) -> None:
        FILLS.require(fill)
        self.shares = np.array([0.0, *shares, 1.0])
        if (np.diff(self.shares) <= 0).any():
            raise ConfigError(f"Shares of hidden pixels must rise between 0 and 1, not {list(shares)}.")
        self._images, self._score, self._fill, self._seed, self._at_once = images, score, fill, seed, at_once
        every = torch.arange(images[0, 0].numel(), device=images.device).expand(len(images), -1)
        # Nothing and everything hidden are the same for all maps.
        self._ends = self._scores([(0.0, every[:, :0]), (1.0, every)])

    def scores(self, maps: Tensor) -> tuple[Array, Array]:
        """Scores (B, S, K) where the most, and where the least, relevant pixels of maps (B, H, W) are hidden first."""
        order = pixel_order(maps, torch.Generator().manual_seed(self._seed))
        count = order.shape[1]
        inner = [(share, round(share * count)) for share in self.shares[1:-1].tolist()]
        found = self._scores(
            [(share, order[:, :number]) for share, number in inner]
            + [(share, order[:, count - number :]) for share, number in inner]
        )
        first, last = self._ends[:, :1], self._ends[:, 1:]
        return (
            np.concatenate([first, found[:, : len(inner)], last], axis=1),
            np.concatenate([first, found[:, len(inner) :], last], axis=1),
        )

    def _scores(self, steps: Sequence[tuple[float, Tensor]]) -> Array:
        """Scores (B, S, K) with the places (B, n) of each step hidden."""
        parts = []
        with torch.no_grad():
            for begin in range(0, len(steps), self._at_once):
                some = steps[begin : begin + self._at_once]
                seen = torch.cat([self._hidden(share, places) for share, places in some])
                found = self._score(seen).double().cpu().numpy()
                parts.append(found.reshape(len(some), len(self._images), -1))
        return np.asarray(np.concatenate(parts).transpose(1, 0, 2))

    def _hidden(self, share: float, places: Tensor) -> Tensor:
        # Noise of its own at each step, and the same for every map.
        noise = torch.Generator().manual_seed(self._seed + 1 + int(1e6 * share))
        return hide(self._images, places, self._fill, noise)
