"""The network of the monitor: what it sees in a frame, and how it came to see it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prismseg.base import Message, PrismsegError
from prismseg.base.version import VERSION
from prismseg.monitor.sessions.records import Provenance
from prismseg.monitor.store.files import encode_probabilities
from prismseg.thermal import Frame, template_hash

METHOD = Message(
    "means of the whole sole and of registered nerve territories, errors by noise, contour and second look"
)


@dataclass(frozen=True)
class Model:
    """Name of a network and the SHA-256 of its weights."""

    name: str
    sha256: str


class Measurer:
    """One network for all sessions; calls take turns.

    Parameters
    ----------
    name : str
        A shipped network, or a folder.
    """

    def __init__(self, name: str = "thermal-feet") -> None:
        from prismseg.inference.predictor import Predictor
        from prismseg.nets import find_model
        from prismseg.nets.storage.files import hash_weights

        folder = find_model(name)
        self.predictor = Predictor.from_pretrained(folder)
        self.model = Model(name, hash_weights(folder))
        self._thread_lock = threading.Lock()

    @property
    def provenance(self) -> Provenance:
        """With what numbers are made now."""
        return Provenance(VERSION, self.model.name, self.model.sha256, template_hash(), str(METHOD))

    def looks(self, frame: Frame) -> bytes:
        """Probabilities of sole in two looks at a frame, as they are kept.

        Raises
        ------
        PrismsegError
            When the frame is none that a network can be shown.
        """
        from prismseg.thermal.network.segmenter import predict_with_brightened

        with self._thread_lock:
            return encode_probabilities(*predict_with_brightened(self.predictor, frame))

    def glance(self, frame: Frame) -> NDArray[np.float32] | None:
        """Probability of sole in one look, for the live picture; None for a frame that cannot be shown to the network."""
        from prismseg.thermal.network.segmenter import foot_probability

        with self._thread_lock:
            try:
                return foot_probability(self.predictor, frame)
            except PrismsegError:
                return None
