"""How well random Fourier features approximate their kernel, dense and convolutional, against theory."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from prismseg.base import ConfigError
from prismseg.features import CRFFg2d, RandomFourierFeatures, exact_kernel, median_scale
from prismseg.features.kernels import require_kernel
from prismseg.study.kinds.kernel.figures import draw_kernel as draw_kernel
from prismseg.thermal.phantom import frame_at

MEASURES = ("rmse", "mean_abs", "max_abs", "bias", "epsilon", "epsilon_pairs")
_IMAGES = 4
_SIDE = 32  # pixels; the smallest phantom, so that thousands of feature maps of it fit


class KernelSettings(BaseModel):
    """Some independent maps of one kind, each compared with the exact kernel on the same patches.

    Attributes
    ----------
    kernel : str
        One of `prismseg.features.KERNELS`.
    map : {"rff", "crffg"}
        Dense features of the patches, or a convolutional layer that runs over the images they are cut from.
    form : {"cos", "paired"}
        ``cos(w x + b)``, or ``[cos(w x), sin(w x)]`` with half as many frequencies.
    sampling : {"iid", "orthogonal", "stratified", "orthogonal-stratified"}
        Of frequencies (orthogonal) and phases (stratified).
    outputs : int
        Number of features Q.
    sigma : float
        Length scale as a multiple of the median distance between the patches, in the kernel's own norm; for the
        arc-cosine kernel, which knows no distance, of their root mean square length.
    draws : int
        How many independent maps; each is a case of the tables.
    data : {"phantom", "noise"}
        Temperatures of simulated feet, or white noise; brought to mean 0 and SD 1.
    patch : int
        Odd side k of the patches; they have k² dimensions.
    points : int
        How many patches.
    data_seed, seed : int
        Of images and patches; of the maps.
    impossible : {"refuse", "skip"}
        What to do where a kernel has no such map: refuse the settings, or give rows without a value, so that one grid
        can hold all kernels.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    kernel: str = "gaussian"
    map: Literal["rff", "crffg"] = "rff"
    form: Literal["cos", "paired"] = "cos"
    sampling: Literal["iid", "orthogonal", "stratified", "orthogonal-stratified"] = "iid"
    outputs: int = Field(default=256, ge=2)
    sigma: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    draws: int = Field(default=50, ge=1)
    data: Literal["phantom", "noise"] = "phantom"
    patch: int = Field(default=3, ge=1, le=_SIDE // 2)
    points: int = Field(default=100, ge=2, le=1000)
    data_seed: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)
    impossible: Literal["refuse", "skip"] = "refuse"

    @model_validator(mode="after")
    def _consistent(self) -> KernelSettings:
        try:
            require_kernel(self.kernel)
        except ConfigError as error:
            raise ValueError(str(error)) from error
        if self.patch % 2 == 0:
            raise ValueError(f"patch is {self.patch}; it must be odd, so that a filter has a centre")
        if self.form == "paired" and self.outputs % 2:
            raise ValueError(f"a paired map needs an even number of outputs, not {self.outputs}")
        if self.impossible == "refuse" and self.obstacle:
            raise ValueError(f"{self.obstacle}; choose another map, or `impossible: skip`")
        return self

    @property
    def stratified(self) -> bool:
        """Whether phases are stratified."""
        return "stratified" in self.sampling

    @property
    def orthogonal(self) -> bool:
        """Whether frequencies are orthogonal."""
        return "orthogonal" in self.sampling

    @property
    def obstacle(self) -> str:
        """Why the kernel has no such map; empty where it has."""
        if self.stratified and self.form == "paired":
            return "a paired map has no phases to stratify"
        if self.stratified and self.kernel == "arccosine":
            return "the map of the arc-cosine kernel has no phases to stratify"
        if self.form == "paired" and self.kernel == "arccosine":
            return "the arc-cosine kernel has no paired map"
        if self.orthogonal and self.kernel == "laplacian_l1":
            return "the L1 Laplacian kernel is not isotropic, so it has no orthogonal features"
        return ""

    def row_labels(self) -> dict[str, Any]:
        """Columns of every row that say what was run."""
        names = {"kernel", "map", "form", "sampling", "outputs", "sigma", "seed"}
        return self.model_dump(include=names) | {"estimator": f"{self.form}, {self.sampling}"}


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


