"""The network of the monitor: where the soles are in a frame, and with what that was found."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message, PrismsegError
from prismseg.base.version import VERSION
from prismseg.monitor.sessions.details import Provenance
from prismseg.thermal import Frame, template_hash

if TYPE_CHECKING:
    from prismseg.inference.predictor import Predictor

Probability = NDArray[np.float32]

# Stored with every result: another wording would be another method.
METHOD = Message(
    "means of the whole sole and of registered nerve territories, errors by noise, contour and second look"
)


@dataclass(frozen=True)
class ModelIdentity:
    """Name of a network and the SHA-256 of its weights."""

    name: str
    sha256: str


class Segmenter(Protocol):
    """What sessions need of a network."""

    @property
    def model(self) -> ModelIdentity:
        """Which network it is."""

    @property
    def provenance(self) -> Provenance:
        """With what results are made now."""

    def segment(self, frame: Frame) -> tuple[Probability, Probability]:
        """Give the probability of sole (H, W) of a frame, and of the frame with its cold parts brightened.

        Raises
        ------
        PrismsegError
            When the network cannot take the frame.
        """


class SoleSegmenter:
    """One network for all sessions; calls take turns.

    Parameters
    ----------
    model : str or Path
        Name of a shipped network, its folder, or the folder of a run.
    """

    def __init__(self, model: str | Path = "thermal-feet") -> None:
        from prismseg.inference.predictor import Predictor
        from prismseg.nets import find_model
        from prismseg.nets.storage.files import hash_weights

        folder = find_model(model)
        self.predictor: Predictor = Predictor.from_pretrained(folder)
        self.model = ModelIdentity(str(model), hash_weights(folder))
        self._lock = threading.Lock()

    @property
    def provenance(self) -> Provenance:
        """With what results are made now."""
        return Provenance(VERSION, self.model.name, self.model.sha256, template_hash(), str(METHOD))

    def segment(self, frame: Frame) -> tuple[Probability, Probability]:
        """Give the probability of sole (H, W) of a frame, and of the frame with its cold parts brightened.

        Raises
        ------
        PrismsegError
            When the network cannot take the frame.
        """
        from prismseg.thermal.network.segmenter import predict_with_brightened

        with self._lock:
            return predict_with_brightened(self.predictor, frame)

    def segment_live(self, frame: Frame) -> Probability | None:
        """Give the probability of sole (H, W) for the live picture; None for a frame that the network cannot take."""
        from prismseg.thermal.network.segmenter import foot_probability

        with self._lock:
            try:
                return foot_probability(self.predictor, frame)
            except PrismsegError:
                return None
