"""What dense and convolutional random Fourier features share: weights, phases, scale and the cosine."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function_unary

from prismseg.base import ConfigError
from prismseg.features.kernels import distance_norm
from prismseg.features.normalize import MIN_VARIANCE, Normalizer, unit_rms
from prismseg.features.scale import SAMPLED_POINTS, inverse_root, median_scale
from prismseg.features.settings import FourierSettings
from prismseg.features.spectral import sample_frequencies, sample_phases, second_moment

# Largest |log s|: s² and 1 / s² then stay well inside float32, whatever step an optimiser takes.
LOG_SCALE_LIMIT = 20.0


class FourierFeatures(nn.Module):
    """Random frequencies, phases and a length scale; subclasses say what the linear map is.

    The frequencies are ``omega = weight / s`` with ``s = sigma / unit`` and ``unit = sqrt(n m)``, the root mean square
    norm of the kernel's frequencies at sigma 1 (m is 1 for scale_unit "fan_in"). Thus entries of `weight` have the size
    of a convolution's, ``1 / sqrt(n)``, and an optimiser's step turns phases by as much as it changes the sums of a
    convolution. With the kernel's own draws as parameter and ``omega = W / sigma``, as in the published code, Adam's
    steps are ``unit`` times too short.

    Parameters
    ----------
    out_features : int
        Number of features Q.
    weight_shape : tuple of int
        Shape of one frequency: (features,), or (channels, k, k).
    settings : FourierSettings
        How features are drawn, scaled and trained.
    generator : torch.Generator or None
        Source of the random weights; None for torch's global one.

    Attributes
    ----------
    weight : Tensor
        Frequencies at s = 1, (Q, …) for mapping "cos", (Q / 2, …) for "paired".
    bias : (Q,) Tensor or None
        Phases; None for "paired" and for the arc-cosine kernel.
    amplitudes : (number of frequencies,) Tensor or None
        Factor of each frequency where `settings.trainable_amplitude`. With amplitude "kernel" and F paired frequencies
        inner products are then the kernel ``k(d) = (1 / F) sum_f a_f² cos(omega_f' d)``, whose spectrum has the mass a_f²
        at omega_f (Bochner; sparse spectra as in Lázaro-Gredilla et al. 2010).
    log_relative_scale : scalar Tensor
        Logarithm of s, so that training keeps sigma positive.
    unit : float
        What sigma is measured in.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    amplitudes: nn.Parameter | None
    log_relative_scale: Tensor
    _batch_norm: ClassVar[type[nn.BatchNorm1d] | type[nn.BatchNorm2d]]

    def __init__(
        self,
        out_features: int,
        weight_shape: tuple[int, ...],
        settings: FourierSettings,
        generator: torch.Generator | None,
    ) -> None:
        super().__init__()
        self.rms: Normalizer = unit_rms  # another one where inputs are pieces, see prismseg.nets.skips.pieces
        if settings.mapping == "paired" and out_features % 2:
            raise ConfigError(f"A paired map needs an even number of features, not {out_features}.")
        self.out_features = out_features
        self.settings = settings
        self.fan_in = math.prod(weight_shape)
        moment = 1.0
        if settings.scale_unit == "critical":
            moment = second_moment(settings.kernel, truncate=settings.truncate)
        self.unit = math.sqrt(self.fan_in * moment)
        filters = out_features // 2 if settings.mapping == "paired" else out_features
        self.weight = nn.Parameter(torch.empty(filters, *weight_shape), requires_grad=settings.trainable_weight)
        if settings.mapping == "cos" and settings.kernel != "arccosine":
            self.bias = nn.Parameter(torch.empty(filters), requires_grad=settings.trainable_weight)
        else:
            self.register_parameter("bias", None)
        if settings.trainable_amplitude:
            self.amplitudes = nn.Parameter(torch.empty(filters))
        else:
            self.register_parameter("amplitudes", None)
        if settings.trainable_scale:
            self.log_relative_scale = nn.Parameter(torch.empty(()))
        else:
            self.register_buffer("log_relative_scale", torch.empty(()))
        self.norm = (
            self._batch_norm(weight_shape[0], eps=MIN_VARIANCE, affine=False)
            if settings.normalization == "batch"
            else None
        )
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw frequencies and phases again, and reset sigma and amplitudes."""
        settings = self.settings
        frequencies = sample_frequencies(
            settings.kernel,
            len(self.weight),
            self.fan_in,
            orthogonal=settings.orthogonal,
            truncate=settings.truncate,
            generator=generator,
        )
        with torch.no_grad():
            self.weight.copy_(frequencies.reshape(self.weight.shape) / self.unit)
            if self.bias is not None:
                phases = sample_phases(len(self.bias), stratified=settings.stratified, generator=generator)
                self.bias.copy_(phases)
            if self.amplitudes is not None:
                self.amplitudes.fill_(1.0)
        self.set_scale_(
            settings.scale * (self.unit if settings.scale_unit == "critical" else math.sqrt(self.fan_in))
        )

    @property
    def relative_scale(self) -> Tensor:
        """Sigma in units of `unit`, positive and finite whatever steps an optimiser takes."""
        return self.log_relative_scale.clamp(-LOG_SCALE_LIMIT, LOG_SCALE_LIMIT).exp()

    @property
    def scale(self) -> Tensor:
        """Length scale sigma, a scalar tensor."""
        return self.relative_scale * self.unit

    def set_scale_(self, sigma: float) -> None:
        """Set the length scale."""
        with torch.no_grad():
            self.log_relative_scale.fill_(math.log(sigma / self.unit))

    def frequencies(self) -> Tensor:
        """Frequencies omega, of the shape of `weight`."""
        return self.weight / self.relative_scale

    @property
    def fits_data(self) -> bool:
        """Whether `fit_` changes the layer."""
        return self.settings.fit != "nothing"

    def fit_points_(self, points: Tensor, generator: torch.Generator | None = None) -> None:
        """Fit to points as `settings.fit` says.

        "scale": sigma becomes `settings.scale` times the median distance between different points. "frequencies": with
        C the covariance of the points (`inverse_root`), omega becomes ``C^(-1/2) omega``, so that the kernel
        k(x - y) becomes ``k(C^(-1/2) (x - y))``, which measures distances in standard deviations of the data
        (Mahalanobis), and phases omega' x have the variance that they have on white points of rms 1. What points of fewer
        than two values do not tell stays as it is.

        Parameters
        ----------
        points : (N, n) Tensor
            Normalised as the layer's input is.
        generator : torch.Generator, optional
            Chooses among many points; by default torch's global one.
        """
        with torch.no_grad():
            if self.settings.fit == "scale":
                drawn = torch.randperm(len(points), generator=generator)[:SAMPLED_POINTS]
                chosen: Tensor = torch.unique(points[drawn], dim=0)
                if len(chosen) > 1:
                    median = median_scale(chosen, norm=distance_norm(self.settings.kernel), generator=generator)
                    self.set_scale_(self.settings.scale * median)
            elif self.settings.fit == "frequencies" and bool((points != points[0]).any()):
                root = inverse_root(points)
                self.weight.copy_((self.weight.flatten(1).double() @ root).reshape(self.weight.shape))

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *arguments: Any) -> None:
        """Convert weights of version 0.1, which held the kernel's own draws W and the logarithm of sigma."""
        old, new = f"{prefix}log_scale", f"{prefix}log_relative_scale"
        if old in state_dict and new not in state_dict and f"{prefix}weight" in state_dict:
            state_dict[new] = state_dict.pop(old) - math.log(self.unit)
            state_dict[f"{prefix}weight"] = state_dict[f"{prefix}weight"] / self.unit
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def normalize(self, x: Tensor) -> Tensor:
        """Normalise an input as the settings say; its shape stays the same."""
        if self.norm is not None:
            normalized: Tensor = self.norm(x)
            return normalized
        return self.rms(x) if self.settings.normalization == "rms" else x

    def amplitude(self) -> float:
        """Constant factor on the cosines."""
        if self.settings.amplitude == "none":
            return 1.0
        return math.sqrt(2.0 if self.settings.amplitude == "unit" else 2.0 / self.out_features)

    def activate(self, projection: Tensor) -> Tensor:
        """Turn omega x + b (without phase: omega x), feature dimension 1, into features, in float32."""
        amplitude = self.amplitude()
        if self.settings.kernel == "arccosine":
            features = torch.relu(projection) * amplitude
        elif self.settings.mapping == "paired":
            features = torch.cat([torch.cos(projection), torch.sin(projection)], dim=1) * amplitude
        else:
            features = scaled_cosine(projection, amplitude)
        if self.amplitudes is not None:
            each = self.amplitudes.repeat(2) if self.settings.mapping == "paired" else self.amplitudes
            features = features * each.reshape(-1, *[1] * (features.ndim - 2))
        return features * mass_factor(self.weight) if self.settings.mass else features


class _ScaledCosine(torch.autograd.Function):
    """``amplitude * cos(x)`` that saves one tensor for the backward pass and allocates one in each direction."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, amplitude: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.amplitude = amplitude  # type: ignore[attr-defined]
        return torch.cos(x).mul_(amplitude)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return torch.sin(x).mul_(gradients[0]).mul_(-ctx.amplitude), None  # type: ignore[attr-defined]


def scaled_cosine(x: Tensor, amplitude: float) -> Tensor:
    """``amplitude * cos(x)``; a compiler fuses the plain form, eager mode needs less memory with its own function."""
    if torch.compiler.is_compiling():
        return torch.cos(x) * amplitude
    if has_torch_function_unary(
        x
    ):  # under a mode, such as the rules of relevance propagation, it has a name of its own
        named: Tensor = handle_torch_function(scaled_cosine, (x,), x, amplitude)
        return named
    result: Tensor = _ScaledCosine.apply(x, amplitude)  # type: ignore[no-untyped-call]
    return result


def mass_factor(weight: Tensor) -> Tensor:
    """Factor "mass" of the thesis's published code.

    The square root of the trapezoidal integral of the normal density with the mean and standard deviation of
    the filter norms, over the sorted norms: 0.94–1.0 for random filters. Where all norms are equal, for which
    the original is undefined, it is 1.

    Parameters
    ----------
    weight : (Q, …) Tensor
        Filters.

    Returns
    -------
    scalar Tensor

    Examples
    --------
    >>> round(float(mass_factor(torch.tensor([[1.0], [3.0]]))), 4)
    0.6957
    """
    norms = weight.flatten(1).norm(dim=1).sort().values
    deviation = norms.std(correction=0)
    safe = torch.where(deviation > 0, deviation, torch.ones_like(deviation))
    density = torch.exp(-0.5 * ((norms - norms.mean()) / safe) ** 2) / (safe * math.sqrt(2 * math.pi))
    mass = torch.trapezoid(density, norms).sqrt()
    return torch.where(deviation > 0, mass, torch.ones_like(mass))