def estimator_variance(
    kernel: str,
    x: Tensor,
    y: Tensor,
    outputs: int,
    *,
    form: str = "cos",
    stratified: bool = False,
    scale: float = 1.0,
) -> Tensor:
    r"""Variance of ``z(x)'z(y)`` over draws of independent frequencies, in closed form.

    With ``k = k(x - y)``, ``k2 = k(2 (x - y))`` and Q outputs: ``(1 + k2 / 2 - k²) / Q`` for "cos" and
    ``(1 + k2 - 2 k²) / Q`` for "paired" (Sutherland & Schneider 2015, eqs. 3 and 4). Stratified phases take
    ``c k(x + y)² / (2 Q)`` off, ``c = sinc²(2 / Q)``: the products of two features lie on cosines
    ``cos(w_i'(x + y) + 2 b_i)`` whose phases now shun each other, ``E exp(2j (b_i - b_m)) = -c / (Q - 1)`` for i != m.
    That is not a function of x - y: only points near the origin gain. For the arc-cosine kernel
    ``(2 k_2(x, y) - k²) / Q``, with ``k_2 = |x|² |y|² (3 sin t cos t + (pi - t)(1 + 2 cos² t)) / (pi scale⁴)`` that of
    order 2 (Cho & Saul 2009, eqs. 3 and 6) and t the angle between x and y.

    Parameters
    ----------
    kernel : str
        One of `prismseg.features.KERNELS`.
    x, y : (N, D), (M, D) Tensor
        Points.
    outputs : int
        Q; a paired map has Q / 2 frequencies.
    form : {"cos", "paired"}
        Which map.
    stratified : bool
        Whether its phases are stratified.
    scale : float
        Length scale, in the units of the points.

    Returns
    -------
    (N, M) float64 Tensor
    """
    x, y = x.double() / scale, y.double() / scale
    k = exact_kernel(kernel, x, y)
    if kernel == "arccosine":
        return (2 * _arccosine_of_order_two(x, y) - k**2) / outputs
    twice = exact_kernel(kernel, 2 * x, 2 * y)
    if form == "paired":
        return (1 + twice - 2 * k**2) / outputs
    variance = 1 + twice / 2 - k**2
    if stratified:
        variance = variance - np.sinc(2 / outputs) ** 2 * exact_kernel(kernel, x, -y) ** 2 / 2
    return variance / outputs


def _arccosine_of_order_two(x: Tensor, y: Tensor) -> Tensor:
    squares = x.square().sum(1)[:, None] * y.square().sum(1)[None]
    cosine = (x @ y.T / squares.sqrt().clamp_min(torch.finfo(x.dtype).tiny)).clamp(-1, 1)
    angle = torch.acos(cosine)
    values: Tensor = squares * (3 * torch.sin(angle) * cosine + (math.pi - angle) * (1 + 2 * cosine**2)) / math.pi
    return values


def sample_places(settings: KernelSettings) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Images (B, 1, H, W) of mean 0 and SD 1, and where in them the patches lie: image and position (N,) each."""
    if settings.data == "phantom":
        frames = [frame_at(settings.data_seed, n, size=(_SIDE, _SIDE)).celsius for n in range(_IMAGES)]
        images = torch.from_numpy(np.stack(frames)).float()[:, None]
    else:
        images = torch.randn(_IMAGES, 1, _SIDE, _SIDE, generator=_generator(settings.data_seed, 0, 2))
    images = (images - images.mean()) / images.std()
    positions = (_SIDE - settings.patch + 1) ** 2
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
