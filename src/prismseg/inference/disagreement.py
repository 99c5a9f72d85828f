"""How far the members of an ensemble differ about an image: where they do, the mask is less to be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prismseg.base import ModelError
from prismseg.inference.predictor import Predictor
from prismseg.nets import Ensemble


@dataclass(frozen=True, eq=False)
class Disagreement:
    """What each member of an ensemble says of one image, and how alike that is.

    Attributes
    ----------
    names : tuple of str
        Of the M members.
    masks : (M, H, W) uint8
        The mask that each gives by itself.
    dice : (M, M, K - 1) float64
        Dice of the masks of two members, for each foreground class; 1 where the class is in neither.
    """

    names: tuple[str, ...]
    masks: NDArray[np.uint8]
    dice: NDArray[np.float64]

    @property
    def score(self) -> float:
        """One minus the mean Dice over all pairs of members and all foreground classes: 0 where all say the same."""
        pairs = list(combinations(range(len(self.names)), 2))
        return 1 - float(np.mean([self.dice[pair] for pair in pairs])) if pairs else 0.0


def disagreement(predictor: Predictor, image: NDArray[np.generic] | str | Path) -> Disagreement:
    """Segment an image with each member of an ensemble alone and compare their masks in pairs.

    Parameters
    ----------
    predictor : Predictor
        Of an ensemble (`prismseg.nets.Ensemble`).
    image : (H, W) or (H, W, C) array, or path of an image file
        As `Predictor` takes it.

    Raises
    ------
    ModelError
        When the network is no ensemble.
    DataError
        When the file or array is not a usable image.
    """
    ensemble = predictor.model
    if not isinstance(ensemble, Ensemble):
        raise ModelError(
            "Only the members of an ensemble can disagree, and this is a single network; make one: prismseg ensemble."
        )
    alone = [
        Predictor(ensemble.alone(index), mirror=predictor.mirror, device=predictor.device)
        for index in range(len(ensemble.names))
    ]
    masks = np.stack([each(image).mask for each in alone])
    classes = range(1, len(predictor.classes))
    dice = np.array([[[pair_dice(a == cls, b == cls) for cls in classes] for b in masks] for a in masks])
    return Disagreement(ensemble.names, masks, dice)


def pair_dice(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    """Dice of two masks; 1 where both are empty.

    Examples
    --------
    >>> pair_dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0
