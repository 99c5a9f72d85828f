"""Where the relevance of maps lies: measures made of the sums of maps against masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prismseg.explain.masks import Array


@dataclass(frozen=True)
class Relevance:
    """Sums of many maps with what they were compared with; arrays broadcast against each other.

    Attributes
    ----------
    total, inside, border, lowest, highest, pointing, rank
        As `SUMS` names them.
    area, band, pixels
        As in `ClassMasks`.
    """

    total: Array
    inside: Array
    border: Array
    lowest: Array
    highest: Array
    pointing: Array
    rank: Array
    area: Array
    band: Array
    pixels: Array

    def normalized(self, kind: str, highest_of_layer: Array | None = None) -> Relevance:
        """Compute the sums of the maps after a normalisation, which needs no maps since it is linear.

        Parameters
        ----------
        kind : {"none", "map", "layer"}
            As they are; each map spread over [0, 1] by its own least and largest value; divided by the largest
            value that the layer has in the data set.
        highest_of_layer : array, optional
            That largest value.
        """
        if kind == "none":
            return self
        low = self.lowest if kind == "map" else np.zeros_like(self.lowest)
        top = self.highest if kind == "map" or highest_of_layer is None else highest_of_layer
        scale = np.where(top > low, top - low, np.inf)
        return Relevance(
            total=(self.total - low * self.pixels) / scale,
            inside=(self.inside - low * self.area) / scale,
            border=(self.border - low * self.band) / scale,
            lowest=(self.lowest - low) / scale,
            highest=(self.highest - low) / scale,
            pointing=self.pointing,
            rank=self.rank,
            area=self.area,
            band=self.band,
            pixels=self.pixels,
        )


def divide(part: Array, whole: Array, *, otherwise: float = 0.0) -> Array:
    """Divide, and take `otherwise` where there is no whole, such as no relevance or no mask."""
    part, whole = np.broadcast_arrays(part, whole)
    result: Array = np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
    return result


def rho(sums: Relevance) -> Array:
    """CAM-based cumulative relevance a / s: the share of the relevance that lies inside the mask.

    The same as relevance mass accuracy (Arras et al. 2022, eq. 4) and the energy-based pointing game (Wang et al.
    2020).
    """
    return divide(sums.inside, sums.total)


def mask_relevance(sums: Relevance) -> Array:
    """Mask-based cumulative relevance varrho' = a / m: the mean relevance of a pixel of the mask."""
    return divide(sums.inside, sums.area)


def cam_dice(sums: Relevance) -> Array:
    """CAM-Dice D' = 2 a / (s + m), the harmonic mean of rho and varrho'."""
    return divide(2 * sums.inside, sums.total + sums.area)


def lift(sums: Relevance) -> Array:
    """Rho over the mask's share of the image: 1 is what a map without evidence gets."""
    return divide(rho(sums) * sums.pixels, sums.area)


def border_share(sums: Relevance) -> Array:
    """Share of the relevance that lies in the band around the mask's contour."""
    return divide(sums.border, sums.total)


def border_lift(sums: Relevance) -> Array:
    """Border share over the band's share of the image: above 1 the layer looks at contours."""
    return divide(border_share(sums) * sums.pixels, sums.band)


def pointing_game(sums: Relevance) -> Array:
    """1 where the most relevant pixel lies inside the mask (Zhang et al. 2018)."""
    return sums.pointing


def rank_share(sums: Relevance) -> Array:
    """Relevance rank accuracy, see `rank_accuracy`."""
    return sums.rank


# Measure -> how it is computed, and the normalisations under which it is reported.
MEASURES: dict[str, tuple[Callable[[Relevance], Array], tuple[str, ...]]] = {
    "rho": (rho, ("none",)),
    "lift": (lift, ("none",)),
    "varrho_prime": (mask_relevance, ("none", "layer")),
    "cam_dice": (cam_dice, ("map", "layer")),
    "rank_accuracy": (rank_share, ("none",)),
    "pointing_game": (pointing_game, ("none",)),
    "border_share": (border_share, ("none",)),
    "border_lift": (border_lift, ("none",)),
}
