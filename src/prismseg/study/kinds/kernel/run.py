"""How well random Fourier features approximate their kernel, dense and convolutional, against theory."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from prismseg.features import CRFFg2d, RandomFourierFeatures, exact_kernel, median_scale
from prismseg.study.kinds.kernel.settings import IMAGE_SIDE, KernelSettings
from prismseg.study.kinds.kernel.theory import estimator_variance
from prismseg.thermal.phantom import frame_at

MEASURES = ("rmse", "mean_abs", "max_abs", "bias", "epsilon", "epsilon_pairs")
_IMAGES = 4


def run_kernel(settings: KernelSettings, folder: Path) -> pd.DataFrame:
    """Draw maps and measure how far their inner products are from the exact kernel, and from each other.

    Returns
    -------
    DataFrame
        Columns kernel, map, form, sampling, estimator (the last two in one), outputs, sigma, seed, case, group, measure,
        value. For each draw (a case): rmse, mean_abs, max_abs and bias of the Gram matrix, self-products included; the
        thesis's ``epsilon``, the mean over points of ``| |z(x)|² - |z'(x)|² |`` with z' an independent dense map of the
        same kind, and ``epsilon_pairs``, that of ``|z(x)'z(y) - z'(x)'z'(y)|`` over different points. Without case:
        ``scale``, sigma in the units of the patches, and ``theory_rmse``, ``theory_mean_abs`` and ``theory_epsilon`` from
        `estimator_variance`, the last two with normally distributed errors. There is no closed form for orthogonal
        frequencies: their theory is that of independent ones.
    """
    labels = settings.row_labels()
    if settings.obstacle:
        rows = [{"measure": measure, "value": math.nan} for measure in MEASURES]
        return pd.DataFrame(rows).assign(case="", group="", **labels)
    images, places = sample_places(settings)
    patches = F.unfold(images, settings.patch).transpose(1, 2)
    points = patches[places[0], places[1]]
    scale = settings.sigma * base_scale(settings.kernel, points)
    exact = exact_kernel(settings.kernel, points.double(), points.double(), scale=scale)
    rows = [{"case": "", "group": "", "measure": "scale", "value": scale}, *_theory(settings, points, scale)]
    for draw in range(settings.draws):
        first, second = (_generator(settings.seed, draw, part, _point(settings)) for part in (0, 1))
        if settings.map == "crffg":
            features = convolutional_features(settings, images, places, scale, first)
        else:
            features = dense_features(settings, points, scale, first)
        other = dense_features(settings, points, scale, second)
        case = f"{settings.seed}.{draw}"
        found = _errors(features @ features.T, other @ other.T, exact)
        rows += [{"case": case, "group": case, "measure": name, "value": value} for name, value in found.items()]
    return pd.DataFrame(rows).assign(**labels)


def sample_places(settings: KernelSettings) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Images (B, 1, H, W) of mean 0 and SD 1, and where in them the patches lie: image and position (N,) each."""
    if settings.data == "phantom":
        frames = [frame_at(settings.data_seed, n, size=(IMAGE_SIDE, IMAGE_SIDE)).celsius for n in range(_IMAGES)]
        images = torch.from_numpy(np.stack(frames)).float()[:, None]
    else:
        images = torch.randn(_IMAGES, 1, IMAGE_SIDE, IMAGE_SIDE, generator=_generator(settings.data_seed, 0, 2))
    images = (images - images.mean()) / images.std()
    positions = (IMAGE_SIDE - settings.patch + 1) ** 2
    order = torch.randperm(_IMAGES * positions, generator=_generator(settings.data_seed, 0, 3))[: settings.points]
    return images, (order // positions, order % positions)


def base_scale(kernel: str, points: Tensor) -> float:
    """Length that sigma 1 stands for: the median distance of points (N, D), for arc-cosine their rms length."""
    if kernel == "arccosine":
        return float(points.double().square().sum(1).mean().sqrt())
    return median_scale(points, norm=1 if kernel == "laplacian_l1" else 2)


def dense_features(settings: KernelSettings, points: Tensor, scale: float, generator: torch.Generator) -> Tensor:
    """Map points (N, D) by dense features to (N, Q) float64."""
    layer = RandomFourierFeatures(points.shape[1], settings.outputs, **_options(settings), generator=generator)
    with torch.no_grad():
        layer.set_scale_(scale)
        return layer(points).double()  # type: ignore[no-any-return]


def convolutional_features(
    settings: KernelSettings,
    images: Tensor,
    places: tuple[Tensor, Tensor],
    scale: float,
    generator: torch.Generator,
) -> Tensor:
    """Map whole images by a CRFFg layer and take its outputs at `places`, (N, Q) float64."""
    layer = CRFFg2d(
        1, settings.outputs, settings.patch, padding_mode="none", **_options(settings), generator=generator
    )
    found = torch.empty(len(places[0]), settings.outputs, dtype=torch.float64)
    with torch.no_grad():
        layer.set_scale_(scale)
        # Image by image: all maps of all images would be the largest thing in memory.
        for number in range(len(images)):
            here = places[0] == number
            found[here] = layer(images[number : number + 1])[0].flatten(1).T[places[1][here]].double()
    return found


def _options(settings: KernelSettings) -> dict[str, Any]:
    return {
        "preset": "frozen",
        "kernel": settings.kernel,
        "mapping": settings.form,
        "orthogonal": settings.orthogonal,
        "stratified": settings.stratified,
    }


def _theory(settings: KernelSettings, points: Tensor, scale: float) -> list[dict[str, Any]]:
    variance = estimator_variance(
        settings.kernel,
        points,
        points,
        settings.outputs,
        form=settings.form,
        stratified=settings.stratified,
        scale=scale,
    ).clamp_min(0)
    # E|e| = sqrt(2 / pi) SD of a normal e; two independent maps differ with twice the variance.
    values = {
        "theory_rmse": variance.mean().sqrt(),
        "theory_mean_abs": (2 / math.pi * variance).sqrt().mean(),
        "theory_epsilon": (4 / math.pi * variance.diagonal()).sqrt().mean(),
    }
    return [{"case": "", "group": "", "measure": name, "value": float(value)} for name, value in values.items()]


def _errors(gram: Tensor, other: Tensor, exact: Tensor) -> dict[str, float]:
    error, difference = gram - exact, (gram - other).abs()
    count = len(gram)
    between = (difference.sum() - difference.trace()) / (count * (count - 1))
    values = {
        "rmse": error.square().mean().sqrt(),
        "mean_abs": error.abs().mean(),
        "max_abs": error.abs().max(),
        "bias": error.mean(),
        "epsilon": difference.diagonal().mean(),
        "epsilon_pairs": between,
    }
    return {name: float(value) for name, value in values.items()}


def _point(settings: KernelSettings) -> int:
    """Tell points of the grid apart: with the same random numbers in all, their errors would look alike."""
    drawn = (settings.kernel, settings.map, settings.form, settings.sampling, settings.outputs, settings.sigma)
    return zlib.crc32(repr(drawn).encode())


def _generator(seed: int, draw: int, part: int, point: int = 0) -> torch.Generator:
    words = np.random.SeedSequence([seed, draw, part, point]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
