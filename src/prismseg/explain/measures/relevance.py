"""Where the relevance of maps lies: measures that follow from the sums of maps over masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from prismseg.base.registry import Registry
from prismseg.evaluation import SHARE
from prismseg.explain.measures.masks import EQUAL, Array


@dataclass(frozen=True)
class Relevance:
    """Sums of many maps, and the sizes of the masks they are over; arrays broadcast against each other.

    Attributes
    ----------
    total, inside, border, on_region, lowest, highest, pointing, rank
        As `SUMS` names them.
    area, band, region, hit, pixels
        As in `ClassMasks`.
    """

    total: Array
    inside: Array
    border: Array
    on_region: Array
    lowest: Array
    highest: Array
    pointing: Array
    rank: Array
    area: Array
    band: Array
    region: Array
    hit: Array
    pixels: Array

    def normalized(self, kind: str, highest_of_layer: Array | None = None) -> Relevance:
        """Compute the sums that the maps have after a normalisation; it is linear, so the maps are not needed.

        Parameters
        ----------
        kind : {"none", "map", "layer"}
            As they are; each map scaled to [0, 1] by its own least and largest value; divided by the largest value
            that the layer has in the data set. Values are those of the map at the image's size; a map that is
            constant up to rounding becomes 0.
        highest_of_layer : array, optional
            That largest value.
        """
        if kind == "none":
            return self
        low = self.lowest if kind == "map" else np.zeros_like(self.lowest)
        top = self.highest if kind == "map" or highest_of_layer is None else highest_of_layer
        scale = np.where(top - low > EQUAL * top, top - low, np.inf)

        def shifted(sums: Array, pixels: Array) -> Array:
            # It is negative only by rounding.
            scaled: Array = np.maximum(sums - low * pixels, 0) / scale
            return scaled

        return replace(
            self,
            total=shifted(self.total, self.pixels),
            inside=shifted(self.inside, self.area),
            border=shifted(self.border, self.band),
            on_region=shifted(self.on_region, self.region),
            lowest=(self.lowest - low) / scale,
            highest=(self.highest - low) / scale,
        )


def divide(part: Array, whole: Array, *, otherwise: float = 0.0) -> Array:
    """Divide arrays; `otherwise` where the whole is 0, as where there is no relevance or no mask."""
    part, whole = np.broadcast_arrays(part, whole)
    result: Array = np.divide(part, whole, out=np.full(part.shape, otherwise), where=whole > 0)
    return result


def rho(sums: Relevance) -> Array:
    r"""Compute rho, the share of the relevance that lies inside the mask.

    $$\rho = a / s, \quad a = \sum S M, \quad s = \sum S$$

    for a map $S$ and a mask $M$: the CAM-based cumulative relevance of the thesis, which is relevance mass accuracy
    (Arras et al. 2022, eq. 4) and the energy-based pointing game (Wang et al. 2020).
    """
    return divide(sums.inside, sums.total)


def mask_relevance(sums: Relevance) -> Array:
    r"""Compute varrho prime, $\varrho' = a / m$ with $m = \sum M$: the mean relevance of a pixel of the mask."""
    return divide(sums.inside, sums.area)


def cam_dice(sums: Relevance) -> Array:
    r"""Compute CAM-Dice, $D' = 2 a / (s + m)$, the harmonic mean of $\rho$ and $\varrho'$."""
    return divide(2 * sums.inside, sums.total + sums.area)


def lift(sums: Relevance) -> Array:
    r"""Compute the lift $\rho / (m / N)$, with $N$ pixels in the image: a map without evidence has 1."""
    return divide(rho(sums) * sums.pixels, sums.area)


def rho_excess(sums: Relevance) -> Array:
    r"""Compute rho less that of the region $R$ as a map, $\rho - \lvert R \cap M \rvert / \lvert R \rvert$.

    It is 0 where a map tells no more than the region whose score it explains. The region as a map has the value 1 on
    the pixels over which the score is taken and 0 elsewhere. For the predicted mask its rho is the prediction's
    precision, for the true mask 1, for the whole image the class's share of it.
    """
    return rho(sums) - divide(sums.hit, sums.region)


