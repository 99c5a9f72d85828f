"""How sure a network is of each pixel, and, of an instant segmenter, why: exact variances and shares of the logits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from prismseg.base import atomic_path
from prismseg.data import read_image
from prismseg.inference.predictor import Predictor, require_one_label
from prismseg.inference.render import displayable
from prismseg.nets import InstantSegmenter


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How sure a network is of each pixel of one image, at the image's own size.

    Attributes
    ----------
    entropy : (H, W) float32
        Of the predicted probabilities, in units of that of equal ones, ln K: 0 where the network is sure, 1 where all
        classes are equally probable.
    epistemic : (K, H, W) float32 or None
        Of an instant segmenter: the variance of its outputs that more labelled images would reduce.
    aleatoric : (K,) float32 or None
        The variance that they would not reduce.
    shares : dict of str to (K, H, W) or (1, H, W) float32
        Of an instant segmenter: what each part of the features adds to the logits; they sum to the logits.
    """

    entropy: NDArray[np.float32]
    epistemic: NDArray[np.float32] | None = None
    aleatoric: NDArray[np.float32] | None = None
    shares: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def save(self, path: str | Path) -> Path:
        """Write an NPZ file: ``entropy``, ``epistemic``, ``aleatoric``, ``parts``, ``shares``; maps in half precision."""
        arrays: dict[str, NDArray[np.generic]] = {"entropy": self.entropy.astype(np.float16)}
        if self.epistemic is not None and self.aleatoric is not None:
            arrays["epistemic"], arrays["aleatoric"] = self.epistemic.astype(np.float16), self.aleatoric
        if self.shares:
            arrays["parts"] = np.array(list(self.shares))
            arrays["shares"] = np.stack(list(self.shares.values())).astype(np.float16)
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
        return Path(path)


def find_uncertainty(predictor: Predictor, image: NDArray[np.generic] | str | Path) -> Uncertainty:
    """Say how sure the network of `predictor` is of each pixel of an image.

    Parameters
    ----------
    predictor : Predictor
        Of any network; of an instant segmenter variances and shares come along.
    image : (H, W) or (H, W, C) array, or path of an image file
        As `Predictor` takes it.

    Raises
    ------
    DataError
        When the file or array is not a usable image.

    Examples
    --------
    >>> predictor = Predictor.from_pretrained("thermal-feet")
    >>> found = find_uncertainty(predictor, np.full((120, 160), 22.0, np.float32))  # a wall of 22 °C
    >>> found.entropy.shape, bool(found.entropy.max() < 0.5), found.epistemic
    ((120, 160), True, None)
    """
    require_one_label(predictor, "uncertainty")
    array = read_image(image) if isinstance(image, str | Path) else np.asarray(image)
    size = (array.shape[0], array.shape[1])
    entropy = entropy_of(predictor(array).probabilities)
    network = predictor.model
    if not isinstance(network, InstantSegmenter):
        return Uncertainty(entropy)
    with torch.inference_mode():
        x = predictor.preprocess.image_tensor(array)[None].to(predictor.device)
        variance = network.variance(x)
        shares = {name: _full(share, size) for name, share in network.attribute(x).items()}
    return Uncertainty(entropy, _full(variance.epistemic, size), variance.aleatoric.cpu().numpy(), shares)


def entropy_of(probabilities: NDArray[np.floating]) -> NDArray[np.float32]:
    """Entropy (H, W) of probabilities (K, H, W), in units of ln K.

    Examples
    --------
    >>> entropy_of(np.array([[[0.5, 1.0]], [[0.5, 0.0]]]))
    array([[1., 0.]], dtype=float32)
    """
    p = np.clip(probabilities.astype(np.float64), np.finfo(np.float64).tiny, 1)
    entropy = -(p * np.log(p)).sum(0) / np.log(len(p))
    clipped: NDArray[np.float32] = np.maximum(entropy, 0).astype(np.float32)
    return clipped


def draw_entropy(image: NDArray[np.generic], entropy: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw entropy (H, W) from 0 to 1 over an image (H, W, C): the surer, the more of the image is seen."""
    from matplotlib import colormaps

    grey = displayable(image).mean(2, keepdims=True)
    heat = np.asarray(colormaps["magma"](np.clip(entropy, 0, 1)))[..., :3] * 255
    weight = np.clip(entropy, 0, 1)[..., None]
    drawn: NDArray[np.uint8] = ((1 - weight) * grey + weight * heat).round().astype(np.uint8)
    return drawn


def write_uncertainty(folder: Path, name: str, image: NDArray[np.generic], found: Uncertainty) -> None:
    """Write ``NAME.npz`` with all maps and ``NAME.png`` with the entropy over the image."""
    found.save(folder / f"{name}.npz")
    with atomic_path(folder / f"{name}.png") as temporary:
        Image.fromarray(draw_entropy(image, found.entropy)).save(temporary)


def _full(maps: Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    """Enlarge maps (1, K, h, w) to the size of the image: (K, H, W)."""
    full = F.interpolate(maps.float(), size=size, mode="bilinear", align_corners=False)[0]
    values: NDArray[np.float32] = full.cpu().numpy()
    return values
