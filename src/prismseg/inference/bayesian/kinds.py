"""One interface to the kinds of Bayesian uncertainty: ``uncertainty="last-layer" | "variational" | "ensemble"``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ModelError
from prismseg.data import read_image
from prismseg.inference.bayesian.last_layer import LastLayer, enlarge_draws
from prismseg.inference.bayesian.maps import BayesianMaps, maps_of_draws
from prismseg.inference.bayesian.registries import UNCERTAINTIES, Draw
from prismseg.inference.bayesian.variational import VariationalFrequencies, draw_frequencies
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.nets import Ensemble


class BayesianPredictor:
    """Asks draws of a network for uncertainty maps.

    Parameters
    ----------
    predictor : Predictor
        The network.
    uncertainty : str
        A name in `UNCERTAINTIES`: "last-layer" (closed form, after training), "variational" (frequencies of the CRFFg
        layers), "ensemble" (the members of an `prismseg.nets.Ensemble`).
    fitted : path, optional
        Folder of what `prismseg uncertainty` fitted, for the first two.

    Raises
    ------
    ConfigError
        When there is no such kind, or what was fitted is of another network.
    ModelError
        When the network has none of this kind, or nothing was fitted.

    Examples
    --------
    >>> asked = BayesianPredictor(Predictor.from_pretrained("thermal-feet"), "ensemble")
    >>> maps = asked(np.full((120, 160), 22.0, np.float32))  # a wall of 22 °C
    >>> maps.entropy.shape, bool((maps.mutual_information <= maps.entropy).all())
    ((120, 160), True)
    """

    def __init__(self, predictor: Predictor, uncertainty: str, fitted: str | Path | None = None) -> None:
        require_one_label(predictor, "uncertainty")
        self.predictor, self.uncertainty = predictor, uncertainty
        self.draw = UNCERTAINTIES[uncertainty](predictor, None if fitted is None else Path(fitted))

    def __call__(self, image: NDArray[np.generic] | str | Path) -> BayesianMaps:
        """Compute the maps of one image, as `Predictor` takes it.

        Raises
        ------
        DataError
            When the file or array is not a usable image.
        """
        array = read_image(image) if isinstance(image, str | Path) else np.asarray(image)
        return maps_of_draws(*self.draw(array if array.ndim == 3 else array[..., None]))


def draw_last_layer(predictor: Predictor, fitted: Path | None) -> Draw:
    """Draw the head of a network from its posterior."""
    posterior = LastLayer.load(_require(fitted))
    return lambda image: posterior.draw(predictor, image)


def draw_variational(predictor: Predictor, fitted: Path | None) -> Draw:
    """Draw the frequencies of a network from their distribution."""
    spread = VariationalFrequencies.load(_require(fitted)).spread(predictor)
    return lambda image: draw_frequencies(spread, image)


def draw_members(predictor: Predictor, fitted: Path | None) -> Draw:
    """Ask each member of an ensemble."""
    ensemble = predictor.model
    if not isinstance(ensemble, Ensemble):
        raise ModelError(
            "Only an ensemble has members to ask, and this is a single network; make one of the folds of a "
            "cross-validation: prismseg ensemble RUN."
        )
    alone = [
        Predictor(ensemble.alone(index), mirror=predictor.mirror, device=predictor.device)
        for index in range(len(ensemble.names))
    ]

    def draw(image: NDArray[np.generic]) -> tuple[NDArray[np.float32], list[float]]:
        draws = [
            enlarge_draws(each.probabilities(each.preprocess.image_tensor(image)[None]), each, image)
            for each in alone
        ]
        return np.concatenate(draws), list(ensemble.weights)

    return draw


def _require(fitted: Path | None) -> Path:
    if fitted is None:
        raise ModelError("Name the folder of what was fitted (RUN/uncertainty); prismseg uncertainty RUN fits it.")
    return fitted