def region_share(sums: Relevance) -> Array:
    r"""Compute the share of the relevance that lies on the region over which the score is taken, $\sum S R / s$.

    A map with a share near 1 redraws that region, whatever the network looks at elsewhere.
    """
    return divide(sums.on_region, sums.total)


def border_share(sums: Relevance) -> Array:
    """Compute the share of the relevance that lies in the band around the mask's contour."""
    return divide(sums.border, sums.total)


def border_lift(sums: Relevance) -> Array:
    """Compute the border share over the band's share of the image: above 1 the layer looks at contours."""
    return divide(border_share(sums) * sums.pixels, sums.band)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number that says where the relevance of a map lies.

    Attributes
    ----------
    compute : callable
        Function of `Relevance`; returns an array, 0 where there is no relevance or no mask.
    normalizations : tuple of str
        Under which it is reported, see `Relevance.normalized`; tables have it under the first.
    label : str
        What tables of a report call it; empty for one that stands in the CSV files only.
    bounds : (float, float), optional
        Between which it lies, for intervals.
    of_fused : bool
        Whether it is reported of fused maps. Their sums are known, but no largest value or rank.
    compared : bool
        Whether two networks are compared by it.
    relative : str
        Name under which the mean relative to that of the class with the most is reported too; empty for none.
    """

    compute: Callable[[Relevance], Array]
    normalizations: tuple[str, ...] = ("none",)
    label: str = ""
    bounds: tuple[float, float] | None = None
    of_fused: bool = False
    compared: bool = False
    relative: str = ""


MEASURES: Registry[Measure] = Registry("measure of relevance")
MEASURES.register(
    "rho",
    Measure(compute=rho, label="rho: share on the class", bounds=SHARE, of_fused=True, compared=True),
    summary="Share of the relevance that lies on the class.",
)
MEASURES.register(
    "lift",
    Measure(compute=lift, label="lift (1: chance)", of_fused=True, compared=True),
    summary="Rho over the class's share of the image.",
)
MEASURES.register(
    "rho_excess",
    Measure(compute=rho_excess, label="rho less the region’s own", of_fused=True),
    summary="Rho less that of the region as a map.",
)
MEASURES.register(
    "region_share",
    Measure(compute=region_share, label="share on the region", bounds=SHARE, of_fused=True),
    summary="Share of the relevance that lies on the region whose score is explained.",
)
MEASURES.register(
    "varrho_prime",
    Measure(
        compute=mask_relevance, normalizations=("none", "layer"), of_fused=True, compared=True, relative="varrho"
    ),
    summary="Mean relevance of a pixel of the class.",
)
MEASURES.register(
    "cam_dice",
    Measure(
        compute=cam_dice,
        normalizations=("map", "layer"),
        label="CAM-Dice",
        bounds=SHARE,
        of_fused=True,
        compared=True,
    ),
    summary="Harmonic mean of rho and varrho_prime, of maps scaled to [0, 1].",
)
MEASURES.register(
    "rank_accuracy",
    Measure(compute=lambda sums: sums.rank, label="rank accuracy", bounds=SHARE, compared=True),
    summary="Share of the most relevant pixels, as many as the class has, that lie on the class.",
)
MEASURES.register(
    "pointing_game",
    Measure(compute=lambda sums: sums.pointing, label="pointing game", bounds=SHARE, compared=True),
    summary="Whether the most relevant pixel lies on the class.",
)
MEASURES.register(
    "border_share",
    Measure(compute=border_share, bounds=SHARE, of_fused=True),
    summary="Share of the relevance that lies in the band around the contour.",
)
MEASURES.register(
    "border_lift",
    Measure(compute=border_lift, label="border lift (1: chance)", compared=True),
    summary="Border share over the band's share of the image.",
)
