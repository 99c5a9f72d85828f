"""Why the network sees soles where it sees them: the fused activation map, and how unsure it is."""

from __future__ import annotations

import threading

import numpy as np
import torch
from numpy.typing import NDArray

from prismseg.explain import Atlas, layer_reach, pointwise_layers, scale_to_unit
from prismseg.explain.tensors import resize_maps
from prismseg.inference.predictor import Predictor
from prismseg.thermal import Frame

MAP_METHOD = "layercam"


class Explainer:
    """Maps of single frames.

    Parameters
    ----------
    predictor : Predictor
        The monitor's network.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._lock = threading.Lock()
        self._atlas: Atlas | None = None
        self._flat: list[str] = []  # layers whose maps lie on the prediction by construction

    def evidence(self, frame: Frame) -> NDArray[np.float64]:
        """Mean of the sole's Layer-CAM maps over all layers that reach beyond a pixel, each over [0, 1]; (H, W)."""
        celsius = frame.celsius
        filled = np.where(np.isfinite(celsius), celsius, np.nanmin(celsius)).astype(np.float32)
        with self._lock:
            image = self._predictor.preprocess.image_tensor(filled[..., None])[None]
            if self._atlas is None:
                self._atlas = Atlas(self._predictor.model, layers="all", methods=[MAP_METHOD], region="prediction")
                self._flat = pointwise_layers(layer_reach(self._atlas, image), MAP_METHOD)
            maps = self._atlas.maps(image)
        total = sum(
            scale_to_unit(resize_maps(each, frame.size))
            for (_, layer, cls), each in maps.items()
            if cls == 1 and layer not in self._flat
        )
        fused = np.asarray(torch.as_tensor(total)[0], np.float64)
        return fused / max(float(fused.max()), 1e-12)


def uncertainty(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """How unsure the network is, 0 to 1: the entropy in bits of its two looks' mean."""
    mean = np.clip((first.astype(np.float64) + second) / 2, 1e-6, 1 - 1e-6)
    return np.asarray(-(mean * np.log2(mean) + (1 - mean) * np.log2(1 - mean)))
