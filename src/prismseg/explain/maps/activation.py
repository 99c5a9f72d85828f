"""Methods to compare others with: Eigen-CAM knows no class, the random map nothing, the region no evidence."""

from __future__ import annotations

import zlib

import torch
from torch import Tensor

from prismseg.explain.maps.method import ActivationMethod, ImageMethod, LayerContext


def eigen_cam(activation: Tensor) -> Tensor:
    """Compute Eigen-CAM: ReLU of A projected on its first principal direction (Muhammad & Yeasin 2020, eqs. 1 and 2).

    A is taken as a matrix of h w places by D channels, uncentred. The direction's sign is that for which the
    projection's sum is positive; a map is the same for every class.

    Parameters
    ----------
    activation : (B, D, h, w) Tensor

    Returns
    -------
    (B, h, w) Tensor
    """
    places = activation.flatten(2).double()
    # The right singular vectors of A are the eigenvectors of A'A, a D x D matrix; eigenvalues ascend.
    direction = torch.linalg.eigh(places @ places.mT).eigenvectors[..., -1:]
    projected = (direction.mT @ places).squeeze(1)
    projected = projected * projected.sum(1, keepdim=True).sign()
    maps: Tensor = projected.clamp_min(0).reshape(-1, *activation.shape[2:])
    return maps.to(activation.dtype)


def random_map(shape: torch.Size, *, layer: str, case: int, seed: int) -> Tensor:
    """Uniform noise (h, w) in [0, 1), a function of layer, case and seed: what a map without evidence scores."""
    generator = torch.Generator().manual_seed(zlib.crc32(f"{layer}/{case}/{seed}".encode()))
    return torch.rand(tuple(shape), generator=generator)


def _random_maps(activation: Tensor, context: LayerContext) -> Tensor:
    planes = [
        random_map(activation.shape[2:], layer=context.layer, case=case, seed=context.seed)
        for case in context.cases
    ]
    return torch.stack(planes).to(activation)


EIGEN_CAM = ActivationMethod(
    title="Eigen-CAM",
    formula=r"\operatorname{ReLU} (v_1^\top A), \; v_1 \text{ first principal direction of } A",
    citation="Muhammad & Yeasin 2020",
    maps=lambda activation, context: eigen_cam(activation),
)
RANDOM = ActivationMethod(title="random map", formula=r"\mathcal{U}(0, 1)", reads_network=False, maps=_random_maps)
REGION = ImageMethod(
    title="region as map",
    formula=r"\mathbb{1}[u \in R]",
    reads_network=False,
    maps=lambda context: context.regions,
)
